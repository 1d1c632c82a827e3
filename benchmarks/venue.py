"""The venue's double in a process of its own, for what measures our live path from this one."""

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from benchmarks.beside import asked, beside
from simulation.wire.kalshi import KalshiDouble
from simulation.wire.kalshi_control import Listing
from simulation.wire.kalshi_playback import Playback
from simulation.wire.kalshi_recordings import Recorded, load_recording
from simulation.wire.kalshi_settings import KalshiSettings

SERIES: Final = "KXBTC15M"
SHARD: Final = 2
_QUIET_MARKET: Final = f"{SERIES}-BENCH-45"
_HOUR_NS: Final = 3_600_000_000_000


@dataclass(frozen=True, slots=True)
class Play:
    """What to play: a recording, again and again for `secs`, at a speed (0: as fast as it is read)."""

    recording: Path
    speed: float
    secs: float


class Venue:
    """The double as this process sees it; `keys` holds a key id and a PEM text for each kind of key."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.rest, self.socket, self.keys = pipe.recv()

    def play(self, play: Play) -> None:
        """Begin to play; returns when the recording is loaded."""
        self._pipe.send(play)
        self._pipe.recv()

    def played(self) -> int:
        """Wait for the end of what is played; return how many messages it was."""
        count: int = self._pipe.recv()
        return count


@contextmanager
def venue() -> Iterator[Venue]:
    """Start the double with one quiet market and a rich account; stop it at the end."""
    with beside(_serving) as pipe:
        yield Venue(pipe)


def busiest_recording() -> Path:
    """Return the largest of the recorded sessions; FileNotFoundError without recordings."""
    folder = Path(os.environ.get("ARGONAUT_DATA", "../shared/data")) / "real" / "kalshi_btc15m_l2"
    found = sorted(folder.glob("*.kalshi_ws.ndjson.zst"), key=lambda one: one.stat().st_size)
    if not found:
        raise FileNotFoundError(f"expected recordings below {folder}, found none")
    return found[-1]


async def _serving(pipe: Connection) -> None:
    double = KalshiDouble(
        KalshiSettings(tier="prime"), seed=7, now_ns=lambda: time.clock_gettime_ns(time.CLOCK_REALTIME)
    )
    urls = await double.start()
    double.control.fund("bench", "1000000", exchange_index=SHARD)
    at_ns = double.exchange.now_ns()
    facts = {"strike_type": "greater_or_equal", "floor_strike": 68000.0}
    double.control.list_market(
        Listing(
            _QUIET_MARKET, f"{SERIES}-BENCH", SERIES, at_ns, at_ns + _HOUR_NS, "tapered_deci_cent",
            exchange_index=SHARD, facts=facts,
        )
    )  # fmt: skip
    keys = {kind: double.add_key("bench", kind) for kind in ("ed25519", "rsa")}
    pipe.send((urls.rest, urls.socket, {kind: (one.key_id, one.private_pem) for kind, one in keys.items()}))
    while (play := await asked(pipe, Play)) is not None:
        messages = list(load_recording(play.recording))
        pipe.send("ready")
        pipe.send(await _play(double, play, messages))
    await double.stop()


async def _play(double: KalshiDouble, play: Play, messages: Sequence[Recorded]) -> int:
    loop = asyncio.get_running_loop()
    until, played = loop.time() + play.secs, 0
    while (left := until - loop.time()) > 0:
        playback = Playback(double.control, messages, speed=play.speed, exchange_index=SHARD)
        task = double.start_playback(playback)
        await asyncio.wait([task], timeout=left)
        task.cancel()
        played += playback.report.messages
    return played
