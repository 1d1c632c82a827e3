"""What a trade on a prediction market costs: the fee curve, its rounding, its dated parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    Inexact,
    InvalidOperation,
    localcontext,
)
from itertools import pairwise
from typing import Any, Final, Self

_ZERO: Final = Decimal(0)
_HALF: Final = Decimal("0.5")
_ROUNDINGS: Final = {"up": ROUND_CEILING, "half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN}
_FIELDS: Final = {"since_ns", "taker_rate", "maker_rate", "exponent", "fee_unit", "cash_unit", "rounding"}
_OPTIONAL: Final = {"cash_unit", "rounding"}

# A digit lost in a fee would be lost without a sound: here it raises instead.
_EXACT: Final = Context(prec=200, traps=[Inexact, InvalidOperation])
_ROUNDED: Final = Context(prec=_EXACT.prec)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeTerms:
    """What a venue charges from `since_ns` on (nanoseconds since the epoch).

    A fill costs `quantity * rate * (price * (1 - price)) ** exponent`, rounded to `fee_unit`: "up",
    "half_up" or "half_even". Where the venue keeps cash in steps of `cash_unit`, the change of cash is floored to it
    as well, and the difference is paid too (see `OrderFees`). `cash_unit=None`: no such step.

    Rates are shares of the curve and not negative: a rebate paid later is income, not a fee. Both
    units are powers of ten, in quote currency. ValueError names the field that breaks this.
    """

    since_ns: int
    taker_rate: Decimal
    maker_rate: Decimal
    exponent: int
    fee_unit: Decimal
    cash_unit: Decimal | None = None
    rounding: str = "up"

    def __post_init__(self) -> None:
        _check_whole("since_ns", self.since_ns, at_least=0)
        _check_whole("exponent", self.exponent, at_least=0)
        _check_rate("taker_rate", self.taker_rate)
        _check_rate("maker_rate", self.maker_rate)
        _check_unit("fee_unit", self.fee_unit)
        if self.cash_unit is not None:
            _check_unit("cash_unit", self.cash_unit)
        if self.rounding not in _ROUNDINGS:
            raise ValueError(f"expected rounding to be one of {sorted(_ROUNDINGS)}, found {self.rounding!r}")

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Return the terms written as plain JSON: money as text, times and exponent as whole numbers.

        ValueError when a key is missing, unknown or badly written: half a fee is no fee.
        """
        missing, unknown = _FIELDS - _OPTIONAL - plain.keys(), plain.keys() - _FIELDS
        if missing or unknown:
            raise ValueError(
                f"expected fee terms with the keys {sorted(_FIELDS - _OPTIONAL)}, "
                f"found missing {sorted(missing)} and unknown {sorted(unknown)}"
            )
        cash_unit = plain.get("cash_unit")
        return cls(
            since_ns=plain["since_ns"],
            taker_rate=_decimal("taker_rate", plain["taker_rate"]),
            maker_rate=_decimal("maker_rate", plain["maker_rate"]),
            exponent=plain["exponent"],
            fee_unit=_decimal("fee_unit", plain["fee_unit"]),
            cash_unit=None if cash_unit is None else _decimal("cash_unit", cash_unit),
            rounding=plain.get("rounding", "up"),
        )

    def rate(self, is_taker: bool) -> Decimal:
        """Return the rate of the side that traded."""
        return self.taker_rate if is_taker else self.maker_rate


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """The fee terms of one instrument by date; each holds until the next one begins."""

    terms: tuple[FeeTerms, ...]

    def __post_init__(self) -> None:
        if not self.terms:
            raise ValueError("expected at least one dated fee term, found none")
        for earlier, later in pairwise(self.terms):
            if earlier.since_ns >= later.since_ns:
                raise ValueError(
                    f"expected fee terms to ascend by since_ns, found {later.since_ns} after {earlier.since_ns}"
                )

    @classmethod
    def from_info(cls, info: Mapping[str, Any]) -> Self:
        """Return the schedule that `instrument.info` carries under "fees"; ValueError when it has none."""
        if not info.get("fees"):
            raise ValueError(f'expected dated fee terms under "fees", found the keys {sorted(info)}')
        return cls(tuple(FeeTerms.from_plain(plain) for plain in info["fees"]))

    def at(self, ts_ns: int) -> FeeTerms:
        """Return the terms valid at `ts_ns`; LookupError when the schedule begins later."""
        for terms in reversed(self.terms):
            if terms.since_ns <= ts_ns:
                return terms
        raise LookupError(f"expected fee terms valid at {ts_ns}, found the first at {self.terms[0].since_ns}")


def model_fee(quantity: Decimal, price: Decimal, rate: Decimal, exponent: int = 1) -> Decimal:
    """Return `quantity * rate * (price * (1 - price)) ** exponent`, exact, in quote currency.

    `quantity` is positive, in contracts; `price` lies in [0, 1]; `rate` is not negative. The fee of a
    price is that of its complement, so the YES and the NO leg of a market cost the same.

    Source: Kalshi (exponent 1, rate 0.07) and Polymarket publish this curve; read 2026-11-20.
    """
    if not (quantity.is_finite() and quantity > 0):
        raise ValueError(f"expected a positive quantity to charge a fee on, found {quantity}")
    if not (price.is_finite() and 0 <= price <= 1):
        raise ValueError(f"expected a price in [0, 1] to charge a fee on, found {price}")
    _check_rate("rate", rate)
    _check_whole("exponent", exponent, at_least=0)
    with localcontext(_EXACT):
        return quantity * rate * (price * (1 - price)) ** exponent


