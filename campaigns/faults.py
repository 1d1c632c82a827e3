"""`make faults`: break everything a venue can break, N times, and name each law that did not hold."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from campaigns.invariants import LAWS
from campaigns.nursery import Lost, run_all
from campaigns.records import FaultRun
from campaigns.venues import campaigns_of

_DEADLINE_SECS: Final = 300.0
_MOST_ATTEMPTS: Final = 4


class FaultSummary(Struct, frozen=True):
    """What a campaign found: runs and broken laws by name, and how often each kind of fault happened.

    `failed` are the seeds of runs that broke a law; `silent` are the kinds of faults that never happened.
    `starved` counts runs that were done again, with fewer at a time, because the machine was too slow to judge them.
    """

    venue: str
    runs: int
    orders: int
    fills: int
    broken: dict[str, int]
    failed: tuple[int, ...]
    starved: int
    unresolved: int
    faults: dict[str, int]
    silent: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether every law held; whether every kind of fault happened is another question."""
        return not self.failed


def run_campaign(
    venue: str,
    seeds: Iterable[int],
    *,
    workers: int,
    bug: str | None = None,
    on_run: Callable[[FaultRun], None] = lambda _: None,
) -> FaultSummary:
    """Run a campaign over seeds; `on_run` hears each run as it ends."""
    done: list[FaultRun] = []
    starved, waiting = 0, list(seeds)
    for attempt in range(_MOST_ATTEMPTS):
        again: list[int] = []
        arguments = [(seed, bug) for seed in waiting]
        for (seed, _), found in run_all(campaigns_of(venue).run_faults, arguments, workers, _DEADLINE_SECS):
            run = FaultRun(seed, (f"alive: {found.how}",)) if isinstance(found, Lost) else found
            if run.laws and run.was_starved and attempt < _MOST_ATTEMPTS - 1:
                again.append(seed)
                continue
            done.append(run)
            on_run(run)
        starved, waiting = starved + len(again), again
        workers = max(1, workers // 2)
    return _sum_up(venue, done, starved)


def write_run(run: FaultRun, folder: Path) -> Path:
    """Write a run that failed to `folder`, by its seed; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{run.seed}.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(run)))
    return file


def _sum_up(venue: str, runs: list[FaultRun], starved: int) -> FaultSummary:
    every_fault = campaigns_of(venue).every_fault
    faults = Counter(fault for run in runs for fault in run.faults)
    broken = Counter(law.partition(":")[0] for run in runs for law in run.laws)
    return FaultSummary(
        venue=venue,
        runs=len(runs),
        orders=sum(run.orders for run in runs),
        fills=sum(run.fills for run in runs),
        broken={law: broken[law] for law in LAWS},
        failed=tuple(sorted(run.seed for run in runs if run.laws)),
        starved=starved,
        unresolved=sum(bool(run.unresolved) for run in runs),
        faults={kind: faults[kind] for kind in every_fault},
        silent=tuple(kind for kind in every_fault if not faults[kind]),
    )
