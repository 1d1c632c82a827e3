"""Who watches the markets of a run without trading: it subscribes to everything, and passes it on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self, final, override

from nautilus_trader.common import DataActor
from nautilus_trader.model import BinaryOption, BookType, CustomData, InstrumentId, QuoteTick, Venue

from engine.following import Following
from markets.facts import DataGap, Fact, MarketPhase, MarketResolution
from markets.instruments import Instrument, OutcomePair
from markets.names import Series

_FACTS = (MarketPhase, MarketResolution, DataGap)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ears:
    """Who is told what; each is called on the loop and returns at once.

    `on_start` comes after the markets that are known by then, and before all strategies' own.
    """

    on_start: Callable[[], None]
    on_market: Callable[[OutcomePair], None]
    on_quote: Callable[[QuoteTick], None]
    on_fact: Callable[[Fact], None]
    on_event: Callable[[], None]


@final
class Observer(DataActor):
    """Follow the markets of `series` and of `instruments`, and subscribe to books, quotes and prints of both sides.

    A simulated venue sees only what somebody subscribed to (run on rc7), and a strategy may want quotes alone.
    """

    def __new__(cls, *_: Any) -> Self:
        return super().__new__(cls)

    def __init__(self, series: Sequence[Series], instruments: Sequence[InstrumentId], ears: Ears) -> None:
        super().__init__()
        self._following = Following()
        self._series = series
        self._instruments = instruments
        self._ears = ears

    @override
    def on_start(self) -> None:
        for one in self._series:
            self._following.add(one)
            self.subscribe_instruments(Venue(one.venue))
            for kind in _FACTS:
                self.subscribe_data(kind.data_type(one.key))
        for instrument_id in self._instruments:
            self._following.add_market(instrument_id)
            self.subscribe_instrument(instrument_id)
        for venue in {one.venue for one in self._series} | {one.venue.value for one in self._instruments}:
            self._meet(self.cache.instruments(Venue(venue)))
        self._ears.on_start()

    @override
    def on_instrument(self, instrument: Any) -> None:
        self._meet([instrument])

    @override
    def on_quote(self, quote: QuoteTick) -> None:
        self._ears.on_event()
        self._ears.on_quote(quote)

    @override
    def on_book_deltas(self, deltas: Any) -> None:
        self._ears.on_event()

    @override
    def on_trade(self, trade: Any) -> None:
        self._ears.on_event()

    @override
    def on_data(self, data: CustomData) -> None:
        self._ears.on_event()
        self._ears.on_fact(data.data)

    def _meet(self, instruments: Sequence[Instrument]) -> None:
        for found in self._following.meet(instruments, self.cache.instrument, self.clock.timestamp_ns()):
            self._ears.on_market(found.market)
            for side in (found.market.yes, found.market.no) if found.is_new else ():
                self._subscribe(side)

    def _subscribe(self, side: BinaryOption) -> None:
        self.subscribe_book_deltas(side.id, BookType.L2_MBP)
        self.subscribe_quotes(side.id)
        self.subscribe_trades(side.id)
        self.subscribe_instrument_close(side.id)
