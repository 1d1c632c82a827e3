"""`python -m campaigns faults`: a table of what was broken and what held; exit 1 when a law did not hold."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn
from rich.table import Table
from typer import Exit, Option, Typer

from campaigns.faults import FaultSummary, run_campaign, write_run
from campaigns.live_commands import halts, soak, supervised_kills
from campaigns.records import FaultRun

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
            if run.laws or seed is not None:
                _show(run, write_run(run, _BUILD / "faults"))

        found = run_campaign(venue, seeds, workers=workers, on_run=note)
    if seed is None:
        _write(found, _BUILD / "faults.json")
    _table(found) if not as_json else sys.stdout.write(f"{msgspec.json.encode(found).decode()}\n")
    raise Exit(0 if found.is_good and (seed is not None or not found.silent) else 1)


def _show(run: FaultRun, file: Path) -> None:
    _ERRORS.print(f"seed {run.seed}: {len(run.laws)} broken laws, written to {file}", highlight=False)
    for law in run.laws[:10]:
        _ERRORS.print(f"  {law}", highlight=False, markup=False)
    for line in run.trace[:40]:
        _ERRORS.print(f"    {line}", highlight=False, markup=False, overflow="ellipsis", no_wrap=True)


def _write(found: FaultSummary, file: Path) -> None:
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
    console.print(f"runs that ended with something named as unresolved: {found.unresolved}")
    console.print(f"kinds of faults that never happened: {', '.join(found.silent) or 'none'}")


if __name__ == "__main__":
    sys.exit(app())
