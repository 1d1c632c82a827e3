"""The base of every strategy: Nautilus' own, behind one door and one event at a time."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from types import get_original_bases
from typing import Any, Self, Unpack, final, get_args, get_origin, override

from nautilus_trader import trading  # noqa: TID251 - engine is the room that may
from nautilus_trader.core import UUID4
from nautilus_trader.model import (
    ClientId,
    ClientOrderId,
    CustomData,
    InstrumentId,
    LimitOrder,
    OrderModifyRejected,
    OrderSide,
    Position,
    PositionId,
    PositionSide,
    Price,
    Quantity,
    TimeInForce,
    TradeTick,
    Venue,
)

from engine.config import StrategyConfig
from engine.departures import CANCELS, Departures
from engine.door import GUARD
from engine.following import Following
from engine.sealed import hooks_of, refuse_broken_seals, refuse_unknown_hooks, refuse_ways_around
from engine.seat import Seat, Terms
from engine.switchboard import CHANNELS, Channel, Hook
from engine.turns import Turns
from markets.facts import Fact, MarketPhase, MarketResolution, OraclePrice
from markets.instruments import Instrument, OutcomePair
from markets.names import Series
from markets.sweeps import is_sweep
from markets.ticks import ONE_DOLLAR, PriceGrid, floor_to_step, grid_of

type Params = dict[str, Any]
type Change = tuple[ClientOrderId, Quantity | None, Price | None, Price | None]


class Strategy[C: StrategyConfig](trading.Strategy):
    """Subclass as `Strategy[YourConfig]` and write handlers; there is nothing else to write.

    State is born in `on_start`. A handler runs to its end before the next one begins, so no order
    event arrives in the middle of a `buy`. What the guard refuses comes back as `on_order_denied`
    or `on_order_modify_rejected`. After an exception in a handler no order leaves any more.

    Besides Nautilus' hooks there are `on_market` (a market of a followed series), `on_terms` (its terms have
    changed), `on_phase` and `on_resolution` (what became of it), `on_oracle` (a reference price) and
    `on_fact` (any other fact).
    """

    @override
    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        refuse_broken_seals(cls)
        refuse_ways_around(cls)
        refuse_unknown_hooks(cls, Strategy)

    @final
    def __new__(cls, config: C, seat: Seat) -> Self:
        """Hand our settings on to Nautilus; this is the only place where its config is made."""
        native = trading.StrategyConfig(
            strategy_id=seat.strategy_id,
            external_order_instrument_ids=seat.claims or None,
        )
        return super().__new__(cls, native)  # type: ignore[call-arg]  # the stub has no __new__

    @final
    def __init__(self, config: C, seat: Seat) -> None:
        super().__init__()
        self.__config = config  # two underscores: a subclass cannot overwrite these by accident
        self.__door = seat.door
        self.__turns = Turns(on_fault=partial(seat.door.close_for, seat.strategy_id))
        self.__following = Following()
        self.__scales: dict[InstrumentId, tuple[int, PriceGrid]] = {}
        self.__hooks: dict[Channel, Hook] = {}
        self.__turns.hold(self, trading.Strategy)
        for name in hooks_of(trading.Strategy):
            if name.startswith(("on_order_", "on_position_")) and not name.endswith("_event"):
                setattr(self, name, partial(self.__hear, getattr(self, name)))
        self.__departures = Departures(self, self.__send)
        for name in CANCELS:
            setattr(self, name, getattr(self.__departures, name))
        for name, wrap in (("on_trade", self.__pass_real_trades), ("on_start", self.__begin)):
            setattr(self, name, partial(wrap, getattr(self, name)))
        self.__seat_number = seat.door.board.join()
        for channel in CHANNELS:
            for name in (channel.subscribe, channel.unsubscribe):
                setattr(self, name, partial(self.__switch, channel, getattr(self, name)))

    def __switch(
        self, channel: Channel, native: Callable[..., None], topic: Any, *args: Any, **kwargs: Any
    ) -> None:
        """Subscribe or unsubscribe, and keep our place among the strategies that hear the same."""
        board = self.__door.board
        if native.__name__.startswith("un"):
            board.remove(channel, topic, self.__seat_number)
        elif board.is_shared:
            if channel not in self.__hooks:
                self.__hooks[channel] = getattr(self, channel.hook)
                setattr(self, channel.hook, partial(board.deliver, channel, self.__seat_number))
            board.add(channel, topic, self.__seat_number, self.__hooks[channel])
        native(topic, *args, **kwargs)

    def __hear(self, hook: Callable[[Any], None], event: Any) -> None:
        self.__door.hear(event)  # the guard knows before the strategy does
        try:
            hook(event)
        finally:
            if cancel := self.__departures.hear(event):
                self.__turns.take(cancel)

    def __send(self, command: Callable[..., None], *args: Any, **kwargs: Any) -> None:
        self.__turns.during(command, *args, **kwargs)
        self.__door.wake()

    def __pass_real_trades(self, hook: Callable[[TradeTick], None], trade: TradeTick) -> None:
        if not is_sweep(trade):
            hook(trade)

    def __begin(self, hook: Callable[[], None]) -> None:
        self.__following.forget()
        self.__scales.clear()
        hook()

    @property
    @final
    @override
    def config(self) -> C:
        return self.__config

    @classmethod
    def config_type(cls) -> type[StrategyConfig]:
        """Return the class of settings that this strategy was declared with."""
        for ancestor in cls.__mro__:
            for base in get_original_bases(ancestor):
                if get_origin(base) is Strategy and isinstance(kind := get_args(base)[0], type):
                    return kind
        raise TypeError(f"{cls.__qualname__} names no settings: subclass Strategy[YourConfig]")

    def instrument(self, instrument_id: InstrumentId) -> Instrument:
        """Return the instrument, or raise LookupError when the cache does not have it."""
        found: Instrument | None = self.cache.instrument(instrument_id)
        if found is None:
            raise LookupError(f"expected instrument {instrument_id} in the cache, found none")
        return found

    @final
    def follow(self, series: Series) -> None:
        """Meet every market of `series` in `on_market`: those that trade or will, and each new one as it comes."""
        venue = Venue(series.venue)
        self.__following.add(series)
        self.subscribe_instruments(venue)
        self.subscribe_data(MarketPhase.data_type(series.key))
        self.subscribe_data(MarketResolution.data_type(series.key))
        self.__meet(self.cache.instruments(venue))

    @final
    def subscribe_oracle(self, symbol: str, source: str) -> None:
        """Hear of the reference prices that `source` prints for `symbol`, in `on_oracle`."""
        self.subscribe_data(OraclePrice.data_type(f"{symbol}.{source}"))

    @final
    def believe(self, market: OutcomePair, probability: float) -> None:
        """Say how likely YES is, in (0, 1), before trading on it.

        The guard weighs orders on both sides of the market against it, and the report scores it.
        """
        beliefs = {market.yes.id: probability, market.no.id: 1 - probability}
        self.__door.believe(self.strategy_id, beliefs)

    def on_market(self, market: OutcomePair) -> None:
        """React to a market of a followed series, once, when its terms are complete: its strike is named."""

    def on_terms(self, market: OutcomePair) -> None:
        """React to new terms of a market that `on_market` told: another close, tick, strike or fee."""

    def on_oracle(self, price: OraclePrice) -> None:
        """React to a reference price."""

    def on_phase(self, phase: MarketPhase) -> None:
        """React to a followed market that opened, paused or closed."""

    def on_resolution(self, resolution: MarketResolution) -> None:
        """React to what a followed market pays."""

    def on_fact(self, fact: Fact) -> None:
        """React to a fact that has no hook of its own."""

    @final
    @override
    def on_instrument(self, instrument: Instrument) -> None:
        self.__meet([instrument])

    @final
    @override
    def on_data(self, data: CustomData) -> None:
        fact = data.data
        self.__door.learn(fact)  # the guard knows before the strategy does
        match fact:
            case OraclePrice():
                self.on_oracle(fact)
            case MarketPhase():
                self.on_phase(fact)
            case MarketResolution():
                self.on_resolution(fact)
            case _:
                self.on_fact(fact)

    def __meet(self, instruments: Sequence[Instrument]) -> None:
        now_ns = self.clock.timestamp_ns()
        for told in self.__following.meet(instruments, self.cache.instrument, now_ns):
            self.__turns.take(self.on_market if told.is_new else self.on_terms, told.market)

    @final
    def buy(
        self, instrument_id: InstrumentId, quantity: Decimal, price: Decimal, **terms: Unpack[Terms]
    ) -> LimitOrder | None:
        """Bid for at most `quantity` at no more than `price`; None if less than a lot or tick."""
        return self.__limit(OrderSide.BUY, instrument_id, quantity, price, terms)

    @final
    def sell(
        self, instrument_id: InstrumentId, quantity: Decimal, price: Decimal, **terms: Unpack[Terms]
    ) -> LimitOrder | None:
        """Offer at most `quantity` at no less than `price`; None if less than a lot or tick."""
        return self.__limit(OrderSide.SELL, instrument_id, quantity, price, terms)

    def __limit(
        self, side: OrderSide, instrument_id: InstrumentId, quantity: Decimal, price: Decimal, terms: Terms
    ) -> LimitOrder | None:
        instrument = self.instrument(instrument_id)
        lots = floor_to_step(quantity, instrument.size_increment.as_decimal())
        grid = self.__grid(instrument)
        tick = grid.floor(price) if side == OrderSide.BUY else grid.ceil(price)
        if lots <= 0 or tick is None:
            return None
        terms.setdefault("exec_algorithm_id", GUARD)
        order: LimitOrder = self.order_factory.limit(
            instrument_id,
            side,
            Quantity.from_decimal_dp(lots, instrument.size_precision),
            Price.from_decimal_dp(tick, instrument.price_precision),
            **terms,
        )
        self.submit_order(order)
        return order

    def __grid(self, instrument: Instrument) -> PriceGrid:
        # A venue may refine its ticks during a market's life; it then issues the instrument anew.
        issued_ns, grid = self.__scales.get(instrument.id, (-1, None))
        if grid is None or issued_ns != instrument.ts_init:
            grid = grid_of(instrument)
            self.__scales[instrument.id] = (instrument.ts_init, grid)
        return grid

    @final
    @override
    def submit_order(
        self,
        order: Any,
        position_id: PositionId | None = None,
        client_id: ClientId | None = None,
        params: Params | None = None,
    ) -> None:
        self.__door.must_see(order)
        self.__departures.leave([order])
        self.__turns.during(super().submit_order, order, position_id, client_id, params)

    @final
    @override
    def submit_order_list(
        self,
        order_list: Any,
        position_id: PositionId | None = None,
        client_id: ClientId | None = None,
        params: Params | None = None,
    ) -> None:
        for order in order_list:
            self.__door.must_see(order)
        self.__departures.leave(order_list)
        self.__turns.during(super().submit_order_list, order_list, position_id, client_id, params)

    @final
    @override
    def modify_order(
        self,
        client_order_id: ClientOrderId,
        quantity: Quantity | None = None,
        price: Price | None = None,
        trigger_price: Price | None = None,
        client_id: ClientId | None = None,
        params: Params | None = None,
    ) -> None:
        self.modify_orders([(client_order_id, quantity, price, trigger_price)], client_id, params)

    @final
    @override
    def modify_orders(
        self,
        updates: Sequence[Change] = (),
        client_id: ClientId | None = None,
        params: Params | None = None,
    ) -> None:
        for change in updates:
            order = self.cache.order(change[0])
            if order is None:
                raise LookupError(f"expected order {change[0]} in the cache, found none")
            if reason := self.__door.refusal(order, change[1], change[2]):
                self.__turns.during(self.__refuse_change, order, reason)
            else:
                self.__send(super().modify_order, *change, client_id, params)

    def __refuse_change(self, order: Any, reason: str) -> None:
        now = self.clock.timestamp_ns()
        event = OrderModifyRejected(
            order.trader_id,
            order.strategy_id,
            order.instrument_id,
            order.client_order_id,
            reason,
            UUID4(),
            now,
            now,
            reconciliation=False,
            venue_order_id=order.venue_order_id,
            account_id=order.account_id,
        )
        self.on_order_modify_rejected(event)
        self.on_order_event(event)

    @final
    @override
    def close_position(
        self,
        position: Position,
        client_id: ClientId | None = None,
        tags: Sequence[str] | None = None,
        time_in_force: TimeInForce | None = None,
        reduce_only: bool | None = True,
        quote_quantity: bool | None = None,
        params: Params | None = None,
    ) -> None:
        # At any price that the market has, since venues of ours know no orders without one.
        instrument = self.instrument(position.instrument_id)
        grid = self.__grid(instrument)
        worst = grid.ceil(Decimal(0)) if position.is_long else grid.floor(ONE_DOLLAR)
        assert worst is not None
        order = self.order_factory.limit(
            position.instrument_id,
            OrderSide.SELL if position.is_long else OrderSide.BUY,
            position.quantity,
            Price.from_decimal_dp(worst, instrument.price_precision),
            time_in_force=time_in_force or TimeInForce.IOC,
            reduce_only=reduce_only,
            quote_quantity=quote_quantity,
            exec_algorithm_id=GUARD,
            tags=tags,
        )
        self.submit_order(order, position.id, client_id, params)

    @final
    @override
    def close_all_positions(
        self,
        instrument_id: InstrumentId,
        position_side: PositionSide | None = None,
        client_id: ClientId | None = None,
        tags: Sequence[str] | None = None,
        time_in_force: TimeInForce | None = None,
        reduce_only: bool | None = True,
        quote_quantity: bool | None = None,
        params: Params | None = None,
    ) -> None:
        mine = self.cache.positions_open(
            instrument_id=instrument_id, strategy_id=self.strategy_id, side=position_side
        )
        for position in mine:
            self.close_position(position, client_id, tags, time_in_force, reduce_only, quote_quantity, params)

    @final
    @override
    def market_exit(self) -> None:
        """Cancel this strategy's orders and close its positions, through the door."""
        orders = self.cache.orders_open(strategy_id=self.strategy_id)
        for instrument_id in {order.instrument_id for order in orders}:
            self.cancel_all_orders(instrument_id)
        for position in self.cache.positions_open(strategy_id=self.strategy_id):
            self.close_position(position)