def expected_fee(terms: FeeTerms, quantity: Decimal, price: Decimal, is_taker: bool) -> Decimal:
    """Return the most that a single fill of this size and price costs, bought or sold, for checks before trading.

    Fills that split the quantity may each add up to one fee_unit and one cash_unit, and a fill at a
    better price nearer 0.5 has a higher fee: ask again for the price that matters.
    """
    with localcontext(_EXACT):
        cash = quantity * price
    bought = OrderFees(terms).charge(quantity, price, -cash, is_taker)
    if terms.cash_unit is None:  # then it does not matter which way the cash goes
        return bought
    return max(bought, OrderFees(terms).charge(quantity, price, cash, is_taker))


def most_cost_of_buying(terms: FeeTerms, quantity: Decimal, limit: Decimal, is_taker: bool) -> Decimal:
    """Return the most that `quantity` contracts, at whatever prices up to `limit`, can cost, fee included, without `cash_unit`.

    The fee alone is highest at 0.5, but with a rate of at most 1 price and fee together grow with the price: their slope is
    `1 + rate * exponent * (price * (1 - price)) ** (exponent - 1) * (1 - 2 * price)`, which is not negative then. With a higher rate
    the highest fee up to the limit counts. Fills that split the quantity may each add one fee_unit. ValueError as of `model_fee`.
    """
    rate = terms.rate(is_taker)
    worst = limit if rate <= 1 else min(limit, _HALF)
    fee = model_fee(quantity, worst, rate, terms.exponent)
    with localcontext(_EXACT):
        return quantity * limit + _round_to(fee, terms.fee_unit, ROUND_CEILING)


def most_fee_of_spending(terms: FeeTerms, usd: Decimal, is_taker: bool) -> Decimal:
    """Return the most that contracts bought for `usd`, fee not counted, can cost in fees, at whatever prices.

    A dollar buys `1 / price` contracts, so its fee is `rate * price ** (exponent - 1) * (1 - price) ** exponent`:
    at no price in (0, 1) more than the rate. Fills that split the money may each add one fee_unit. ValueError for an exponent
    below 1, of which this is not true, and for an amount that is negative or no number.
    """
    if not (usd.is_finite() and usd >= 0):
        raise ValueError(f"expected an amount of at least 0 USD to spend, found {usd}")
    _check_whole("exponent", terms.exponent, at_least=1)
    with localcontext(_EXACT):
        return _round_to(usd * terms.rate(is_taker), terms.fee_unit, ROUND_CEILING)


class OrderFees:
    """The fees of one order, fill by fill, with the rounding that its venue gives back.

    The law, in this order for every fill (Kalshi's fee rounding page; reproduces 316 of 316 production
    fills of May 2026):

    1. the trade fee is the model fee rounded to `fee_unit`;
    2. the change of cash, signed cash minus trade fee, is floored to `cash_unit`; what the floor took
       is the rounding fee, and the accumulator of the order grows by it;
    3. whole cash_units in the accumulator are given back, as far as the fill's fee stays at zero or above.

    The accumulator outlives a change from taker to maker and a change of `terms`, which may be set
    between fills when the venue's schedule moves on.
    """

    def __init__(self, terms: FeeTerms) -> None:
        self.terms = terms
        self._accumulator = _ZERO

    @property
    def accumulator(self) -> Decimal:
        """The rounding fees paid and not yet given back, in quote currency."""
        return self._accumulator

    def charge(self, quantity: Decimal, price: Decimal, signed_cash: Decimal, is_taker: bool) -> Decimal:
        """Return the fee of the next fill, at least 0, in quote currency.

        `signed_cash` is what the fill itself moves: negative when bought, positive when sold.
        """
        if not signed_cash.is_finite():
            raise ValueError(f"expected a finite amount of cash for a fill, found {signed_cash}")
        model = model_fee(quantity, price, self.terms.rate(is_taker), self.terms.exponent)
        trade_fee = _round_to(model, self.terms.fee_unit, _ROUNDINGS[self.terms.rounding])
        if self.terms.cash_unit is None:
            return trade_fee
        with localcontext(_EXACT):
            change = signed_cash - trade_fee
            return self._round_cash(trade_fee, change, self.terms.cash_unit)

    def _round_cash(self, trade_fee: Decimal, change: Decimal, cash_unit: Decimal) -> Decimal:
        rounding_fee = change - _round_to(change, cash_unit, ROUND_FLOOR)
        fee = trade_fee + rounding_fee
        owed = self._accumulator + rounding_fee
        rebate = _round_to(min(owed, fee), cash_unit, ROUND_FLOOR)
        self._accumulator = owed - rebate
        return fee - rebate


def _round_to(amount: Decimal, unit: Decimal, rounding: str) -> Decimal:
    # Units are powers of ten, so that rounding is a choice of digits and needs no division; normalised,
    # because a unit written 0.010 would else ask for three digits.
    return amount.quantize(unit.normalize(), rounding=rounding, context=_ROUNDED)


def _decimal(name: str, text: object) -> Decimal:
    if not isinstance(text, str):
        raise ValueError(f"expected {name} as text, found {text!r}")  # noqa: TRY004 - one error for bad terms
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"expected {name} to be a decimal number, found {text!r}") from error


def _check_whole(name: str, value: object, at_least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
        raise ValueError(f"expected {name} to be a whole number of at least {at_least}, found {value!r}")


def _check_rate(name: str, rate: Decimal) -> None:
    if not (rate.is_finite() and rate >= 0):
        raise ValueError(f"expected {name} to be finite and not negative, found {rate}")


def _check_unit(name: str, unit: Decimal) -> None:
    if not (unit.is_finite() and unit > 0 and unit.normalize().as_tuple().digits == (1,)):
        raise ValueError(f"expected {name} to be a positive power of ten, found {unit}")
