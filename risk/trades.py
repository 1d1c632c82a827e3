"""The facts that the ledger is written from: trades, ends of positions, and cash that moves."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Final

from risk.accounts import MICRO, to_micro
from risk.contract import Outcome
from risk.errors import ImpossiblePosting

_PRICE_UNIT: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Fill:
    """A trade of ours: contracts, USD per contract in (0, 1), and a fee that is negative for a rebate.

    `order_id` and `trade_id` together name it once and for all; take the venue's order id, which
    survives a restart of ours. In a void, `quantity` and `fee_usd` are what is taken back.
    """

    strategy: str
    outcome: Outcome
    is_buy: bool
    quantity: Decimal
    price: Decimal
    fee_usd: Decimal
    order_id: str
    trade_id: str
    now_ns: int

    def notional_usd(self) -> Decimal:
        """Return quantity times price; ImpossiblePosting when either cannot be true."""
        if not (self.price.is_finite() and 0 < self.price < 1):
            raise ImpossiblePosting(
                f"expected a price in (0, 1) for {self.outcome.instrument}, found {self.price}"
            )
        if not (self.quantity.is_finite() and self.quantity > 0):
            raise ImpossiblePosting(
                f"expected a size above 0 for {self.outcome.instrument}, found {self.quantity}"
            )
        return _money(self.quantity, self.price, "a trade")


@dataclass(frozen=True, slots=True)
class Settlement:
    """The end of a position: every contract held becomes `payout` USD in [0, 1], without a fee.

    `is_paid` is False while the venue still owes the money.
    """

    strategy: str
    outcome: Outcome
    quantity: Decimal
    payout: Decimal
    reference: str
    now_ns: int
    is_paid: bool = True

    def proceeds_usd(self, *, in_units: bool = False) -> Decimal:
        """Return what all contracts pay, `in_units` of the outcome's payout, rounded down.

        Else, as in a replay, it is rounded as a trade of millionths of shares is. ImpossiblePosting for a payout
        outside [0, 1].
        """
        if not (self.payout.is_finite() and 0 <= self.payout <= 1):
            raise ImpossiblePosting(
                f"expected a payout in [0, 1] for {self.outcome.instrument}, found {self.payout}"
            )
        if not in_units:
            return _money(self.quantity, self.payout, "a payout")
        unit = Decimal(self.outcome.payout_unit)
        return to_micro((self.quantity * self.payout).quantize(unit, ROUND_FLOOR), "a payout")


@dataclass(frozen=True, slots=True)
class Void:
    """A trade, or a part of one, that its venue took back under a correction's id."""

    taken: Fill
    correction_id: str


@dataclass(frozen=True, slots=True)
class CashMove:
    """Cash in USD that no trade moved. `kind` is deposit, withdrawal, payout, or transfer, which has a `target`."""

    kind: str
    venue: str
    target: str | None
    amount: Decimal
    reference: str
    now_ns: int


@dataclass(frozen=True, slots=True)
class Reversal:
    """A settlement that its venue took back, as after a dispute: the position is there again, the payout gone."""

    strategy: str
    outcome: Outcome
    reference: str
    now_ns: int


@dataclass(frozen=True, slots=True)
class Leg:
    """Contracts that a conversion gives (negative) or brings, and the part of its value that they stand for in USD."""

    outcome: Outcome
    quantity: Decimal
    usd: Decimal

    def checked(self) -> "Leg":
        """Return this leg; ImpossiblePosting for a figure that cannot be true."""
        if not (self.quantity.is_finite() and self.quantity):
            raise ImpossiblePosting(
                f"expected contracts of {self.outcome.instrument} to convert, found {self.quantity}"
            )
        if to_micro(self.usd, "a part of a conversion") < 0:
            raise ImpossiblePosting(f"expected a part of at least 0 USD in a conversion, found {self.usd}")
        return self


@dataclass(frozen=True, slots=True)
class Conversion:
    """Contracts that become others, or money, by a rule of the venue and not by a trade (`risk.conversions`)."""

    strategy: str
    legs: tuple[Leg, ...]
    reference: str
    now_ns: int


type Fact = Fill | Void | Settlement | Reversal | Conversion | CashMove


def _money(quantity: Decimal, price: Decimal, what: str) -> Decimal:
    exact = quantity * price
    if not price % _PRICE_UNIT and not quantity % MICRO:
        # Shares in millionths: the venue rounds the money itself, and no trade tells how.
        exact = exact.quantize(MICRO, ROUND_HALF_EVEN)
    return to_micro(exact, what)
