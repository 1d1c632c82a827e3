"""A made-up venue as a process of its own, so that killing a node leaves the venue standing.

`python -m system.venue_process '{...}'`: the task as JSON. It says on stdout where it listens and with what key,
and how far a recording has been played; it ends on SIGTERM, or when its standard input does: then its owner is dead.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from msgspec import json

from simulation.wire.fault_plan import FaultPlan, load_plan
from simulation.wire.pacing import Pacing
from system.kalshi_stand import KalshiStand
from system.polymarket_stand import PolymarketStand
from system.venue_task import OPEN_ORDERS_FILE, VERDICT_FILE, Address, Progress, VenueTask


class Double(Protocol):
    """What every double does, whatever its venue."""

    def run(self, name: str, work: Any) -> asyncio.Task[None]:
        """Own a task."""
        ...

    async def stop(self) -> None:
        """End everything."""
        ...


class Stand(Protocol):
    """A double as this process runs it."""

    @property
    def double(self) -> Double:
        """The double itself."""
        ...

    async def open(self, tell_open: Callable[[str, bool], None]) -> Address:
        """Open for business; `tell_open` hears of each order of ours whether it is open."""
        ...

    @property
    def has_listeners(self) -> bool:
        """Whether anybody has connected."""
        ...

    def play(self, recording: Path) -> tuple[asyncio.Task[None], Pacing]:
        """Start to play; return the task and the recording's clock."""
        ...

    def verdict(self) -> dict[str, Any]:
        """Return what the venue holds of us, and whether its own books are sound."""
        ...


STANDS: Final[Mapping[str, Callable[[VenueTask, FaultPlan, Callable[[], int]], Stand]]] = {
    "KALSHI": KalshiStand,
    "POLYMARKET": PolymarketStand,
}


class OpenOrders:
    """Writes down each change in how many orders of ours are open, when the venue booked it."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("ab", buffering=0)
        self._open = set[str]()

    def hear(self, order_id: str, is_open: bool) -> None:  # a callback's two facts
        """Note whether an order is open now."""
        before = len(self._open)
        (self._open.add if is_open else self._open.discard)(order_id)
        if len(self._open) != before:
            self._file.write(json.encode({"at_ns": now_ns(), "open": len(self._open)}) + b"\n")

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def now_ns() -> int:
    """Return the wall clock: a venue has its own."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


async def serve(task: VenueTask) -> None:
    """Be the venue until told to end; then leave a verdict in the folder."""
    folder = Path(task.folder)
    stand = STANDS[task.venue](task, load_plan(Path(task.plan)) if task.plan else FaultPlan(), now_ns)
    journal = OpenOrders(folder / OPEN_ORDERS_FILE)
    _tell(json.encode(await stand.open(journal.hear)))
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ending.set)
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # a Ctrl-C is for our owner
    loop.add_reader(0, _hear_owner, ending)
    if task.recording is not None:
        stand.double.run("progress", _play(stand, Path(task.recording)))
    await ending.wait()
    (folder / VERDICT_FILE).write_bytes(json.format(json.encode(stand.verdict())) + b"\n")
    await stand.double.stop()
    journal.close()


async def _play(stand: Stand, recording: Path) -> None:
    """Play to whoever has connected, and tell how far it is; nothing is played to nobody."""
    while not stand.has_listeners:
        await asyncio.sleep(0.05)
    playing, pacing = stand.play(recording)
    while not (await asyncio.wait({playing}, timeout=1.0))[0]:
        _tell(json.encode(Progress(played_secs=pacing.played_secs)))
    _tell(json.encode(Progress(played_secs=pacing.played_secs, is_over=True)))


def _hear_owner(ending: asyncio.Event) -> None:
    if not os.read(0, 1024):
        ending.set()


def _tell(line: bytes) -> None:
    try:
        os.write(1, line + b"\n")
    except BrokenPipeError:
        return  # our owner is gone, and our standard input says so too


if __name__ == "__main__":
    asyncio.run(serve(json.decode(sys.argv[1], type=VenueTask)))
