"""The way out of the catalog: what was known in a window of time, for replays of bounded memory."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from nautilus_trader.model import (
    BinaryOption,
    CustomData,
    InstrumentId,
    OrderBookDelta,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.persistence import ParquetDataCatalog

from markets.facts import FACTS, Fact
from storage.layout import INSTRUMENT, MARKET_DATA, Listing, StoredFile, Stream, list_files, nautilus_type
from storage.mark import Mark, require_mark

_KNOWN = attrgetter("ts_init")


@dataclass(frozen=True, slots=True)
class Window:
    """All that came to be known in one window; an instrument without data is not a key."""

    deltas: dict[InstrumentId, list[OrderBookDelta]]
    quotes: dict[InstrumentId, list[QuoteTick]]
    trades: dict[InstrumentId, list[TradeTick]]
    facts: list[CustomData]


class CatalogReader:
    """Read the catalog at `root` as it was when this was made; later writes are not seen.

    Windows are `[start_ns, end_ns)` in nanoseconds of `ts_init`, and every answer is in that order;
    what shares a nanosecond keeps the order in which it was written. File names tell what a window
    can hold, so an empty one costs no reading. Raises FileNotFoundError when nothing is there and
    WrongSchema when the folder is not a catalog of this schema.
    """

    def __init__(self, root: Path) -> None:
        self.mark: Mark = require_mark(root)
        self.files: Listing = list_files(root)
        self._timetables = {
            kind: _Timetable((file, stream) for stream in streams for file in self.files[stream])
            for kind, streams in groupby(self.files, attrgetter("kind"))
        }
        self._root = root
        self._catalog = ParquetDataCatalog(str(root.resolve()))

    def instruments(self) -> list[BinaryOption]:
        """Return every version of every instrument, both sides of each market, by `ts_init`."""
        if not any(stream.kind == INSTRUMENT for stream in self.files):
            return []
        return sorted(self._catalog.instruments(), key=lambda one: (one.ts_init, str(one.id)))

    @property
    def first_ns(self) -> int:
        """The first `ts_init` of all data and facts; LookupError when there are none."""
        return self._extent[0]

    @property
    def last_ns(self) -> int:
        """The last `ts_init` of all data and facts; a window that holds it ends at `last_ns + 1`."""
        return self._extent[1]

    def active(self, start_ns: int, end_ns: int) -> list[InstrumentId]:
        """Return the instruments whose files of deltas, quotes or trades reach into the window, by name."""
        names = {
            stream.identifier
            for kind in MARKET_DATA
            for stream in self._files_in(kind.__name__, start_ns, end_ns)
        }
        return [InstrumentId.from_str(name) for name in sorted(names)]

    def deltas(self, instrument_id: InstrumentId, start_ns: int, end_ns: int) -> list[OrderBookDelta]:
        """Return flat deltas; the last of each venue message carries `F_LAST`."""
        return self._market_data(OrderBookDelta, instrument_id, start_ns, end_ns)

    def quotes(self, instrument_id: InstrumentId, start_ns: int, end_ns: int) -> list[QuoteTick]:
        """Return quotes; an empty side is 0.0000 or 1.0000 with size 0.00."""
        return self._market_data(QuoteTick, instrument_id, start_ns, end_ns)

    def trades(self, instrument_id: InstrumentId, start_ns: int, end_ns: int) -> list[TradeTick]:
        """Return trades; their side is the aggressor's."""
        return self._market_data(TradeTick, instrument_id, start_ns, end_ns)

    def facts(self, kind: type[Fact], start_ns: int, end_ns: int) -> list[CustomData]:
        """Return the facts of one kind under all identifiers, in their envelopes."""
        found: list[CustomData] = []
        for stream, files in sorted(self._files_in(kind.__name__, start_ns, end_ns).items()):
            found += self._read(stream, files, start_ns, end_ns)
        return sorted(found, key=_KNOWN)

    def window(self, start_ns: int, end_ns: int) -> Window:
        """Return all that came to be known in `[start_ns, end_ns)`; facts of all kinds in one list."""
        ids = self.active(start_ns, end_ns)
        deltas = {one: self.deltas(one, start_ns, end_ns) for one in ids}
        quotes = {one: self.quotes(one, start_ns, end_ns) for one in ids}
        trades = {one: self.trades(one, start_ns, end_ns) for one in ids}
        facts = [fact for kind in FACTS for fact in self.facts(kind, start_ns, end_ns)]
        return Window(
            deltas={one: rows for one, rows in deltas.items() if rows},
            quotes={one: rows for one, rows in quotes.items() if rows},
            trades={one: rows for one, rows in trades.items() if rows},
            facts=sorted(facts, key=_KNOWN),
        )

    @cached_property
    def _extent(self) -> tuple[int, int]:
        held = [files for stream, files in self.files.items() if stream.kind != INSTRUMENT]
        if not held:
            raise LookupError("expected data in the catalog, found none")
        return min(files[0].start_ns for files in held), max(files[-1].end_ns for files in held)

    def _market_data[T](
        self, kind: type[T], instrument_id: InstrumentId, start_ns: int, end_ns: int
    ) -> list[T]:
        stream = Stream(kind.__name__, str(instrument_id))
        files = self._files_in(stream.kind, start_ns, end_ns).get(stream, [])
        return self._read(stream, files, start_ns, end_ns)

    def _files_in(self, kind: str, start_ns: int, end_ns: int) -> dict[Stream, list[StoredFile]]:
        if end_ns < start_ns:
            raise ValueError(f"expected a window that ends after it starts, found {start_ns} to {end_ns}")
        timetable = self._timetables.get(kind)
        return timetable.between(start_ns, end_ns) if timetable else {}

    def _read(self, stream: Stream, files: list[StoredFile], start_ns: int, end_ns: int) -> list[Any]:
        if not files:
            return []
        # Named files: rc7 looks through every folder of a kind otherwise, 30 ms a query with 2,000 markets.
        return self._catalog.query(
            nautilus_type(stream.kind),
            [stream.identifier],
            start=start_ns,
            end=end_ns - 1,
            files=[str(file.path.relative_to(self._root)) for file in files],
            optimize_file_loading=False,
        )


class _Timetable:
    """The files of one kind in order of their start, so that a window is found without a look at them all."""

    def __init__(self, files: Iterable[tuple[StoredFile, Stream]]) -> None:
        self._files = sorted(files)
        self._starts = [file.start_ns for file, _ in self._files]
        self._latest_ends = list(accumulate((file.end_ns for file, _ in self._files), max))

    def between(self, start_ns: int, end_ns: int) -> dict[Stream, list[StoredFile]]:
        """Return the files that reach into `[start_ns, end_ns)`, by stream."""
        found: dict[Stream, list[StoredFile]] = {}
        first = bisect_left(self._latest_ends, start_ns)
        last = bisect_left(self._starts, end_ns)
        for file, stream in self._files[first:last]:
            if file.touches(start_ns, end_ns - 1):
                found.setdefault(stream, []).append(file)
        return found
