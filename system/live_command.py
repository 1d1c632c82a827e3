"""What `run_live.py` does: a book in, a supervised run in one of three modes out. Loads no Nautilus."""

import asyncio
import os
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape

from adapters.kalshi.signing import BadCredentials
from storage.journal.errors import JournalError
from system.book import BadBook
from system.double import DoubleFailed
from system.live_plan import LivePlan, Wish, make_plan
from system.live_run import Ended, LiveRun, now_ns
from system.live_view import LiveView
from system.supervisor import BAD_INPUT, FAILED
from system.terminal import open_console


def command(  # noqa: PLR0913 - one parameter for each option of the command line
    book: Annotated[Path, typer.Argument(help="The book to run.")],
    mode: Annotated[
        Literal["sandbox", "rehearsal", "live"], typer.Option(help="Where orders go.")
    ] = "sandbox",
    record: Annotated[
        Path | None, typer.Option(help="Write what the venues send to this folder.", file_okay=False)
    ] = None,
    playback: Annotated[
        Path | None, typer.Option(help="Sandbox: play this recording instead of a live venue.")
    ] = None,
    speed: Annotated[float | None, typer.Option(help="How many times faster than recorded.")] = None,
    duration: Annotated[str | None, typer.Option(help="End after this, such as 90s, 10m, 2h.")] = None,
    fault_plan: Annotated[
        Path | None, typer.Option(help="Rehearsal: what is to go wrong (configs/faults/afternoon.toml).")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Rehearsal: the seed of the crowd and its venue.")] = None,
    journal: Annotated[str | None, typer.Option(help="Where the journal lies, a file or an address.")] = None,
    out: Annotated[Path, typer.Option(help="Where each run gets a folder of its own.")] = Path("runs"),
) -> None:
    """Run a book against a live venue's data, a recording, a made-up venue with faults, or for money.

    Exit code 0: ended, and no order is open. 2: it cannot be run like this. 3: it failed, or orders may be open.
    """
    try:
        wish = Wish(
            book=book, mode=mode, record=record, playback=playback, speed=speed, duration=duration,
            fault_plan=fault_plan, seed=seed, journal=journal, out=out,
        )  # fmt: skip
        plan = make_plan(wish, os.environ, now_ns())
        view = LiveView(open_console(), plan.mode, now_ns)
        _introduce(plan, view)
        ended = asyncio.run(LiveRun(plan, os.environ, view).run())
    except (BadBook, BadCredentials, JournalError) as error:
        _stop(error, BAD_INPUT)
    except DoubleFailed as error:
        _stop(error, FAILED)
    else:
        raise typer.Exit(_conclude(plan, ended, view))


def _introduce(plan: LivePlan, view: LiveView) -> None:
    money = {"sandbox": "no order leaves this process", "rehearsal": "a made-up venue", "live": "REAL MONEY"}
    view.tell(f"{plan.outline.name}: {money[plan.mode]}; run {plan.run}")
    view.tell(f"journal: {plan.journal}")
    view.tell(f"the node's log: {plan.folder / 'node.log'}")
    view.tell("Ctrl-C stops gracefully; a second one hurries")


def _conclude(plan: LivePlan, ended: Ended, view: LiveView) -> int:
    """Tell how it ended; a made-up venue has the last word on what is open."""
    code = ended.code
    report = plan.folder / "report.txt"
    if report.exists():
        view.show(report.read_text())
        view.tell(f"the report as a page: {plan.folder / 'report.html'}")
    if plan.mode == "rehearsal" and ended.verdict is not None:
        found = ended.verdict
        view.tell(
            f"the venue: {len(found['orders'])} orders, {len(found['fills'])} fills, "
            f"{found['open_orders']} open, faults {found['faults']}"
        )
        wrong = [*found["audit"], *found["errors"]] + (["orders are open"] if found["open_orders"] else [])
        for text in wrong:
            view.alert(text)
        code = code or (FAILED if wrong else 0)
    view.tell("ended well" if code == 0 else f"ended with code {code}; see {plan.folder / 'node.log'}")
    return code


def _stop(error: Exception, code: int) -> None:
    line = f"[bold]{type(error).__name__}[/]: {escape(str(error))}"
    Console(stderr=True, soft_wrap=True).print(line, highlight=False)
    raise typer.Exit(code) from error
