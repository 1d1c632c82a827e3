"""What is typed to rehearse, halt and kill whole runs under the supervisor, and what it prints."""

import asyncio
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from typer import Exit, Option

from campaigns import halts as halting
from campaigns import supervised_kills as killing

_BUILD: Final = Path("build")
JsonOption = Annotated[bool, Option("--json", help="Print one JSON object on stdout, nothing else.")]
CountOption = Annotated[int, Option("--count", "-n", min=1)]


def halts(count: CountOption = 20, *, as_json: JsonOption = False) -> None:
    """Halt a rehearsal COUNT times through each door, and measure at the venue until no order is open."""
    folder = _empty(_BUILD / "halts")
    doors = halting.DOORS
    with _bar("halts", count * len(doors)) as advance:
        found = asyncio.run(halting.campaign(folder, count, lambda _: advance(1)))
    rows = {door: [one for one in found if one.door == door] for door in doors}
    table = Table(
        "door", "halts", "in time", "median s", "worst s", "worst s since typed", title="zero open orders"
    )
    for door, these in rows.items():
        secs = sorted(one.secs for one in these)
        table.add_row(
            *(door, str(len(these)), str(sum(one.is_good for one in these)), f"{secs[len(secs) // 2]:.3f}"),
            *(f"{secs[-1]:.3f}", f"{max(one.typed_secs for one in these):.3f}"),
        )
    _conclude(
        "halts.json", {"halts": found}, table, as_json=as_json, is_good=all(one.is_good for one in found)
    )


def supervised_kills(count: CountOption = 100, *, as_json: JsonOption = False) -> None:
    """Kill the node of busy rehearsals COUNT times under the supervisor, and compare the venue with the journal."""
    folder = _empty(_BUILD / "supervised_kills")
    with _bar("kills", count) as advance:
        found = asyncio.run(killing.campaign(folder, count, lambda run: advance(run.kills)))
    table = Table(
        "run", "kills", "halts", "orders", "fills", "broken laws", title="kills under the supervisor"
    )
    for run in found:
        table.add_row(
            *map(str, (run.seed, run.kills, run.halts, run.orders, run.fills, "; ".join(run.laws) or "none"))
        )
    table.add_section()
    sums = [sum(getattr(run, name) for run in found) for name in ("kills", "halts", "orders", "fills")]
    table.add_row("all", *map(str, sums), str(sum(len(run.laws) for run in found)))
    _conclude(
        "supervised_kills.json",
        {"runs": found},
        table,
        as_json=as_json,
        is_good=not any(r.laws for r in found),
    )


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder.absolute()


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr; the callable moves it on."""
    columns = (TextColumn(what), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=total)
        yield lambda steps: progress.advance(task, steps)


def _conclude(name: str, found: dict[str, Any], table: Table, *, as_json: bool, is_good: bool) -> None:
    text = msgspec.json.encode(found)
    (_BUILD / name).write_bytes(msgspec.json.format(text))
    if as_json:
        sys.stdout.write(f"{text.decode()}\n")
    else:
        Console().print(table)
    raise Exit(0 if is_good else 1)
