"""One live market's book: kept as YES, told as YES and NO, each matching action once and never half."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from nautilus_trader.model import (
    BookAction,
    InstrumentId,
    OrderBookDelta,
    OrderBookDeltas,
    QuoteTick,
    RecordFlag,
)

from adapters.kalshi.data.health import TopCheck
from adapters.kalshi.messages.market_data import OrderbookDelta, OrderbookSnapshot, Ticker
from adapters.kalshi.parsing import BookBuilder, BookData
from markets.mirror import Mirror

_LOG: Final = logging.getLogger(__name__)
_LAST: Final = RecordFlag.F_LAST.value


class BrokenBook(ValueError):
    """A matching action ended with a bid at or above an ask: frames are missing, although none seems to be."""


@dataclass(frozen=True, slots=True)
class Blindness:
    """Since when nothing was known of a book, and why."""

    since_ns: int
    reason: str


@dataclass(slots=True)
class Wants:
    """Which sides of a market somebody listens to, by kind of data."""

    books: set[InstrumentId] = field(default_factory=set)
    quotes: set[InstrumentId] = field(default_factory=set)
    trades: set[InstrumentId] = field(default_factory=set)
    statuses: set[InstrumentId] = field(default_factory=set)

    @property
    def needs_book(self) -> bool:
        """Whether the venue's book is needed."""
        return bool(self.books or self.quotes)


class Outlet:
    """Where one market's data go: YES as it is, NO as its mirror, to the sides that are wanted."""

    def __init__(
        self, yes: InstrumentId, no: InstrumentId, emit: Callable[[Any], None], mirror: Mirror
    ) -> None:
        self.yes, self.no = yes, no
        self.emit = emit
        self._mirror = mirror

    def deltas(self, group: list[OrderBookDelta], sides: Iterable[InstrumentId]) -> None:
        """Tell one closed group of changes."""
        if self.yes in sides:
            self.emit(OrderBookDeltas(self.yes, group))
        if self.no in sides:
            self.emit(OrderBookDeltas(self.no, self._mirror.deltas(group, self.no)))

    def quote(self, quote: QuoteTick, sides: Iterable[InstrumentId]) -> None:
        """Tell a quote."""
        if self.yes in sides:
            self.emit(quote)
        if self.no in sides:
            self.emit(self._mirror.quote(quote, self.no))

    def trade(self, trade: Any, sides: Iterable[InstrumentId]) -> None:
        """Tell a trade."""
        if self.yes in sides:
            self.emit(trade)
        if self.no in sides:
            self.emit(self._mirror.trade(trade, self.no))


class LiveBook:
    """The book as far as it is known: `is_known` is False before a snapshot and while frames are missing.

    From `closes_ns()` on no quote is told: the venue removes every level then, which is not a price. `counts`
    gets `books_lost`, `quotes_after_close`, and what `TopCheck` counts.
    """

    def __init__(
        self, outlet: Outlet, wants: Wants, closes_ns: Callable[[], int], counts: Counter[str]
    ) -> None:
        self.is_known = False
        self._builder = BookBuilder(outlet.yes, uses_yes_prices=True)
        self._outlet = outlet
        self._wants = wants
        self._closes_ns = closes_ns
        self._counts = counts
        self._tickers = TopCheck(counts)
        self._blind: Blindness | None = None
        self._owed = Wants()
        self._quote: QuoteTick | None = None

    def take_delta(self, delta: OrderbookDelta, recv_ns: int, seq: int) -> None:
        """Change a level; tell the action before it, if this begins another. ValueError when it cannot be."""
        self._tell(self._builder.take_delta(delta, recv_ns, seq))

    def take_snapshot(self, snapshot: OrderbookSnapshot, recv_ns: int, seq: int) -> Blindness | None:
        """Tell a whole new book; return the blindness that it ends. ValueError when it cannot be."""
        due = _from_clear(self._builder.take_snapshot(snapshot, recv_ns, seq))
        self.is_known = True
        self._tickers.begin()
        self._owed = Wants()
        self._tell(due)
        ended, self._blind = self._blind, None
        return ended

    def flush(self) -> bool:
        """Tell the action that is held back; return False while the book is crossed, since more must come."""
        if not self.is_known:
            return True
        if self._is_crossed():
            return False
        self._tell(self._builder.end_group())
        self._pay()
        return True

    def lose(self, since_ns: int, now_ns: int, reason: str) -> None:
        """Tell an empty book: nothing is known from now on. After the close, that is no gap."""
        if not self.is_known:
            return
        self.is_known = False
        self._counts["books_lost"] += 1
        if since_ns < self._closes_ns():
            self._blind = Blindness(since_ns, reason)
        self._tell(_from_clear(self._builder.publish_blank(now_ns)))

    def stop(self) -> None:
        """Tell what is held back, then know nothing of the book any more, because nobody wants it."""
        self.flush()
        self.is_known = False
        self._blind = self._quote = None

    def forget_gap(self) -> Blindness | None:
        """Return the blindness that will not be ended by a book any more, such as at the close."""
        ended, self._blind = self._blind, None
        return ended

    def owe_whole(self, sides: Iterable[InstrumentId]) -> None:
        """Show the whole book to these with the next flush: they begin to listen, or its ticks changed."""
        self._owed.books |= set(sides)

    def owe_quote(self, side: InstrumentId) -> None:
        """Show the quote to somebody who begins to listen."""
        self._owed.quotes.add(side)

    def take_ticker(self, ticker: Ticker) -> None:
        """Remember what the venue says its top is; it is compared, never told."""
        if self.is_known:
            self._tickers.note_ticker(ticker)

    def judge_tickers(self, now_ns: int) -> list[str]:
        """Say, in the log too, where our top and the venue's ticker differ."""
        differing = self._tickers.judge(now_ns)
        for line in differing:
            _LOG.warning("expected the venue's top in the book of %s, found %s", self._outlet.yes, line)
        return differing

    def _tell(self, due: Sequence[BookData]) -> None:
        for item in due:
            if isinstance(item, QuoteTick) and item.bid_price.raw >= item.ask_price.raw:
                raise BrokenBook(f"expected a bid below the ask, found {item}")
        group: list[OrderBookDelta] = []
        for item in due:
            if isinstance(item, QuoteTick):
                self._tell_quote(item)
                continue
            group.append(item)
            if item.flags & _LAST:
                self._outlet.deltas(group, self._wants.books)
                group = []

    def _tell_quote(self, quote: QuoteTick) -> None:
        if quote.ts_event >= self._closes_ns():
            self._counts["quotes_after_close"] += 1
            self._quote = None
            return
        self._quote = quote
        if self.is_known:
            self._tickers.note_quote(quote)
        self._outlet.quote(quote, self._wants.quotes)

    def _pay(self) -> None:
        if self._owed.books:
            whole = self._builder.publish_whole(0)  # as of the last change: nothing has happened since
            self._outlet.deltas(
                [item for item in whole if isinstance(item, OrderBookDelta)], self._owed.books
            )
            self._owed.books = set()
        if self._owed.quotes:
            if self._quote is not None:
                self._outlet.quote(self._quote, self._owed.quotes)
            self._owed.quotes = set()

    def _is_crossed(self) -> bool:
        bids, asks = self._builder.bids, self._builder.asks
        return bool(bids and asks) and max(bids) >= min(asks)


def _from_clear(due: Sequence[BookData]) -> Sequence[BookData]:
    """Return a whole book without the action before it: that may be half an action, and is replaced anyway."""
    is_clear = [isinstance(item, OrderBookDelta) and item.action == BookAction.CLEAR for item in due]
    return due[is_clear.index(True) :]
