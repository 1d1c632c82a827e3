"""An order is on the disk before its first byte leaves; and what became of one that a crash overtook there."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from nautilus_trader.model import InstrumentId, Price, Quantity, TimeInForce
from sqlalchemy import and_, exists

from network.errors import NetworkError
from storage.journal.errors import BadJournal, JournalLost
from storage.journal.reading import read, read_last
from storage.journal.records import Intent, OrderEvent
from storage.journal.tables import TABLES
from system.run_journal import RunJournal

type Look = Callable[[Any, Quantity, Price | None], str | None]
type Ask = Callable[[Intent], Awaitable[str | None]]
"""Asks a venue for an order: its id there, or None when the venue has proved that it never had it.

It raises NetworkError while the venue cannot tell.
"""

NEVER_ARRIVED: Final = "NeverArrived"
FOUND: Final = "FoundAtVenue"
_SECOND_NS: Final = 1_000_000_000
_MOST_BEHIND_NS: Final = 60 * _SECOND_NS
_UNANSWERED: Final = ("OrderInitialized", "OrderSubmitted")


def written_first(
    journal: RunJournal, then: Look
) -> Callable[[Any, Quantity, Price | None], Awaitable[str | None]]:
    """Return a second guard that puts the order on the disk, then asks `then`, since time has passed.

    What cannot be written does not leave.
    """

    async def guard(order: Any, quantity: Quantity, price: Price | None) -> str | None:
        try:
            await journal.journal.durable(_intent(journal, order, quantity, price))
        except JournalLost as error:
            return f"JOURNAL_LOST {error}"
        return then(order, quantity, price)

    return guard


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was written down of an order before it left, and no venue tells again."""

    client_order_id: str
    instrument_id: InstrumentId
    time_in_force: TimeInForce
    is_post_only: bool
    is_reduce_only: bool


def memory_of(journal: RunJournal) -> Callable[[Sequence[str]], Awaitable[dict[str, Remembered]]]:
    """Return what tells an adapter of orders of earlier runs, by our ids or the venue's; unknown ones are left out."""

    async def memory(order_ids: Sequence[str]) -> dict[str, Remembered]:
        events, intents = TABLES[OrderEvent], TABLES[Intent]

        def look(connection: Any) -> dict[str, Remembered]:
            named = {one: one for one in order_ids}
            for event in read(connection, OrderEvent, events.c.venue_order_id.in_(order_ids)):
                named[event.venue_order_id or ""] = event.order_id
            wanted = (intents.c.kind == "new", intents.c.order_id.in_([*named.values()]))
            found = {intent.order_id: _remembered(intent) for intent in read(connection, Intent, *wanted)}
            return {asked: found[ours] for asked, ours in named.items() if ours in found}

        return await journal.journal.ask(look)

    return memory


async def pass_last_second(
    journal: RunJournal, made_ns: int, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Wait until the clock has left the second of the last order of the processes before this one.

    An order's id names its second and counts from 1 in each process (rc7): two processes within one second would
    give the same id to two orders. The last order that was written down is not enough: others may have been denied,
    or overtaken by the process's end on their way to the disk. None of them was made after `made_ns`, when this
    process made its node. BadJournal when the clock is so far behind that it cannot be waited for.
    """
    last = journal.journal.find(lambda connection: read_last(connection, Intent))
    last_ns = max(made_ns, last.at_ns if last else 0)
    while (behind_ns := _second_after(last_ns) - journal.now_ns()) > 0:
        if behind_ns > _MOST_BEHIND_NS:
            raise BadJournal(
                f"expected a clock past {last_ns}, the journal's last order, found {journal.now_ns()}"
            )
        await sleep(behind_ns / _SECOND_NS)


def unanswered(journal: RunJournal) -> list[Intent]:
    """Return the orders that were to be sent and of which nothing was heard since, oldest first."""
    orders, events = TABLES[Intent], TABLES[OrderEvent]
    heard = exists().where(and_(events.c.order_id == orders.c.order_id, events.c.kind.not_in(_UNANSWERED)))
    wanted = (orders.c.kind == "new", journal.scope.of(Intent), ~heard)
    return journal.journal.find(lambda connection: list(read(connection, Intent, *wanted)))


async def settle(
    journal: RunJournal, intents: Sequence[Intent], ask: Ask, patience_secs: float = 0.5
) -> dict[str, str | None]:
    """Ask the venue until it has told of each intent; write the answers down, and return them by order id.

    An order that the venue does not have is marked as never arrived, and only by the venue's proof. What it
    has is told to the engine by reconciliation, not here.
    """

    async def patiently(intent: Intent) -> str | None:
        while True:
            try:
                return await ask(intent)
            except NetworkError:
                await asyncio.sleep(patience_secs)

    answers = await asyncio.gather(*map(patiently, intents))
    told = [_answer(journal, *pair) for pair in zip(intents, answers, strict=True)]
    await journal.journal.durable(*told)
    return {intent.order_id: answer for intent, answer in zip(intents, answers, strict=True)}


def _second_after(at_ns: int) -> int:
    return (at_ns // _SECOND_NS + 1) * _SECOND_NS


def _remembered(intent: Intent) -> Remembered:
    return Remembered(
        intent.order_id,
        InstrumentId.from_str(intent.instrument),
        getattr(TimeInForce, intent.terms["time_in_force"]),
        intent.terms["post_only"],
        intent.terms["reduce_only"],
    )


def _intent(journal: RunJournal, order: Any, quantity: Quantity, price: Price | None) -> Intent:
    return Intent(
        run=journal.run,
        at_ns=journal.now_ns(),
        order_id=str(order.client_order_id),
        kind="new" if order.venue_order_id is None else "change",
        strategy=str(order.strategy_id),
        instrument=str(order.instrument_id),
        side=order.side.name,
        quantity=quantity.as_decimal(),
        price=None if price is None else price.as_decimal(),
        terms={
            "time_in_force": order.time_in_force.name,
            "post_only": getattr(order, "is_post_only", False),  # market orders do not say
            "reduce_only": order.is_reduce_only,
        },
    )


def _answer(journal: RunJournal, intent: Intent, venue_order_id: str | None) -> OrderEvent:
    now_ns = journal.now_ns()
    return OrderEvent(
        run=journal.run,
        at_ns=now_ns,
        known_ns=now_ns,
        order_id=intent.order_id,
        venue_order_id=venue_order_id,
        strategy=intent.strategy,
        instrument=intent.instrument,
        kind=NEVER_ARRIVED if venue_order_id is None else FOUND,
        event_id=f"restart-{intent.order_id}",
        detail={"asked_after_a_restart": True},
    )
