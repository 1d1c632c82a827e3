"""What recording costs: frames a second into the writer, and what a frame costs the loop beside a bare queue."""

import os
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

import pyarrow as pa
from rich.console import Console

from benchmarks.figures import Figure, at_least, at_most, told
from storage.recorder import Recorder, RecorderSettings

_DATA = Path(os.environ.get("ARGONAUT_DATA", Path(__file__).parents[2] / "shared/data"))
_SESSIONS = "real/kalshi_btc15m_l2/*.kalshi_ws.ndjson.zst"
_FRAMES = 200_000
_TIMED = 50_000
_SETTINGS = RecorderSettings(most_waiting=10_000_000)

type Take = Callable[[bytes, int, int], None]


def measure() -> list[Figure]:
    """Record the lines of real sessions, or made-up ones where there are none, as fast as they can be handed over, and one by one with a clock beside."""
    frames = _frames()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        recorder = _recorder(Path(folder) / "flood")
        take = recorder.tap("KALSHI")
        for frame in frames:
            take(frame, 1, 1)
        recorder.close()
        per_sec = len(frames) / (time.perf_counter() - began)
        size = recorder.counts["bytes"] / sum(map(len, frames))
        paced = _recorder(Path(folder) / "paced")
        tap_us = _timed(paced.tap("KALSHI"), frames[:_TIMED])
        paced.close()
    queue: deque[tuple[bytes, int, int]] = deque()
    bare_us = _timed(lambda *line: queue.append(line), frames[:_TIMED])
    return [
        told("bare: append to a deque, median", bare_us[49], "us"),
        told("tap of the recorder, median", tap_us[49], "us"),
        told("tap of the recorder, 99 %", tap_us[98], "us"),
        at_most("tap over a bare append, median", tap_us[49] / bare_us[49], "ratio", 20.0),
        told("tap over a bare append, 99 %", tap_us[98] / bare_us[98], "ratio"),
        at_least("recorder: frames to the disk", per_sec, "frames/s", 14_000),
        told("recorder: bytes on disk over bytes received", size, "ratio"),
    ]


def _recorder(folder: Path) -> Recorder:
    return Recorder(
        folder,
        "bench",
        now_ns=lambda: time.clock_gettime_ns(time.CLOCK_REALTIME),
        on_trouble=Console(stderr=True).print,
        settings=_SETTINGS,
    )


def _frames() -> list[bytes]:
    lines: list[bytes] = []
    for path in sorted(_DATA.glob(_SESSIONS)):
        with pa.input_stream(str(path), compression="zstd") as stream:
            lines += bytes(stream.read()).splitlines()
        if len(lines) >= _FRAMES:
            return lines[:_FRAMES]
    line = b'{"type":"orderbook_delta","sid":1,"seq":%d,"msg":{"market_ticker":"KXBTC15M-26OCT031745-45",'
    line += b'"price_dollars":"0.5600","delta_fp":"12.00","side":"yes","ts":"2026-10-03T21:31:32.130176Z"}}'
    return [line % number for number in range(_FRAMES)]


def _timed(take: Take, frames: list[bytes]) -> list[float]:
    """Return the percentiles of what one call takes, in microseconds; the clock's own cost is in both."""
    clock = time.perf_counter_ns
    spent = []
    for frame in frames:
        before = clock()
        take(frame, before, 1)
        spent.append((clock() - before) / 1000)
    return quantiles(spent, n=100)
