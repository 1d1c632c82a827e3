"""Polymarket's past from other people's disks, as the lines that our own recorder would have written.

So an archive is told by the very books and lives that tell the stream. It is a folder with

* `markets.jsonl`: the catalogue's rows, bare or below `raw`, also of markets that are over;
* frames of the market stream, `*.frames.jsonl` with `recv` (seconds) or `recv_ns`, and `frame`; or `*.parquet` with `timestamp` (seconds) and
  `raw_data`; a book needs the frames of both tokens, since it proves itself by both;
* `*.trades.jsonl`: rows of the Data API, in either generation, known at their blocks' times.

Any of the JSON files may end in .gz or .zst. What a row says of a result is told at its closing time, not before.
"""

import gzip
import heapq
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import MsgspecError
from msgspec.json import Decoder, encode

from adapters.polymarket.messages.gamma import texts_of
from adapters.polymarket.messages.numbers import time_ns

_SECOND_NS: Final = 1_000_000_000
_SILENCE_NS: Final = 60 * _SECOND_NS
_ENDINGS: Final = ("", ".gz", ".zst")
_UNKNOWN_BEFORE: Final = {
    "closed": False,
    "acceptingOrders": True,
    "closedTime": None,
    "outcomePrices": None,
    "umaResolutionStatus": None,
}
"""What a row of a market that is over did not say while it was open."""

_ROW: Final = Decoder(dict[str, Any], float_hook=Decimal)
_ANY: Final = Decoder(Any)

type _Dated = tuple[int, int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Archive:
    """A folder of somebody's recordings: the rows of markets, frames and trades."""

    folder: Path
    markets: Path
    frames: tuple[Path, ...]
    trades: tuple[Path, ...]

    @property
    def bytes(self) -> int:
        """How much lies on disk."""
        return sum(one.stat().st_size for one in (self.markets, *self.frames, *self.trades))


def find_archive(folder: Path) -> Archive | None:
    """Return the archive in a folder; None for a folder without rows of markets."""
    if not folder.is_dir():
        return None
    rows = [found for end in _ENDINGS if (found := folder / f"markets.jsonl{end}").exists()]
    if not rows:
        return None
    frames = [*_named(folder, ".frames.jsonl"), *sorted(folder.glob("*.parquet"))]
    return Archive(folder, rows[0], tuple(frames), tuple(_named(folder, ".trades.jsonl")))


def archive_lines(archive: Archive) -> Iterator[bytes]:
    """Yield the lines of our recorder that tell an archive, in the order of their times.

    ValueError, with file and line, for what is no JSON or has no time; what a line says is judged by who tells it.
    """
    rows = [row.get("raw") or row for row, _ in _rows(archive.markets)]
    first_ns = min(
        (found[0] for found in map(_first, (*archive.frames, *archive.trades)) if found), default=0
    )
    yield _line(first_ns, {"control": "proving", "info": {"every_ns": 0, "patience_ns": 2 * _SECOND_NS}})
    for row in rows:
        yield _line(first_ns, {"control": "listing", "info": _listing(row)})
    tokens = [token for row in rows for token in texts_of(row.get("clobTokenIds"))]
    streams: list[Iterable[_Dated]] = [_frames(path) for path in archive.frames]
    streams += [_trades(path) for path in archive.trades]
    streams.append(sorted(_ends(rows)))
    last_ns = first_ns
    for at_ns, _, said in heapq.merge(*streams, key=lambda one: one[:2]):
        if "frame" in said:
            if at_ns - last_ns > _SILENCE_NS:
                info = {"tokens": tokens, "reason": "no frame for a while"}
                yield _line(last_ns, {"control": "down", "info": info})
            last_ns = at_ns
        yield _line(at_ns, said)


def _listing(row: dict[str, Any]) -> dict[str, Any]:
    event = next(iter(row.get("events") or []), None)
    named = (
        None if event is None else {"id": str(event["id"]), **{k: v for k, v in event.items() if k != "id"}}
    )
    return {"event": named, "market": row | _UNKNOWN_BEFORE, "book": None, "says": row | _UNKNOWN_BEFORE}


def _ends(rows: Iterable[dict[str, Any]]) -> Iterator[_Dated]:
    for number, row in enumerate(rows):
        if row.get("closed") and row.get("closedTime"):
            yield time_ns(row["closedTime"]), number, {"control": "row", "info": row}


def _frames(path: Path) -> Iterator[_Dated]:
    if path.suffix == ".parquet":
        yield from _parquet_frames(path)
        return
    for row, place in _rows(path):
        if "frame" not in row:
            raise ValueError(f"expected a frame in {place}, found {sorted(row)[:5]}")
        yield _received_ns(row, place), 0, {"epoch": 1, "frame": row["frame"]}


def _parquet_frames(path: Path) -> Iterator[_Dated]:
    with closing(pq.ParquetFile(path)) as file:
        for batch in file.iter_batches(columns=["timestamp", "raw_data"]):
            for at_secs, raw in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                said = _ANY.decode(raw)
                frame = {"event_type": "book"} | said if isinstance(said, dict) else said
                at_ns = round(at_secs * 1_000_000) * 1_000  # a float holds no nanoseconds
                yield at_ns, 0, {"epoch": 1, "frame": frame}


def _trades(path: Path) -> Iterator[_Dated]:
    rows = [(int(row["timestamp"]) * _SECOND_NS, row) for row, _ in _rows(path)]
    for at_ns, row in sorted(rows, key=lambda one: one[0]):  # such dumps come newest first
        yield at_ns, 1, {"control": "trades", "info": [_as_first(row)]}


def _as_first(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of either generation in the words of the first."""
    if "asset" in row:
        return row
    words = {"token_id": "asset", "condition_id": "conditionId", "transaction_hash": "transactionHash"}
    return {words.get(name, name): value for name, value in row.items()}


def _received_ns(row: dict[str, Any], place: str) -> int:
    if "recv_ns" in row:
        return int(row["recv_ns"])
    if "recv" in row:
        return int(row["recv"] * _SECOND_NS)
    raise ValueError(f"expected recv_ns or recv in {place}, found {sorted(row)[:5]}")


def _first(path: Path) -> tuple[int, int] | None:
    read: Callable[[Path], Iterator[_Dated]] = _trades if ".trades." in path.name else _frames
    return next(((at_ns, order) for at_ns, order, _ in read(path)), None)


def _rows(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    with _open(path) as stream, io.TextIOWrapper(stream, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = _ROW.decode(line)
            except MsgspecError as error:
                raise ValueError(f"expected an object in {path.name}:{number}, found: {error}") from error
            yield row, f"{path.name}:{number}"


def _open(path: Path) -> Any:
    if path.suffix == ".gz":
        return gzip.open(path, "rb")
    if path.suffix == ".zst":
        return io.BufferedReader(pa.CompressedInputStream(pa.OSFile(str(path)), "zstd"))
    return path.open("rb")


def _named(folder: Path, part: str) -> list[Path]:
    return sorted(path for end in _ENDINGS for path in folder.glob(f"*{part}{end}"))


def _line(at_ns: int, said: dict[str, Any]) -> bytes:
    return encode({"recv_ns": at_ns, **said})
