"""The journal: told by the loop, written by one thread, which alone speaks to the database."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final, Self

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from storage.journal.database import address_of, open_engine
from storage.journal.errors import BadJournal, JournalLost
from storage.journal.records import Record
from storage.journal.versions import must_be_newest, version_of
from storage.journal.writing import Noted, begin, last_noted_ns, write

CAPACITY: Final = 100_000
_LINGER_SECS: Final = 0.05
_MOST_AT_ONCE: Final = 200
_CLOSE_SECS: Final = 60.0

type Question[T] = Callable[[Connection], T]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Someone waits for a commit, and perhaps for an answer that is found just before it."""

    question: Question[Any] | None
    answer: Future[Any]
    is_lasting: bool = True

    def find(self, connection: Connection) -> tuple[Any, Exception | None]:
        """Return what the question finds, or why it failed; then nothing of it is left in the database."""
        if self.question is None:
            return None, None
        try:
            with connection.begin_nested():
                return self.question(connection), None
        except (SQLAlchemyError, ValueError, LookupError) as error:
            return None, error


class Journal:
    """What a process must not forget. One writer thread commits in the order in which it was told.

    `note` costs the caller about a microsecond and is committed within some hundredths of a second.
    `durable` returns when its records, and all noted before, would survive a power cut; many that wait
    share one commit. When the queue is full or the database fails, this and every later call raises
    JournalLost: a process without a memory must stop.
    """

    @classmethod
    def open(cls, url: str | Path, now_ns: Callable[[], int], *, capacity: int = CAPACITY) -> Self:
        """Return the journal at `url` (a file's path, `sqlite:///…`, `postgresql://…`), made when it is not there.

        `now_ns` is the wall clock. BadJournal for an address that cannot be used, and for tables of another
        version: those are moved by `argonaut journal upgrade` only.
        """
        address = address_of(url)
        engine = open_engine(address)
        try:
            _see_to_tables(engine)
            with engine.connect() as connection:
                noted_ns = last_noted_ns(connection)
        except SQLAlchemyError as error:
            engine.dispose()
            raise BadJournal(f"expected a journal at {address!r}, found: {error}") from error
        except BadJournal:
            engine.dispose()
            raise
        return cls(engine, now_ns, noted_ns, capacity)

    def __init__(self, engine: Engine, now_ns: Callable[[], int], noted_ns: int, capacity: int) -> None:
        self._engine = engine
        self._now_ns = now_ns
        self._noted_ns = noted_ns
        self._capacity = capacity
        self._waiting: deque[tuple[Noted, ...] | _Asked] = deque()
        self._is_wanted = Event()
        self._is_closing = False
        self._failure: JournalLost | None = None
        self._thread = Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    @property
    def address(self) -> URL:
        """Where it lies."""
        return self._engine.url

    @property
    def failure(self) -> JournalLost | None:
        """Why nothing is kept any more, or None."""
        return self._failure

    @property
    def waiting(self) -> int:
        """How many notes and questions have not been written yet."""
        return len(self._waiting)

    def note(self, *records: Record) -> None:
        """Keep records, soon, all of them or none; JournalLost when they will not be kept."""
        self._must_live()
        self._noted_ns = max(self._now_ns(), self._noted_ns + 1)
        self._waiting.append(tuple(enumerate(records, self._noted_ns)))
        self._noted_ns += len(records) - 1

    async def durable(self, *records: Record) -> None:
        """Keep records, all or none, and return when they and all before them are on the disk; the loop goes on meanwhile."""
        await self.ask(None, *records)

    async def ask[T](self, question: Question[T] | None, *records: Record) -> T:
        """Return what `question` finds, or does, in the database after all that was told; it is on the disk then."""
        return await asyncio.wrap_future(self._ask(_Asked(question, Future()), *records))

    async def look[T](self, question: Question[T]) -> T:
        """Return what `question` finds, and changes nothing; so nobody waits for the disk."""
        return await asyncio.wrap_future(self._ask(_Asked(question, Future(), is_lasting=False)))

    def secure(self, *records: Record, timeout_secs: float = 10.0) -> None:
        """Do as `durable` does, but hold up the caller: for the rare thing that must outlive this very call."""
        self.find(None, *records, timeout_secs=timeout_secs)

    def find[T](self, question: Question[T] | None, *records: Record, timeout_secs: float = 10.0) -> T:
        """Do as `ask` does, but hold up the caller."""
        try:
            found: T = self._ask(_Asked(question, Future()), *records).result(timeout_secs)
        except TimeoutError as error:
            raise JournalLost(
                f"expected the journal to answer within {timeout_secs} s, found it busy"
            ) from error
        return found

    def close(self) -> None:
        """Write what waits, and end the thread; JournalLost when something could not be written."""
        if not self._is_closing:
            self._is_closing = True
            self._is_wanted.set()
            self._thread.join(_CLOSE_SECS)
            if self._thread.is_alive():
                raise JournalLost(f"expected the journal to be written within {_CLOSE_SECS} s, found it busy")
            self._engine.dispose()
        if self._failure:
            raise self._failure

    def _ask(self, asked: _Asked, *records: Record) -> Future[Any]:
        if records:
            self.note(*records)
        self._must_live()
        self._waiting.append(asked)
        self._is_wanted.set()
        if self._failure:  # the thread may have ended before it could see this one
            self._abandon()
        return asked.answer

    def _must_live(self) -> None:
        if self._failure:
            raise self._failure
        if self._is_closing:
            raise JournalLost("expected an open journal, found it closed")
        if len(self._waiting) >= self._capacity:
            self._failure = JournalLost(
                f"expected at most {self._capacity:,} notes to wait, found the queue full: the database is too slow"
            )
            self._is_wanted.set()
            raise self._failure

    # The thread

    def _work(self) -> None:
        try:
            with self._engine.connect() as connection:
                is_all = True
                while not (self._is_closing or self._failure) or self._waiting:
                    if is_all:  # small commits in a row would take the interpreter from the loop all the time
                        self._is_wanted.wait(_LINGER_SECS)
                    self._is_wanted.clear()
                    is_all = self._write(connection)
        except SQLAlchemyError as error:
            self._fail(f"the database failed: {error}", error)
        except Exception as error:  # noqa: BLE001 - the owner of a thread reports what ended it
            self._fail(f"the writer failed: {error!r}", error)

    def _write(self, connection: Connection) -> bool:
        """Commit what waits, and return whether that was all; who waits for the disk shares this commit."""
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_AT_ONCE))]
        if not batch:
            return True
        answers: list[tuple[Future[Any], Any, Exception | None]] = []
        try:
            with begin(
                connection, is_lasting=any(isinstance(one, _Asked) and one.is_lasting for one in batch)
            ):
                noted: list[Noted] = []
                for one in batch:
                    if not isinstance(one, _Asked):
                        noted.extend(one)
                        continue
                    write(connection, noted)
                    noted = []
                    if not one.answer.cancelled():
                        answers.append((one.answer, *one.find(connection)))
                write(connection, noted)
        except BaseException:
            self._waiting.extendleft(reversed(batch))  # so that whoever waits for it is told
            raise
        for answer, found, error in answers:
            if answer.set_running_or_notify_cancel():
                answer.set_exception(error) if error else answer.set_result(found)
        return len(batch) < _MOST_AT_ONCE

    def _fail(self, what: str, error: Exception) -> None:
        self._failure = JournalLost(f"the journal at {self.address!r} keeps nothing any more: {what}")
        self._failure.__cause__ = error
        self._abandon()

    def _abandon(self) -> None:
        while self._waiting:
            one = self._waiting.popleft()
            if isinstance(one, _Asked) and one.answer.set_running_or_notify_cancel():
                one.answer.set_exception(self._failure)


def _see_to_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        is_new = version_of(connection) is None
    if is_new:
        import_module("storage.journal.migrating").upgrade(engine)  # takes half a second that few starts need
    must_be_newest(engine)
