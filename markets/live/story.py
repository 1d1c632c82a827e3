"""A recording of ours, told line by line: what no venue differs in.

A recording holds each frame as it came, and notes of what no frame tells. Everything follows from its lines
alone, in their order and with their times, so whoever reads them all tells the same, to the last bit.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import Any

from msgspec import MsgspecError, Raw
from msgspec.json import Decoder

from markets.live.harvest import Harvest, Portion
from markets.live.recorded_lines import Line, decode_head, decode_line


class BadLine(ValueError):
    """The first line of a recording, read strictly, that could not be used."""


class Story(ABC):
    """Takes the lines of one or more runs in their order; `drain` gives what is certain by now.

    Time never goes back: a line of an earlier time counts as one of the time that was reached. With `strict` a line that
    cannot be used raises BadLine; otherwise it is among `problems`: its number and the reason. `differing` names
    each time when the venue said another top than our book's.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.counts: Counter[str] = Counter()
        self.problems: list[tuple[int, str]] = []
        self.differing: list[str] = []
        self._strict = strict
        self._harvest = Harvest()
        self._last_ns = 0
        self._run = ""
        self._noters: dict[str, Callable[[Raw], None]] = {}

    def take(self, line: bytes) -> None:
        """Take the next line."""
        self.counts["lines"] += 1
        try:
            found = decode_line(line)
            if found.control in ("recording", "continued", "end"):
                self._take_bookkeeping(found)
                return
            self._advance(found.recv_ns)
            if found.control:
                self._noters[found.control](found.info)
            else:
                self._take_frame(found)
        except (ValueError, ArithmeticError, KeyError, MsgspecError) as error:
            self._report(f"{type(error).__name__}: {error}")

    def drain(self) -> Portion:
        """Return what is older than everything that may still come; it is given once."""
        certain_ns = min([self._now_ns, *self._held_ns()])
        gaps_ns = min([certain_ns, self._last_ns, *self._harvest.blind.values()])
        return self._harvest.given(certain_ns, gaps_ns)

    def finish(self) -> Portion:
        """Return the rest: no more lines will come."""
        self._end_run()
        self._end_watch()
        self._harvest.blind.clear()
        return self._harvest.given(2**63, 2**63)

    @property
    def rows(self) -> int:
        """How much is waiting for `drain`."""
        return self._harvest.rows

    @abstractmethod
    def _advance(self, at_ns: int) -> None:
        """Let time go on to a line's."""

    @abstractmethod
    def _take_frame(self, line: Line) -> None:
        """Take a frame."""

    @abstractmethod
    def _held_ns(self) -> list[int]:
        """Return since when anything is held back that will be told later."""

    @abstractmethod
    def _end_run(self) -> None:
        """Trust no book any more: a run is over."""

    @abstractmethod
    def _end_watch(self) -> None:
        """Tell the gaps that no book will end."""

    @property
    def _now_ns(self) -> int:
        return self._harvest.now_ns

    def _take_bookkeeping(self, line: Line) -> None:
        if line.control == "recording" and (run := decode_head(line.info).run) != self._run:
            if self._run:
                self._end_run()
            self._run = run

    def _report(self, reason: str) -> None:
        if self._strict:
            raise BadLine(f"line {self.counts['lines']}: {reason}")
        self.problems.append((self.counts["lines"], reason))


def reader[T](kind: Any, take: Callable[[T], None]) -> Callable[[Raw], None]:
    """Return what reads a note as one of a kind and takes it."""
    decode = Decoder(kind).decode

    def read(said: Raw) -> None:
        take(decode(said))

    return read
