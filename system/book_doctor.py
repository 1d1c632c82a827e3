"""Could this book run in this mode now? Its file, its locks, this machine, and every venue that it names."""

import asyncio
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from msgspec.structs import asdict as fields_of

from markets.names import Series, is_series, outcome_of
from network.errors import NetworkError
from storage.errors import StorageError
from storage.journal.errors import BadJournal
from storage.journal.journal import Journal
from storage.layout import timestamp_of
from storage.reading import CatalogReader
from system.book import BadBook, Live, read_book_file
from system.doctor import Finding, Look
from system.loading import Loaded, load
from system.modes import LIVE_LOCK, Mode, check_locks, double_addresses, trader_id_of
from system.naming import spelt_out
from system.node_plan import row_of

_GIGABYTE: Final = 1 << 30
_LEAST_FREE: Final = 1
_GOOD_FREE: Final = 10


@dataclass(frozen=True, slots=True)
class BookDiagnosis:
    """All findings about a book in one mode; it may run when none has failed."""

    book: str
    mode: Mode
    findings: tuple[Finding, ...]

    @property
    def is_ready(self) -> bool:
        """Whether it could run."""
        return all(one.state != "failed" for one in self.findings)

    @property
    def reasons(self) -> str:
        """What keeps it from running, in one line."""
        return "; ".join(f"{one.about}: {one.found}" for one in self.findings if one.state == "failed")

    def as_dict(self) -> dict[str, Any]:
        """Return the same in plain JSON."""
        return asdict(self) | {"is_ready": self.is_ready}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a book is to run: the environment, the folder of its runs, and clocks (wall in ns, monotonic in s)."""

    environ: Mapping[str, str]
    out: Path
    now_ns: Callable[[], int]
    monotonic: Callable[[], float]


def examine_book(file: Path, mode: Mode, around: Surroundings) -> BookDiagnosis:
    """Return what keeps a book from running in `mode`; nothing is changed but that an empty journal may be made.

    Own event loop; call it where none runs.
    """
    try:
        book, live = _read(file, mode, around)
    except BadBook as error:
        return BookDiagnosis(str(file), mode, (Finding("book", "failed", str(error), "mend the file"),))
    except NetworkError as error:
        mend = "see whether the venue can be reached from here: it knows what the names of outcomes stand for"
        return BookDiagnosis(str(file), mode, (Finding("names", "failed", str(error), mend),))
    rules = f"{len(book.strategies)} strategies, {len(book.risk)} rules"
    findings = [Finding("book", "ok", rules), *_locks(book, live, mode, around.environ)]
    findings += [_disk(around.out), _journal(book, live, around), *_catalog(book)]
    for venue in live.venues:
        findings += asyncio.run(_venue(book, live, venue, mode, around))
    return BookDiagnosis(book.name, mode, tuple(findings))


def _read(file: Path, mode: Mode, around: Surroundings) -> tuple[Loaded, Live]:
    raw = read_book_file(file)
    if mode != "rehearsal":  # the double that knows the names is not there yet
        raw = spelt_out(raw, mode, around.environ, around.now_ns)
    book = load(raw, outcome_of)
    if book.live is None:
        raise BadBook("expected a [live] table in the book, found none")
    return book, book.live


def _locks(book: Loaded, live: Live, mode: Mode, environ: Mapping[str, str]) -> Iterator[Finding]:
    if mode != "live":
        return
    wanted = trader_id_of(book.name, mode)
    written = Live(**{**fields_of(live), "mode": "live"})
    for about, one, known in (
        ("lock in the book", live, {LIVE_LOCK: wanted}),
        ("lock in the environment", written, environ),
    ):
        try:
            check_locks(mode, book.name, one, known)
        except BadBook as error:
            yield Finding(about, "failed", str(error), "open it only when real money shall be traded")
        else:
            yield Finding(about, "ok", "open")


def _disk(out: Path) -> Finding:
    there = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free / _GIGABYTE
    text = f"{free:.1f} GB are free at {there}"
    if free < _LEAST_FREE:
        return Finding("disk", "failed", text, "make room: journal and recordings need some")
    if free < _GOOD_FREE:
        return Finding("disk", "warning", text, "a recording takes some GB a day")
    return Finding("disk", "ok", text)


def _journal(book: Loaded, live: Live, around: Surroundings) -> Finding:
    where = live.journal or around.out / book.name / "journal.sqlite"
    try:
        Journal.open(where, around.now_ns).close()
    except (BadJournal, OSError) as error:
        return Finding(
            "journal", "failed", str(error), "run `argonaut journal upgrade`, or name another place"
        )
    return Finding("journal", "ok", f"at {where}" if live.journal is None else "at the address in the book")


def _catalog(book: Loaded) -> Iterator[Finding]:
    if book.backtest is None:
        return
    root = Path(book.backtest.catalog)
    try:
        reader = CatalogReader(root)
        span = f"{timestamp_of(reader.first_ns)[:16]} to {timestamp_of(reader.last_ns)[:16]}"
    except (StorageError, OSError, LookupError, ValueError) as error:
        yield Finding("catalog", "warning", str(error), "import recordings, or replay the book once")
    else:
        yield Finding("catalog", "ok", f"{root}: {span}")


async def _venue(book: Loaded, live: Live, venue: str, mode: Mode, around: Surroundings) -> list[Finding]:
    try:
        row = row_of(venue)
        double = double_addresses(venue, "sandbox" if mode == "rehearsal" else mode, around.environ)
    except BadBook as error:
        return [Finding(venue, "failed", str(error), "mend the book or the environment")]
    if mode == "rehearsal" and not double:
        return [Finding(venue, "ok", "a double stands in for it: nothing is needed")]
    series = [Series(name) for name in book.instruments if is_series(name)]
    look = Look(mode != "sandbox", tuple(one.ticker for one in series if one.venue == venue), around.now_ns)
    settings = {**live.settings.get(venue, {}), **double}
    try:
        found = await row.examine(settings, look, around.environ, monotonic=around.monotonic)
    except BadBook as error:
        return [Finding(venue, "failed", str(error), "mend the book")]
    return [replace(one, about=f"{venue} {one.about}") for one in found.findings]
