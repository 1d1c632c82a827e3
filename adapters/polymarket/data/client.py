"""Polymarket for Nautilus' data engine: commands become subscriptions, what the venue says becomes data."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, override

from msgspec import MsgspecError
from nautilus_trader.model import InstrumentId

from adapters.polymarket import constants as venue
from adapters.polymarket.data.answers import Answers
from adapters.polymarket.data.book import Proving
from adapters.polymarket.data.dispatch import Followers
from adapters.polymarket.data.market import LiveMarket
from adapters.polymarket.data.markets import Markets
from adapters.polymarket.data.missing import MissingBooks
from adapters.polymarket.data.stream import MarketStream
from adapters.polymarket.data.watch import Pace, Watch
from adapters.polymarket.http.market_data import MarketData
from adapters.polymarket.messages.prices_stream import BoltFrame, PriceFrame
from adapters.polymarket.parsing.oracles import parse_oracle
from adapters.polymarket.providers.catalogue import PolymarketCatalogue
from adapters.polymarket.websocket.bolt import PriceSockets
from adapters.polymarket.websocket.client import Listener, MarketSocket
from markets.live.client_config import Tap
from markets.live.conditions import Conditions
from markets.live.following import Following
from markets.live.outlet import Note, note_nothing
from network.asking import Asking
from network.errors import NetworkError
from network.tasks import Tasks

_LOG: Final = logging.getLogger(__name__)
_FIRST_PAUSE_SECS: Final = 0.25
_MOST_PAUSE_SECS: Final = 10.0

type OnPrice = Callable[[PriceFrame | BoltFrame, int], None]


class Sockets(Protocol):
    """Opens the two streams for whoever listens."""

    def market(self, listener: Listener) -> MarketSocket:
        """Return the market stream."""

    def prices(
        self, on_price: OnPrice, on_down: Callable[[str], None], tap: Tap | None
    ) -> PriceSockets | None:
        """Return the streams of reference prices; None when none are wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What to take beside what strategies subscribe to.

    Markets of `series` (windows such as `btc-updown-5m`, a series or an event by its name) are listed at the start and
    followed as they come, `markets` are listed by their conditions. While `has_room()` is false, frames wait.
    """

    series: tuple[str, ...] = ()
    markets: tuple[str, ...] = ()
    windows_ahead: int = 3
    pace: Pace = field(default_factory=Pace)
    proving: Proving = field(default_factory=Proving)
    has_room: Callable[[], bool] = lambda: True


class PolymarketDataClient(Following[LiveMarket, Watch]):
    """The market stream over as many connections as it needs, and reference prices.

    `tap` gets each raw frame before anybody else (`bytes, received_ns, epoch`), for a recorder, and `note` what no
    frame tells: what REST said, the end of a connection, a book that nobody wants any more. `respell` says what the engine
    is told for each datum. `http` is closed with the client. `counts` tells what was lost, refused and proved.
    """

    def __init__(
        self,
        *,
        http: MarketData,
        sockets: Sockets,
        wishes: Wishes,
        tap: Tap | None = None,
        respell: Callable[[Any], Iterable[Any]] | None = None,
        note: Note = note_nothing,
        **nautilus: Any,
    ) -> None:
        super().__init__(venue=venue.VENUE, respell=respell, note=note, **nautilus)
        self._http = http
        self._wishes = wishes
        now_ns = self.clock.timestamp_ns
        catalogue = PolymarketCatalogue(http, now_ns, wishes.windows_ahead)
        self.markets = Markets(self._handle_instrument, self._emit, now_ns, self.counts, note, wishes.proving)
        self._conditions = Conditions(
            venue.VENUE, self._emit, now_ns, lambda: self._stream.last_message_ns, note
        )
        self._watch = Watch(self.markets, catalogue, self.refresh, wishes.pace, self._conditions)
        followers = Followers(
            renew_book=self._renew_book,
            on_change=self.refresh,
            on_result=self._watch.look_now,
            on_doubt=lambda market: self._stream.watch(market),
            on_end=self._end,
        )
        self._stream = MarketStream(
            self.markets, followers, now_ns, self.counts, lambda: self.socket.has_waiting
        )
        self.socket = sockets.market(self._stream.listener(tap))
        self.socket.wait_for(wishes.has_room)
        self.prices = sockets.prices(self._take_price, self._end_prices, tap)
        self._tasks = Tasks(self._report)
        self._ask = Asking(self._tasks, self._take_trouble)
        self._watched: set[str] = set()
        self._renewing: set[str] = set()
        self._missing = MissingBooks(self._ask_again, self.counts)
        self._answers = Answers(http, self.client_id, self._handle_response, now_ns)

    @override
    async def _connect(self) -> None:
        self._note("proving", self._wishes.proving, self.clock.timestamp_ns())
        self._watch.follow(self._wishes.series)
        await self._watch.discover()
        for condition in self._wishes.markets:
            if await self._watch.load(condition) is None:
                _LOG.error(
                    "expected %s to be a market of Polymarket that can be traded, found none", condition
                )
        self._tasks.start("socket", self.socket.run())
        self._tasks.start("clock", self._watch.watch_clock())
        self._tasks.start("venue", self._watch.watch_venue())
        self._tasks.start("missing books", self._look_for_books())
        if self.prices is not None:
            self._tasks.start("prices", self.prices.run())

    @override
    async def _disconnect(self) -> None:
        self.socket.stop()
        if self.prices is not None:
            self.prices.stop()
        self._stream.stop()
        await self._tasks.stop()
        await self._http.close()

    # request

    @override
    async def _request_quotes(self, request: Any) -> None:
        raise NotImplementedError("the venue keeps no past quotes: request MID bars, or read a catalog")

    # ours

    @override
    def known(self) -> Mapping[str, LiveMarket]:
        return self.markets.by_condition

    @override
    def name_of(self, side: InstrumentId) -> str:
        return condition_of(side)

    @override
    def miss(self, side: InstrumentId) -> None:
        _LOG.error("expected %s to be a market of Polymarket that can be traded, found none: no data", side)

    @override
    def give_up(self) -> None:
        self.socket.stop()

    @override
    def refresh(self, market: LiveMarket) -> None:
        is_wanted = (market.wants.needs_book or bool(market.wants.trades)) and not market.is_settled
        tokens = (market.book.yes_token, market.book.no_token)
        if is_wanted and market.condition not in self._watched:
            self._watched.add(market.condition)
            self.socket.want(tokens)
        elif not is_wanted and market.condition in self._watched:
            self._watched.discard(market.condition)
            self.socket.want_not(tokens)
            market.book.stop()
            self._note("unwatched", {"market": market.condition}, self.clock.timestamp_ns())
        elif market.book.is_known:
            market.book.flush()

    def _renew_book(self, market: LiveMarket) -> None:
        if market.condition in self._watched and market.condition not in self._renewing:
            self._renewing.add(market.condition)
            self._tasks.start(f"book of {market.terms.name}", self._fetch_book(market))

    async def _fetch_book(self, market: LiveMarket) -> None:
        """Ask for both books until they are there; the stream may bring them first."""
        pause_secs = _FIRST_PAUSE_SECS
        try:
            while market.condition in self._watched and not market.book.is_known and not market.is_settled:
                try:
                    answers = await self._http.post_books((market.book.yes_token, market.book.no_token))
                    now_ns = self.clock.timestamp_ns()
                    self._note("books", answers, now_ns)
                    market.take_answers(answers, now_ns)
                except (NetworkError, MsgspecError, ValueError) as error:
                    self._take_trouble(f"book of {market.terms.name}", error)
                    _LOG.warning("expected the book of %s, found: %s", market.terms.name, error)
                    await asyncio.sleep(pause_secs)
                    pause_secs = min(2 * pause_secs, _MOST_PAUSE_SECS)
        finally:
            self._renewing.discard(market.condition)

    async def _look_for_books(self) -> None:
        while True:
            await asyncio.sleep(self._wishes.pace.clock_secs)
            if self.socket.is_up:
                self._missing.look([self.markets.by_condition[one] for one in self._watched])

    def _ask_again(self, market: LiveMarket) -> None:
        self.socket.ask_again((market.book.yes_token, market.book.no_token))

    def _take_price(self, frame: PriceFrame | BoltFrame, recv_ns: int) -> None:
        try:
            for price in parse_oracle(frame, recv_ns):
                self._emit(price.as_data())
        except (ValueError, ArithmeticError) as error:
            self.counts["unusable_prices"] += 1
            _LOG.warning("expected a price that can be used, found: %s", error)

    def _end_prices(self, reason: str) -> None:
        self.counts["price_connections_lost"] += 1
        _LOG.warning("expected a connection to reference prices, found: %s", reason)

    def _end(self, tokens: tuple[str, ...], reason: str, at_ns: int) -> None:
        self._note("down", {"tokens": tokens, "reason": reason}, at_ns)
        self._conditions.end(reason, at_ns)

    def _report(self, name: str, error: BaseException) -> None:
        _LOG.critical("expected the %s of Polymarket's data to go on, found it failed", name, exc_info=error)
        self._fail(name)


def condition_of(side: InstrumentId) -> str:
    """Return the market that an instrument is one side of; ValueError when it is none of ours."""
    condition, dash, token = side.symbol.value.rpartition("-")
    if not dash or not condition or not token.isdecimal() or side.venue.value != venue.VENUE:
        raise ValueError(f"expected an outcome of Polymarket such as 0x11ba…-7269….POLYMARKET, found {side}")
    return condition
