"""What `run_backtest.py` does: a book in, a report out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from research.console import tables
from research.record import Record
from storage.errors import CatalogBusy, StorageError
from storage.journal.errors import BadJournal, JournalLost
from storage.journal.journal import Journal
from storage.reading import CatalogReader
from system.backtest import BACKTESTER, Backtest, Plan
from system.book import BadBook, Raw, read_book_file
from system.crew import RunFailed
from system.event_log import EventLog
from system.feed import Feed
from system.identity import identity_of
from system.planning import Wish, backtest_of, make_plan
from system.reporting import keep_report
from system.run_journal import RunJournal
from system.synthetic import fill_catalog, read_settings
from system.terminal import open_console
from system.venue_commands import now_ns

BAD_INPUT, FAILED = 2, 3


@dataclass(frozen=True, slots=True)
class Output:
    """Where the results go."""

    folder: Path
    json_file: Path | None
    with_html: bool


def command(  # noqa: PLR0913 - one parameter for each option of the command line
    book: Annotated[Path, typer.Argument(help="The book to replay.")] = Path("configs/demo.toml"),
    catalog: Annotated[Path | None, typer.Option(help="Replay this catalog, not the book's.")] = None,
    start: Annotated[str | None, typer.Option(help="First moment, ISO 8601; UTC without a zone.")] = None,
    end: Annotated[str | None, typer.Option(help="Moment at which to stop, ISO 8601.")] = None,
    out: Annotated[Path, typer.Option(help="Where each run gets a folder of its own.")] = Path("runs"),
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the summary here.")] = None,
    no_html: Annotated[bool, typer.Option("--no-html", help="Write no HTML page.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Replay a book against recorded markets, and report what came of it by evidence class.

    Exit code 0: done. 2: the book, the period or the catalog is wrong. 3: the run failed.
    """
    console = open_console(is_quiet=quiet)
    try:
        raw = read_book_file(book)
        root = _catalog_of(raw, catalog, console)
        plan = make_plan(raw, root, CatalogReader(root), Wish(start, end))
        plan = replace(plan, identity=identity_of(book, plan.book))
        _run(plan, Output(out, json_file, not no_html), console)
    except CatalogBusy as error:
        _stop(error, FAILED)
    except (BadBook, BadJournal, StorageError, FileNotFoundError, NotADirectoryError) as error:
        _stop(error, BAD_INPUT)
    except (RunFailed, JournalLost) as error:
        _stop(error, FAILED)


def _catalog_of(raw: Raw, wished: Path | None, console: Console) -> Path:
    """Return the catalog to replay; one that the book knows how to make up is made when it is missing."""
    backtest = backtest_of(raw)
    root = wished or Path(backtest.catalog)
    if backtest.synthetic is not None and not root.exists():
        settings = read_settings(backtest.synthetic)
        _say(console, f"No catalog at {root}: making up {settings.markets} markets. The data are SYNTHETIC.")
        with _progress("Making up markets", settings.markets, console) as advance:
            rows = fill_catalog(root, settings, advance)
        _say(console, f"Wrote {rows:,} rows of synthetic data to {root}.")
    return root


def _run(plan: Plan, output: Output, console: Console) -> None:
    book_folder = output.folder / plan.book.name
    book_folder.mkdir(parents=True, exist_ok=True)
    draft = book_folder / ".events.jsonl"
    span_ns = plan.end_ns - plan.start_ns
    with EventLog(draft) as log:
        backtest = Backtest(plan, Feed(CatalogReader(plan.catalog), plan.markets, plan.pace), log)
        for sentence in backtest.rules:
            _say(console, f"Rule: {sentence}")
        with _progress("Replaying", span_ns, console) as advance:
            record = backtest.run(lambda at_ns, _: advance(at_ns - plan.start_ns))
    folder = book_folder / record.facts.event_log_sha256[:12]
    folder.mkdir(exist_ok=True)
    draft.rename(folder / "events.jsonl")
    _note_run(plan, folder, record)
    findings = keep_report(record, folder, json_file=output.json_file, with_html=output.with_html)
    console.print(tables(findings))
    _say(console, f"Report, summary and event log: {folder}")


def _note_run(plan: Plan, folder: Path, record: Record) -> None:
    """Write into the journal of the book what was replayed, by hash, as every other mode does."""
    journal = Journal.open(folder.parent / "journal.sqlite", now_ns)
    try:
        run = RunJournal(journal, folder.name, record.facts.mode, plan.book.name, now_ns)
        run.begin(BACKTESTER, record.facts.engine, plan.identity)
    finally:
        journal.close()


def _say(console: Console, sentence: str) -> None:
    """Print words that may hold a path or a name: no bracket is markup, no line is broken."""
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _progress(what: str, total: int, console: Console) -> Iterator[Callable[[int], Any]]:
    """Show a bar while the work goes on; the callable takes how much of `total` is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)


def _stop(error: Exception, code: int) -> None:
    line = f"[bold]{type(error).__name__}[/]: {escape(str(error))}"
    Console(stderr=True, soft_wrap=True).print(line, highlight=False)
    raise typer.Exit(code) from error
