"""What an operator wants: one row a command, from whoever can write it to whoever obeys it."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, select, update

from storage.journal.errors import BadJournal
from storage.journal.scope import modes_under_way
from storage.journal.tables import COMMANDS


class Kind(StrEnum):
    """What may be wanted. All but `resume` make trading safer."""

    HALT = "halt"
    REDUCE_ONLY = "reduce_only"
    RESUME = "resume"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Command:
    """A row of `commands`. `source` is the door it came through, such as cli, redis, dashboard, signal.

    Only a run in its `mode` may take it; None is for whoever comes first.
    """

    id: int
    at_ns: int
    kind: Kind
    reason: str
    operator: str
    source: str
    mode: str | None
    taken_by: str | None
    taken_ns: int | None
    done_ns: int | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Wish:
    """A command before it has a row; BadJournal without a reason or a name."""

    kind: Kind
    reason: str
    operator: str
    source: str

    def __post_init__(self) -> None:
        """Refuse what nobody could be asked about later."""
        if not self.reason.strip() or not self.operator.strip():
            raise BadJournal(
                f"expected a reason and an operator's name to {self.kind}, found {self.reason!r} and "
                f"{self.operator!r}"
            )


def modes_for(connection: Connection, kind: Kind, mode: str | None) -> list[str]:
    """Return the modes that a command is for: `mode`, else those of the runs under way, else the last run's.

    BadJournal when there was no run, and when it is not clear which one shall resume.
    """
    modes = [mode] if mode is not None else modes_under_way(connection)
    if not modes:
        raise BadJournal(f"expected a run in the journal to {kind}, found none")
    if kind == Kind.RESUME and len(modes) > 1:
        raise BadJournal(f"expected a mode to resume, found runs in {' and '.join(modes)} under way")
    return modes


def send(connection: Connection, wish: Wish, now_ns: int, mode: str | None = None) -> int:
    """Write a command down, and return its number."""
    row = {
        "at_ns": now_ns,
        "kind": str(wish.kind),
        "reason": wish.reason,
        "operator": wish.operator,
        "source": wish.source,
        "mode": mode,
    }
    found = connection.execute(COMMANDS.insert().values(row)).inserted_primary_key
    assert found is not None
    return int(found[0])


def unfinished(connection: Connection, mode: str | None = None) -> list[Command]:
    """Return the commands that nobody has reported as done, oldest first; also those that somebody took.

    With a mode, those that a run in it may take.
    """
    found = select(COMMANDS).where(COMMANDS.c.done_ns.is_(None)).order_by(COMMANDS.c.id)
    if mode is not None:
        found = found.where(COMMANDS.c.mode.is_(None) | (COMMANDS.c.mode == mode))
    rows = connection.execute(found)
    return [_command(row._mapping) for row in rows]


def find(connection: Connection, number: int) -> Command | None:
    """Return a command by its number."""
    row = connection.execute(select(COMMANDS).where(COMMANDS.c.id == number)).first()
    return None if row is None else _command(row._mapping)


def take(connection: Connection, number: int, who: str, now_ns: int) -> bool:
    """Say that `who` obeys a command; False when another does already."""
    free = (COMMANDS.c.id == number) & COMMANDS.c.taken_by.is_(None)
    taken = connection.execute(update(COMMANDS).where(free).values(taken_by=who, taken_ns=now_ns))
    return taken.rowcount == 1


def finish(connection: Connection, number: int, outcome: str, now_ns: int) -> None:
    """Say what came of a command; the first word stands."""
    open_ = (COMMANDS.c.id == number) & COMMANDS.c.done_ns.is_(None)
    connection.execute(update(COMMANDS).where(open_).values(done_ns=now_ns, outcome=outcome))


def _command(row: object) -> Command:
    values = dict(row)  # type: ignore[call-overload]
    return Command(**(values | {"kind": Kind(values["kind"])}))
