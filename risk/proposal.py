"""What a rule judges, and what it answers."""

from dataclasses import dataclass
from decimal import Decimal
from typing import override

from nautilus_trader.model import OrderSide, QuoteTick

from engine.desk import Belief
from markets.ticks import PriceGrid
from risk.contract import Outcome


@dataclass(frozen=True, slots=True)
class Proposal:
    """An order, or a change of one, that wants to leave the house.

    `quantity` is what is left to trade, in contracts; 0 for a change to no more than what is filled, of which no rule is asked. `price` is the limit in USD per contract; None
    means at any price. `worst_case_usd` is what the order could cost, fee included, beyond what is
    reserved for it already; a sale of what is held costs nothing. `free_cash_usd` is the venue's word,
    None when it has not given one or no rule needs it. `is_reducing` means: it sells what is held.
    `whole_usd` is what all that is left of the order could cost, reserved or not. `is_change`: the order
    lives already. `is_marketable`: it could trade at once with what the quote shows.
    """

    strategy: str
    instrument: str
    market: str
    event: str
    venue: str
    side: OrderSide
    quantity: Decimal
    price: Decimal | None
    worst_case_usd: Decimal
    expected_fee_usd: Decimal
    is_reducing: bool
    belief: Belief | None
    quote: QuoteTick | None
    now_ns: int
    free_cash_usd: Decimal | None
    grid: PriceGrid
    outcome: Outcome
    whole_usd: Decimal
    is_change: bool
    is_marketable: bool
    closes_ns: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a proposal may not leave, in words that an operator can act on."""

    rule: str
    reason: str

    @override
    def __str__(self) -> str:
        return f"{self.rule}: {self.reason}"


def fault_of(proposal: Proposal) -> str | None:
    """Return what cannot be true of `proposal`, with the figure, or None when it is sound."""
    is_over = proposal.is_change and proposal.quantity == 0
    if not (proposal.quantity.is_finite() and (proposal.quantity > 0 or is_over)):
        return f"expected a size above 0 for {proposal.instrument}, found {proposal.quantity}"
    if proposal.price is not None and not (proposal.price.is_finite() and 0 < proposal.price < 1):
        return f"expected a price in (0, 1) for {proposal.instrument}, found {proposal.price}"
    for what, figure in (
        ("a worst case", proposal.worst_case_usd),
        ("an expected fee", proposal.expected_fee_usd),
        ("a worst case of the whole order", proposal.whole_usd),
    ):
        if not (figure.is_finite() and figure >= 0):
            return f"expected {what} of at least 0 USD for {proposal.instrument}, found {figure}"
    return _fault_of_surroundings(proposal)


def _fault_of_surroundings(proposal: Proposal) -> str | None:
    if proposal.belief is not None and not 0 < proposal.belief.probability < 1:
        return f"expected a belief in (0, 1) for {proposal.instrument}, found {proposal.belief.probability}"
    if proposal.free_cash_usd is not None and not proposal.free_cash_usd.is_finite():
        return f"expected finite cash at {proposal.venue}, found {proposal.free_cash_usd}"
    if proposal.now_ns <= 0:
        return f"expected a time after the epoch, found {proposal.now_ns} ns"
    return None
