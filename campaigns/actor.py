"""A strategy that does everything a strategy may, at random from a seed: it tests the road, not an idea."""

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, override

from nautilus_trader.common import TimeEvent
from nautilus_trader.model import BookType, InstrumentId, OrderSide, Price, Quantity, TimeInForce

from engine import PositiveSecs, Strategy, StrategyConfig
from markets.instruments import OutcomePair
from markets.names import Series

_TIMES: Final = (TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)
_SECOND_NS: Final = 1_000_000_000
_HUNDREDTH: Final = Decimal("0.01")


class ActorConfig(StrategyConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`series` are traded, one deed every `pause_secs`; `seed` decides everything, `scale` is what sizes are times."""

    series: tuple[Series, ...]
    seed: int
    pause_secs: PositiveSecs = 0.05
    scale: int = 1


class Actor(Strategy[ActorConfig]):
    """Submits, changes, cancels and flattens on all outcomes it meets, from `begin` until `rest`."""

    tell_started: Callable[[], None] | None = None

    @override
    def on_start(self) -> None:
        self.chance = random.Random(f"script {self.config.seed}")
        self.outcomes: list[InstrumentId] = []
        self.is_resting = False
        self.happened: list[str] = []
        self.quotes: dict[InstrumentId, tuple[Decimal, Decimal]] = {}
        deeds: list[tuple[Callable[[], None], int]] = [
            (self._submit, 50), (self._change, 14), (self._cancel, 14), (self._cancel_side, 4), (self._flatten, 4),
        ]  # fmt: skip
        self.deeds = [deed for deed, _ in deeds]
        self.weights = [weight for _, weight in deeds]
        for series in self.config.series:
            self.follow(series)
        if self.tell_started is not None:
            self.tell_started()

    def begin(self) -> None:
        """Act from now on."""
        self.clock.set_timer_ns("deed", int(self.config.pause_secs * _SECOND_NS))

    def rest(self) -> None:
        """Do nothing new, and take back whatever still waits at the venue."""
        self.is_resting = True
        for order in self.cache.orders_open(strategy_id=self.strategy_id):
            if not order.is_pending_cancel:
                self.cancel_order(order.client_order_id)

    @override
    def on_market(self, market: OutcomePair) -> None:
        for side in (market.yes, market.no):
            self.outcomes.append(side.id)
            self.subscribe_book_deltas(side.id, BookType.L2_MBP)
            self.subscribe_quotes(side.id)
            self.subscribe_instrument_close(side.id)

    @override
    def on_quote(self, quote: Any) -> None:
        if quote.bid_size.raw and quote.ask_size.raw:
            self.quotes[quote.instrument_id] = quote.bid_price.as_decimal(), quote.ask_price.as_decimal()

    @override
    def on_order_event(self, event: Any) -> None:
        facts = [
            str(getattr(event, name)) for name in ("trade_id", "last_qty", "reason") if hasattr(event, name)
        ]
        facts += ["reconciled"] if getattr(event, "reconciliation", False) else []
        self.happened.append(
            f"{event.ts_init} {event.client_order_id} {type(event).__name__} {' '.join(facts)}"
        )

    @override
    def on_time_event(self, event: TimeEvent) -> None:
        if self.outcomes and not self.is_resting:
            self.chance.choices(self.deeds, self.weights)[0]()

    def _submit(self) -> None:
        outcome = self.chance.choice(self.outcomes)
        held = self._sellable(outcome)
        size = self.config.scale * Decimal(self.chance.choice((100, 100, 200, 350, 725, 1))) / 100
        if held > 0 and self.chance.random() < 0.5:
            self._send(OrderSide.SELL, outcome, min(size, held), self.chance.choice(_TIMES))
        else:
            self._send(OrderSide.BUY, outcome, size, self.chance.choice(_TIMES))

    def _send(self, side: OrderSide, outcome: InstrumentId, size: Decimal, tif: TimeInForce) -> None:
        is_maker = tif == TimeInForce.GTC and self.chance.random() < 0.3
        price = self._price(outcome, is_buy=side == OrderSide.BUY)
        trade = self.buy if side == OrderSide.BUY else self.sell
        trade(outcome, size, price, time_in_force=tif, post_only=is_maker)

    def _price(self, outcome: InstrumentId, *, is_buy: bool) -> Decimal:
        bid, ask = self.quotes.get(outcome, (Decimal("0.45"), Decimal("0.55")))
        near, far = (ask, bid) if is_buy else (bid, ask)
        step = Decimal(self.chance.randint(0, 4)) / 100
        towards = step if is_buy else -step
        price = self.chance.choice((near + towards, near, far, far - towards)).quantize(_HUNDREDTH)
        return min(max(price, Decimal("0.02")), Decimal("0.98"))

    def _change(self) -> None:
        order = self._any_open()
        if order is None:
            return
        old_size, old_price = order.quantity.as_decimal(), order.price.as_decimal()
        price = self._price(order.instrument_id, is_buy=order.side == OrderSide.BUY)
        size = (old_size * self.chance.choice((50, 100, 150)) / 100).quantize(_HUNDREDTH)
        size = max(_HUNDREDTH, min(size, old_size) if order.side == OrderSide.SELL else size)
        if (size, price) != (old_size, old_price):
            digits = self.instrument(order.instrument_id).price_precision
            self.modify_order(
                order.client_order_id, Quantity.from_decimal_dp(size, 2), Price.from_decimal_dp(price, digits)
            )

    def _cancel(self) -> None:
        order = self._any_open()
        if order is not None:
            self.cancel_order(order.client_order_id)

    def _cancel_side(self) -> None:
        self.cancel_all_orders(self.chance.choice(self.outcomes))

    def _flatten(self) -> None:
        outcome = self.chance.choice(self.outcomes)
        self.cancel_all_orders(outcome)
        held = self._sellable(outcome)
        if held > 0:
            self.sell(outcome, held, Decimal("0.01"), time_in_force=TimeInForce.IOC)

    def _any_open(self) -> Any | None:
        waiting = sorted(
            self.cache.orders_open(strategy_id=self.strategy_id), key=lambda order: str(order.client_order_id)
        )
        return self.chance.choice(waiting) if waiting else None

    def _sellable(self, outcome: InstrumentId) -> Decimal:
        held = sum(
            (
                Decimal(str(position.signed_qty))
                for position in self.cache.positions_open(instrument_id=outcome, strategy_id=self.strategy_id)
            ),
            Decimal(0),
        )
        offered = [
            *self.cache.orders_open(instrument_id=outcome),
            *self.cache.orders_inflight(instrument_id=outcome),
        ]
        on_offer = sum(
            (order.leaves_qty.as_decimal() for order in offered if order.side == OrderSide.SELL), Decimal(0)
        )
        return max(Decimal(0), held - on_offer)
