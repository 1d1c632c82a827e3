"""One live market: its terms, its sides and its life, each thing told once; a venue adds its words."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from nautilus_trader.model import BinaryOption

from markets.facts import Phase
from markets.instruments import MarketTerms, OutcomePair, make_pair
from markets.live.life import Life
from markets.live.life_telling import LifeTelling
from markets.live.live_book import LiveBook
from markets.live.outlet import Outlet, Wants
from markets.mirror import Mirror

_REMEMBERED_TRADES: Final = 4096
_BEFORE_CLOSE: Final = frozenset({Phase.PENDING, Phase.OPEN, Phase.PAUSED})


class LiveMarket[L: Life, B: LiveBook]:
    """A market from the day it is listed to its payout; `emit` gets data for the engine.

    A venue's market sets its `book`. Facts and closes are told always, the rest as `wants` says. The final payout closes
    both sides, once: the engine acts on the first close that it sees (run on rc7).
    """

    book: B

    def __init__(self, life: L, emit: Callable[[Any], None], mirror: Mirror, counts: Counter[str]) -> None:
        self.wants = Wants()
        self.told = LifeTelling(make_pair(life.terms), self.wants, emit, counts)
        self._life = life
        self._outlet = Outlet(self.pair.yes.id, self.pair.no.id, emit, mirror)
        self._counts = counts
        self._trade_keys: dict[str, None] = {}

    @property
    def pair(self) -> OutcomePair:
        """Both sides as they were issued last."""
        return self.told.pair

    @property
    def sides(self) -> tuple[BinaryOption, BinaryOption]:
        """YES and NO as they were issued last."""
        return self.pair.yes, self.pair.no

    @property
    def phase(self) -> Phase | None:
        """What the market is doing, None before that is known."""
        return self.told.phase

    @property
    def is_settled(self) -> bool:
        """Whether its final payout was told."""
        return self.told.is_settled

    @property
    def terms(self) -> MarketTerms:
        """What the venue states, as it was issued last."""
        return self._life.terms

    @property
    def closes_ns(self) -> int:
        """When trading ends, as far as is known now."""
        return self._life.closes_ns

    def revise(self, terms: MarketTerms) -> tuple[BinaryOption, BinaryOption]:
        """Take new terms and return both sides anew; the book will be shown whole, as its ticks may differ."""
        self.told.pair = make_pair(terms)
        self._life.terms = terms
        self._life.closes_ns = terms.closes_ns
        self._counts["instruments_reissued"] += 1
        self.book.owe_whole(self.wants.books)
        return self.sides

    def look_at_clock(self, now_ns: int) -> None:
        """Tell the opening and the close: the venue sends no message at either time."""
        if self.phase is Phase.PENDING and self.terms.opens_ns <= now_ns:
            self.told.tell([self._life.opened()])
        if self.phase in _BEFORE_CLOSE and self.closes_ns <= now_ns:
            self.told.tell([self._life.closed()])
            self.end_watch(self.closes_ns)

    def next_due_ns(self) -> int | None:
        """Return when `look_at_clock` will have something to tell; None when never."""
        if self.phase is Phase.PENDING:
            return min(self.terms.opens_ns, self.closes_ns)
        return self.closes_ns if self.phase in _BEFORE_CLOSE else None

    def end_watch(self, until_ns: int) -> None:
        """Tell the gap that is open, if one is: no book will end it."""
        self.told.tell_gap(self.book.forget_gap(), until_ns, self._life.gap)

    def _remember_trade(self, key: str) -> None:
        self._trade_keys[key] = None
        if len(self._trade_keys) > _REMEMBERED_TRADES:
            del self._trade_keys[next(iter(self._trade_keys))]
