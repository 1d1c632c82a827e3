"""What strategies ask once, as Nautilus' responses: instruments, a book, past trades and bars."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from nautilus_trader.live import (
    BarsResponse,
    BookResponse,
    InstrumentResponse,
    InstrumentsResponse,
    TradesResponse,
)
from nautilus_trader.model import (
    Bar,
    BookType,
    ClientId,
    OrderBook,
    OrderBookDelta,
    TradeTick,
    Venue,
)

from markets.live.live_market import LiveMarket
from markets.live.yes_book import BookData
from markets.mirror import Mirror

SECOND_NS: Final = 1_000_000_000
DEFAULT_LIMIT: Final = 1_000


class Answering[M: LiveMarket[Any, Any]]:
    """Answers requests through `respond`; those that ask the venue raise from `network.errors`.

    A venue says how it is asked for books, trades and bars. What is told of NO is the mirror of what the venue says of YES.
    """

    def __init__(
        self, venue: str, client_id: ClientId, respond: Callable[[Any], None], now_ns: Callable[[], int]
    ) -> None:
        self._venue = Venue(venue)
        self._client_id = client_id
        self._respond = respond
        self._now_ns = now_ns
        self._mirror = Mirror()

    def instruments(self, request: Any, markets: Iterable[M]) -> None:
        """Answer with both sides of these markets."""
        sides = [side for market in markets for side in market.sides]
        at_ns = self._now_ns()
        self._respond(
            InstrumentsResponse(
                self._client_id, self._venue, sides, request.request_id, at_ns, params=request.params
            )
        )

    def instrument(self, request: Any, market: M) -> None:
        """Answer with one side of a market."""
        side = next(one for one in market.sides if one.id == request.instrument_id)
        self._respond(InstrumentResponse(data=side, **self._frame(request)))

    async def book(self, request: Any, market: M) -> None:
        """Answer with the book as REST shows it."""
        raise NotImplementedError

    async def trades(self, request: Any, market: M) -> None:
        """Answer with past trades in ascending order; the newest `limit` of the window."""
        raise NotImplementedError

    async def bars(self, request: Any, market: M) -> None:
        """Answer with past bars; ValueError for a kind of bars that the venue cannot make."""
        raise NotImplementedError

    def _tell_book(self, request: Any, market: M, changes: Iterable[BookData]) -> None:
        book = OrderBook(request.instrument_id, BookType.L2_MBP)
        is_no = request.instrument_id == market.pair.no.id
        for item in changes:
            if isinstance(item, OrderBookDelta):
                book.apply_delta(self._mirror.delta(item, request.instrument_id) if is_no else item)
        self._respond(BookResponse(data=book, **self._frame(request)))

    def _tell_trades(self, request: Any, market: M, ticks: Iterable[TradeTick]) -> None:
        told = sorted(ticks, key=lambda one: one.ts_event)[-(request.limit or DEFAULT_LIMIT) :]
        if request.instrument_id == market.pair.no.id:
            told = [self._mirror.trade(one, market.pair.no.id) for one in told]
        self._respond(TradesResponse(data=told, **self._window(request)))

    def _tell_bars(self, request: Any, bars: Sequence[Bar]) -> None:
        window = self._window(request)
        del window["instrument_id"]
        told = list(bars[-request.limit :] if request.limit else bars)
        self._respond(BarsResponse(data=told, bar_type=request.bar_type, **window))

    def _window(self, request: Any) -> dict[str, Any]:
        return self._frame(request) | {"start": request.start_ns, "end": request.end_ns}

    def _frame(self, request: Any) -> dict[str, Any]:
        return {
            "client_id": self._client_id,
            "instrument_id": getattr(request, "instrument_id", None),
            "correlation_id": request.request_id,
            "ts_init": self._now_ns(),
            "params": request.params,
        }


def seconds_of(at_ns: int | None) -> int | None:
    """Return a bound of a window in whole seconds; None for none."""
    return None if at_ns is None else at_ns // SECOND_NS
