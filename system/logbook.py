"""The supervisor's part of the journal: what it did, whom it told, what operators want. Loads no Nautilus.

Cancelling must not depend on a database, so an error of the journal is told to a human and stops nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from storage.journal import commands
from storage.journal.database import open_engine
from storage.journal.errors import JournalError
from storage.journal.records import Alert, RunPhase
from system.guard_store import halt_next_start
from system.run_journal import RunJournal
from system.supervisor import Command

_US: Final = "supervisor"
_SECOND_NS: Final = 1_000_000_000
_ERRORS: Final = (JournalError, SQLAlchemyError)


class JournalLogbook:
    """A logbook in the journal of a book.

    `tell` shows a line to whoever watches; an alert goes to each of `hooks`, too.
    """

    def __init__(
        self, journal: RunJournal, tell: Callable[[str], None], hooks: Sequence[Callable[[str], None]] = ()
    ) -> None:
        self._ours = journal
        self._journal = journal.journal
        self._run = journal.run
        self._now_ns = journal.now_ns
        self._tell = tell
        self._hooks = hooks
        self._reader = open_engine(journal.journal.address, reads_only=True)
        self._trouble = ""

    def note(self, kind: str, text: str, facts: dict[str, Any]) -> None:
        self._tell(text)
        record = RunPhase(run=self._run, at_ns=self._now_ns(), phase=kind, process=_US, detail=text)
        self._try(lambda: self._journal.note(record))

    def alert(self, text: str) -> None:
        for hook in self._hooks:
            hook(text)
        record = Alert(run=self._run, at_ns=self._now_ns(), severity="critical", source=_US, text=text)
        self._try(lambda: self._journal.note(record))

    async def waiting(self) -> Sequence[Command]:
        return await asyncio.to_thread(self._try, self._read) or ()

    async def take(self, command: Command) -> bool:
        who = f"{_US} of {self._run}"

        def ask(connection: Connection) -> bool:
            return commands.take(connection, command.id, who, self._now_ns())

        try:
            return await self._journal.ask(ask)
        except _ERRORS as error:  # whoever else has it: cancelling twice harms nobody
            self._complain(error)
            return True

    async def finish(self, command: Command, outcome: str) -> None:
        def ask(connection: Connection) -> None:
            commands.finish(connection, command.id, outcome, self._now_ns())

        try:
            await self._journal.ask(ask)
        except _ERRORS as error:
            self._complain(error)

    async def halt(self, cause: str) -> None:
        await asyncio.to_thread(self._try, lambda: halt_next_start(self._ours, cause))

    def close(self) -> None:
        """Write what waits, and let go."""
        self._try(self._journal.close)
        self._reader.dispose()

    def _read(self) -> list[Command]:
        with self._reader.begin() as connection:
            rows = commands.unfinished(connection, self._ours.mode)
        now_ns = self._now_ns()
        return [
            Command(
                row.id, str(row.kind), row.reason, (now_ns - row.at_ns) / _SECOND_NS, row.taken_by is not None
            )
            for row in rows
        ]

    def _try[T](self, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except _ERRORS as error:
            self._complain(error)
            return None

    def _complain(self, error: Exception) -> None:
        if str(error) != self._trouble:  # once each: a poll would say it ten times a second
            self._trouble = str(error)
            self._tell(f"JOURNAL: {error}")
