"""How the data do, for the journal and for whoever reads the log: gaps, and how late the engine tells what arrived."""

import logging
from collections.abc import Callable
from typing import Final

from markets.facts import DataGap
from storage.journal.records import Alert, DataHealth, Plain
from system.crew import RunFailed
from system.run_journal import RunJournal

_LOG: Final = logging.getLogger(__name__)
_SECOND_NS: Final = 1_000_000_000
_LATE_NS: Final = 5 * _SECOND_NS
_MOST_LATE_NS: Final = 60 * _SECOND_NS
_LOOKS: Final = 20  # in a row: the quote of a quiet market is old when somebody begins to listen to it


class Health:
    """Keeps gaps, and judges how old the newest quote is when the engine tells it.

    rc7 takes data from its clients through a queue without a bound (run on rc7): an engine that falls behind
    shows nothing of it but old quotes. `look` is called a few times a second. Beyond 5 s it alerts, and
    beyond 60 s it raises RunFailed: then memory grows, and what strategies see is history.
    """

    def __init__(self, journal: RunJournal | None, now_ns: Callable[[], int]) -> None:
        self._journal = journal
        self._now_ns = now_ns
        self._newest_ns = self._looked_at_ns = 0
        self._late_looks = 0
        self._is_late = False

    def hear(self, ts_init: int) -> None:
        """Take when a quote that is being told arrived."""
        if ts_init > self._newest_ns:
            self._newest_ns = ts_init

    def note_gap(self, gap: DataGap) -> None:
        """Write down that nothing was known of a market for a while."""
        detail: Plain = {"from_ns": gap.ts_event, "to_ns": gap.until_ns, "reason": gap.reason}
        self._note(gap.venue, "gap", gap.market, detail)

    def look(self) -> None:
        """Alert when the engine is late, once, and say when it has caught up."""
        if self._newest_ns == self._looked_at_ns:
            return
        self._looked_at_ns = self._newest_ns
        late_ns = self._now_ns() - self._newest_ns
        self._late_looks = self._late_looks + 1 if late_ns > _LATE_NS else 0
        if self._late_looks >= _LOOKS and late_ns > _MOST_LATE_NS:
            raise RunFailed(f"expected the engine to keep up with the venues, found it {_secs(late_ns)} late")
        if self._late_looks == _LOOKS and not self._is_late:
            self._tell("late", f"the engine tells quotes {_secs(late_ns)} after they arrived")
        elif self._is_late and not self._late_looks:
            self._tell("timely", "the engine keeps up again")

    def _tell(self, kind: str, words: str) -> None:
        self._is_late = kind == "late"
        _LOG.warning("%s", words)
        self._note("engine", kind, None, {"newest_ns": self._newest_ns})
        if self._journal and self._is_late:
            self._journal.note(
                Alert(
                    run=self._journal.run, at_ns=self._now_ns(), severity="warning", source="node", text=words
                )
            )

    def _note(self, source: str, kind: str, instrument: str | None, detail: Plain) -> None:
        if self._journal:
            self._journal.note(
                DataHealth(
                    run=self._journal.run,
                    at_ns=self._now_ns(),
                    source=source,
                    kind=kind,
                    instrument=instrument,
                    detail=detail,
                )
            )


def _secs(duration_ns: int) -> str:
    return f"{duration_ns / _SECOND_NS:.1f} s"
