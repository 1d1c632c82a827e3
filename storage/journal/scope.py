"""Which runs of a journal belong together: live trading goes on with one money, every other run has its own."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, select

from storage.journal.reading import read_last
from storage.journal.records import Record, Run
from storage.journal.tables import TABLES

GOES_ON: Final = "live"


@dataclass(frozen=True, slots=True)
class Scope:
    """A run with those that it goes on from."""

    mode: str
    run: str

    @property
    def goes_on(self) -> bool:
        """Whether the run goes on where the last one of its mode ended."""
        return self.mode == GOES_ON

    def of(self, kind: type[Record]) -> ColumnElement[bool]:
        """Return what picks this scope's records of a kind."""
        run, runs = TABLES[kind].c.run, TABLES[Run].c
        return run.in_(select(runs.run).where(runs.mode == self.mode)) if self.goes_on else run == self.run


def last_scope(connection: Connection, mode: str | None = None) -> Scope | None:
    """Return the scope of the last run, or of the last in a mode; None when there was none."""
    where = () if mode is None else (TABLES[Run].c.mode == mode,)
    run = read_last(connection, Run, *where)
    return None if run is None else Scope(run.mode, run.run)
