"""The node as a process of ours: started in a group of its own, heard every second, ended for good."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from msgspec import DecodeError
from msgspec.json import Decoder

from system.heartbeat import HEARTBEAT_FD, WRITING, Beat

_LOOK_SECS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Patience:
    """How long we wait for a node: for its first pulse, between pulses, for its end, when hurried.

    One that has stopped trading, and says that it writes what it has recorded, gets `write_secs` more.
    """

    start_secs: float = 300.0
    silence_secs: float = 10.0
    stop_secs: float = 30.0
    write_secs: float = 90.0
    hurry_secs: float = 1.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a node ended: its exit code, negative for a signal, why we had to kill it, whether it ever lived."""

    code: int
    killed_because: str = ""
    has_lived: bool = True

    @property
    def text(self) -> str:
        """The same for a human."""
        if self.killed_because:
            return f"it was killed: {self.killed_because}"
        if self.code < 0:
            return f"it died of {signal.Signals(-self.code).name}"
        return f"it ended with code {self.code}"


class Child:
    """One run of a node's process.

    `monotonic` is a clock in seconds. `pulse` is the last one heard, None before the first.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        patience: Patience,
        monotonic: Callable[[], float],
    ) -> None:
        self.pulse: Beat | None = None
        self.garbled = 0
        self._process = process
        self._reader = reader
        self._patience = patience
        self._monotonic = monotonic
        self._started = self._heard = monotonic()
        self._must_end_at: float | None = None
        self._why = ""
        self._is_killed = self._is_hurried = False

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        environ: Mapping[str, str],
        log: Path,
        patience: Patience,
        monotonic: Callable[[], float],
    ) -> Self:
        """Start `command` with both outputs appended to `log`; OSError when it cannot be started."""
        reading, writing = os.pipe()
        try:
            with log.open("ab") as output:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    env={**environ, HEARTBEAT_FD: str(writing)},
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,  # a Ctrl-C is for us: the node hears of it from us, once
                    pass_fds=(writing,),
                )
        except OSError:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        return cls(process, await _open_reader(reading), patience, monotonic)

    @property
    def pid(self) -> int:
        """The process id, which is also that of its group."""
        return self._process.pid

    def stop(self) -> None:
        """Ask it to end gracefully; what has not ended in time is killed, what never lived at once."""
        if self.pulse is None:  # it may not have learnt yet what a signal means
            self.kill("it was stopped before its first pulse")
        elif self._must_end_at is None:
            self._must_end_at = self._monotonic() + self._patience.stop_secs
            self._why = f"it had not stopped after {self._patience.stop_secs:g} s"
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    def hurry(self) -> None:
        """Leave it only a moment more."""
        self.stop()
        self._is_hurried = True
        if self._must_end_at is not None:
            self._must_end_at = min(self._must_end_at, self._monotonic() + self._patience.hurry_secs)
            self._why = "it had not stopped when it was hurried"

    def kill(self, why: str) -> None:
        """Kill its whole group at once."""
        if not self._is_killed and self._process.returncode is None:
            self._is_killed, self._why = True, why
        self._kill_group()

    async def ended(self) -> Ending:
        """Watch it until it is gone, with everything that it started."""
        listening = asyncio.create_task(self._listen(), name="heartbeat")
        waiting = asyncio.create_task(self._process.wait(), name="wait for the node")
        try:
            while not (await asyncio.wait({waiting}, timeout=_LOOK_SECS))[0]:
                if overdue := self._overdue():
                    self.kill(overdue)
            why = self._why if self._is_killed else ""
            return Ending(waiting.result(), why, has_lived=self.pulse is not None)
        finally:
            self._kill_group()
            for task in (listening, waiting):
                task.cancel()
            await asyncio.gather(listening, waiting, return_exceptions=True)

    def _overdue(self) -> str:
        now = self._monotonic()
        if self._must_end_at is not None:  # a node that ends may be silent, but not for long
            return self._why if now > self._must_end_at + self._more_secs() else ""
        patience = self._patience.start_secs if self.pulse is None else self._patience.silence_secs
        if now - self._heard <= patience:
            return ""
        return f"no pulse for {patience:g} s"

    def _more_secs(self) -> float:
        is_writing = self.pulse is not None and self.pulse.phase == WRITING
        return self._patience.write_secs if is_writing and not self._is_hurried else 0.0

    async def _listen(self) -> None:
        while line := await self._reader.readline():
            try:
                self.pulse = _BEAT.decode(line)
            except DecodeError:
                self.garbled += 1  # half a line of a dying node proves no life
            else:
                self._heard = self._monotonic()

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):  # it is gone, or only zombies are left of it
            os.killpg(self.pid, signal.SIGKILL)


async def _open_reader(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader


_BEAT: Final = Decoder(Beat)
