"""What a simulated venue charges for a fill: what the terms on the instrument say, whichever venue it is."""

from collections.abc import Callable
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final, Self, override

from nautilus_trader.execution import FeeModel
from nautilus_trader.model import InstrumentId, LiquiditySide, Money, OrderSide, Price, Quantity

from markets.instruments import Instrument, info_of
from pricing.fees import FeeSchedule, OrderFees

_CENT: Final = Decimal("0.01")


class ScheduledFees(FeeModel):
    """Charge what a venue charges, by the dated terms on the instrument at the time of the fill.

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
        return Money.from_decimal(fee, instrument.quote_currency)

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
