"""What arrived, exactly as it arrived: lines of JSON in compressed parts, written by a thread of their own.

A line holds one frame, or one note about what no frame tells. `raw/<VENUE>-000001.frames.zst` is the first
part of a venue; a part ends by size or age, and another follows. What a part holds up to its last flush
survives the death of the process; `recording.Tail` reads such a part up to its last whole line.
"""

import base64
import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import zstandard
from msgspec import DecodeError, Meta, Raw, Struct, json

SCHEMA: Final = 1
ENDING: Final = ".frames.zst"
_SECOND_NS: Final = 1_000_000_000
_PAUSE_SECS: Final = 0.05
_IS_JSON: Final = json.Decoder(Raw).decode

type OnTrouble = Callable[[str], None]


class RecorderSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much may be lost, and how large a part may grow.

    A crash loses at most what arrived in the last `flush_secs`. A part ends at `most_bytes` on disk or after
    `most_secs`. More than `most_waiting` lines between the loop and the disk are too many: what comes then
    is not recorded, and that is recorded.
    """

    flush_secs: Annotated[float, Meta(gt=0, le=60)] = 1.0
    most_bytes: Annotated[int, Meta(ge=1024)] = 256 * 1024 * 1024
    most_secs: Annotated[float, Meta(gt=0, le=86_400)] = 3600.0
    most_waiting: Annotated[int, Meta(ge=1)] = 200_000
    level: Annotated[int, Meta(ge=1, le=19)] = 3


class RecorderFailed(RuntimeError):
    """The disk refused, or the writer broke: what came after is lost."""


@dataclass(frozen=True, slots=True)
class _Line:
    venue: str
    at_ns: int
    epoch: int
    frame: bytes | None
    note: str = ""
    said: bytes = b"null"


@dataclass(slots=True)
class _Part:
    """The file that a venue is written to now."""

    file: Any
    packer: Any
    since_ns: int
    number: int
    size: int = 0
    lines: list[bytes] = field(default_factory=list)


class Recorder:
    """Takes frames and notes on the loop thread, in a microsecond each, and writes them from a thread.

    `on_trouble` is called on the thread that brings the next line, once for each time of blindness and once
    when the writer has failed. `counts` and `failure` may be read from anywhere: `kept` counts the lines that
    a crash cannot take back any more.
    """

    def __init__(
        self,
        folder: Path,
        run: str,
        *,
        now_ns: Callable[[], int],
        on_trouble: OnTrouble,
        settings: RecorderSettings | None = None,
    ) -> None:
        self.counts = {"frames": 0, "notes": 0, "lost": 0, "bytes": 0, "kept": 0}
        self.failure: str | None = None
        self._folder = folder
        self._run = run
        self._now_ns = now_ns
        self._on_trouble = on_trouble
        self._settings = settings or RecorderSettings()
        self._waiting: deque[_Line] = deque()
        self._blind: dict[str, tuple[int, int]] = {}
        self._has_told_failure = False
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._write, name="recorder", daemon=True)
        folder.mkdir(parents=True, exist_ok=True)
        self._thread.start()

    def tap(self, venue: str) -> Callable[[bytes, int, int], None]:
        """Return what takes a venue's frames: bytes, when they arrived (nanoseconds), number of the connection."""

        def take(frame: bytes, received_ns: int, epoch: int) -> None:
            self._put(_Line(venue, received_ns, epoch, frame))

        return take

    def note(self, venue: str) -> Callable[[str, Any, int], None]:
        """Return what takes a venue's notes: a kind, what was said, when we knew (nanoseconds)."""

        def take(kind: str, said: Any, at_ns: int) -> None:
            self._put(_Line(venue, at_ns, 0, None, kind, json.encode(said)))

        return take

    def close(self) -> None:
        """Write what is waiting and end the parts; RecorderFailed when anything could not be written."""
        self._is_ending.set()
        self._thread.join()
        if self.failure is not None:
            raise RecorderFailed(self.failure)

    # on the loop thread

    def _put(self, line: _Line) -> None:
        if self.failure is not None or len(self._waiting) >= self._settings.most_waiting:
            self._lose(line)
            return
        if self._blind and line.venue in self._blind:
            since_ns, lost = self._blind.pop(line.venue)
            said = json.encode({"since_ns": since_ns, "lost": lost})
            self._waiting.append(_Line(line.venue, line.at_ns, line.epoch, None, "blind", said))
        self._waiting.append(line)

    def _lose(self, line: _Line) -> None:
        self.counts["lost"] += 1
        since_ns, lost = self._blind.get(line.venue, (line.at_ns, 0))
        self._blind[line.venue] = (since_ns, lost + 1)
        if self.failure is not None:
            if not self._has_told_failure:
                self._has_told_failure = True
                self._on_trouble(f"the recorder failed, nothing is recorded any more: {self.failure}")
        elif not lost:
            found = f"{self._settings.most_waiting} lines waiting"
            self._on_trouble(
                f"expected the disk to keep up with {line.venue}, found {found}: it is not recorded"
            )

    # on the writer's thread

    def _write(self) -> None:
        parts: dict[str, _Part] = {}
        reason: str | None = "the writer broke"
        try:
            flushed_ns = self._now_ns()
            while not self._is_ending.wait(_PAUSE_SECS):
                self._take_all(parts)
                now_ns = self._now_ns()
                if now_ns - flushed_ns >= self._settings.flush_secs * _SECOND_NS:
                    self._flush(parts, now_ns)
                    flushed_ns = now_ns
            self._take_all(parts)
            for venue in tuple(parts):
                self._end(parts, venue, "end")
            reason = None
        except (OSError, zstandard.ZstdError) as error:
            reason = f"{self._folder} cannot be written: {error}"
        finally:  # also when this thread dies of something that nobody foresaw: it must not look alive
            self.failure = reason

    def _take_all(self, parts: dict[str, _Part]) -> None:
        for _ in range(len(self._waiting)):
            line = self._waiting.popleft()
            part = parts.get(line.venue) or self._begin(parts, line.venue, line.at_ns)
            part.lines.append(_text_of(line))
            self.counts["notes" if line.frame is None else "frames"] += 1
        for part in parts.values():
            self._pack(part)

    def _begin(self, parts: dict[str, _Part], venue: str, at_ns: int) -> _Part:
        number = 1 + sum(1 for _ in self._folder.glob(f"{venue}-*{ENDING}"))
        path = self._folder / f"{venue}-{number:06}{ENDING}"
        packer = zstandard.ZstdCompressor(level=self._settings.level).compressobj()
        part = parts[venue] = _Part(path.open("xb", buffering=0), packer, at_ns, number)
        said = json.encode({"schema": SCHEMA, "run": self._run, "part": number})
        part.lines.append(_text_of(_Line(venue, at_ns, 0, None, "recording", said)))
        return part

    def _pack(self, part: _Part) -> None:
        if part.lines:
            self._store(part, part.packer.compress(b"".join(part.lines)))
            part.lines.clear()

    def _flush(self, parts: dict[str, _Part], now_ns: int) -> None:
        for venue, part in tuple(parts.items()):
            is_old = now_ns - part.since_ns >= self._settings.most_secs * _SECOND_NS
            if is_old or part.size >= self._settings.most_bytes:
                self._end(parts, venue, "continued")
                self._begin(parts, venue, now_ns)
                continue
            self._store(part, part.packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
            os.fdatasync(part.file.fileno())
        self.counts["kept"] = self.counts["frames"] + self.counts["notes"]

    def _end(self, parts: dict[str, _Part], venue: str, how: str) -> None:
        part = parts.pop(venue)
        part.lines.append(_text_of(_Line(venue, self._now_ns(), 0, None, how)))
        self._pack(part)
        self._store(part, part.packer.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH))
        os.fdatasync(part.file.fileno())
        part.file.close()

    def _store(self, part: _Part, packed: bytes) -> None:
        left = memoryview(packed)
        while left:
            left = left[part.file.write(left) :]
        part.size += len(packed)
        self.counts["bytes"] += len(packed)


def _text_of(line: _Line) -> bytes:
    head = b'{"recv_ns":%d,"epoch":%d,"venue":"%s",' % (line.at_ns, line.epoch, line.venue.encode())
    if line.frame is None:
        return b'%s"control":"%s","info":%s}\n' % (head, line.note.encode(), line.said)
    if _is_one_line_of_json(line.frame):
        return b'%s"frame":%s}\n' % (head, line.frame)
    return b'%s"base64":"%s"}\n' % (head, base64.b64encode(line.frame))


def _is_one_line_of_json(frame: bytes) -> bool:
    if b"\n" in frame or frame[:1] != b"{" or frame[-1:] != b"}":
        return False
    try:
        frame.decode()  # what msgspec passes over it does not check for valid text
        _IS_JSON(frame)
    except (DecodeError, UnicodeDecodeError):
        return False
    return True
