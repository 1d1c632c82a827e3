"""One run of the fault campaign at Polymarket: the whole node acts while everything breaks, then the laws are asked.

The node is built as `run_live.py` builds it; at the border of its adapter stands a witness.
"""

import asyncio
import logging
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from msgspec.structs import replace
from nautilus_trader.common import LogLevel

from campaigns.actor import Actor
from campaigns.plans import draw_plan
from campaigns.polymarket.border import watched_parts
from campaigns.polymarket.bugs import BUGS
from campaigns.polymarket.desk import Parts, in_place
from campaigns.polymarket.victim import known_of, write_book
from campaigns.polymarket.world import SERIES, World, terrain
from campaigns.records import FaultRun
from campaigns.running import Lag, Scene, judge, trace_of_faults, until
from campaigns.victim import hear_intents
from campaigns.witness import Witness
from storage.journal.journal import Journal
from system.crew import RunFailed
from system.event_log import EventLog
from system.node import BookNode, Unresolved, now_ns
from system.node_plan import NodePlan
from system.node_process import make_plan
from system.run_journal import RunJournal

ACTIVE_SECS: Final = 2.5
PATIENCE_SECS: Final = 1.5
_START_SECS: Final = 90.0
_QUIET_SECS: Final = 120.0
_BUGGY_SECS: Final = 8.0
_CROWD_PER_SEC: Final = 40.0


def run_seed(seed: int, bug: str | None = None) -> FaultRun:
    """Run one seed, with a deliberate bug of `bugs` when one is named: then without much patience at the end."""
    logging.disable(logging.CRITICAL)
    parts = BUGS[bug]() if bug else Parts()
    return asyncio.run(_run(seed, parts, _BUGGY_SECS if bug else _QUIET_SECS))


async def _run(seed: int, parts: Parts, quiet_secs: float) -> FaultRun:
    world, lag, intents, witness = World(seed), Lag(), list[str](), Witness()
    parts = watched_parts(witness, parts, world.names)
    os.environ.update(await world.open())
    world.start_crowd(_CROWD_PER_SEC)
    watching = asyncio.ensure_future(lag.watch())
    try:
        async with _node(seed, intents, parts) as node:
            actor = node._strategies[0]
            assert isinstance(actor, Actor)
            await until(
                lambda: node.phase == "running" and len(actor.outcomes) >= 2 * len(SERIES), _START_SECS
            )
            actor.begin()
            await until(lambda: any(" OrderAccepted" in line for line in actor.happened), _START_SECS)
            for fault in draw_plan(seed, terrain(ACTIVE_SECS, PATIENCE_SECS)).faults:
                world.double.faults.add(fault)
            await asyncio.sleep(ACTIVE_SECS)
            scene = Scene(
                seed,
                world,
                lambda: known_of(node, parts.clients[-1].doubts),
                intents,
                actor.rest,
                lambda laws: _trace(laws, world, actor),
                witness.breaches,
            )
            run = await judge(scene, quiet_secs)
            return replace(run, was_starved=lag.worst_secs > PATIENCE_SECS)
    except TimeoutError:
        laws = ("alive: it did not start in time",)
        return FaultRun(seed, laws, was_starved=lag.worst_secs > PATIENCE_SECS)
    finally:
        watching.cancel()
        await world.close()


@asynccontextmanager
async def _node(seed: int, intents: list[str], parts: Parts) -> AsyncIterator[BookNode]:
    """A node that runs meanwhile, with a book and a journal of its own."""
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        folder = Path(name)
        plan = make_plan(write_book(folder, seed, PATIENCE_SECS), "rehearsal", os.environ)
        journal = RunJournal(
            Journal.open(str(folder / "journal.sqlite"), now_ns), "faults", plan.mode, plan.book.name, now_ns
        )
        journal.begin(plan.trader_id, "campaign", plan.identity)
        with in_place(parts), EventLog(folder / "events.jsonl", keeps_up=True) as log:
            node = BookNode(
                NodePlan(
                    book=plan.book,
                    mode=plan.mode,
                    environ=plan.environ,
                    journal=journal,
                    log_level=LogLevel.OFF,
                ),
                log,
            )
            hear_intents(node, intents.append)
            running = asyncio.ensure_future(node.run())
            try:
                yield node
            finally:
                node.stop()
                with suppress(RunFailed, Unresolved):  # what a run left undone, its laws have named
                    await running


def _trace(laws: list[str], world: World, actor: Actor) -> list[str]:
    """Return what happened: faults in their order, then the events of orders that a law names."""
    named = " ".join(laws)
    trace, start_ns = trace_of_faults(world.double.faults)
    for line in actor.happened:
        at_ns, name, event = line.split(maxsplit=2)
        if name in named or not laws:
            trace.append(f"{(int(at_ns) - start_ns) / 1e9:7.3f} s {name} {event}")
    return trace
