"""What is left of an edge when everything is paid."""

from decimal import Decimal
from typing import Annotated, ClassVar, override

from msgspec import Meta

from engine.config import Usd
from risk.proposal import Proposal, Refusal
from risk.rules.liquidity import shown, touch
from risk.rules.rule import Rule, as_usd, exact
from risk.standing import Standing

_YEAR_NS = 365 * 86_400_000_000_000
_MICRO = Decimal("0.000001")


class NetEdgeAfterCosts(Rule, frozen=True):
    """Refuse to buy where belief less price, slippage, fee, lock-up and `order_usd` leaves less than `limit` a contract.

    Slippage for this size: what the quote shows trades at the ask, the rest at the order's limit; an
    order that would rest trades at its limit. Lock-up: the money until the close, at `yearly_rate`. Gas and
    transfers are paid once an order, `order_usd` in all, and shared by its contracts; 0 where none apply.
    """

    higher_is_tighter: ClassVar[frozenset[str]] = frozenset({"limit", "yearly_rate", "order_usd"})
    limit: Usd
    yearly_rate: Annotated[float, Meta(ge=0, le=1)]
    order_usd: Usd

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        if proposal.belief is None or proposal.price is None:
            return self.because(f"an order on {proposal.instrument} without a belief or a limit price")
        price = _mean_price(proposal, proposal.price)
        fee = proposal.expected_fee_usd / proposal.quantity
        years = Decimal(max(proposal.closes_ns - proposal.now_ns, 0)) / _YEAR_NS
        lockup = price * exact(self.yearly_rate) * years
        hops = self.order_usd / proposal.quantity
        edge = exact(proposal.belief.probability) - price - fee - lockup - hops
        if edge >= self.limit:
            return None
        return self.because(
            f"{as_usd(edge.quantize(_MICRO))} left per contract (price {price.quantize(_MICRO)}, fee "
            f"{fee.quantize(_MICRO)}, lock-up {lockup.quantize(_MICRO)}, gas and transfer {hops.quantize(_MICRO)}), "
            f"limit is {as_usd(self.limit)}"
        )


def _mean_price(proposal: Proposal, limit: Decimal) -> Decimal:
    if not proposal.is_marketable:
        return limit
    (_, ask), (_, offered) = touch(proposal), shown(proposal)
    at_ask = min(proposal.quantity, offered)
    return (at_ask * min(ask, limit) + (proposal.quantity - at_ask) * limit) / proposal.quantity
