"""Which runs of a journal belong together: live trading goes on with one money, every other run has its own."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, select

from storage.journal.reading import read_last, read_last_of_each
from storage.journal.records import Record, Run, RunPhase
from storage.journal.tables import TABLES

GOES_ON: Final = "live"
_ENDS: Final = ("stopped", "failed")
_IN_REAL_TIME: Final = TABLES[Run].c.mode != "backtest"  # a replay says what it replayed, and is over


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


def modes_under_way(connection: Connection) -> list[str]:
    """Return the modes whose last run has not said that it ended; when all have, the last run's alone."""
    runs = read_last_of_each(connection, Run, ("mode",), _IN_REAL_TIME)
    phase = TABLES[RunPhase].c
    ends = {
        run.run: read_last(connection, RunPhase, phase.run == run.run, phase.process == "node")
        for run in runs
    }
    open_ = [run.mode for run in runs if (end := ends[run.run]) is None or end.phase not in _ENDS]
    return open_ or [run.mode for run in runs[-1:]]


def last_scope(connection: Connection, mode: str | None = None) -> Scope | None:
    """Return the scope of the last run, or of the last in a mode; None when there was none."""
    run = last_run(connection, mode)
    return None if run is None else Scope(run.mode, run.run)


def last_run(connection: Connection, mode: str | None = None) -> Run | None:
    """Return the last run in real time, or the last in a mode; None when there was none."""
    return read_last(connection, Run, _IN_REAL_TIME if mode is None else TABLES[Run].c.mode == mode)
