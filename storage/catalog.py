"""The one way into the catalog: everything of a `with` block is stored, or nothing is.

A replay must know the order of all it delivers, so what the catalog already holds of a time is never
added to: such data are refused before anything moves.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nautilus_trader.model import BinaryOption
from nautilus_trader.persistence import ParquetDataCatalog

from markets.facts import FACTS
from markets.instruments import info_of
from storage.errors import Overlap
from storage.layout import (
    INSTRUMENT,
    Listing,
    StoredFile,
    Stream,
    file_of,
    list_files,
    nautilus_type,
    rows_of,
)
from storage.mark import read_mark, write_mark
from storage.staging import staged

_ROW_GROUP = 50_000
"""Rows that are read together: a replay's window is some thousands, a session some hundred thousands."""

_FACT_NAMES = {fact.__name__ for fact in FACTS}
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Written:
    """What one call stored: rows by kind, and instruments that the catalog did not know like this."""

    rows: Mapping[str, int]
    instruments: int


@dataclass(slots=True)
class _Batch:
    """What one `with` block has staged so far."""

    catalog: ParquetDataCatalog
    folder: Path
    evidence: set[str]
    files: dict[Stream, list[StoredFile]] = field(default_factory=dict)
    versions: dict[str, list[BinaryOption]] = field(default_factory=dict)
    is_whole: bool = True


def open_parquet(folder: str) -> ParquetDataCatalog:
    """Return Nautilus' catalog over `folder`, with the row groups that suit a replay."""
    return ParquetDataCatalog(folder, max_row_group_size=_ROW_GROUP)


class CatalogWriter:
    """Write market data, facts and instruments into the catalog at `root`.

    with CatalogWriter(root) as writer:
        writer.write(instruments, data)

    A folder that does not exist is made. Entering raises CatalogBusy when another process writes, and
    WrongSchema when the folder is not a catalog of this schema.
    """

    def __init__(self, root: Path, make_parquet: Callable[[str], ParquetDataCatalog] = open_parquet) -> None:
        self._root = root
        self._make_parquet = make_parquet
        self._held: Listing = {}
        self._batch: _Batch | None = None
        self._block = self._all_or_nothing()

    def __enter__(self) -> Self:
        self._block.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._block.__exit__(kind, error, trace)

    def write(self, instruments: Sequence[BinaryOption], data: Sequence[Any]) -> Written:
        """Stage one portion: flat deltas, quotes and trades of YES instruments, and facts as CustomData.

        Within a kind and instrument (for facts: identifier) `ts_init` must not fall. Market data of
        several calls must follow each other in time; facts of several calls are merged, since one
        market's result often comes to be known while the next is recorded. Equal facts are kept once.

        An instrument is kept only when its facts differ from those that were in force at its `ts_init`.

        Raises
        ------
        Overlap
            The catalog, or an earlier call for market data, already holds data of that time.
        ValueError, TypeError
            Data out of order, an identifier that cannot name a folder, a type that is not kept.
        OSError
            The disk refused. After any error the whole block is lost, also when it is caught.

        """
        batch = self._open_batch()
        batch.is_whole = False
        kept = self._stage_instruments(batch, instruments)
        rows: Counter[str] = Counter()
        for stream, records in rows_of(data).items():
            rows[stream.kind] += self._stage(batch, stream, records)
        batch.is_whole = True
        return Written(rows=dict(rows), instruments=kept)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        with staged(self._root) as folder:
            mark = read_mark(self._root)
            self._held = list_files(self._root)
            self._batch = _Batch(
                self._make_parquet(str(folder.resolve())), folder, set(mark.evidence if mark else ())
            )
            try:
                yield
                write_mark(folder, self._open_batch().evidence)
            finally:
                self._batch = None

    def _open_batch(self) -> _Batch:
        if self._batch is None or not self._batch.is_whole:
            raise RuntimeError(
                f"expected an open block of CatalogWriter({self._root}) without a failed write, found none"
            )
        return self._batch

    def _stage_instruments(self, batch: _Batch, instruments: Sequence[BinaryOption]) -> int:
        self._load_versions(batch, instruments)
        kept = 0
        for instrument in instruments:
            batch.evidence.add(str(info_of(instrument)["recorded_as"]))
            versions = batch.versions[str(instrument.id)]
            before = [version for version in versions if version.ts_init <= instrument.ts_init]
            if before and _facts_of(before[-1]) == _facts_of(instrument):
                continue
            stream = _checked(Stream(INSTRUMENT, str(instrument.id)))
            if before and before[-1].ts_init == instrument.ts_init:
                at = instrument.ts_init
                raise Overlap(stream, StoredFile(at, at, Path()), at, at)
            batch.catalog.write_instruments([instrument])
            versions.insert(len(before), instrument)
            kept += 1
        return kept

    def _load_versions(self, batch: _Batch, instruments: Sequence[BinaryOption]) -> None:
        unknown = {str(instrument.id) for instrument in instruments} - batch.versions.keys()
        batch.versions.update((name, []) for name in unknown)
        held = sorted(name for name in unknown if Stream(INSTRUMENT, name) in self._held)
        if held:
            found = self._make_parquet(str(self._root.resolve())).instruments(held)
            for version in sorted(found, key=lambda version: version.ts_init):
                batch.versions[str(version.id)].append(version)

    def _stage(self, batch: _Batch, stream: Stream, records: list[Any]) -> int:
        start_ns, end_ns = _interval_of(_checked(stream), records)
        for file in self._held.get(stream, ()):
            if file.touches(start_ns, end_ns):
                raise Overlap(stream, file, start_ns, end_ns)
        staged_files = batch.files.setdefault(stream, [])
        met = [file for file in staged_files if file.touches(start_ns, end_ns)]
        if met and stream.kind not in _FACT_NAMES:
            raise Overlap(stream, met[0], start_ns, end_ns)
        earlier = _take_out(batch, stream, met) if met else []
        known = {record.data for record in earlier}
        fresh = [record for record in records if record.data not in known] if met else records
        together = sorted([*earlier, *fresh], key=lambda record: record.ts_init) if met else records
        staged_files.append(file_of(batch.folder / _write_rows(batch.catalog, stream, together)))
        return len(fresh)


