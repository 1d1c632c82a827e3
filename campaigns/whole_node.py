"""A node as `run_live.py` builds it, with a book, a journal and an event log of its own, in this process. Venue-neutral."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from pathlib import Path

from nautilus_trader.common import LogLevel

from campaigns.actor import Actor
from campaigns.victim import hear_intents
from storage.journal.journal import Journal
from system.crew import RunFailed
from system.event_log import EventLog
from system.node import BookNode, Unresolved, now_ns
from system.node_plan import NodePlan
from system.node_process import make_plan
from system.run_journal import RunJournal


@asynccontextmanager
async def whole_node(
    write_book: Callable[[Path], Path],
    in_place: AbstractContextManager[None],
    intents: list[str] | None = None,
) -> AsyncIterator[BookNode]:
    """Run a node meanwhile; the environment says where its venues are.

    `write_book(folder)` writes its book, `in_place` holds the parts that it is made of, `intents` hears the id of each
    order before it leaves.
    """
    with tempfile.TemporaryDirectory(prefix="whole-node-") as name:
        folder = Path(name)
        plan = make_plan(write_book(folder), "rehearsal", os.environ)
        kept = Journal.open(str(folder / "journal.sqlite"), now_ns)
        journal = RunJournal(kept, "whole", plan.mode, plan.book.name, now_ns)
        journal.begin(plan.trader_id, "campaign", plan.identity)
        with in_place, EventLog(folder / "events.jsonl", keeps_up=True) as log:
            plan = NodePlan(
                book=plan.book, mode=plan.mode, environ=plan.environ, journal=journal, log_level=LogLevel.OFF
            )
            node = BookNode(plan, log)
            if intents is not None:
                hear_intents(node, intents.append)
            running = asyncio.ensure_future(node.run())
            try:
                yield node
            finally:
                node.stop()
                with suppress(RunFailed, Unresolved):  # what a run left undone, whoever judges it has named
                    await running


def actor_of(node: BookNode) -> Actor:
    """Return the strategy of a campaign's book."""
    (actor,) = node._strategies
    assert isinstance(actor, Actor)
    return actor
