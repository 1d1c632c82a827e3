"""What the journal costs the loop, and how long an intent waits for the disk: on SQLite, in a file of its own."""

import asyncio
import tempfile
import time
from decimal import Decimal
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, at_least, at_most, told
from storage.journal.journal import CAPACITY, Journal
from storage.journal.records import Intent, LedgerEntry, OrderEvent, Record

_PER_SECOND = 7_000
_SECS = 5
_INTENTS_PER_SECOND = 20
_SLICE_SECS = 0.005
_MS = 1e3


def measure() -> list[Figure]:
    """Note 7,000 records a second from a loop that also waits for 20 intents a second, then all at once."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        journal = Journal.open(Path(folder) / "journal.sqlite", _now_ns)
        try:
            idle = asyncio.run(_idle())
            notes, waits, lags = asyncio.run(_run(journal))
            backlog = journal.waiting
            burst = _burst(journal)
        finally:
            journal.close()
    return [
        at_most(f"journal: a note at {_PER_SECOND:,}/s, on the loop thread, p99", _at(99, notes), "ms", 1.0),
        told("the same, p50", _at(50, notes), "ms"),
        told("the same, the longest", _at(100, notes), "ms"),
        told("an intent until it is on the disk, p50", _at(50, waits), "ms"),
        told("the same, p99", _at(99, waits), "ms"),
        told("how late the loop wakes beside it, p99", _at(99, lags), "ms"),
        told("how late an idle loop wakes, p99", _at(99, idle), "ms"),
        at_most("notes left unwritten after that", backlog, "notes", _PER_SECOND / 10),
        at_least("writing as fast as it can", burst, "records/s", 10_000),
    ]


def _at(percentile: int, secs: list[float]) -> float:
    return float(np.percentile(secs, percentile)) * _MS


async def _idle() -> list[float]:
    """Return how late an idle loop wakes on this machine."""
    lags: list[float] = []
    for _ in range(round(_SECS / 2 / _SLICE_SECS)):
        at = time.perf_counter()
        await asyncio.sleep(_SLICE_SECS)
        lags.append(time.perf_counter() - at - _SLICE_SECS)
    return lags


async def _run(journal: Journal) -> tuple[list[float], list[float], list[float]]:
    notes: list[float] = []
    waits: list[float] = []
    lags: list[float] = []
    waiting: set[asyncio.Task[None]] = set()
    began, number = time.perf_counter(), 0
    while (now := time.perf_counter() - began) < _SECS:
        while number < now * _PER_SECOND:
            record = _record(number)
            at = time.perf_counter()
            journal.note(record)
            notes.append(time.perf_counter() - at)
            number += 1
            if number % (_PER_SECOND // _INTENTS_PER_SECOND) == 0:
                waiting.add(asyncio.create_task(_wait(journal, number, waits)))
        at = time.perf_counter()
        await asyncio.sleep(_SLICE_SECS)
        lags.append(time.perf_counter() - at - _SLICE_SECS)
    await asyncio.gather(*waiting)
    return notes, waits, lags


async def _wait(journal: Journal, number: int, waits: list[float]) -> None:
    at = time.perf_counter()
    await journal.durable(_intent(number))
    waits.append(time.perf_counter() - at)


def _burst(journal: Journal) -> float:
    count = CAPACITY // 2
    began = time.perf_counter()
    for number in range(count):
        journal.note(_record(number))
    journal.secure(timeout_secs=60.0)
    return count / (time.perf_counter() - began)


def _record(number: int) -> Record:
    about = {"run": "20261126T184000-live-0a1b2c", "at_ns": number}
    if number % 2:
        return LedgerEntry(
            **about, kind="fill", reference=str(number), account="cash:KALSHI", amount_usd=Decimal("-4.3")
        )
    return OrderEvent(
        **about,
        known_ns=number,
        order_id=f"O-{number}",
        venue_order_id=None,
        strategy="edge-1",
        instrument="KXBTC15M-26OCT031745-45-YES.KALSHI",
        kind="OrderAccepted",
        event_id="e",
        detail={"quantity": "10.00", "price": "0.4300"},
    )


def _intent(number: int) -> Intent:
    return Intent(
        run="r",
        at_ns=number,
        order_id=str(number),
        kind="new",
        strategy="edge-1",
        instrument="KXBTC15M-26OCT031745-45-YES.KALSHI",
        side="BUY",
        quantity=Decimal(10),
        price=Decimal("0.43"),
        terms={},
    )


def _now_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_REALTIME)
