"""What strategies want of a venue's markets: the engine's commands as wishes of each market, and its questions as answers."""

from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final, Literal, Protocol, override

from nautilus_trader.model import InstrumentId, Venue

from markets.live.answering import Answering
from markets.live.conditions import Conditions
from markets.live.live_market import LiveMarket
from markets.live.outlet import Note
from markets.live.refusing import Refusing

_VITAL: Final = ("socket", "clock", "venue")
_SERIES_FACTS: Final = ("MarketPhase", "MarketResolution", "DataGap", "BookDoubt")

type Kind = Literal["books", "quotes", "trades", "statuses"]


class Watching[M](Protocol):
    """Finds markets by what a venue says; each but `follow` raises from `network.errors`."""

    def follow(self, series: Iterable[str]) -> None: ...
    async def load(self, name: str) -> M | None: ...
    async def list_series(self, series: str) -> None: ...


class Following[M: LiveMarket[Any, Any], W: Watching[Any]](Refusing):
    """A venue's data client but for its words.

    A venue's client sets these before the engine connects it, and says what its markets are called, which are known,
    what to ask its stream for and how to leave it. `respell` says what the engine is told for each datum. `counts` tells what was lost.
    """

    _watch: W
    _answers: Answering[M]
    _conditions: Conditions
    _ask: Callable[[str, Coroutine[Any, Any, None]], None]

    def __init__(
        self, *, venue: str, respell: Callable[[Any], Iterable[Any]] | None, note: Note, **nautilus: Any
    ) -> None:
        super().__init__(venue=Venue(venue), **nautilus)
        self._venue_name = venue
        self.counts: Counter[str] = Counter()
        self._respell = respell
        self._note = note
        self._emit = self._handle_data if respell is None else self._tell

    def known(self) -> Mapping[str, M]:
        """Return the markets that we know, by their names at the venue."""
        raise NotImplementedError

    def name_of(self, side: InstrumentId) -> str:
        """Return the market that an instrument is one side of; ValueError when it is none of this venue's."""
        raise NotImplementedError

    def refresh(self, market: M) -> None:
        """Ask the stream for what is wanted of a market now, and for no more."""
        raise NotImplementedError

    def miss(self, side: InstrumentId) -> None:
        """Hear that the venue has no such market."""
        raise NotImplementedError

    def give_up(self) -> None:
        """Let nothing more come from the venue."""
        raise NotImplementedError

    # subscribe

    @override
    async def _subscribe(self, command: Any) -> None:
        name, key = command.data_type.type_name, command.data_type.identifier or ""
        subject, _, source = key.rpartition(".")
        if name in _SERIES_FACTS and source == self._venue_name:
            self._watch.follow([subject])

    @override
    async def _subscribe_instruments(self, command: Any) -> None:
        self._watch.follow([one for one in [(command.params or {}).get("series")] if one])

    @override
    async def _subscribe_instrument(self, command: Any) -> None:
        self._with(command.instrument_id, lambda market: self._watch.follow([market.terms.series]))

    @override
    async def _subscribe_book_deltas(self, command: Any) -> None:
        self._want("books", command.instrument_id)

    @override
    async def _subscribe_quotes(self, command: Any) -> None:
        self._want("quotes", command.instrument_id)

    @override
    async def _subscribe_trades(self, command: Any) -> None:
        self._want("trades", command.instrument_id)

    @override
    async def _subscribe_instrument_status(self, command: Any) -> None:
        self._want("statuses", command.instrument_id)

    @override
    async def _subscribe_instrument_close(self, command: Any) -> None:
        """Closes are told always: the engine pays out by them."""

    # unsubscribe

    @override
    async def _unsubscribe(self, command: Any) -> None:
        """Facts are told always: they are few, and recorders want them."""

    @override
    async def _unsubscribe_instruments(self, command: Any) -> None:
        """Series are followed on: their markets may be traded."""

    @override
    async def _unsubscribe_instrument(self, command: Any) -> None:
        """As for all instruments."""

    @override
    async def _unsubscribe_book_deltas(self, command: Any) -> None:
        self._want_not("books", command.instrument_id)

    @override
    async def _unsubscribe_quotes(self, command: Any) -> None:
        self._want_not("quotes", command.instrument_id)

    @override
    async def _unsubscribe_trades(self, command: Any) -> None:
        self._want_not("trades", command.instrument_id)

    @override
    async def _unsubscribe_instrument_status(self, command: Any) -> None:
        self._want_not("statuses", command.instrument_id)

    @override
    async def _unsubscribe_instrument_close(self, command: Any) -> None:
        """As for subscribing."""

    # request

    @override
    async def _request_instruments(self, request: Any) -> None:
        """Answer with every market that we know, or with those of the series that the parameters name."""
        series = (request.params or {}).get("series")
        if series is None:
            self._answers.instruments(request, self.known().values())
        else:
            self._ask(f"markets of {series}", self._list_and_answer(request, series))

    @override
    async def _request_instrument(self, request: Any) -> None:
        self._with(request.instrument_id, lambda market: self._answers.instrument(request, market))

    @override
    async def _request_book_snapshot(self, request: Any) -> None:
        self._with(
            request.instrument_id, lambda market: self._ask("book", self._answers.book(request, market))
        )

    @override
    async def _request_trades(self, request: Any) -> None:
        self._with(
            request.instrument_id,
            lambda market: self._ask("past trades", self._answers.trades(request, market)),
        )

    @override
    async def _request_bars(self, request: Any) -> None:
        instrument_id = request.bar_type.instrument_id
        self._with(instrument_id, lambda market: self._ask("past bars", self._answers.bars(request, market)))

    # ours

    def _want(self, kind: Kind, side: InstrumentId) -> None:
        def note(market: M) -> None:
            getattr(market.wants, kind).add(side)
            if kind == "books":
                market.book.owe_whole([side])
            elif kind == "quotes":
                market.book.owe_quote(side)
            elif kind == "statuses":
                market.told.tell_status(side, self.clock.timestamp_ns())
            self.refresh(market)

        self._with(side, note)

    def _want_not(self, kind: Kind, side: InstrumentId) -> None:
        market = self.known().get(self.name_of(side))
        if market is not None:
            getattr(market.wants, kind).discard(side)
            self.refresh(market)

    def _with(self, side: InstrumentId, act: Callable[[M], None]) -> None:
        """Act on a market, at once when it is known, else when the venue has described it."""
        market = self.known().get(self.name_of(side))
        if market is not None:
            act(market)
        else:
            self._ask(f"market of {side}", self._load_and(side, act))

    async def _load_and(self, side: InstrumentId, act: Callable[[M], None]) -> None:
        market = await self._watch.load(self.name_of(side))
        if market is None:
            self.miss(side)
        else:
            act(market)

    async def _list_and_answer(self, request: Any, series: str) -> None:
        await self._watch.list_series(series)
        self._answers.instruments(
            request, [one for one in self.known().values() if one.terms.series == series]
        )

    def _take_trouble(self, what: str, error: Exception) -> None:
        self.counts["failed_requests"] += 1
        self._conditions.take_trouble(f"{what}: {error}")

    def _tell(self, datum: Any) -> None:
        assert self._respell is not None
        for spelt in self._respell(datum):
            self._handle_data(spelt)

    def _fail(self, part: str) -> None:
        """Count a task of ours that failed, and trust nothing any more when it was one that all else rests on."""
        self.counts["failed_tasks"] += 1
        if part not in _VITAL:
            return
        # Without this part nothing that we say can be trusted, so nothing may look alive.
        now_ns = self.clock.timestamp_ns()
        for market in self.known().values():
            market.book.lose(now_ns, now_ns, f"the {part} failed")
        self.give_up()
