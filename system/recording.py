"""`--record DIR`: raw frames from this process, and the facts in them from a process beside it.

DIR/<run id>/raw holds the parts of each venue, DIR/<run id>/catalog what they tell. The catalog is written by
a process of its own, which reads the parts as they grow: the loop of a live node must not wait for Parquet.
When the node dies, that process writes what is left and ends by itself.
"""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from msgspec import json

from storage.recorder import Recorder, RecorderFailed, RecorderSettings

_MOST_END_SECS: Final = 60.0
WORD: Final = "recording.json"
"""What a run's folder says about where its recording lies."""
BOOK: Final = "book.toml"
"""The book as it was when the run began."""


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a run's recording lies."""

    raw: Path
    catalog: Path

    @classmethod
    def of(cls, folder: Path, run: str) -> Self:
        """Return the folders of one run below the folder that `--record` names."""
        return cls(folder / run / "raw", folder / run / "catalog")


class Recording:
    """Records a run while the block lasts; `tap` and `note` are what a venue's data client is given.

    `on_trouble` is told, on the loop thread, when frames are lost. `check` is for a heartbeat: it tells of
    trouble in the process beside. Leaving the block writes everything; RecorderFailed when that was not possible.
    """

    def __init__(
        self,
        folder: Path,
        run: str,
        *,
        now_ns: Callable[[], int],
        on_trouble: Callable[[str], None],
        settings: RecorderSettings | None = None,
    ) -> None:
        self.folders = Folders.of(folder, run)
        self._on_trouble = on_trouble
        self._has_told = False
        self.recorder = Recorder(
            self.folders.raw, run, now_ns=now_ns, on_trouble=on_trouble, settings=settings
        )
        command = [sys.executable, "-m", "system.recording_process"]
        self._beside = subprocess.Popen(
            [*command, str(self.folders.raw), str(self.folders.catalog)],
            stdin=subprocess.PIPE,
            start_new_session=True,  # a kill of the node's group must not take the catalog with it
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def tap(self, venue: str) -> Callable[[bytes, int, int], None]:
        """Return what takes a venue's frames (`Recorder.tap`)."""
        return self.recorder.tap(venue)

    def note(self, venue: str) -> Callable[[str, Any, int], None]:
        """Return what takes a venue's notes (`Recorder.note`)."""
        return self.recorder.note(venue)

    def leave_word(self, run_folder: Path) -> None:
        """Write into the folder of the run where its recording lies."""
        word = {"raw": str(self.folders.raw.resolve()), "catalog": str(self.folders.catalog.resolve())}
        (run_folder / WORD).write_bytes(json.format(json.encode(word)) + b"\n")

    def check(self) -> None:
        """Tell `on_trouble`, once, when recorder or catalog no longer work."""
        code = self._beside.poll()
        reason = self.recorder.failure or (
            code is not None and f"the catalog's process ended with code {code}"
        )
        if reason and not self._has_told:
            self._has_told = True
            self._on_trouble(f"expected the run to be recorded, found: {reason}")

    def close(self) -> None:
        """Write everything that came, raw and as facts; RecorderFailed says what could not be written."""
        try:
            self.recorder.close()
        finally:
            assert self._beside.stdin is not None
            self._beside.stdin.close()
            try:
                code = self._beside.wait(_MOST_END_SECS)
            except subprocess.TimeoutExpired as error:
                self._beside.kill()
                self._beside.wait()
                raise RecorderFailed(
                    f"expected the catalog of {self.folders.raw} within {_MOST_END_SECS:g} s, found none"
                ) from error
        if code:
            raise RecorderFailed(
                f"expected a catalog of {self.folders.raw}, found that its process ended with code {code}; the raw "
                f"frames are whole: argonaut import kalshi-recording {self.folders.raw} --catalog DIR"
            )
