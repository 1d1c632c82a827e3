"""The process beside a recording node: `python -m system.recording_process RAW CATALOG`.

It reads the parts in RAW as they grow and stores what they tell, portion by portion, until its input ends:
that is how it learns that the node has stopped, or died. Then it stores the rest. Exit codes: 0 done, 3 failed.
"""

import select
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from markets.live.harvest import Portion
from markets.live.story import Story
from storage.catalog import CatalogWriter
from storage.errors import StorageError
from storage.recording import Tail, venues_in
from system.retelling import PORTION_ROWS, reader_of

_LOOK_SECS: Final = 0.25
_PORTION_SECS: Final = 60.0
_FAILED: Final = 3


class Follower:
    """Keeps one catalog in step with the parts in `raw`; `monotonic` in seconds."""

    def __init__(self, raw: Path, catalog: Path, monotonic: Callable[[], float]) -> None:
        self._raw = raw
        self._catalog = catalog
        self._monotonic = monotonic
        self._tales: dict[str, tuple[Tail, Story]] = {}
        self._stored_secs = monotonic()

    def follow(self) -> None:
        """Take the lines that have come, and store them when it is time."""
        self._read()
        rows = sum(retelling.rows for _, retelling in self._tales.values())
        if rows >= PORTION_ROWS or self._monotonic() - self._stored_secs >= _PORTION_SECS:
            self._store([retelling.drain() for _, retelling in self._tales.values()])
            self._stored_secs = self._monotonic()

    def finish(self) -> None:
        """Take and store the rest."""
        self._read()
        self._store([retelling.finish() for _, retelling in self._tales.values()])
        for tail, retelling in self._tales.values():
            tail.__exit__(None, None, None)
            for number, reason in retelling.problems:
                sys.stderr.write(f"{self._raw}: line {number}: {reason}\n")

    def _read(self) -> None:
        for venue in venues_in(self._raw) - self._tales.keys():
            self._tales[venue] = Tail(self._raw, venue, on_broken=self._complain), reader_of(venue)
        for tail, retelling in self._tales.values():
            for line in tail.read():
                retelling.take(line)

    def _store(self, portions: list[Portion]) -> None:
        filled = [one for one in portions if one.instruments or one.data]
        if filled:
            with CatalogWriter(self._catalog) as writer:
                for portion in filled:
                    writer.write(portion.instruments, portion.data)

    def _complain(self, part: Path, reason: str) -> None:
        sys.stderr.write(f"{part} is broken: {reason}\n")


def main(raw: Path, catalog: Path) -> int:
    """Follow until standard input ends; return the exit code."""
    follower = Follower(raw, catalog, time.monotonic)
    try:
        while not select.select([sys.stdin], [], [], _LOOK_SECS)[0]:
            follower.follow()
        follower.finish()
    except (OSError, ValueError, StorageError) as error:
        sys.stderr.write(f"error: the facts of {raw} are not stored any more: {error}\n")
        return _FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