def _take_out(batch: _Batch, stream: Stream, met: list[StoredFile]) -> list[Any]:
    found = batch.catalog.query(
        nautilus_type(stream.kind),
        [stream.identifier],
        files=[str(file.path.relative_to(batch.folder)) for file in met],
        optimize_file_loading=False,
    )
    for file in met:
        file.path.unlink()
        batch.files[stream].remove(file)
    return found


def _write_rows(catalog: ParquetDataCatalog, stream: Stream, records: list[Any]) -> str:
    match stream.kind:
        case "OrderBookDelta":
            return catalog.write_order_book_deltas(records)
        case "QuoteTick":
            return catalog.write_quote_ticks(records)
        case "TradeTick":
            return catalog.write_trade_ticks(records)
        case _:
            return catalog.write_custom_data(records)


def _interval_of(stream: Stream, records: list[Any]) -> tuple[int, int]:
    times = [record.ts_init for record in records]
    if times != sorted(times):
        at = next(k for k in range(1, len(times)) if times[k] < times[k - 1])
        raise ValueError(
            f"expected {stream.kind} of {stream.identifier} in order of ts_init, "
            f"found {times[at]} after {times[at - 1]}"
        )
    return times[0], times[-1]


def _checked(stream: Stream) -> Stream:
    if not _IDENTIFIER.fullmatch(
        stream.identifier
    ):  # Nautilus drops other characters: two would share a folder
        raise ValueError(
            f"expected an identifier of letters, digits, '.', '_' and '-' for {stream.kind}, "
            f"found {stream.identifier!r}"
        )
    return stream


def _facts_of(instrument: BinaryOption) -> dict[str, Any]:
    facts = dict(instrument.to_dict())
    info = dict(facts["info"] or {})
    info.pop("known_ns", None)
    return facts | {"info": info, "ts_event": 0, "ts_init": 0}
