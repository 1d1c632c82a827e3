"""`make supervised-kills`: kill the node at random moments under the supervisor, and look for what was lost or doubled."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from campaigns.supervised import BUSY, Supervised, book_text, supervised
from storage.journal.commands import Kind
from storage.journal.reading import read
from storage.journal.records import Fill, Intent, LedgerEntry
from system.standing import standing

_KILLS_A_RUN: Final = 4  # the supervisor gives up after five restarts
_HALT_SHARE: Final = 0.3
_EARLY_SHARE: Final = 0.25
_LONGEST_SECS: Final = 6.0
_PATIENCE_SECS: Final = 300.0
_HALTED_SECS: Final = 0.5
_BUSY: Final = 10  # changes in how many orders are open


class KilledRun(Struct, frozen=True):
    """One run of the supervisor in which the node was killed `kills` times; `laws` are those that did not hold."""

    seed: int
    kills: int
    halts: int
    orders: int
    fills: int
    exit_code: int
    laws: tuple[str, ...]


async def run_one(folder: Path, seed: int, kills: int) -> KilledRun:
    """Kill the node `kills` times, let the run end, and compare what the venue holds with the journal."""
    chance = random.Random(f"kills {seed}")
    laws: list[str] = []
    halts = 0
    async with supervised(folder, book_text(BUSY), "--seed", str(seed)) as run:
        for _ in range(kills):
            is_early = chance.random() < _EARLY_SHARE
            if not is_early:
                await _be_busy(run)
            await asyncio.sleep(chance.uniform(0.0, _LONGEST_SECS))
            is_halted = not is_early and chance.random() < _HALT_SHARE
            if is_halted:
                halts += 1
                await _command(run, Kind.HALT)
            await _kill(run)
            if is_halted:
                laws += await _halt_laws(run)
        await _be_busy(run)
        run.process.send_signal(signal.SIGTERM)
        code, verdict = await run.ended()
        laws += _broken(run, code, verdict)
    return KilledRun(seed, kills, halts, len(verdict["orders"]), len(verdict["fills"]), code, tuple(laws))


async def campaign(
    folder: Path, kills: int, on_run: Callable[[KilledRun], None], *, workers: int = 1
) -> list[KilledRun]:
    """Kill `kills` times in as many runs as it takes, `workers` at once; each keeps its files below `folder`."""
    room = asyncio.Semaphore(workers)

    async def one(seed: int, wanted: int) -> KilledRun:
        async with room:
            run = await run_one(folder / f"run{seed}", seed, wanted)
        on_run(run)
        return run

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(one(seed, min(_KILLS_A_RUN, kills - start)))
            for seed, start in enumerate(range(0, kills, _KILLS_A_RUN))
        ]
    return [task.result() for task in tasks]


async def _be_busy(run: Supervised) -> None:
    """Let the node trade, and wait until it does: after a crash it may only reduce until an operator resumes."""
    await run.until(lambda: run.node_pid() is not None and run.has_begun(), "a node", _PATIENCE_SECS)
    await _command(run, Kind.RESUME)
    seen = len(run.venue_record())
    await run.until(lambda: len(run.venue_record()) > seen + _BUSY, "orders at the venue", _PATIENCE_SECS)


async def _command(run: Supervised, kind: Kind) -> None:
    number = run.command(kind)
    await run.until(lambda: run.is_done(number), f"{kind} to be obeyed", _PATIENCE_SECS)


async def _halt_laws(run: Supervised) -> list[str]:
    """Wait until another node could trade, and see that it did not: the venue's own record says so."""
    seen, lives = len(run.venue_record()), run.lives()
    await run.until(lambda: run.lives() > lives, "another life", _PATIENCE_SECS)
    await asyncio.sleep(_HALTED_SECS)
    found = []
    if (state := run.ask(standing).state) != "halted":
        found.append(f"halts: expected the halt to survive a kill, found {state}")
    if any(line["open"] for line in run.venue_record()[seen:]):
        found.append("halts: expected no order at the venue while a halt stands, found some")
    return found


async def _kill(run: Supervised) -> None:
    await run.until(lambda: run.node_pid() is not None, "a node to kill", _PATIENCE_SECS)
    dead = run.node_pid()
    if dead is not None:
        os.kill(dead, signal.SIGKILL)
    await run.until(lambda: run.node_pid() not in (None, dead), "another node", _PATIENCE_SECS)


def _broken(run: Supervised, code: int, verdict: dict[str, Any]) -> list[str]:
    """Return the laws that did not hold, each with what was found."""
    found = [f"venue: {text}" for text in (*verdict["audit"], *verdict["errors"])]
    if code:
        found.append(f"end: expected exit code 0, found {code}")
    if verdict["open_orders"]:
        found.append(f"open: expected no order at the venue, found {verdict['open_orders']}")
    intents, fills, entries = run.ask(
        lambda connection: tuple(list(read(connection, kind)) for kind in (Intent, Fill, LedgerEntry))
    )
    told = {intent.order_id for intent in intents if intent.kind == "new"}
    sent = Counter(order["client_order_id"] for order in verdict["orders"])
    found += [f"duplicates: {name} is there {times} times" for name, times in sent.items() if times > 1]
    found += [f"intents: {name} is at the venue and not in the journal" for name in sent.keys() - told]
    names = {order["order_id"]: order["client_order_id"] for order in verdict["orders"]}
    found += _fill_laws(fills, {(names[fill["order_id"]], fill["trade_id"]) for fill in verdict["fills"]})
    if total := sum((entry.amount_usd for entry in entries), Decimal(0)):
        found.append(f"ledger: expected its lines to add up to 0, found {total}")
    return found


def _fill_laws(ours: list[Fill], there: set[tuple[str, str]]) -> list[str]:
    kept = Counter((fill.order_id, fill.trade_id) for fill in ours if fill.correction_id is None)
    lost = [f"fills: {name} of {order} is not in the journal" for order, name in there - kept.keys()]
    made_up = [f"fills: {name} of {order} is not at the venue" for order, name in kept.keys() - there]
    twice = [f"fills: {name} is in the journal {times} times" for name, times in kept.items() if times > 1]
    return lost + made_up + twice
