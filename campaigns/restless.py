"""Two strategies that keep a run busy: one never rests, one always has orders resting."""

from decimal import Decimal
from typing import Any, Final, override

from nautilus_trader.common import TimeEvent
from nautilus_trader.model import InstrumentId, OrderSide

from campaigns.actor import Actor
from engine import PositiveSecs, Strategy, StrategyConfig
from markets.facts import MarketResolution
from markets.instruments import OutcomePair
from markets.names import Series

_SECOND_NS: Final = 1_000_000_000
_LOWEST: Final = Decimal("0.01")


class Restless(Actor):
    """Acts from its first moment on."""

    @override
    def on_start(self) -> None:
        super().on_start()
        self.begin()


class ResterConfig(StrategyConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many bids of one contract rest in each market of `series`, and how often they are looked after."""

    series: Series
    bids: int = 6
    pause_secs: PositiveSecs = 0.1


class Rester(Strategy[ResterConfig]):
    """Keeps bids resting far below the market on YES, a cent apart."""

    @override
    def on_start(self) -> None:
        self._open: dict[InstrumentId, str] = {}
        self.follow(self.config.series)
        self.clock.set_timer_ns("look", int(self.config.pause_secs * _SECOND_NS))

    @override
    def on_market(self, market: OutcomePair) -> None:
        self._open[market.yes.id] = str(market.info["market"])
        self.subscribe_quotes(market.yes.id)

    @override
    def on_resolution(self, resolution: MarketResolution) -> None:
        self._open = {place: name for place, name in self._open.items() if name != resolution.market}

    @override
    def on_time_event(self, event: TimeEvent) -> None:
        for place in self._open:
            if event.ts_init < self.instrument(place).expiration_ns:
                self._fill_up(place)

    @override
    def on_stop(self) -> None:
        for place in self._open:
            self.cancel_all_orders(place)

    def _fill_up(self, place: InstrumentId) -> None:
        waiting: list[Any] = [
            *self.cache.orders_open(instrument_id=place, strategy_id=self.strategy_id),
            *self.cache.orders_inflight(instrument_id=place, strategy_id=self.strategy_id),
        ]
        taken = {order.price.as_decimal() for order in waiting if order.side == OrderSide.BUY}
        for step in range(self.config.bids):
            price = _LOWEST * (step + 1)
            if price not in taken:
                self.buy(place, Decimal(1), price, post_only=True)
