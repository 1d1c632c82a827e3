"""The catalog as the engine wants to hear it: window by window, both sides of every market."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from nautilus_trader.model import BinaryOption, OrderBookDelta, QuoteTick

from markets.facts import (
    BookDoubt,
    DataGap,
    MarketPhase,
    MarketResolution,
    OraclePrice,
    TradeProvenance,
    VenueCondition,
)
from markets.instruments import OutcomePair, awaits_strike, pairs_among
from markets.mirror import Mirror
from simulation.blackouts import Blackouts, Seen
from simulation.messages import cleared, grouped, levels_after, no_quote, snapshot
from simulation.settlement import Settlement
from simulation.sweeps import Sweeps
from storage.reading import CatalogReader

_NS_PER_SEC = 1_000_000_000
_LEAST_NS = _NS_PER_SEC
_PRICE_SAMPLE_NS = 2 * _NS_PER_SEC
_TOLD = (DataGap, BookDoubt, VenueCondition, MarketPhase, OraclePrice, TradeProvenance, MarketResolution)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much to hold in memory at a time: windows grow and shrink towards `rows` of the catalog."""

    first_ns: int = 60 * _NS_PER_SEC
    longest_ns: int = 3600 * _NS_PER_SEC
    rows: int = 100_000

    def next_ns(self, span_ns: int, rows: int) -> int:
        """Return the span of the next window after one of `span_ns` that held `rows`."""
        if rows > self.rows:
            return max(_LEAST_NS, span_ns // 2)
        return min(self.longest_ns, span_ns * 2) if rows < self.rows // 4 else span_ns


@dataclass(slots=True)
class Window:
    """What the engine gets at one go; the lists are each in time order."""

    start_ns: int
    end_ns: int
    opened: list[OutcomePair]
    market_data: list[list[Any]] = field(default_factory=list)
    facts: list[Any] = field(default_factory=list)
    sampled: list[QuoteTick] = field(default_factory=list)
    resolutions: list[tuple[OutcomePair, MarketResolution]] = field(default_factory=list)
    gaps: list[tuple[OutcomePair, DataGap]] = field(default_factory=list)
    rows: int = 0

    @property
    def events(self) -> int:
        """How many things the engine is told in this window."""
        return len(self.facts) + sum(map(len, self.market_data))


class Feed:
    """Replays the stored YES side of `markets`, and the NO side that follows from it.

    A market, and with it its strike, becomes known at the time at which its instrument was recorded,
    never before. Replay order is `ts_init`; of one instant: facts, trades, books, quotes, closes. In a gap the
    book is empty and nothing else is told, until the next whole book.
    """

    def __init__(
        self, reader: CatalogReader, markets: Sequence[OutcomePair], pace: Pace | None = None
    ) -> None:
        self._reader = reader
        self._waiting = sorted(markets, key=lambda market: (market.yes.ts_init, market.market))
        self._pace = pace or Pace()
        self._mirror = Mirror()
        self._settlement = Settlement()
        self._known: dict[str, OutcomePair] = {}
        self._sweeps: dict[str, Sweeps] = {}
        self._blackouts: dict[str, Blackouts] = {}
        self._sampled_ns: dict[str, int] = {}

    def windows(self, start_ns: int, end_ns: int) -> Iterator[Window]:
        """Yield the data of [start_ns, end_ns) in windows; a market that opens begins a new one."""
        span_ns, at_ns = self._pace.first_ns, start_ns
        while at_ns < end_ns:
            opened = self._open(at_ns)
            until_ns = min(end_ns, at_ns + span_ns, self._next_opening_ns(at_ns))
            window = Window(at_ns, until_ns, opened)
            self._warm_up(window)
            self._fill(window)
            yield window
            span_ns = self._pace.next_ns(span_ns, window.rows)
            at_ns = until_ns

    def speaks_of(self, venue: str, start_ns: int, end_ns: int) -> bool:
        """Return whether anything recorded says how a venue worked."""
        facts = self._reader.facts(VenueCondition, start_ns, end_ns)
        return any(data.data.venue == venue for data in facts)

    def _open(self, at_ns: int) -> list[OutcomePair]:
        opened = []
        while self._waiting and self._waiting[0].yes.ts_init <= at_ns:
            market = self._waiting.pop(0)
            self._known[market.market] = market
            self._sweeps[market.market] = Sweeps()
            self._blackouts[market.market] = Blackouts()
            opened.append(market)
        return opened

    def _next_opening_ns(self, at_ns: int) -> int:
        return self._waiting[0].yes.ts_init if self._waiting else at_ns + self._pace.longest_ns

    def _warm_up(self, window: Window) -> None:
        """Give each market that is new to the replay the book that it had before: an empty one at least.

        The engine refuses quotes and trades of a market that never had a book (run on rc7).
        """
        for market in window.opened:
            since_ns = market.yes.ts_init
            deltas = self._reader.deltas(market.yes.id, since_ns, window.start_ns)
            gaps = self._gaps_of(market, since_ns, window.start_ns) if since_ns < window.start_ns else []
            known = self._darkened(market, Seen(deltas, [], []), gaps)
            levels = levels_after(known.deltas)
            book = snapshot(market.yes.id, levels, window.start_ns, market.yes.size_precision)
            self._sweeps[market.market].start_from(book)
            self._add_books(window, market, book)

    def _fill(self, window: Window) -> None:
        start_ns, end_ns = window.start_ns, window.end_ns
        self._add_facts(window)
        self._find_gaps(window)
        for name, market in self._known.items():
            seen = Seen(
                self._reader.deltas(market.yes.id, start_ns, end_ns),
                self._quotes(market, start_ns, end_ns),
                self._reader.trades(market.yes.id, start_ns, end_ns),
            )
            window.rows += len(seen.deltas) + len(seen.quotes) + len(seen.trades)
            seen = self._darkened(market, seen, [gap for blind, gap in window.gaps if blind is market])
            deltas, quotes, trades = seen.deltas, seen.quotes, seen.trades
            if trades:
                trades = list(self._sweeps[name].spell_out(deltas, trades))
                window.market_data += [trades, [self._mirror.trade(one, market.no.id) for one in trades]]
            else:
                self._sweeps[name].start_from(deltas)
            if deltas:
                self._add_books(window, market, deltas)
            if quotes:
                self._sample(window, market.market, quotes)
                window.market_data += [quotes, [self._mirror.quote(one, market.no.id) for one in quotes]]
        self._add_closes(window)

    def _darkened(self, market: OutcomePair, seen: Seen, gaps: Sequence[DataGap]) -> Seen:
        """Return what can have been known: from the start of a gap on nothing is, so nothing can be traded."""
        blackouts = self._blackouts[market.market]
        for gap in gaps:
            blackouts.add(gap.ts_init, gap.until_ns)
        seen = blackouts.cut(seen)
        yes, digits = market.yes.id, market.yes.size_precision
        for gap in gaps:
            seen = Seen(
                _merged(seen.deltas, cleared(yes, gap.ts_init, digits)),
                _merged(seen.quotes, [no_quote(yes, gap.ts_init, digits)]),
                seen.trades,
            )
        return seen

    def _quotes(self, market: OutcomePair, start_ns: int, end_ns: int) -> list[QuoteTick]:
        """Return the quotes of an open market: after its close the venue only takes the book down."""
        quotes = self._reader.quotes(market.yes.id, start_ns, end_ns)
        closes_ns = market.yes.expiration_ns
        return quotes if end_ns <= closes_ns else [quote for quote in quotes if quote.ts_event < closes_ns]

    def _add_books(self, window: Window, market: OutcomePair, deltas: list[OrderBookDelta]) -> None:
        window.market_data.append(grouped(deltas))
        window.market_data.append(grouped(self._mirror.deltas(deltas, market.no.id)))

    def _add_facts(self, window: Window) -> None:
        for kind in _TOLD:
            found = self._reader.facts(kind, window.start_ns, window.end_ns)
            window.facts += found
            window.rows += len(found)
        window.facts.sort(key=lambda data: data.ts_init)

    def _find_gaps(self, window: Window) -> None:
        for data in self._reader.facts(DataGap, window.start_ns, window.end_ns):
            if market := self._market_of(data.data):
                window.gaps.append((market, data.data))

    def _gaps_of(self, market: OutcomePair, start_ns: int, end_ns: int) -> list[DataGap]:
        facts = (data.data for data in self._reader.facts(DataGap, start_ns, end_ns))
        return [gap for gap in facts if self._market_of(gap) is market]

    def _add_closes(self, window: Window) -> None:
        for data in window.facts:
            fact = data.data
            if not isinstance(fact, MarketResolution) or not (market := self._market_of(fact)):
                continue
            if closes := self._settlement.closes(market, fact):
                window.market_data.append(closes)
                window.resolutions.append((market, fact))

    def _market_of(self, fact: MarketResolution | DataGap) -> OutcomePair | None:
        return self._known.get(f"{fact.market}.{fact.venue}")

    def _sample(self, window: Window, market: str, quotes: Sequence[QuoteTick]) -> None:
        due_ns = self._sampled_ns.get(market, 0)
        for quote in quotes:
            if quote.ts_init >= due_ns:
                window.sampled.append(quote)
                due_ns = quote.ts_init + _PRICE_SAMPLE_NS
        self._sampled_ns[market] = due_ns


def first_versions(instruments: Sequence[BinaryOption]) -> list[OutcomePair]:
    """Return the markets as they were first announced with their strike; later versions are left out."""
    first: dict[Any, BinaryOption] = {}
    for instrument in sorted(instruments, key=lambda one: one.ts_init):
        if not awaits_strike(instrument):
            first.setdefault(instrument.id, instrument)
    return pairs_among(first.values())


def _merged[T: OrderBookDelta | QuoteTick](items: list[T], late: list[T]) -> list[T]:
    return sorted([*items, *late], key=lambda item: item.ts_init)  # stable: of one instant, `late` is last
