"""Whether a venue works: its mode, its failures, its rejections."""

from typing import Annotated, ClassVar, override

from msgspec import Meta

from engine.config import PositiveSecs, Share
from markets.facts import Condition
from risk.proposal import Proposal, Refusal
from risk.rules.rule import Rule
from risk.standing import Standing

_SECOND_NS = 1_000_000_000


_WORKS = frozenset({Condition.NORMAL, Condition.UNRECORDED})
_NOTHING_GOES = frozenset({Condition.DOWN, Condition.CANCEL_ONLY, Condition.PAUSED, Condition.RESTARTING})


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


class MaxApiErrors(Rule, frozen=True):
    """Refuse to buy at a venue where `limit_errors` requests ended in an error within `window_secs`.

    Errors are what `Guardian.note_health` and `VenueCondition` call `api_error`; a replay has none of its own.
    """

    higher_is_tighter: ClassVar[frozenset[str]] = frozenset({"window_secs"})
    limit_errors: Annotated[int, Meta(ge=1)]
    window_secs: Annotated[float, Meta(gt=0, le=86_400)]

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        since_ns = proposal.now_ns - round(self.window_secs * _SECOND_NS)
        count = standing.tally.api_errors_since(proposal.venue, since_ns)
        if count < self.limit_errors:
            return None
        return self.because(
            f"{count} errors of requests to {proposal.venue} within {self.window_secs:g} secs, "
            f"limit is {self.limit_errors}"
        )


class MaxFaults(Rule, frozen=True):
    """Refuse to buy where `limit_faults` judgements broke within `window_secs`: by an error or a missing figure."""

    higher_is_tighter: ClassVar[frozenset[str]] = frozenset({"window_secs"})
    limit_faults: Annotated[int, Meta(ge=1)]
    window_secs: Annotated[float, Meta(gt=0, le=86_400)]

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        count = standing.tally.faults_since(proposal.now_ns - round(self.window_secs * _SECOND_NS))
        if count < self.limit_faults:
            return None
        return self.because(
            f"{count} orders could not be judged within {self.window_secs:g} secs, limit is {self.limit_faults}"
        )


class MaxLatency(Rule, frozen=True):
    """Refuse to buy where an answer to a new order took more than `limit_secs` within `window_secs`.

    An order that still waits counts with the time it has waited so far.
    """

    higher_is_tighter: ClassVar[frozenset[str]] = frozenset({"window_secs"})
    limit_secs: PositiveSecs
    window_secs: Annotated[float, Meta(gt=0, le=86_400)]

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        since_ns = proposal.now_ns - round(self.window_secs * _SECOND_NS)
        slowest_secs = standing.tally.slowest_since(proposal.venue, since_ns, proposal.now_ns) / _SECOND_NS
        if slowest_secs <= self.limit_secs:
            return None
        return self.because(
            f"{proposal.venue} took {slowest_secs:g} secs for an answer within {self.window_secs:g} secs, "
            f"limit is {self.limit_secs:g} secs"
        )


class VenueMode(Rule, frozen=True):
    """Refuse to buy unless the last word on a venue is `normal`, and to sell while it takes no orders at all.

    The word comes from `Guardian.note_health` or a `VenueCondition`; a venue of which nobody has spoken is
    not normal. In a replay of a recording that holds no such word the venue is `unrecorded`: that passes,
    and the report says so.
    """

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        mode = standing.tally.mode_of(proposal.venue)
        if mode in _WORKS or (proposal.is_reducing and mode not in _NOTHING_GOES):
            return None
        return self.because(f"{proposal.venue} is {mode or 'of unknown health'}, expected normal")
