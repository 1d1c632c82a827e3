"""How the last run of a journal stands, in one look."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from risk.state import Switch
from storage.journal.commands import Command, unfinished
from storage.journal.errors import BadJournal
from storage.journal.overview import OrderState, orders, positions
from storage.journal.reading import kept_in, read, read_last
from storage.journal.records import Alert, Run, RunPhase
from storage.journal.scope import Scope, last_run
from storage.journal.tables import TABLES

_ALERTS: Final = 5


@dataclass(frozen=True, slots=True)
class Standing:
    """What an operator looks at first; times in nanoseconds since the epoch."""

    run: Run
    phase: RunPhase | None
    state: str
    cause: str
    state_since_ns: int | None
    operator: str | None
    open_orders: list[OrderState]
    open_positions: int
    commands: list[Command]
    alerts: list[Alert]


def standing(connection: Connection) -> Standing:
    """Return how the last run stands; BadJournal when there was none."""
    run = last_run(connection)
    if run is None:
        raise BadJournal("expected a run in the journal, found none")
    scope = Scope(run.mode, run.run)
    of_run = TABLES[RunPhase].c.run == run.run
    switch = Switch.from_plain(kept_in(connection, f"guardian/{run.mode}").get("switch", {"history": []}))
    last = switch.history[-1] if switch.history else None
    return Standing(
        run=run,
        phase=read_last(connection, RunPhase, of_run),
        state=str(switch.state),
        cause=switch.cause,
        state_since_ns=last.now_ns if last else None,
        operator=last.operator if last else None,
        open_orders=orders(connection, scope),
        open_positions=len(positions(connection, scope)),
        commands=unfinished(connection),
        alerts=list(read(connection, Alert, TABLES[Alert].c.run == run.run))[-_ALERTS:],
    )
