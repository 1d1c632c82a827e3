"""Where things lie in a catalog, and which times the names of its files carry.

A file is `data/<folder>/<identifier>/<start>_<end>.parquet`, both ends included, in UTC to the
nanosecond, as Nautilus writes it: so a listing of names answers what is there without opening a file.
"""

import os
from calendar import timegm
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nautilus_trader.model import CustomData, NautilusDataType, OrderBookDelta, QuoteTick, TradeTick

from markets.facts import FACTS

DATA = "data"
INSTRUMENT = "BinaryOption"
MARKET_DATA: dict[type, str] = {
    OrderBookDelta: "order_book_deltas",
    QuoteTick: "quotes",
    TradeTick: "trades",
}
FOLDERS: dict[str, str] = {
    INSTRUMENT: "binary_option",
    **{kind.__name__: folder for kind, folder in MARKET_DATA.items()},
    **{fact.__name__: f"custom/{fact.__name__}" for fact in FACTS},
}
_KINDS = {folder: kind for kind, folder in FOLDERS.items()}
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True, order=True)
class Stream:
    """One kind of record about one instrument, or of one kind of fact under one identifier."""

    kind: str
    identifier: str

    @property
    def folder(self) -> str:
        """Return the folder of the stream, seen from the root of its catalog."""
        return f"{DATA}/{FOLDERS[self.kind]}/{self.identifier}"


@dataclass(frozen=True, slots=True, order=True)
class StoredFile:
    """One Parquet file and its first and last `ts_init`, in nanoseconds, both included."""

    start_ns: int
    end_ns: int
    path: Path

    def touches(self, start_ns: int, end_ns: int) -> bool:
        """Return whether the file shares a nanosecond with `[start_ns, end_ns]`."""
        return self.start_ns <= end_ns and start_ns <= self.end_ns


type Listing = Mapping[Stream, tuple[StoredFile, ...]]


def stream_of(record: Any) -> Stream:
    """Return where a record belongs; TypeError when the catalog does not keep its type."""
    if type(record) in MARKET_DATA:
        return Stream(type(record).__name__, str(record.instrument_id))
    if isinstance(record, CustomData) and record.data_type.type_name in FOLDERS:
        return Stream(record.data_type.type_name, record.data_type.identifier or "")
    raise TypeError(
        f"expected an OrderBookDelta, QuoteTick, TradeTick or a fact in CustomData, found {record}"
    )


def list_files(root: Path) -> Listing:
    """Return every Parquet file below `root` by stream, in order of time; kinds that are not ours are left out."""
    found: dict[Stream, list[StoredFile]] = {}
    for folder, _, names in os.walk(root / DATA):
        place = Path(folder)
        kind = _KINDS.get(place.parent.relative_to(root / DATA).as_posix()) if place != root / DATA else None
        files = [file_of(place / name) for name in names if name.endswith(".parquet")]
        if kind and files:
            found[Stream(kind, place.name)] = sorted(files)
    return {stream: tuple(files) for stream, files in sorted(found.items())}


def file_of(path: Path) -> StoredFile:
    """Return a file with the times that its name carries; ValueError when it carries none."""
    start, _, end = path.stem.partition("_")
    return StoredFile(nanos_of(start), nanos_of(end), path)


def nautilus_type(kind: str) -> NautilusDataType:
    """Return how Nautilus' catalog calls a kind of market data or fact."""
    names = {known.__name__: getattr(NautilusDataType, known.__name__) for known in MARKET_DATA}
    return names.get(kind) or NautilusDataType.Custom(kind)


def rows_of(records: Iterable[Any]) -> dict[Stream, list[Any]]:
    """Return records by stream, market data first, each in the order in which it came."""
    rows: dict[Stream, list[Any]] = {}
    ticks: dict[Any, list[Any]] = {}  # by the parts of a stream: making one for every tick would cost seconds
    for record in records:
        if type(record) not in MARKET_DATA:
            rows.setdefault(stream_of(record), []).append(record)
        else:
            ticks.setdefault((type(record), record.instrument_id), []).append(record)
    return {stream_of(found[0]): found for found in ticks.values()} | rows


def timestamp_of(ns: int) -> str:
    """Return nanoseconds since the epoch as `2026-05-11T12:17:32.130176000Z`."""
    seconds, rest = divmod(ns, _SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def nanos_of(stamp: str) -> int:
    """Return the nanoseconds since the epoch of half a file name, `2026-05-11T12-17-32-130176000Z`."""
    if len(stamp) != 30 or stamp[-1] != "Z":
        raise ValueError(
            f"expected a time like 2026-05-11T12-17-32-130176000Z in a file name, found {stamp!r}"
        )
    year, month, day = int(stamp[:4]), int(stamp[5:7]), int(stamp[8:10])
    hour, minute, second = int(stamp[11:13]), int(stamp[14:16]), int(stamp[17:19])
    return timegm((year, month, day, hour, minute, second)) * _SECOND + int(stamp[20:29])
