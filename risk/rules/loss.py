"""How much may be lost before trading pauses; what sells a position always passes."""

from decimal import Decimal
from typing import Annotated, ClassVar, override

from msgspec import Meta

from engine.config import PositiveSecs, Share, Usd
from risk.marks import DAY_NS, week_ends_ns
from risk.proposal import Proposal, Refusal
from risk.rules.rule import Pause, Rule, as_usd, exact, must_be_amount, until_text
from risk.standing import Standing

_CENT = Decimal("0.01")
_SECOND_NS = 1_000_000_000


class MaxDailyLoss(Pause, frozen=True):
    """Pause until the next UTC midnight once a day has lost `limit`, open positions included.

    The day begins with the equity at its first look; deposits and withdrawals move nothing. What counts
    is the worst moment of the day, so a recovery does not end the pause.
    """

    needs_equity: ClassVar[bool] = True
    limit: Usd

    @override
    def breach(self, standing: Standing, now_ns: int) -> str | None:
        lost = must_be_amount(standing.lost_today_usd(), "a loss of the day")
        if lost < self.limit:
            return None
        until = until_text(_midnight_after(now_ns))
        return f"{as_usd(lost)} lost today, limit is {as_usd(self.limit)}; paused until {until}"


class MaxDailyLossShare(Pause, frozen=True):
    """Pause until the next UTC midnight once a day has lost a `share` of the equity it began with."""

    needs_equity: ClassVar[bool] = True
    share: Share

    @override
    def breach(self, standing: Standing, now_ns: int) -> str | None:
        limit = exact(self.share) * must_be_amount(standing.day_start_usd(), "an equity of the morning")
        lost = must_be_amount(standing.lost_today_usd(), "a loss of the day")
        if lost < limit:
            return None
        until = until_text(_midnight_after(now_ns))
        return f"{as_usd(lost)} lost today, limit is {as_usd(limit)}; paused until {until}"


class MaxWeeklyLoss(Pause, frozen=True):
    """Pause until the next Monday, 00:00 UTC, once an ISO week has lost `limit`, open positions included."""

    needs_equity: ClassVar[bool] = True
    limit: Usd

    @override
    def breach(self, standing: Standing, now_ns: int) -> str | None:
        lost = must_be_amount(standing.lost_this_week_usd(), "a loss of the week")
        if lost < self.limit:
            return None
        until = until_text(week_ends_ns(now_ns))
        return f"{as_usd(lost)} lost this week, limit is {as_usd(self.limit)}; paused until {until}"


class MaxLossPerTrade(Rule, frozen=True):
    """Refuse an order that could lose more than `limit`, fee included."""

    limit: Usd

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing or proposal.whole_usd <= self.limit:
            return None
        return self.because(f"{as_usd(proposal.whole_usd)} could be lost, limit is {as_usd(self.limit)}")


class MaxLossPerTradeShare(Rule, frozen=True):
    """Refuse an order that could lose more than a `share` of the equity now, fee included."""

    needs_equity: ClassVar[bool] = True
    share: Share

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        limit = exact(self.share) * must_be_amount(standing.equity_usd(), "an equity")
        if proposal.whole_usd <= limit:
            return None
        return self.because(f"{as_usd(proposal.whole_usd)} could be lost, limit is {as_usd(limit)}")


class ConsecutiveLosses(Pause, frozen=True):
    """Pause for `pause_secs` after `limit_losses` positions in a row were closed at a loss.

    One more loss after the pause begins the next one: only a profit ends the row. Each outcome is a
    position of its own, so of two sides held together one loses.
    """

    higher_is_tighter: ClassVar[frozenset[str]] = frozenset({"pause_secs"})
    limit_losses: Annotated[int, Meta(ge=1)]
    pause_secs: PositiveSecs

    @override
    def breach(self, standing: Standing, now_ns: int) -> str | None:
        losses = standing.tally.losses_in_a_row
        if losses < self.limit_losses:
            return None
        until_ns = standing.tally.last_loss_ns + round(self.pause_secs * _SECOND_NS)
        if now_ns >= until_ns:
            return None
        return f"{losses} losses in a row, limit is {self.limit_losses}; paused until {until_text(until_ns)}"


class RatchetingDrawdown(Pause, frozen=True):
    """Pause while equity is a share of `limit` or more below its high-water mark.

    The mark only goes up, except that a withdrawal takes it down with the capital. At the mark's first
    look it is the equity itself.
    """

    needs_equity: ClassVar[bool] = True
    limit: Share

    @override
    def breach(self, standing: Standing, now_ns: int) -> str | None:
        high, equity = standing.high_water_usd(), standing.equity_usd()
        floor = must_be_amount(high, "a high-water mark") * (1 - Decimal(repr(self.limit)))
        if equity > floor:
            return None
        return (
            f"equity of {as_usd(equity)} is {_percent(high - equity, high)} below its high-water mark of "
            f"{as_usd(high)}, limit is {_percent(Decimal(repr(self.limit)), Decimal(1))}; "
            f"paused until equity is above {as_usd(floor)}"
        )


def _midnight_after(now_ns: int) -> int:
    return (now_ns // DAY_NS + 1) * DAY_NS


def _percent(part: Decimal, whole: Decimal) -> str:
    if not whole:
        return "nothing"
    return f"{(100 * part / whole).quantize(_CENT)} %"
