"""What every measuring target writes: a table for people, and `build/<target>.json` to compare runs by."""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct, json
from rich.console import Console
from rich.table import Table


class Figure(Struct, frozen=True):
    """One measured figure; `bar` is what it must reach, None for a figure that is only told."""

    name: str
    figure: float
    unit: str
    bar: float | None
    ok: bool


def at_least(name: str, figure: float, unit: str, bar: float) -> Figure:
    """Return a figure that must not be below its bar."""
    return Figure(name, figure, unit, bar, figure >= bar)


def at_most(name: str, figure: float, unit: str, bar: float) -> Figure:
    """Return a figure that must not be above its bar."""
    return Figure(name, figure, unit, bar, figure <= bar)


def told(name: str, figure: float, unit: str) -> Figure:
    """Return a figure without a bar."""
    return Figure(name, figure, unit, None, ok=True)


def publish(target: str, figures: Sequence[Figure]) -> bool:
    """Print the figures, write them to `build/<target>.json`, and return whether all bars are reached."""
    table = Table("figure", "measured", "unit", "bar", "ok", title=target)
    for one in figures:
        bar = "" if one.bar is None else f"{one.bar:g}"
        table.add_row(one.name, f"{one.figure:,.3f}", one.unit, bar, "yes" if one.ok else "NO")
    Console().print(table)
    folder = Path("build")
    folder.mkdir(exist_ok=True)
    (folder / f"{target}.json").write_bytes(json.format(json.encode(figures), indent=2) + b"\n")
    return all(one.ok for one in figures)
