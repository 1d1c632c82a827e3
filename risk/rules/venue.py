"""Whether a venue works: its mode, its failures, its rejections."""

from typing import Annotated, ClassVar, override

from msgspec import Meta

from engine.config import PositiveSecs, Share
from risk.proposal import Proposal, Refusal
from risk.rules.rule import Rule
from risk.standing import Standing
from risk.tally import Health

_SECOND_NS = 1_000_000_000


class FailedExecutions(Rule, frozen=True):
    """Refuse to buy at a venue where `limit_failures` executions failed within `window_secs`.

    Failed: the venue rejected an order, an order that had to trade at once did not trade at all, or
    `Guardian.note_health` was told so.
    """

    higher_is_tighter: ClassVar[frozenset[str]] = frozenset({"window_secs"})
    limit_failures: Annotated[int, Meta(ge=1)]
    window_secs: Annotated[float, Meta(gt=0, le=86_400)]

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        since_ns = proposal.now_ns - round(self.window_secs * _SECOND_NS)
        count = standing.tally.failures_since(proposal.venue, since_ns)
        if count < self.limit_failures:
            return None
        return self.because(
            f"{count} failures at {proposal.venue} within {self.window_secs:g} secs, limit is {self.limit_failures}"
        )


class RejectRate(Rule, frozen=True):
    """Refuse to buy where a venue rejected more than a `share` of `least_answers` or more in `window_secs`."""

    share: Share
    least_answers: Annotated[int, Meta(ge=1)]
    window_secs: PositiveSecs

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        since_ns = proposal.now_ns - round(self.window_secs * _SECOND_NS)
        rejected, answered = standing.tally.answers_since(proposal.venue, since_ns)
        if answered < self.least_answers or rejected <= self.share * answered:
            return None
        return self.because(
            f"{proposal.venue} rejected {rejected} of {answered} orders within {self.window_secs:g} secs, "
            f"limit is a share of {self.share:g}"
        )


class VenueMode(Rule, frozen=True):
    """Refuse to buy unless the last word on a venue is `normal`, and to sell while it is `down`.

    The word comes from `Guardian.note_health`; a venue of which nobody has spoken is not normal.
    """

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        mode = standing.tally.modes.get(proposal.venue)
        if mode == Health.NORMAL or (proposal.is_reducing and mode != Health.DOWN):
            return None
        return self.because(f"{proposal.venue} is {mode or 'of unknown health'}, expected normal")
