"""`python -m campaigns faults|kills`: what was broken and what held; exit 1 when a law did not hold."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import msgspec
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn
from rich.table import Table
from typer import Exit, Option, Typer

from campaigns.faults import FaultSummary, run_campaign, write_run
from campaigns.kills import KillSummary, run_kills
from campaigns.live_commands import halts, soak, supervised_kills
from campaigns.records import FaultRun, KillChain

_BUILD = Path("build")
_ERRORS = Console(stderr=True)
app = Typer(add_completion=False, no_args_is_help=True)
app.command("halts")(halts)
app.command("supervised-kills")(supervised_kills)
app.command("soak")(soak)


@app.callback()
def campaigns() -> None:
    """Break a venue's double in every way it can break, and kill what trades there."""


@app.command()
def faults(
    runs: Annotated[int, Option("--runs", "-n", min=1)] = 500,
    seed: Annotated[int | None, Option(help="Replay this seed alone and show its trace.")] = None,
    first: Annotated[int, Option(help="The seed of the first run.")] = 1,
    venue: str = "kalshi",
    workers: Annotated[int, Option(min=1, max=64)] = 6,
    *,
    as_json: Annotated[bool, Option("--json")] = False,
) -> None:
    """Inject every kind of fault into runs of a random strategy and look for broken laws."""
    seeds = range(first, first + runs) if seed is None else [seed]
    with Progress(
        *Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn(), console=_ERRORS
    ) as bar:
        task = bar.add_task(f"faults at {venue}", total=len(seeds))

        def note(run: FaultRun) -> None:
            bar.advance(task)
            if run.laws or run.unresolved or seed is not None:
                _show(run, write_run(run, _BUILD / "faults"))

        found = run_campaign(venue, seeds, workers=workers, on_run=note)
    if seed is None:
        _write(found, _BUILD / "faults.json")
    if as_json:
        sys.stdout.write(f"{msgspec.json.encode(found).decode()}\n")
    else:
        _table(found)
    raise Exit(0 if found.is_good and (seed is not None or not found.silent) else 1)


@app.command()
def kills(
    kills: Annotated[int, Option("--kills", "-n", min=1)] = 1000,
    first: Annotated[int, Option(help="The seed of the first chain.")] = 1,
    venue: str = "kalshi",
    workers: Annotated[int, Option(min=1, max=64)] = 6,
    *,
    as_json: Annotated[bool, Option("--json")] = False,
) -> None:
    """Kill a process that trades at random moments and see that the next one knows what the venue knows."""
    with Progress(
        *Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn(), console=_ERRORS
    ) as bar:
        task = bar.add_task(f"kills at {venue}", total=kills)

        def note(chain: KillChain) -> None:
            bar.advance(task, chain.kills)
            for law in chain.laws:
                _ERRORS.print(f"chain {chain.seed}, kill {chain.kills}: {law}", highlight=False, markup=False)

        found = asyncio.run(run_kills(venue, kills, first=first, workers=workers, on_chain=note))
    _write(found, _BUILD / "kills.json")
    if as_json:
        sys.stdout.write(f"{msgspec.json.encode(found).decode()}\n")
    else:
        _kill_table(found)
    raise Exit(0 if found.is_good else 1)


def _show(run: FaultRun, file: Path) -> None:
    _ERRORS.print(f"seed {run.seed}: {len(run.laws)} broken laws, written to {file}", highlight=False)
    for text in (*run.laws[:10], *(f"unresolved: {one}" for one in run.unresolved[:10])):
        _ERRORS.print(f"  {text}", highlight=False, markup=False)
    for line in run.trace[:40]:
        _ERRORS.print(f"    {line}", highlight=False, markup=False, overflow="ellipsis", no_wrap=True)


def _write(found: FaultSummary | KillSummary, file: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(found)))


def _table(found: FaultSummary) -> None:
    table = Table(title=f"{found.runs} runs at {found.venue}: {found.orders} orders, {found.fills} fills")
    table.add_column("law")
    table.add_column("broken", justify="right")
    for law, times in found.broken.items():
        table.add_row(law, str(times))
    table.add_section()
    for kind, times in found.faults.items():
        table.add_row(kind, str(times))
    console = Console()
    console.print(table)
    console.print(f"broken laws: {sum(found.broken.values())} in {len(found.failed)} runs {found.failed}")
    console.print(f"runs done again since the machine starved them: {found.starved}")
    console.print(f"runs that ended with something named as unresolved: {found.unresolved}")
    console.print(f"kinds of faults that never happened: {', '.join(found.silent) or 'none'}")


def _kill_table(found: KillSummary) -> None:
    console = Console()
    console.print(
        f"{found.kills} kills at {found.venue}, {found.newborn} of them while starting; {found.stillborn} starts failed"
    )
    console.print(f"{found.orders} orders, {found.fills} fills at the venue")
    console.print(f"duplicate orders: {found.duplicate_orders}")
    console.print(f"lost fills: {found.lost_fills}")
    console.print(f"broken laws: {sum(found.broken.values())} in {len(found.failed)} chains {found.failed}")
    console.print(", ".join(f"{law} {times}" for law, times in found.broken.items()))


if __name__ == "__main__":
    sys.exit(app())
