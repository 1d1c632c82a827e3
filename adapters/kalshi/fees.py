"""Kalshi's fees: the dated schedule of a market, and what a replay charges for a fill."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from itertools import pairwise
from typing import Any, Final, Self, override

from nautilus_trader.execution import FeeModel
from nautilus_trader.model import InstrumentId, LiquiditySide, Money, OrderSide, Price, Quantity

from markets.currencies import USD
from markets.instruments import Instrument, info_of
from pricing.fees import FeeSchedule, OrderFees

_CENT: Final = Decimal("0.01")
_RATE: Final = Decimal("0.07")
_MAKER_SHARES: Final = {
    "quadratic": Decimal(0),
    "quadratic_with_maker_fees": Decimal("0.25"),
    "quadratic_with_combo_maker_fees": Decimal("0.5"),
}
"""What a maker pays of the taker's fee, by `fee_type` (venue docs of Aug 2026, read 2026-11-20)."""

# (first day in UTC, fee_unit, cash_unit). The hour of a change is not known anywhere, nor is the first
# day of two periods: "early 2026" is taken as the day when cents began to leave the interface, which is
# late and so the dearer guess; "September 2026" is taken as its first day, at less than 0.0001 a fill.
_ROUNDING: Final = (
    ("1970-01-01", "0.01", "0.01"),
    ("2026-03-12", "0.0001", "0.01"),  # 316 of 316 fills of 7-11 May 2026 obey it
    ("2026-05-28", "0.0001", "0.0001"),  # direct members; demo fills of July 2026 obey it
    ("2026-09-01", "0.000001", "0.0001"),  # venue docs of Sept 2026; no real fill seen
)


@dataclass(frozen=True, slots=True)
class FeeChange:
    """A change of the fee type and multiplier of a series or event, from `since_ns` on."""

    since_ns: int
    fee_type: str
    multiplier: Decimal


def fee_terms(
    fee_type: str, multiplier: Decimal, changes: Iterable[FeeChange] = ()
) -> tuple[dict[str, Any], ...]:
    """Return the dated terms of a market in the plain form of `MarketTerms.fees`.

    `fee_type` and `multiplier` hold from the beginning of time until the first of `changes` (in any
    order; an event's override replaces its series, which is for the caller to resolve). The rounding
    is that of a direct member. ValueError names a fee type whose meaning nobody has published
    (`flat`, `margin_market_maker_program_fees`, anything new), and two changes at one time.

    Source: Kalshi's docs and API description, Aug-Oct 2026, read 2026-11-20.
    """
    dated = [FeeChange(0, fee_type, multiplier), *sorted(changes, key=lambda change: change.since_ns)]
    for earlier, later in pairwise(dated):
        if earlier.since_ns >= later.since_ns:
            raise ValueError(
                f"expected fee changes at different times after 0, found two at {later.since_ns}"
            )
    return tuple(_terms_over_time(dated))


class KalshiFeeModel(FeeModel):
    """Charge in a replay what Kalshi charges, by the terms on the instrument at the time of the fill.

    `now_ns` tells the time of the replay, in nanoseconds since the epoch. Rounding fees accumulate and
    are given back per order, from taker to maker fills. Settlement is free, also at 0.5 after a void.

    `pessimistic` rounds every fill up to a whole cent and gives nothing back: on each fill at least the
    exact fee, for studies that must not live on rounding.

    Nautilus logs an error raised here, leaves the order unfilled and goes on (run on rc7). So the first
    one is kept in `failure`: whoever owns the run must look there before believing its result.
    """

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        return super().__new__(cls)  # the native class accepts none of our arguments

    def __init__(self, now_ns: Callable[[], int], *, pessimistic: bool = False) -> None:
        self._now_ns = now_ns
        self._pessimistic = pessimistic
        self._open: dict[str, OrderFees] = {}
        self._schedules: dict[tuple[InstrumentId, int], FeeSchedule] = {}
        self.failure: ValueError | LookupError | ArithmeticError | None = None

    @override
    def get_commission(
        self, order: Any, fill_quantity: Quantity, fill_px: Price, instrument: Instrument
    ) -> Money:
        try:
            fee = self._fee(order, fill_quantity.as_decimal(), fill_px.as_decimal(), instrument)
        except (ValueError, LookupError, ArithmeticError) as error:
            self.failure = self.failure or error
            raise
        return Money.from_decimal(fee, USD)

    def _fee(self, order: Any, quantity: Decimal, price: Decimal, instrument: Instrument) -> Decimal:
        if any(tag.startswith("EXPIRATION_") for tag in order.tags or ()):
            return Decimal(0)
        cash = quantity * price * (1 if order.side == OrderSide.SELL else -1)
        is_taker = order.liquidity_side != LiquiditySide.MAKER
        fee = self._fees_of(order, quantity, instrument).charge(quantity, price, cash, is_taker)
        return fee.quantize(_CENT, rounding=ROUND_CEILING) if self._pessimistic else fee

    def _fees_of(self, order: Any, quantity: Decimal, instrument: Instrument) -> OrderFees:
        terms = self._schedule_of(instrument).at(self._now_ns())
        if self._pessimistic:
            return OrderFees(terms)
        name, filled = str(order.client_order_id), order.filled_qty.as_decimal()
        # A reset engine gives the same names to new orders: the first fill starts from nothing.
        fees = self._open.get(name) if filled else None
        fees = fees or OrderFees(terms)
        fees.terms = terms
        self._open[name] = fees
        if filled + quantity >= order.quantity.as_decimal():  # leaves_qty lags inside one match (rc7)
            del self._open[name]
        return fees

    def _schedule_of(self, instrument: Instrument) -> FeeSchedule:
        issue = instrument.id, instrument.ts_init  # a market whose facts change is issued anew
        if issue not in self._schedules:
            self._schedules[issue] = FeeSchedule.from_info(info_of(instrument))
        return self._schedules[issue]


def _terms_over_time(changes: list[FeeChange]) -> Iterator[dict[str, Any]]:
    roundings = [(_day_ns(day), fee_unit, cash_unit) for day, fee_unit, cash_unit in _ROUNDING]
    for since_ns in sorted({change.since_ns for change in changes} | {start for start, *_ in roundings}):
        change = [change for change in changes if change.since_ns <= since_ns][-1]
        _, fee_unit, cash_unit = [row for row in roundings if row[0] <= since_ns][-1]
        taker_rate, maker_rate = _rates(change)
        yield {
            "since_ns": since_ns,
            "taker_rate": taker_rate,
            "maker_rate": maker_rate,
            "exponent": 1,
            "fee_unit": fee_unit,
            "cash_unit": cash_unit,
        }


def _rates(change: FeeChange) -> tuple[str, str]:
    if change.fee_type not in _MAKER_SHARES:
        raise ValueError(
            f"expected a fee type among {sorted(_MAKER_SHARES)}, found {change.fee_type!r}: what it charges is unknown"
        )
    if not (change.multiplier.is_finite() and change.multiplier >= 0):
        raise ValueError(f"expected a fee multiplier of at least 0, found {change.multiplier}")
    taker_rate = _RATE * change.multiplier
    return _text(taker_rate), _text(taker_rate * _MAKER_SHARES[change.fee_type])


def _text(rate: Decimal) -> str:
    return f"{rate.normalize():f}"


def _day_ns(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1_000_000_000
