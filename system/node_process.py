"""The node's own process: `python -m system.node_process BOOK --mode sandbox --run-id ID`; the supervisor starts it.

Exit codes: 0 stopped as asked, 2 what was given cannot be used, 3 failed and not to be started again, 4 stopped
with orders of which nobody knows what became; anything else is a crash.
"""

import asyncio
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from engine.garbage import collect_here, no_collection
from markets.names import outcome_of
from network.errors import NetworkError
from research.console import tables
from storage.journal.errors import BadJournal, JournalLost
from storage.journal.journal import Journal
from storage.journal.records import RunPhase
from storage.recorder import RecorderFailed
from system.book import BadBook, outline, read_book_file
from system.crew import RunFailed
from system.event_log import EventLog
from system.heartbeat import HEARTBEAT_FD, WRITING, beat
from system.identity import identity_of
from system.loading import load
from system.modes import MODES, Mode, check_locks
from system.naming import spelt_out
from system.node import BookNode, Unresolved, now_ns
from system.node_plan import NodePlan
from system.recording import BOOK, Recording
from system.reporting import keep_report
from system.run_journal import RunJournal
from system.terminal import open_console

BAD_INPUT: Final = 2
FAILED: Final = 3
UNRESOLVED: Final = 4
_SWITCH_SECS: Final = 0.0005
"""How long another thread, such as the journal's, may hold up the loop; Python's own choice is ten times that."""

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line says about this one run."""

    duration_secs: float | None
    reduce_only: str | None
    is_quiet: bool
    record: Path | None = None


def command(  # noqa: PLR0913 - one parameter for each option of the command line
    book: Annotated[Path, typer.Argument(help="The book to run.")],
    mode: Annotated[str, typer.Option(help="sandbox, rehearsal or live.")],
    run_id: Annotated[
        str | None, typer.Option(help="The run's folder; made up when it is not given.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where each run gets a folder of its own.")] = Path("runs"),
    journal: Annotated[str | None, typer.Option(help="The journal's address, over the book's.")] = None,
    duration: Annotated[float | None, typer.Option(help="Stop after so many seconds.")] = None,
    reduce_only: Annotated[str | None, typer.Option(help="Why nothing may be opened from the start.")] = None,
    record: Annotated[
        Path | None, typer.Option(help="Record what the venues say, below this folder.")
    ] = None,
    recorded: Annotated[bool, typer.Option("--recorded", help="The double plays a real recording.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Log warnings and errors only, print no report.")
    ] = False,
) -> None:
    """Run one book in real time until SIGTERM or SIGINT, and report what came of it."""
    sys.setswitchinterval(_SWITCH_SECS)
    try:
        kind = _mode(mode)
        plan = make_plan(book, kind, os.environ, is_recorded=recorded)
        folder = out / plan.book.name / (run_id or new_run_id(kind))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / BOOK).write_bytes(book.read_bytes())
        _open_log(plan, is_quiet=quiet)
        if kind == "live" and reduce_only is None:  # a restart goes on, whatever the doctor says
            _must_be_well(book, out)
        with _writing(plan, folder, journal) as kept:
            asyncio.run(
                _run(replace(plan, journal=kept), folder, Wishes(duration, reduce_only, quiet, record))
            )
    except (BadBook, BadJournal, FileNotFoundError) as error:
        _stop(error, BAD_INPUT)
    except (RunFailed, NetworkError, JournalLost, RecorderFailed) as error:
        _stop(error, FAILED)
    except Unresolved as error:
        _stop(error, UNRESOLVED)


def new_run_id(mode: Mode) -> str:
    """Return a name for a run that sorts by time: 20261126T184000-sandbox-0a1b2c."""
    now = datetime.fromtimestamp(time.clock_gettime(time.CLOCK_REALTIME), UTC)
    return f"{now:%Y%m%dT%H%M%S}-{mode}-{secrets.token_hex(3)}"


def make_plan(file: Path, mode: Mode, environ: Mapping[str, str], *, is_recorded: bool = False) -> NodePlan:
    """Return what to run for the book in `file`; BadBook when it cannot be run in this mode, or may not (Locked)."""
    raw = read_book_file(file)
    plan = outline(raw)
    if plan.live is None:
        raise BadBook("expected a [live] table in the book, found none")
    check_locks(mode, plan.name, plan.live, environ)
    book = load(spelt_out(raw, mode, environ, now_ns), outcome_of)
    return NodePlan(
        book=book,
        mode=mode,
        environ=environ,
        identity=identity_of(file, book),
        is_recorded=is_recorded,
    )


def _must_be_well(file: Path, out: Path) -> None:
    """Raise BadBook unless the doctor finds nothing wrong; its room holds what can write, so it is loaded for live only."""
    doctor = import_module("system.book_doctor")
    diagnosis = doctor.examine_book(
        file, "live", doctor.Surroundings(os.environ, out, now_ns, time.monotonic)
    )
    if not diagnosis.is_ready:
        raise BadBook(f"see `argonaut doctor {file} --mode live`: {diagnosis.reasons}")


def _mode(typed: str) -> Mode:
    for mode in MODES:
        if mode == typed:
            return mode
    raise BadBook(f"expected a mode among {', '.join(MODES)}, found {typed!r}")


@contextmanager
def _writing(plan: NodePlan, folder: Path, typed: str | None) -> Iterator[RunJournal]:
    """Open the journal of the book, one for all its modes, and write down what is run."""
    where = typed or plan.live.journal or folder.parent / "journal.sqlite"
    kept = Journal.open(where, now_ns)
    journal = RunJournal(kept, folder.name, plan.mode, plan.book.name, now_ns)
    try:
        journal.begin(plan.trader_id, f"nautilus_trader {version('nautilus_trader')}", plan.identity)
        yield journal
    except (RunFailed, Unresolved) as error:
        journal.note(_phase(journal, "failed", f"{type(error).__name__}: {error}"))
        raise
    else:
        journal.note(_phase(journal, "stopped", ""))
    finally:
        kept.close()


def _phase(journal: RunJournal, phase: str, detail: str) -> RunPhase:
    return RunPhase(run=journal.run, at_ns=now_ns(), phase=phase, process="node", detail=detail)


async def _run(plan: NodePlan, folder: Path, wishes: Wishes) -> None:
    console = open_console(is_quiet=wishes.is_quiet)
    if wishes.record is not None:
        plan = replace(plan, recording=_recording(wishes.record, folder))
    with EventLog(folder / "events.jsonl", keeps_up=True) as log:
        node = BookNode(plan, log)
        _LOG.info("mode %s, trader %s, run %s", plan.mode, plan.trader_id, folder.name)
        for sentence in node.crew.rules:
            _LOG.info("rule: %s", sentence)
        if wishes.reduce_only is not None:
            node.reduce_until_clean(wishes.reduce_only)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, node.stop)
        if wishes.duration_secs is not None:
            loop.call_later(wishes.duration_secs, node.stop)
        pulse = asyncio.create_task(_live(node, plan.environ), name="heartbeat")
        collecting = asyncio.create_task(collect_here(), name="garbage")
        try:
            with no_collection():
                record = await node.run()
        finally:
            collecting.cancel()
            if plan.recording is not None:
                node.phase = WRITING
                await asyncio.to_thread(plan.recording.close)
            pulse.cancel()
    console.print(tables(keep_report(record, folder)))
    console.print(f"Report, summary and event log: {folder}", markup=False, highlight=False, soft_wrap=True)


def _recording(where: Path, folder: Path) -> Recording:
    recording = Recording(where, folder.name, now_ns=now_ns, on_trouble=_LOG.critical)
    recording.leave_word(folder)
    return recording


async def _live(node: BookNode, environ: Mapping[str, str]) -> None:
    """Beat until nobody listens: a node without its supervisor must not trade on."""
    if HEARTBEAT_FD not in environ:
        return
    await beat(node.pulse, environ[HEARTBEAT_FD])
    _LOG.critical("expected a supervisor that hears our pulse, found none: stopping")
    node.stop()


def _open_log(plan: NodePlan, *, is_quiet: bool) -> None:
    level = logging.WARNING if is_quiet else logging.INFO
    form = f"%(asctime)s [%(levelname)s] {plan.trader_id}.%(name)s: %(message)s"
    logging.basicConfig(level=level, format=form, stream=sys.stdout, force=True)


def _stop(error: Exception, code: int) -> NoReturn:
    typer.echo(f"{type(error).__name__}: {' '.join(str(error).split())}", err=True)
    raise typer.Exit(code) from error


if __name__ == "__main__":
    typer.run(command)
