"""How fast we may go: orders a second, trades a day, cancels for each trade."""

from typing import Annotated, override

from msgspec import Meta

from risk.proposal import Proposal, Refusal
from risk.rules.rule import Rule
from risk.standing import Standing

_SECOND_NS = 1_000_000_000


class MaxOrdersPerSecond(Rule, frozen=True):
    """Refuse whatever would be more than `limit_orders` orders and changes within one second, sales too."""

    limit_orders: Annotated[int, Meta(ge=1)]

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        count = standing.tally.orders_since(proposal.now_ns - _SECOND_NS) + 1
        if count <= self.limit_orders:
            return None
        return self.because(f"{count} orders within one second, limit is {self.limit_orders}")


class MaxTradesPerDay(Rule, frozen=True):
    """Refuse to buy what could become more than `limit_trades` orders filled in a UTC day.

    An order that fills in parts counts once, sales included; live purchases count as if they filled.
    """

    limit_trades: Annotated[int, Meta(ge=1)]

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing or proposal.is_change:
            return None
        live = sum(len(lot.bids) for lot in standing.lots().values())
        count = standing.tally.trades_today + live + 1
        if count <= self.limit_trades:
            return None
        return self.because(f"this could be trade {count} of the day, limit is {self.limit_trades}")


class MaxCancelFillRatio(Rule, frozen=True):
    """Refuse to buy while a UTC day has more than `limit` cancels for each trade, from `least_cancels` on.

    A day without a trade counts as one with a single trade.
    """

    limit: Annotated[float, Meta(gt=0)]
    least_cancels: Annotated[int, Meta(ge=1)]

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        cancels, trades = standing.tally.cancels_today, max(standing.tally.trades_today, 1)
        if proposal.is_reducing or cancels < self.least_cancels or cancels <= self.limit * trades:
            return None
        return self.because(
            f"{cancels} cancels and {standing.tally.trades_today} trades today, limit is {self.limit:g} for each"
        )
