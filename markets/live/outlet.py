"""Who listens to a market, and where its data go."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from nautilus_trader.model import InstrumentId, OrderBookDelta, OrderBookDeltas, QuoteTick

from markets.mirror import Mirror


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


type Note = Callable[[str, Any, int], None]
"""Hears what came by another way than the stream: its kind, what was said, when we knew (nanoseconds)."""


def note_nothing(_kind: str, _said: Any, _at_ns: int) -> None:
    """Keep no notes."""
