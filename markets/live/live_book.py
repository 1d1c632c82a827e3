"""One live market's book: kept as YES, told as YES and NO, each change once and never half."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from nautilus_trader.model import BookAction, InstrumentId, OrderBookDelta, QuoteTick, RecordFlag

from markets.live.outlet import Blindness, Outlet, Wants
from markets.live.yes_book import BookData, YesBook

_LAST: Final = RecordFlag.F_LAST.value


class BrokenBook(ValueError):
    """A change ended with a bid at or above an ask: something is missing, although nothing seems to be."""


class LiveBook:
    """The book as far as it is known: `is_known` is False before a whole book and while something is missing.

    From `closes_ns()` on no quote is told: the venue removes every level then, which is not a price. `counts`
    gets `books_lost` and `quotes_after_close`.
    """

    def __init__(
        self,
        builder: YesBook,
        outlet: Outlet,
        wants: Wants,
        closes_ns: Callable[[], int],
        counts: Counter[str],
    ) -> None:
        self.is_known = False
        self._yes = builder
        self._outlet = outlet
        self._wants = wants
        self._closes_ns = closes_ns
        self._counts = counts
        self._blind: Blindness | None = None
        self._owed = Wants()
        self._quote: QuoteTick | None = None

    def flush(self) -> bool:
        """Tell the action that is held back; return False while the book is crossed, since more must come."""
        if not self.is_known:
            return True
        if self._yes.is_crossed:
            return False
        self._tell(self._yes.end_group())
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
        self._tell(_from_clear(self._yes.publish_blank(now_ns)))

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

    def _begin(self, due: Sequence[BookData]) -> Blindness | None:
        """Tell a whole new book; return the blindness that it ends."""
        self.is_known = True
        self._owed = Wants()
        self._tell(_from_clear(due))
        ended, self._blind = self._blind, None
        return ended

    def _note_quote(self, quote: QuoteTick) -> None:
        """Hear what the top has become; a venue may compare it with what the venue says."""

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
            self._note_quote(quote)
        self._outlet.quote(quote, self._wants.quotes)

    def _pay(self) -> None:
        if self._owed.books:
            whole = self._yes.publish_whole(0)  # as of the last change: nothing has happened since
            self._outlet.deltas(
                [item for item in whole if isinstance(item, OrderBookDelta)], self._owed.books
            )
            self._owed.books = set()
        if self._owed.quotes:
            if self._quote is not None:
                self._outlet.quote(self._quote, self._owed.quotes)
            self._owed.quotes = set()


def _from_clear(due: Sequence[BookData]) -> Sequence[BookData]:
    """Return a whole book without the action before it: that may be half an action, and is replaced anyway."""
    is_clear = [isinstance(item, OrderBookDelta) and item.action == BookAction.CLEAR for item in due]
    return due[is_clear.index(True) :]
