"""What a recorder left: its parts in order, read while they grow or after the process has died."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import zstandard
from msgspec import MsgspecError, Struct, json

from storage.recorder import ENDING, SCHEMA

_BLOCK_BYTES: Final = 1 << 18


class _Head(Struct, frozen=True):
    schema: int
    run: str


class _FirstLine(Struct, frozen=True):
    recv_ns: int
    venue: str
    control: str
    info: _Head


_FIRST_LINE: Final = json.Decoder(_FirstLine).decode


@dataclass(frozen=True, slots=True, order=True)
class RecordedRun:
    """One venue's parts of one run, since its first line (nanoseconds)."""

    since_ns: int
    run: str
    venue: str
    folder: Path

    @property
    def bytes(self) -> int:
        """How much lies on disk."""
        return sum(part.stat().st_size for part in parts_of(self.folder, self.venue))


def parts_of(folder: Path, venue: str) -> list[Path]:
    """Return the parts of a venue in a folder, in their order."""
    return sorted(folder.glob(f"{venue}-*{ENDING}"))


def venues_in(folder: Path) -> set[str]:
    """Return the venues that have parts in a folder."""
    return {_venue_of(part) for part in folder.glob(f"*-*{ENDING}")}


def find_runs(sources: Sequence[Path]) -> tuple[RecordedRun, ...]:
    """Return the runs recorded below `sources` (parts or folders at any depth), the earliest first.

    ValueError for a part of another schema; one that holds no line, since its process died at once, is no run.
    """
    found: set[RecordedRun] = set()
    for source in sources:
        parts = [source] if source.is_file() else source.rglob(f"*-*{ENDING}")
        for folder, venue in {(part.parent, _venue_of(part)) for part in parts if part.name.endswith(ENDING)}:
            if run := _run_in(folder, venue):
                found.add(run)
    return tuple(sorted(found))


class Tail:
    """Reads the lines of a venue's parts as they come; each call goes on where the last one ended.

    A part that no other one follows is unfinished: what has been flushed is read, up to the last whole line.
    When another one follows, half a line at the end of the part before is dropped. A part that is corrupt is
    read up to there, told to `on_broken`, and left.
    """

    def __init__(
        self,
        folder: Path,
        venue: str,
        *,
        on_broken: Callable[[Path, str], None],
        on_bytes: Callable[[int], None] | None = None,
    ) -> None:
        self._folder = folder
        self._venue = venue
        self._on_broken = on_broken
        self._on_bytes = on_bytes
        self._number = 1
        self._file: IO[bytes] | None = None
        self._unpacker: Any = None
        self._is_broken = False
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def read(self) -> Iterator[bytes]:
        """Yield the whole lines that are there now."""
        while self._open():
            assert self._file is not None
            has_next = self._path(self._number + 1).exists()  # asked first: then this one grows no more
            while not self._is_broken and (block := self._file.read(_BLOCK_BYTES)):
                yield from self._lines(block)
            if not has_next:
                return
            self._turn_over()

    def _open(self) -> bool:
        if self._file is None:
            path = self._path(self._number)
            if not path.exists():
                return False
            self._file = path.open("rb")
            self._unpacker = zstandard.ZstdDecompressor().decompressobj()
        return True

    def _turn_over(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file, self._rest, self._is_broken = None, b"", False
        self._number += 1

    def _lines(self, block: bytes) -> Iterator[bytes]:
        if self._on_bytes is not None:
            self._on_bytes(len(block))
        try:
            text = self._unpacker.decompress(block)
        except zstandard.ZstdError as error:
            self._is_broken = True
            self._on_broken(self._path(self._number), str(error))
            return
        *complete, self._rest = (self._rest + text).split(b"\n")
        yield from filter(None, complete)

    def _path(self, number: int) -> Path:
        return self._folder / f"{self._venue}-{number:06}{ENDING}"


def _venue_of(part: Path) -> str:
    return part.name.removesuffix(ENDING).rpartition("-")[0]


def _run_in(folder: Path, venue: str) -> RecordedRun | None:
    with Tail(folder, venue, on_broken=lambda *_: None) as tail:
        line = next(tail.read(), None)
    if line is None:
        return None
    try:
        first = _FIRST_LINE(line)
    except MsgspecError as error:
        raise ValueError(f"expected a recording of {venue} in {folder}, found: {error}") from error
    if first.info.schema != SCHEMA or first.control != "recording":
        raise ValueError(f"expected a recording of schema {SCHEMA} in {folder}, found {first.info.schema}")
    return RecordedRun(first.recv_ns, first.info.run, venue, folder)
