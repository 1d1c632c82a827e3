"""What belonged to which strategy before a restart: the engine gives it back to who claims it, else to nobody."""

from collections import defaultdict
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection

from risk.ledger import Ledger
from storage.journal.reading import read
from storage.journal.records import OrderEvent
from system.intents import unanswered
from system.run_journal import RunJournal

_ENDS: Final = frozenset({"OrderDenied", "OrderRejected", "OrderCanceled", "OrderExpired"})


def claims_by_strategy(journal: RunJournal, ledger: Ledger) -> dict[str, set[str]]:
    """Return the instruments that each strategy holds, or may still have an order on, by what was written down."""
    claims: defaultdict[str, set[str]] = defaultdict(set)
    for position in ledger.positions():
        claims[position.strategy].add(position.outcome.instrument)
    for strategy, instrument in journal.journal.find(lambda connection: _resting(connection, journal)):
        claims[strategy].add(instrument)
    for intent in unanswered(journal):
        claims[intent.strategy].add(intent.instrument)
    return dict(claims)


def _resting(connection: Connection, journal: RunJournal) -> set[tuple[str, str]]:
    sent: dict[str, tuple[str, str]] = {}
    left: dict[str, Decimal] = {}
    for event in read(connection, OrderEvent, journal.scope.of(OrderEvent)):
        if event.kind == "OrderInitialized":
            left[event.order_id] = _amount(event.detail, "quantity")
        elif event.kind == "OrderSubmitted":
            sent[event.order_id] = event.strategy, event.instrument
        elif event.kind == "OrderFilled":
            left[event.order_id] = left.get(event.order_id, Decimal(0)) - _amount(event.detail, "last_qty")
        if event.kind in _ENDS or (event.order_id in sent and left.get(event.order_id, Decimal(1)) <= 0):
            sent.pop(event.order_id, None)
    return set(sent.values())


def _amount(detail: dict[str, Any], name: str) -> Decimal:
    return Decimal(str(detail.get(name, 0)))
