"""How much may be lost before trading pauses; what sells a position always passes."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar, override

from engine.config import Share, Usd
from risk.marks import DAY_NS
from risk.proposal import Proposal, Refusal
from risk.rules.rule import Rule, as_usd, must_be_amount
from risk.standing import Standing

_CENT = Decimal("0.01")


class MaxDailyLoss(Rule, frozen=True):
    """Pause until the next UTC midnight once a day has lost `limit`, open positions included.

    The day begins with the equity at its first look; deposits and withdrawals move nothing. What counts
    is the worst moment of the day, so a recovery does not end the pause.
    """

    needs_equity: ClassVar[bool] = True
    limit: Usd

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        lost = must_be_amount(standing.lost_today_usd(), "a loss of the day")
        if lost < self.limit:
            return None
        midnight_secs = (proposal.now_ns // DAY_NS + 1) * DAY_NS // 1_000_000_000
        until = datetime.fromtimestamp(midnight_secs, UTC).strftime("%Y-%m-%d %H:%M UTC")
        return self.because(f"{as_usd(lost)} lost today, limit is {as_usd(self.limit)}; paused until {until}")


class RatchetingDrawdown(Rule, frozen=True):
    """Pause while equity is a share of `limit` or more below its high-water mark.

    The mark only goes up, except that a withdrawal takes it down with the capital. At the mark's first
    look it is the equity itself.
    """

    needs_equity: ClassVar[bool] = True
    limit: Share

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        high, equity = standing.high_water_usd(), standing.equity_usd()
        floor = must_be_amount(high, "a high-water mark") * (1 - Decimal(repr(self.limit)))
        if equity > floor:
            return None
        return self.because(
            f"equity of {as_usd(equity)} is {_percent(high - equity, high)} below its high-water mark of "
            f"{as_usd(high)}, limit is {_percent(Decimal(repr(self.limit)), Decimal(1))}; "
            f"paused until equity is above {as_usd(floor)}"
        )


def _percent(part: Decimal, whole: Decimal) -> str:
    if not whole:
        return "nothing"
    return f"{(100 * part / whole).quantize(_CENT)} %"
