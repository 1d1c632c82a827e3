"""Kalshi for Nautilus' data engine: commands become subscriptions, what the venue says becomes data."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, override

from nautilus_trader.model import InstrumentId

from adapters.kalshi import constants as venue
from adapters.kalshi.data.answers import Answers
from adapters.kalshi.data.market import LiveMarket
from adapters.kalshi.data.markets import Markets
from adapters.kalshi.data.stream import (
    LIFECYCLE_CHANNEL,
    TICKER_CHANNEL,
    TRADE_CHANNEL,
    Followers,
    MarketStream,
)
from adapters.kalshi.data.watch import Pace, Watch
from adapters.kalshi.http.market_data import MarketData
from adapters.kalshi.messages.market_data import MarketLifecycle
from adapters.kalshi.messages.queries import TradesQuery
from adapters.kalshi.providers.catalogue import KalshiCatalogue
from adapters.kalshi.websocket.client import KalshiSocket, Listener
from markets.live.conditions import Conditions
from markets.live.following import Following
from markets.live.outlet import Note, note_nothing
from network.asking import Asking
from network.tasks import Tasks

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What to take beside what strategies subscribe to.

    Markets of `series` are listed at the start and followed as they come, `markets` are listed by their tickers. `indices` are CF Benchmarks
    indices such as BRTI. Without `follows_lifecycle` new markets and results come by REST only, later. While `has_room()`
    is false, frames wait: the engine is behind.
    """

    series: tuple[str, ...] = ()
    markets: tuple[str, ...] = ()
    indices: tuple[str, ...] = ()
    follows_lifecycle: bool = True
    pace: Pace = field(default_factory=Pace)
    has_room: Callable[[], bool] = lambda: True


