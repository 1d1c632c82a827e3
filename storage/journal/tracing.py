"""The whole story of one order: signal, proposal, verdict, what was sent, what became of it, what it made."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, and_

from storage.journal.errors import BadJournal
from storage.journal.reading import read, read_last
from storage.journal.records import (
    Decision,
    Fill,
    Holding,
    Intent,
    LedgerEntry,
    OrderEvent,
    Run,
    Settlement,
    Verdict,
)
from storage.journal.scope import Scope
from storage.journal.tables import TABLES


@dataclass(frozen=True, slots=True)
class Trace:
    """An order's story, each part in the order of telling.

    `signals` are the beliefs that its verdicts were given on. `settlement` and `position` are those of the
    strategy in the instrument after the order's last fill: a position is made of all its orders. `entries` are
    the lines of the ledger for the order's own fills.
    """

    order_id: str
    run: Run | None
    signals: list[Decision]
    verdicts: list[Verdict]
    intents: list[Intent]
    events: list[OrderEvent]
    fills: list[Fill]
    entries: list[LedgerEntry]
    settlement: Settlement | None
    position: Holding | None

    @property
    def cash_usd(self) -> Decimal:
        """What the order's fills brought in, fees included; below 0 when they cost."""
        moved = (one.amount_usd for one in self.entries if one.account.startswith("cash:"))
        return sum(moved, Decimal(0))


def trace(connection: Connection, order_id: str) -> Trace:
    """Return the story of the order with this id of ours, or with this id of its venue; BadJournal without one."""
    own = _own_id(connection, order_id)
    verdicts = list(read(connection, Verdict, TABLES[Verdict].c.order_id == own))
    intents = list(read(connection, Intent, TABLES[Intent].c.order_id == own))
    events = list(read(connection, OrderEvent, TABLES[OrderEvent].c.order_id == own))
    fills = list(read(connection, Fill, TABLES[Fill].c.order_id == own))
    known: list[Verdict | Intent | OrderEvent | Fill] = [*verdicts, *intents, *events, *fills]
    if not known:
        raise BadJournal(f"expected an order of this journal, found none with the id {order_id!r}")
    run = read_last(connection, Run, TABLES[Run].c.run == known[0].run)
    scope = Scope("" if run is None else run.mode, known[0].run)
    return Trace(
        order_id=own,
        run=run,
        signals=_signals(connection, verdicts),
        verdicts=verdicts,
        intents=intents,
        events=events,
        fills=fills,
        entries=_entries(connection, fills),
        settlement=_settlement(connection, scope, fills),
        position=read_last(connection, Holding, _belongs(Holding, scope, fills[0])) if fills else None,
    )


def _own_id(connection: Connection, order_id: str) -> str:
    event = read_last(connection, OrderEvent, TABLES[OrderEvent].c.venue_order_id == order_id)
    return order_id if event is None else event.order_id


def _belongs(kind: type[Holding | Settlement], scope: Scope, fill: Fill) -> ColumnElement[bool]:
    table = TABLES[kind].c
    return and_(scope.of(kind), table.strategy == fill.strategy, table.instrument == fill.instrument)


def _signals(connection: Connection, verdicts: list[Verdict]) -> list[Decision]:
    table, found = TABLES[Decision].c, dict[int, Decision]()
    for verdict in verdicts:
        if verdict.belief_ns is None:
            continue
        same = and_(table.strategy == verdict.strategy, table.instrument == verdict.instrument)
        said = and_(same, table.run == verdict.run, table.at_ns == verdict.belief_ns)
        found |= {one.at_ns: one for one in read(connection, Decision, said)}
    return list(found.values())


def _entries(connection: Connection, fills: list[Fill]) -> list[LedgerEntry]:
    table = TABLES[LedgerEntry].c
    trades = table.reference.in_([fill.trade_id for fill in fills])
    runs = table.run.in_({fill.run for fill in fills})
    return list(read(connection, LedgerEntry, trades, runs, table.kind.in_(("fill", "void"))))


def _settlement(connection: Connection, scope: Scope, fills: list[Fill]) -> Settlement | None:
    if not fills:
        return None
    later = TABLES[Settlement].c.at_ns >= fills[-1].at_ns
    return next(read(connection, Settlement, _belongs(Settlement, scope, fills[-1]), later), None)
