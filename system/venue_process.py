"""A made-up Kalshi as a process of its own, so that killing a node leaves the venue standing.

`python -m system.venue_process '{...}'`: the task as JSON. It says on stdout where it listens and with what key,
and how far a recording has been played; it ends on SIGTERM, or when its standard input does: then its owner is dead.
"""

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, json
from msgspec.structs import replace

from simulation.wire.fault_plan import FaultPlan, load_plan
from simulation.wire.kalshi import KalshiDouble
from simulation.wire.kalshi_control import Listing
from simulation.wire.kalshi_crowd import CrowdSettings
from simulation.wire.kalshi_events import Action, Notice
from simulation.wire.kalshi_playback import Playback
from simulation.wire.kalshi_recordings import load_recording
from simulation.wire.kalshi_settings import KalshiSettings
from simulation.wire.kalshi_signatures import ALL_SCOPES

USER: Final = "argonaut"
OPEN_ORDERS_FILE: Final = "venue_orders.jsonl"
VERDICT_FILE: Final = "venue.json"

_HOUR_NS: Final = 3_600_000_000_000


class VenueTask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the double is to be: a crowd in rolling markets with faults, or a recording played back.

    One market of `series` follows another every `window_secs`; `markets` are listed for a day. `cash_usd` lies on shard
    `shard`, where all of them trade. With a `recording` nobody may write: the key has the scope read.
    `folder` gets the double's own record: how many orders were open and when, and its books at the end.
    """

    folder: str
    seed: int = 7
    series: str | None = None
    markets: tuple[str, ...] = ()
    shard: int = 0
    window_secs: int = 300
    cash_usd: str = "1000"
    events_per_second: float = 20.0
    plan: str | None = None
    recording: str | None = None
    speed: float = 1.0
    read_lag_ms: int = 0


class Address(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the double listens, and the key made for this once."""

    rest: str
    socket: str
    key_id: str
    private_pem: str


class Progress(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of a recording's own time has been played, told each second and at its end."""

    played_secs: float
    is_over: bool = False


class OpenOrders:
    """Writes down each change in how many orders of ours are open, when the venue booked it."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("ab", buffering=0)
        self._open = set[str]()

    def hear(self, notice: Notice) -> None:
        """Listen to the exchange."""
        if not isinstance(notice, Action):
            return
        before = len(self._open)
        for order, _ in notice.orders:
            if order.user == USER:
                (self._open.add if order.on_book else self._open.discard)(order.order_id)
        if len(self._open) != before:
            self._file.write(json.encode({"at_ns": notice.at_ns, "open": len(self._open)}) + b"\n")

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def now_ns() -> int:
    """Return the wall clock: a venue has its own."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


async def serve(task: VenueTask) -> None:
    """Be the venue until told to end; then leave a verdict in the folder."""
    folder = Path(task.folder)
    plan = load_plan(Path(task.plan)) if task.plan else FaultPlan()
    settings = KalshiSettings(tier="premier", read_lag_ms=task.read_lag_ms)
    double = KalshiDouble(settings, seed=task.seed, now_ns=now_ns, plan=plan)
    journal = OpenOrders(folder / OPEN_ORDERS_FILE)
    double.exchange.listeners.append(journal.hear)
    address = await _open(double, task)
    _tell(json.encode(address))
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ending.set)
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # a Ctrl-C is for our owner
    loop.add_reader(0, _hear_owner, ending)
    if task.recording is not None:
        playback = Playback(
            double.control, load_recording(Path(task.recording)), task.speed, exchange_index=task.shard
        )
        double.run("progress", _play(double, playback))
    await ending.wait()
    (folder / VERDICT_FILE).write_bytes(json.format(json.encode(verdict(double))) + b"\n")
    await double.stop()
    journal.close()


async def _open(double: KalshiDouble, task: VenueTask) -> Address:
    urls = await double.start()
    is_played = task.recording is not None
    key = double.add_key(USER, scopes=frozenset({"read"}) if is_played else ALL_SCOPES)
    double.control.fund(USER, task.cash_usd, exchange_index=task.shard)
    for ticker in task.markets:
        event, at_ns = ticker.rpartition("-")[0] or ticker, now_ns()
        double.control.list_market(
            Listing(
                ticker,
                event,
                event.partition("-")[0],
                at_ns,
                at_ns + 24 * _HOUR_NS,
                exchange_index=task.shard,
            )
        )
    if not is_played:
        settings = CrowdSettings(events_per_second=task.events_per_second, exchange_index=task.shard)
        if task.series is not None:
            settings = replace(settings, window_secs=task.window_secs, series=task.series)
        double.start_crowd(settings, seed=task.seed)
    return Address(rest=urls.rest, socket=urls.socket, key_id=key.key_id, private_pem=key.private_pem)


async def _play(double: KalshiDouble, playback: Playback) -> None:
    """Play to whoever has connected, and tell how far it is; nothing is played to nobody."""
    while not double.sockets.connections:
        await asyncio.sleep(0.05)
    playing = double.start_playback(playback)
    while not (await asyncio.wait({playing}, timeout=1.0))[0]:
        _tell(json.encode(Progress(played_secs=playback.pacing.played_secs)))
    _tell(json.encode(Progress(played_secs=playback.pacing.played_secs, is_over=True)))


def verdict(double: KalshiDouble) -> dict[str, Any]:
    """Return what the venue holds of us at the end, and whether its own books are sound."""
    snapshot = double.snapshot()
    orders, fills = snapshot.orders.get(USER, []), snapshot.fills.get(USER, [])
    return {
        "audit": double.audit(),
        "errors": [repr(error) for error in double.errors],
        "faults": dict(Counter(double.faults.kinds())),
        "open_orders": sum(order["status"] == "resting" for order in orders),
        "orders": orders,
        "fills": fills,
        "cash": {f"{shard}/{subaccount}": text for (user, shard, subaccount), text in snapshot.cash.items() if user == USER},
        "positions": {
            f"{shard}/{subaccount}": held for (user, shard, subaccount), held in snapshot.positions.items() if user == USER
        },
    }  # fmt: skip


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
