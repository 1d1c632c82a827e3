"""`make soak`: a sandbox with journal and recorder under a steady stream, for an hour: does anything grow or fall behind?"""

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct, json

from campaigns.supervised import HOUSE, Supervised
from storage.journal.reading import read
from storage.journal.records import OrderEvent, Verdict
from storage.recording import Tail
from system.double import Double
from system.venue_task import VenueTask

SERIES: Final = "SYNBTC15M"
_LOOK_SECS: Final = 5.0
_WARM_UP_SHARE: Final = 0.3
_FRAMES_PER_DEED: Final = 1.95  # a quote is a cancel and an order; 2.0 were recorded
_HOUR_SECS: Final = 3600.0


class Sample(Struct, frozen=True):
    """Memory in MB at one moment, in seconds since the start."""

    at_secs: float
    node_mb: float
    venue_mb: float


class Soak(Struct, frozen=True):
    """What the stream did: frames as the recorder counted them, and what the node's memory did meanwhile.

    `growth_mb_per_hour` is the slope of the node's memory after the first third.
    """

    wished_per_sec: float
    frames_per_sec: float
    secs: float
    frames: int
    blind_notes: int
    journal_rows: int
    exit_code: int
    growth_mb_per_hour: float
    first_mb: float
    last_mb: float
    samples: tuple[Sample, ...]

    @property
    def is_good(self) -> bool:
        """Whether it ended well and no record was dropped; how much memory may grow is for the reader to say."""
        return self.exit_code == 0 and self.blind_notes == 0 and self.frames > 0


def growth_mb_per_hour(samples: list[Sample]) -> float:
    """Return the slope of the node's memory by least squares, without the first third; 0 for too few samples."""
    steady = samples[int(len(samples) * _WARM_UP_SHARE) :]
    if len(steady) < 3:
        return 0.0
    slope = np.polyfit([one.at_secs for one in steady], [one.node_mb for one in steady], 1)[0]
    return float(slope) * _HOUR_SECS


async def soak(
    folder: Path, minutes: float, frames_per_sec: float, on_sample: Callable[[Sample], None]
) -> Soak:
    """Run the demo's strategies in a sandbox against a crowd of this many frames a second."""
    (folder / "venue").mkdir(parents=True)
    (folder / "book.toml").write_text(_book())
    deeds = frames_per_sec / _FRAMES_PER_DEED
    task = VenueTask(
        folder=str(folder / "venue"),
        series=SERIES,
        window_secs=300,
        events_per_second=deeds,
        cash_usd="10000",
    )
    double = await Double.start(task)
    try:
        run, samples = await _sandbox(folder, double, minutes * 60, on_sample)
        code = await asyncio.wait_for(run.process.wait(), 300)
    finally:
        await double.stop()
    kinds, secs = _recorded(folder / "record")
    frames = kinds.pop("frame", 0)
    rows = run.ask(lambda c: sum(len(list(read(c, kind))) for kind in (Verdict, OrderEvent)))
    return Soak(
        wished_per_sec=frames_per_sec,
        frames_per_sec=frames / secs,
        secs=secs,
        frames=frames,
        blind_notes=kinds["blind"],
        journal_rows=rows,
        exit_code=code,
        growth_mb_per_hour=growth_mb_per_hour(samples),
        first_mb=samples[int(len(samples) * _WARM_UP_SHARE)].node_mb if samples else 0.0,
        last_mb=samples[-1].node_mb if samples else 0.0,
        samples=tuple(samples),
    )


async def _sandbox(
    folder: Path, double: Double, secs: float, on_sample: Callable[[Sample], None]
) -> tuple[Supervised, list[Sample]]:
    with (folder / "supervisor.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "run_live.py", str(folder / "book.toml"), "--duration", f"{secs:.0f}s"),
            *("--record", str(folder / "record"), "--out", str(folder)),
            cwd=HOUSE,
            env=double.environ(os.environ) | {"PYTHONPATH": str(HOUSE)},
            stdout=log,
            stderr=log,
        )
    run, samples, began = Supervised(folder, process, mode="sandbox"), list[Sample](), time.monotonic()
    while process.returncode is None:
        await asyncio.wait({asyncio.ensure_future(process.wait())}, timeout=_LOOK_SECS)
        pid = run.node_pid()
        if pid is not None:
            samples.append(Sample(time.monotonic() - began, _rss_mb(pid), _rss_mb(double.pid)))
            on_sample(samples[-1])
    return run, samples


def _rss_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def _recorded(folder: Path) -> tuple[Counter[str], float]:
    """Count what the recorder wrote, frames and notes by their kind; return also the seconds from first to last."""
    kinds, first_ns, last_ns = Counter[str](), 0, 0
    for raw in folder.glob("*/raw"):
        with Tail(raw, "KALSHI", on_broken=lambda _, why: kinds.update([f"broken: {why}"])) as tail:
            for line in tail.read():
                if b'"frame":' in line:
                    kinds["frame"] += 1
                    last_ns = int(line[11 : line.index(b",")])  # {"recv_ns":...,
                    first_ns = first_ns or last_ns
                else:
                    kinds[json.decode(line)["control"]] += 1
    return kinds, max((last_ns - first_ns) / 1e9, 1.0)


def _book() -> str:
    text = (HOUSE / "configs" / "demo.toml").read_text()
    return text.replace('name = "demo"', 'name = "supervised"')
