"""What an operator wants: one row a command, from whoever can write it to whoever obeys it."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, select, update

from storage.journal.errors import BadJournal
from storage.journal.tables import COMMANDS


class Kind(StrEnum):
    """What may be wanted. All but `resume` make trading safer."""

    HALT = "halt"
    REDUCE_ONLY = "reduce_only"
    RESUME = "resume"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Command:
    """A row of `commands`. `source` is the door it came through, such as cli, redis, dashboard, signal."""

    id: int
    at_ns: int
    kind: Kind
    reason: str
    operator: str
    source: str
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


def send(connection: Connection, wish: Wish, now_ns: int) -> int:
    """Write a command down, and return its number."""
    row = {"at_ns": now_ns, "kind": str(wish.kind), "reason": wish.reason} | {
        "operator": wish.operator,
        "source": wish.source,
    }
    found = connection.execute(COMMANDS.insert().values(row)).inserted_primary_key
    assert found is not None
    return int(found[0])


def unfinished(connection: Connection) -> list[Command]:
    """Return the commands that nobody has reported as done, oldest first; also those that somebody took."""
    rows = connection.execute(select(COMMANDS).where(COMMANDS.c.done_ns.is_(None)).order_by(COMMANDS.c.id))
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
