"""What the catalog holds, told without reading its prices: names and footers of files say how much and when."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from msgspec import to_builtins
from nautilus_trader.model import BinaryOption

from markets.facts import FACTS, DataGap, Fact, MarketResolution
from markets.instruments import info_of, market_of, series_of
from storage.layout import INSTRUMENT, MARKET_DATA, StoredFile, Stream
from storage.reading import CatalogReader

_TICKS = {kind.__name__ for kind in MARKET_DATA}
_FACTS = {fact.__name__ for fact in FACTS}
_FOREVER_NS = 2**63 - 1  # the last nanosecond that Parquet can name


@dataclass(frozen=True, slots=True)
class Interval:
    """One session of one kind of data: first and last `ts_init` in nanoseconds, both included."""

    start_ns: int
    end_ns: int
    rows: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A time of which nothing is known: `[start_ns, end_ns)` in nanoseconds."""

    start_ns: int
    end_ns: int
    reason: str


@dataclass(frozen=True, slots=True)
class MarketCoverage:
    """What is there of one market; `series` and `recorded_as` are None when its instrument is missing."""

    market: str
    series: str | None
    recorded_as: str | None
    is_resolved: bool
    intervals: Mapping[str, tuple[Interval, ...]]
    gaps: tuple[Gap, ...]

    @property
    def rows(self) -> dict[str, int]:
        """Return the number of rows by kind of data."""
        return {kind: sum(one.rows for one in intervals) for kind, intervals in self.intervals.items()}


@dataclass(frozen=True, slots=True)
class Coverage:
    """Everything in a catalog, markets by name; `rows` counts by kind, `facts` by kind and identifier.

    `first_ns` and `last_ns` are None in a catalog without data.
    """

    schema: int
    written_by: str
    evidence: tuple[str, ...]
    first_ns: int | None
    last_ns: int | None
    markets: tuple[MarketCoverage, ...]
    facts: Mapping[str, Mapping[str, int]]
    rows: Mapping[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return the same in plain JSON types, with each market's and the catalog's totals."""
        plain: dict[str, Any] = to_builtins(self)
        for market, told in zip(self.markets, plain["markets"], strict=True):
            told["rows"] = market.rows
        plain["totals"] = {
            "markets": len(self.markets),
            "resolved": sum(market.is_resolved for market in self.markets),
            "gaps": sum(len(market.gaps) for market in self.markets),
            "rows": sum(self.rows.values()),
        }
        return plain


def coverage(root: Path) -> Coverage:
    """Return what the catalog at `root` holds.

    Only instruments, resolutions and gaps are read; everything else is counted from file footers.
    Raises FileNotFoundError when there is no catalog, WrongSchema when it is not of this schema.
    """
    reader = CatalogReader(root)
    sessions = {stream: _sessions(files) for stream, files in reader.files.items()}
    held = [files for stream, files in sessions.items() if stream.kind != INSTRUMENT]
    totals = Counter[str]()
    for stream, intervals in sessions.items():
        totals[stream.kind] += sum(one.rows for one in intervals)
    return Coverage(
        schema=reader.mark.schema,
        written_by=reader.mark.written_by,
        evidence=reader.mark.evidence,
        first_ns=min((files[0].start_ns for files in held), default=None),
        last_ns=max((files[-1].end_ns for files in held), default=None),
        markets=_markets(reader, sessions),
        facts=_facts(sessions),
        rows=dict(sorted(totals.items())),
    )


def _sessions(files: Sequence[StoredFile]) -> tuple[Interval, ...]:
    return tuple(Interval(file.start_ns, file.end_ns, pq.read_metadata(file.path).num_rows) for file in files)


def _markets(
    reader: CatalogReader, sessions: Mapping[Stream, tuple[Interval, ...]]
) -> tuple[MarketCoverage, ...]:
    instruments = {str(one.id): one for one in reader.instruments()}  # the last version of each
    known: dict[str, BinaryOption] = {market_of(one): one for one in instruments.values()}
    gaps = _gaps(reader)
    resolved = {_market_of(fact) for fact in _all_of(reader, MarketResolution)}
    intervals: dict[str, dict[str, tuple[Interval, ...]]] = {market: {} for market in known}
    for stream, found in sessions.items():
        if stream.kind in _TICKS:
            one = instruments.get(stream.identifier)
            of_market = intervals.setdefault(market_of(one) if one else stream.identifier, {})
            of_market[stream.kind] = (*of_market.get(stream.kind, ()), *found)
    return tuple(
        MarketCoverage(
            market=market,
            series=series_of(known[market]) if market in known else None,
            recorded_as=str(info_of(known[market])["recorded_as"]) if market in known else None,
            is_resolved=market in resolved,
            intervals=intervals[market],
            gaps=tuple(gaps.get(market, ())),
        )
        for market in sorted(intervals)
    )


def _gaps(reader: CatalogReader) -> dict[str, list[Gap]]:
    gaps: dict[str, list[Gap]] = defaultdict(list)
    for fact in _all_of(reader, DataGap):
        gaps[_market_of(fact)].append(Gap(fact.ts_event, fact.until_ns, fact.reason))
    return gaps


def _all_of[F: Fact](reader: CatalogReader, kind: type[F]) -> list[F]:
    return [found.data for found in reader.facts(kind, 0, _FOREVER_NS)]


def _market_of(fact: MarketResolution | DataGap) -> str:
    return f"{fact.market}.{fact.venue}"


def _facts(sessions: Mapping[Stream, tuple[Interval, ...]]) -> dict[str, dict[str, int]]:
    facts: dict[str, dict[str, int]] = defaultdict(dict)
    for stream, intervals in sessions.items():
        if stream.kind in _FACTS:
            facts[stream.kind][stream.identifier] = sum(one.rows for one in intervals)
    return dict(facts)
