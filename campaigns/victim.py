"""A process that trades and is to be killed: the real node with its real journal, an actor as its strategy. Venue-neutral."""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from nautilus_trader.common import LogLevel
from nautilus_trader.model import OrderStatus

from campaigns.actor import Actor
from campaigns.records import Known
from storage.journal.journal import Journal
from system import node as node_module
from system.event_log import EventLog
from system.node import BookNode, now_ns
from system.node_plan import NodePlan
from system.node_process import make_plan
from system.run_journal import RunJournal

RUN: Final = "killed"
_LOOK_SECS: Final = 0.01


@dataclass(frozen=True, slots=True)
class Orders:
    """What a victim is born with; `environ` says where the double is and who we are.

    `is_forgetful`: a deliberate bug, it does not ask what happened while nobody ran.
    """

    folder: str
    environ: Mapping[str, str]
    is_forgetful: bool = False


def live(pipe: Connection, orders: Orders, tell: Callable[[BookNode], Known | None]) -> None:
    """Run until killed: say each intent before it leaves, `tell` what is known when asked, act when told."""
    logging.disable(logging.CRITICAL)
    os.environ.update(orders.environ)
    asyncio.run(_live(pipe, orders, tell))


async def _live(pipe: Connection, orders: Orders, tell: Callable[[BookNode], Known | None]) -> None:
    if orders.is_forgetful:
        node_module.catch_up = lambda *_: None  # type: ignore[assignment]  # a bug is to be laid
    folder = Path(orders.folder)
    plan = make_plan(folder / "book.toml", "rehearsal", orders.environ)
    kept = Journal.open(str(folder / "journal.sqlite"), now_ns)
    journal = RunJournal(kept, RUN, plan.mode, plan.book.name, now_ns)
    journal.begin(plan.trader_id, "campaign", plan.identity)
    with EventLog(folder / "events.jsonl", keeps_up=True) as log:
        plan = NodePlan(
            book=plan.book, mode=plan.mode, environ=plan.environ, journal=journal, log_level=LogLevel.OFF
        )
        node = BookNode(plan, log)
        hear_intents(node, pipe.send)
        answering = asyncio.ensure_future(_answer(node, pipe, tell))
        try:
            await node.run()
        finally:
            answering.cancel()


def hear_intents(node: BookNode, hear: Callable[[str], None]) -> None:
    """Let `hear` know the id of each order that may leave, before it does."""
    then = node.guardian.on_verdict

    def judged(order: Any, proposal: Any, refusal: Any) -> None:
        if refusal is None and order.status == OrderStatus.INITIALIZED:
            hear(order.client_order_id.value)
        if then is not None:
            then(order, proposal, refusal)

    node.guardian.on_verdict = judged


async def _answer(node: BookNode, pipe: Connection, tell: Callable[[BookNode], Known | None]) -> None:
    while True:
        while pipe.poll():
            if pipe.recv() == "act":
                actor = node._strategies[0]
                assert isinstance(actor, Actor)
                actor.begin()
            else:
                pipe.send(tell(node) if node.phase == "running" else None)
        await asyncio.sleep(_LOOK_SECS)
