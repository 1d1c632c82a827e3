"""What is typed to rehearse, halt and kill whole runs under the supervisor, and what it prints."""

import asyncio
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import to_builtins
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from typer import BadParameter, Exit, Option

from campaigns import halts as halting
from campaigns import soak as soaking
from campaigns import supervised_kills as killing

_BUILD: Final = Path("build")
JsonOption = Annotated[bool, Option("--json", help="Print one JSON object on stdout, nothing else.")]
CountOption = Annotated[int, Option("--count", "-n", min=1)]


def halts(
    count: CountOption = 20,
    door: Annotated[list[str] | None, Option(help=f"One of {', '.join(halting.DOORS)}; may repeat.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Halt a rehearsal COUNT times through each door, and measure at the venue until no order is open."""
    folder, doors = _empty(_BUILD / "halts"), door or halting.DOORS
    if unknown := set(doors) - set(halting.DOORS):
        raise BadParameter(f"expected doors among {', '.join(halting.DOORS)}, found {', '.join(unknown)}")
    with _bar("halts", count * len(doors)) as advance, (_BUILD / "halts.jsonl").open("wb") as lines:

        def note(one: halting.Halt) -> None:
            lines.write(
                msgspec.json.encode(one) + b"\n"
            )  # a campaign that breaks off has shown something too
            lines.flush()
            advance(1)

        found, failures = asyncio.run(halting.campaign(folder, count, doors, note))
    rows = {door: [one for one in found if one.door == door] for door in doors}
    table = Table(
        "door", "halts", "in time", "median s", "worst s", "worst s since typed", title="zero open orders"
    )
    for door, these in rows.items():
        if not these:
            broken = any(one.door == door for one in failures)
            why = "none came to it" if broken else "no redis-server here, `make servers` compiles one"
            table.add_row(door, f"left out: {why}")
            continue
        secs = sorted(one.secs for one in these)
        table.add_row(
            *(door, str(len(these)), str(sum(one.is_good for one in these)), f"{secs[len(secs) // 2]:.3f}"),
            *(f"{secs[-1]:.3f}", f"{max(one.typed_secs for one in these):.3f}"),
        )
    for one in failures:
        Console(stderr=True).print(
            f"a run by {one.door} broke off: {one.text}", highlight=False, markup=False
        )
    is_good = all(one.is_good for one in found) and all(
        len(these) >= count for door, these in rows.items() if these or any(f.door == door for f in failures)
    )
    _conclude("halts.json", {"halts": found, "failures": failures}, table, as_json=as_json, is_good=is_good)


def supervised_kills(
    count: CountOption = 100,
    workers: Annotated[int, Option(min=1, max=32, help="Runs at once.")] = 6,
    *,
    as_json: JsonOption = False,
) -> None:
    """Kill the node of busy rehearsals COUNT times under the supervisor, and compare the venue with the journal."""
    folder = _empty(_BUILD / "supervised_kills")
    with _bar("kills", count) as advance:
        found = asyncio.run(killing.campaign(folder, count, lambda run: advance(run.kills), workers=workers))
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


def soak(
    minutes: Annotated[float, Option(min=0.1)] = 60.0,
    rate: Annotated[
        float, Option(min=1, help="Frames a second that the made-up venue tries to send.")
    ] = 7000.0,
    *,
    as_json: JsonOption = False,
) -> None:
    """Run a sandbox with journal and recorder under a steady stream of frames, and watch memory and losses."""
    folder = _empty(_BUILD / "soak")
    with _bar("samples", round(minutes * 12)) as advance:
        found = asyncio.run(soaking.soak(folder, minutes, rate, lambda _: advance(1)))
    table = Table("what", "found", title=f"{found.secs / 60:.1f} minutes of frames into a sandbox")
    table.add_row("frames a second", f"{found.frames_per_sec:,.0f} of {found.wished_per_sec:,.0f}")
    table.add_row("frames recorded", f"{found.frames:,}")
    table.add_row("times the recorder was blind", str(found.blind_notes))
    table.add_row("rows of verdicts and order events", f"{found.journal_rows:,}")
    table.add_row("node's memory, MB", f"{found.first_mb:.0f} to {found.last_mb:.0f}")
    table.add_row("its slope, MB an hour", f"{found.growth_mb_per_hour:+.1f}")
    table.add_row("exit code", str(found.exit_code))
    _conclude("soak.json", to_builtins(found), table, as_json=as_json, is_good=found.is_good)


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
