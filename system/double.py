"""The venue double as a process of ours: started first, asked where it listens, ended last. Loads no Nautilus."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from msgspec import MsgspecError, json

from adapters.kalshi.signing import PRIVATE_KEY_FILE_NAME
from system.venue_task import VERDICT_FILE, Address, Progress, VenueTask

_START_SECS: Final = 60.0
_STOP_SECS: Final = 20.0


class DoubleFailed(RuntimeError):
    """The made-up venue did not start, or died."""


class Double:
    """A running double. `played` is set when its recording is at its end, `died` when its process has ended.

    `played_secs` is how far it has come in the recording's own time.
    """

    def __init__(self, process: asyncio.subprocess.Process, address: Address, folder: Path) -> None:
        self.address = address
        self.played_secs = 0.0
        self.played = asyncio.Event()
        self.died = asyncio.Event()
        self._process = process
        self._folder = folder
        self._listening = asyncio.create_task(self._listen(), name="venue double")

    @classmethod
    async def start(cls, task: VenueTask) -> Self:
        """Start a double, and return when it listens; DoubleFailed when it does not."""
        folder = Path(task.folder)
        with (folder / "venue.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "system.venue_process", json.encode(task).decode()),
                stdin=asyncio.subprocess.PIPE,  # when it ends, so do we: the double sees it
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), _START_SECS)
            address = json.decode(line, type=Address)
        except (TimeoutError, MsgspecError) as error:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise DoubleFailed(
                f"expected a venue double to start, found what {folder / 'venue.log'} says"
            ) from error
        return cls(process, address, folder)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def environ(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return an environment that leads to this double, with no key of the user's in it."""
        left = {name: text for name, text in base.items() if name != PRIVATE_KEY_FILE_NAME}
        return left | self.address.environ

    async def stop(self) -> dict[str, Any]:
        """End it, and return its verdict; an empty one when it left none. It may be called again."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_SECS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        file = self._folder / VERDICT_FILE
        found: dict[str, Any] = json.decode(file.read_bytes()) if file.exists() else {}
        return found

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            progress = json.decode(line, type=Progress)
            self.played_secs = progress.played_secs
            if progress.is_over:
                self.played.set()
        self.died.set()
