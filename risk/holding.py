"""One strategy's contracts of one outcome, and what they have cost."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from risk.accounts import MICRO
from risk.contract import Outcome
from risk.errors import ImpossiblePosting, UnknownFigure
from risk.sums import ZERO


@dataclass(frozen=True, slots=True)
class Position:
    """A holding as it stood when somebody asked: contracts, and USD without fees."""

    strategy: str
    outcome: Outcome
    quantity: Decimal
    cost_usd: Decimal
    realized_usd: Decimal
    fees_usd: Decimal


@dataclass(frozen=True, slots=True)
class Move:
    """How a fact changes a holding: contracts, their cost, USD received before the fee, the fee."""

    quantity: Decimal
    cost: Decimal
    gross: Decimal
    fee: Decimal


@dataclass(slots=True)
class Holding:
    """A position that the ledger still writes in; `spent` and `received` are gross and only grow."""

    strategy: str
    outcome: Outcome
    account: str
    quantity: Decimal = ZERO
    cost_usd: Decimal = ZERO
    realized_usd: Decimal = ZERO
    fees_usd: Decimal = ZERO
    spent_usd: Decimal = ZERO
    received_usd: Decimal = ZERO
    profit_when_flat_usd: Decimal = ZERO

    def cost_of(self, quantity: Decimal) -> Decimal:
        """Return the cost that leaves with `quantity` contracts; the last contract takes all that is left.

        ImpossiblePosting when there are fewer: our instruments are long only, NO is its own.
        """
        if quantity > self.quantity:
            raise ImpossiblePosting(
                f"expected {self.strategy} to hold at least {quantity} contracts of "
                f"{self.outcome.instrument}, found {self.quantity}"
            )
        return part_of(self.cost_usd, quantity, self.quantity)

    def follow(self, move: Move) -> None:
        """Change as `move` says."""
        self.quantity += move.quantity
        self.cost_usd += move.cost
        self.fees_usd += move.fee
        self.realized_usd += move.gross + move.cost
        if move.gross < 0:
            self.spent_usd -= move.gross
        else:
            self.received_usd += move.gross

    def result_usd(self) -> Decimal:
        """Return what this round trip made, fees included; the next one begins at nothing."""
        profit = self.realized_usd - self.fees_usd
        made, self.profit_when_flat_usd = profit - self.profit_when_flat_usd, profit
        return made

    def as_position(self) -> Position:
        return Position(
            self.strategy, self.outcome, self.quantity, self.cost_usd, self.realized_usd, self.fees_usd
        )


def part_of(amount: Decimal, quantity: Decimal, whole: Decimal) -> Decimal:
    """Return the share of `amount` that `quantity` is of `whole`, to the millionth; the whole takes all."""
    if quantity == whole:
        return amount
    return (amount * quantity / whole).quantize(MICRO, ROUND_HALF_EVEN)


def known_mark(instrument: str, price: Decimal | None) -> Decimal:
    """Return `price`; UnknownFigure unless it lies in [0, 1]."""
    if price is not None and price.is_finite() and 0 <= price <= 1:
        return price
    found = "none" if price is None else price
    raise UnknownFigure(f"expected a price in [0, 1] to mark {instrument} with, found {found}")
