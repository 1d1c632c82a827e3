"""What an operator wants: one row a command, from whoever can write it to whoever obeys it."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, select, update

from storage.journal.errors import BadJournal
from storage.journal.scope import modes_under_way
from storage.journal.tables import COMMANDS


class Kind(StrEnum):
    """What may be wanted. All but `resume` make trading safer, or tell of money that an operator moved."""

    HALT = "halt"
    REDUCE_ONLY = "reduce_only"
    RESUME = "resume"
    STOP = "stop"
    DEPOSIT = "deposit"
    WITHDRAW = "withdraw"


MOVES_CASH: Final = frozenset({Kind.DEPOSIT, Kind.WITHDRAW})
"""The commands that say where how much money went; a run obeys them once it trades."""
NEEDS_ONE_RUN: Final = MOVES_CASH | {Kind.RESUME}
"""The commands that are not for every run under way: it must be clear for which."""
REFUSED: Final = "refused: "
"""How the outcome of a command begins that nobody could obey."""


@dataclass(frozen=True, slots=True)
class Cash:
    """Money that came to a venue or left it; `amount_usd` is above 0, and BadJournal says so."""

    venue: str
    amount_usd: Decimal

    def __post_init__(self) -> None:
        """Refuse what is no amount of money."""
        if not (self.amount_usd.is_finite() and self.amount_usd > 0):
            raise BadJournal(f"expected an amount in USD above 0, found {self.amount_usd}")

    @classmethod
    def of(cls, venue: str, amount_usd: str) -> "Cash":
        """Return what an operator wrote; BadJournal for anything but an amount above 0."""
        try:
            return cls(venue, Decimal(amount_usd))
        except InvalidOperation:
            raise BadJournal(f"expected an amount in USD such as 250.00, found {amount_usd!r}") from None


@dataclass(frozen=True, slots=True)
class Command:
    """A row of `commands`. `source` is the door it came through, such as cli, redis, dashboard, signal.

    Only a run in its `mode` may take it; None is for whoever comes first. `venue` and `amount_usd` are what a
    deposit or a withdrawal moved.
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
    venue: str | None
    amount_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class Wish:
    """A command before it has a row; BadJournal without a reason or a name, and without `cash` where it moves some."""

    kind: Kind
    reason: str
    operator: str
    source: str
    cash: Cash | None = None

    def __post_init__(self) -> None:
        """Refuse what nobody could be asked about later."""
        if not self.reason.strip() or not self.operator.strip():
            raise BadJournal(
                f"expected a reason and an operator's name to {self.kind}, found {self.reason!r} and "
                f"{self.operator!r}"
            )
        if (self.kind in MOVES_CASH) != (self.cash is not None):
            wanted = "a venue and an amount" if self.kind in MOVES_CASH else "no venue and no amount"
            raise BadJournal(f"expected {wanted} to {self.kind}, found {self.cash}")


def modes_for(connection: Connection, kind: Kind, mode: str | None) -> list[str]:
    """Return the modes that a command is for: `mode`, else those of the runs under way, else the last run's.

    BadJournal when there was no run, and when it is not clear which one shall resume, or has the money.
    """
    modes = [mode] if mode is not None else modes_under_way(connection)
    if not modes:
        raise BadJournal(f"expected a run in the journal to {kind}, found none")
    if kind in NEEDS_ONE_RUN and len(modes) > 1:
        raise BadJournal(f"expected a mode to {kind}, found runs in {' and '.join(modes)} under way")
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
        "venue": wish.cash and wish.cash.venue,
        "amount_usd": wish.cash and wish.cash.amount_usd,
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
