"""`argonaut parity RUN`: replay what a run heard, and say whether and where run and backtest part."""

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from msgspec import json
from rich.box import SIMPLE_HEAD
from rich.table import Table

from storage.errors import CatalogBusy
from storage.layout import timestamp_of
from system.crew import RunFailed
from system.parity import Allowed, Line, Parity, Parting, compare_sides, replay_run
from system.terminal import open_console

_BAD_INPUT: Final = 2
_APART: Final = 3
_SHOWN: Final = (
    "ts_event",
    "instrument_id",
    "order_side",
    "quantity",
    "price",
    "last_qty",
    "last_px",
    "time_in_force",
)


def command(  # noqa: PLR0913 - one parameter for each option of the command line
    run: Annotated[Path, typer.Argument(help="The folder of a run that was recorded, below runs/.")],
    book: Annotated[Path | None, typer.Option(help="The book, when the run keeps no copy of it.")] = None,
    intents: Annotated[float, typer.Option(min=0, max=1, help="The least share of equal intents.")] = 0.95,
    fills: Annotated[float, typer.Option(min=0, max=1, help="The least share of equal fills.")] = 0.95,
    pnl_usd: Annotated[str, typer.Option(help="The most by which the profit may differ.")] = "1.00",
    win_rate: Annotated[float, typer.Option(help="The most by which the win rate may differ.")] = 0.05,
    sharpe: Annotated[float, typer.Option(help="The most by which Sharpe per event may differ.")] = 0.10,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Replay the recording of a run through the backtest, and compare intents, fills, profit, win rate and Sharpe.

    Exit code 0: within what is allowed. 2: there is nothing to compare. 3: they are further apart, or the replay failed.

    Example: argonaut parity runs/demo/20261126T184000-sandbox-0a1b2c
    """
    try:
        allowed = Allowed(
            intents=intents, fills=fills, pnl_usd=Decimal(pnl_usd), win_rate=win_rate, sharpe=sharpe
        )
        found = compare_sides(run.name, *replay_run(run, book), allowed)
    except (ValueError, FileNotFoundError, NotADirectoryError, InvalidOperation) as error:
        _leave(error, _BAD_INPUT)
    except (RunFailed, CatalogBusy) as error:
        _leave(error, _APART)
    (run / "parity" / "parity.json").write_bytes(json.format(json.encode(found.as_dict())) + b"\n")
    if as_json:
        typer.echo(json.format(json.encode(found.as_dict())))
    else:
        open_console().print(_table(found))
        typer.echo(_parting(found))
    if not found.is_within:
        raise typer.Exit(_APART)


def _table(found: Parity) -> Table:
    verdict = "within what is allowed" if found.is_within else "further apart than allowed"
    table = Table(title=f"{found.run} ({found.mode}) and its replay: {verdict}", box=SIMPLE_HEAD)
    table.add_column("figure", no_wrap=True)
    for name in ("run", "replay", "difference", "allowed", ""):
        table.add_column(name, justify="right")
    for one in found.measures:
        cells = ["unknown" if text is None else text for text in (one.run, one.replay, one.difference)]
        table.add_row(one.name, *cells, one.allowed, "ok" if one.is_within else "APART")
    return table


def _parting(found: Parity) -> str:
    said = []
    for what, first in (("intent", found.first), ("fill", found.first_fill)):
        if first is None:
            said.append(f"Every {what} is the same on both sides.")
        else:
            said.append(f"They part first at {what} {first.number} of {first.strategy}:\n{_sides(first)}")
    rest = len(found.partings) - 1
    return "\n".join(
        said + ([f"{rest} more strategies part later; --json tells them all"] if rest > 0 else [])
    )


def _sides(parting: Parting) -> str:
    return f"  run:    {_words(parting.run)}\n  replay: {_words(parting.replay)}"


def _words(line: Line | None) -> str:
    if line is None:
        return "nothing"
    known: dict[str, Any] = {name: line[name] for name in _SHOWN if name in line}
    known["ts_event"] = timestamp_of(int(known["ts_event"]))
    return " ".join(str(value) for value in known.values())


def _leave(error: Exception, code: int) -> None:
    typer.echo(f"error: {' '.join(str(error).split())}", err=True)
    raise typer.Exit(code) from error
