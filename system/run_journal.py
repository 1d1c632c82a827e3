"""A run's own journal: who writes in it, and what the runs before it left. Loads no Nautilus."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from storage.journal.journal import Journal
from storage.journal.reading import read
from storage.journal.records import Record, Run
from storage.journal.scope import Scope
from storage.journal.store import JournalStore
from system.book import BadBook, Live


@dataclass(frozen=True, slots=True)
class RunJournal:
    """A journal as one run of a book writes in it. `now_ns` is the wall clock."""

    journal: Journal
    run: str
    mode: str
    book: str
    now_ns: Callable[[], int]

    def begin(self, trader: str, engine: str, hashes: Mapping[str, str]) -> None:
        """Write down that a process of this run began; BadBook when the journal is another book's."""
        books = self.journal.find(lambda connection: {run.book for run in read(connection, Run)})
        if others := sorted(books - {self.book}):
            raise BadBook(
                f"expected a journal of book {self.book} at {self.journal.address!r}, found runs of "
                f"{', '.join(others)}: give each book its own"
            )
        self.journal.secure(
            Run(
                run=self.run,
                at_ns=self.now_ns(),
                mode=self.mode,
                book=self.book,
                trader=trader,
                engine=engine,
                hashes=dict(hashes),
                settings={},
            )
        )

    def note(self, *records: Record) -> None:
        """Keep records, all or none, soon; JournalLost when they will not be kept."""
        self.journal.note(*records)

    def store(self, what: str) -> JournalStore:
        """Return where the run keeps `what`, with what is there already."""
        whose = self.mode if self.scope.goes_on else self.run
        return JournalStore(self.journal, f"{what}/{whose}", self.run, self.now_ns, at_once=())

    def store_of_mode(self, what: str, at_once: tuple[str, ...] = ()) -> JournalStore:
        """Return where all runs of the mode keep `what`."""
        return JournalStore(self.journal, f"{what}/{self.mode}", self.run, self.now_ns, at_once)

    @property
    def scope(self) -> Scope:
        """Which records count for this run: its own, and those of the runs that it goes on from."""
        return Scope(self.mode, self.run)


def address_of_book(name: str, live: Live | None, out: Path = Path("runs")) -> str:
    """Return where the journal of a book lies: where `[live]` says, else below `out`."""
    return live.journal if live and live.journal else str(out / name / "journal.sqlite")