class KalshiDataClient(Following[LiveMarket, Watch]):
    """One connection for all market data.

    `open_socket` makes the socket that talks to a listener; `tap` gets each raw frame before anybody else
    (`bytes, received_ns, epoch`), for a recorder, and `note` what no frame tells: what REST said, the end of a
    connection, a book that nobody wants any more. `respell` says what the engine is told for each datum. `http`
    is closed with the client. `counts` tells what was lost, withheld and compared.
    """

    def __init__(
        self,
        *,
        http: MarketData,
        open_socket: Callable[[Listener], KalshiSocket],
        wishes: Wishes,
        tap: Callable[[bytes, int, int], None] | None = None,
        respell: Callable[[Any], Iterable[Any]] | None = None,
        note: Note = note_nothing,
        **nautilus: Any,
    ) -> None:
        super().__init__(venue=venue.VENUE, respell=respell, note=note, **nautilus)
        self._http = http
        self._wishes = wishes
        now_ns = self.clock.timestamp_ns
        catalogue = KalshiCatalogue(http, now_ns)
        self.markets = Markets(self._handle_instrument, self._emit, now_ns, self.counts, note)
        self._conditions = Conditions(
            venue.VENUE, self._emit, now_ns, lambda: self._stream.last_message_ns, note
        )
        self._watch = Watch(self.markets, catalogue, self.refresh, wishes.pace, self._conditions)
        followers = Followers(
            renew_book=self._renew_book,
            on_lifecycle=self._take_lifecycle,
            on_event=self._watch.take_event,
            on_fees=self._watch.take_fees,
            on_lapse=self._catch_up,
            on_end=self._end,
        )
        self._stream = MarketStream(self.markets.by_ticker, followers, self._emit, now_ns, self.counts)
        self.socket = open_socket(self._stream.listener(tap))
        self.socket.wait_for(wishes.has_room)
        self._stream.is_behind = self.socket.has_waiting
        self._tasks = Tasks(self._report)
        self._ask = Asking(self._tasks, self._take_trouble)
        self._channels: dict[str, set[str]] = {}
        self._answers = Answers(http, self.client_id, self._handle_response, now_ns)

    @override
    async def _connect(self) -> None:
        self._watch.follow(self._wishes.series)
        await self._watch.discover()
        for ticker in self._wishes.markets:
            if await self._watch.load(ticker) is None:
                _LOG.error("expected %s to be a market of Kalshi that can be traded, found none", ticker)
        if self._wishes.follows_lifecycle:
            self.socket.subscribe(LIFECYCLE_CHANNEL)
        if self._wishes.indices:
            self.socket.subscribe(venue.INDEX_CHANNEL, self._wishes.indices)
        self._tasks.start("socket", self.socket.run())
        self._tasks.start("clock", self._watch.watch_clock())
        self._tasks.start("venue", self._watch.watch_venue())

    @override
    async def _disconnect(self) -> None:
        self.socket.stop()
        self._stream.stop()
        await self._tasks.stop()
        await self._http.close()

    # subscribe

    @override
    async def _subscribe(self, command: Any) -> None:
        name, key = command.data_type.type_name, command.data_type.identifier or ""
        subject, _, source = key.rpartition(".")
        if name == "OraclePrice" and source == "CFBENCHMARKS":
            self.socket.subscribe(venue.INDEX_CHANNEL, (subject,))
        else:
            await super()._subscribe(command)

    # ours

    @override
    def known(self) -> Mapping[str, LiveMarket]:
        return self.markets.by_ticker

    @override
    def name_of(self, side: InstrumentId) -> str:
        return ticker_of(side)

    @override
    def miss(self, side: InstrumentId) -> None:
        _LOG.error("expected %s to be a market of Kalshi that can be traded, found none: no data", side)

    @override
    def give_up(self) -> None:
        self.socket.stop()

    @override
    def refresh(self, market: LiveMarket) -> None:
        wanted: set[str] = set()
        if market.wants.needs_book and not market.is_settled:
            wanted |= {venue.BOOK_CHANNEL, TICKER_CHANNEL}
        if market.wants.trades and not market.is_settled:
            wanted.add(TRADE_CHANNEL)
        have = self._channels.get(market.ticker, set())
        for channel in wanted - have:
            self.socket.subscribe(channel, (market.ticker,))
        for channel in have - wanted:
            self.socket.unsubscribe(channel, (market.ticker,))
        if venue.BOOK_CHANNEL in have - wanted:
            market.book.stop()
            self._note("unwatched", {"market": market.ticker}, self.clock.timestamp_ns())
        self._channels[market.ticker] = wanted
        self._stream.hold(market.ticker)

    def _renew_book(self, ticker: str) -> None:
        if venue.BOOK_CHANNEL in self._channels.get(ticker, ()):
            self.socket.unsubscribe(venue.BOOK_CHANNEL, (ticker,))
            self.socket.subscribe(venue.BOOK_CHANNEL, (ticker,))

    def _take_lifecycle(self, step: MarketLifecycle, recv_ns: int) -> None:
        self._watch.take_lifecycle(step, recv_ns)
        market = self.markets.by_ticker.get(step.market_ticker)
        if market is not None and market.is_settled:
            market.forget_trades()
            self.refresh(market)

    def _catch_up(self, channel: str) -> None:
        """Ask REST for what a channel without books has not told."""
        if channel == LIFECYCLE_CHANNEL:
            self._watch.look_now()
        elif channel == TRADE_CHANNEL:
            for market in self.markets.by_ticker.values():
                if market.wants.trades and market.last_trade_ns and not market.is_settled:
                    self._ask(f"missed trades of {market.ticker}", self._fill_in_trades(market))

    async def _fill_in_trades(self, market: LiveMarket) -> None:
        query = TradesQuery(ticker=market.ticker, min_ts=market.last_trade_ns // 10**9)
        missed = [trade async for page in self._http.get_trades(query) for trade in page]
        for trade in reversed(missed):
            now_ns = self.clock.timestamp_ns()
            self._note("trade", trade, now_ns)
            market.take_trade(trade, now_ns)

    def _end(self, reason: str, at_ns: int) -> None:
        self._note("down", {"reason": reason}, at_ns)
        self._conditions.end(reason, at_ns)

    def _report(self, name: str, error: BaseException) -> None:
        _LOG.critical("expected the %s of Kalshi's data to go on, found it failed", name, exc_info=error)
        self._fail(name)


def ticker_of(side: InstrumentId) -> str:
    """Return the market that an instrument is one side of; ValueError when it is none of ours."""
    ticker, dash, outcome = side.symbol.value.rpartition("-")
    if not dash or outcome not in ("YES", "NO") or side.venue.value != venue.VENUE:
        raise ValueError(f"expected an outcome of Kalshi such as KXFED-27JAN-C-YES.KALSHI, found {side}")
    return ticker
