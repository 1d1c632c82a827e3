"""The node's side of the command table: what operators want is taken, done, and reported as done."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from sqlalchemy import Connection

from risk.guardian import Guardian
from storage.journal.commands import MOVES_CASH, REFUSED, Command, Kind, finish, take, unfinished
from system.run_journal import RunJournal

_LOOK_SECS: Final = 0.05
_CANCEL_SECS: Final = 1.8  # two seconds from a command to no open order, less what a look takes
_ME: Final = "node"


class Servant(Protocol):
    """What a node can do for an operator."""

    @property
    def guardian(self) -> Guardian:
        """The judge, whose switch a command turns."""
        ...

    @property
    def has_counted_cash(self) -> bool:
        """Whether the money at the venues is in the ledger, so that a deposit can be added to it."""
        ...

    def book_cash(self, command: Command) -> str:
        """Book a deposit or a withdrawal, and say what came of it."""
        ...

    async def cancel_all(self, within_secs: float) -> int:
        """Cancel whatever rests; return how many orders are still open or unknown."""
        ...

    def stop(self) -> None:
        """End the run."""
        ...


async def obey(journal: RunJournal, servant: Servant) -> None:
    """Look for commands for ever; each is done by one process, once."""
    while True:
        for command in await journal.journal.look(lambda connection: unfinished(connection, journal.mode)):
            if command.kind in MOVES_CASH and not servant.has_counted_cash:
                continue
            if command.taken_by is None and await journal.journal.ask(_taker(command, journal.now_ns())):
                outcome = await _carry_out(command, servant, journal.now_ns)
                await journal.journal.ask(_finisher(command, outcome, journal.now_ns()))
        await asyncio.sleep(_LOOK_SECS)


async def _carry_out(command: Command, servant: Servant, now_ns: Callable[[], int]) -> str:
    cause = f"{command.operator} by {command.source}: {command.reason}"
    match command.kind:
        case Kind.HALT:
            servant.guardian.halt(cause, now_ns())
            left = await servant.cancel_all(_CANCEL_SECS)
            return "halted, no order is open" if not left else f"halted, {left} orders are open or unknown"
        case Kind.REDUCE_ONLY:
            servant.guardian.reduce_only(cause, now_ns())
        case Kind.RESUME:
            try:
                servant.guardian.resume(command.reason, command.operator, now_ns())
            except ValueError as error:
                return f"{REFUSED}{error}"
        case Kind.STOP:
            servant.stop()
            return "stopping"
        case Kind.DEPOSIT | Kind.WITHDRAW:
            return servant.book_cash(command)
    return f"trading is {servant.guardian.state}"


def _taker(command: Command, at_ns: int) -> Callable[[Connection], bool]:
    return lambda connection: take(connection, command.id, _ME, at_ns)


def _finisher(command: Command, outcome: str, at_ns: int) -> Callable[[Connection], None]:
    return lambda connection: finish(connection, command.id, outcome, at_ns)
