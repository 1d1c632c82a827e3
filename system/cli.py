"""The `argonaut` command: read what was typed, call the room that knows, print what it says.

Exit codes: 0 done, 2 what was given cannot be used, 3 it failed for another reason.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, override

import typer
from msgspec import json
from rich.box import SIMPLE_HEAD
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from typer.core import TyperGroup

from adapters.kalshi.config import KalshiConfig, KalshiExecutionConfig
from adapters.polymarket.config import PolymarketConfig
from network.errors import NetworkError
from storage.coverage import Coverage, MarketCoverage, coverage
from storage.errors import CatalogBusy
from storage.layout import timestamp_of
from system import operating, parity_command, polymarket_chain_commands, polymarket_commands
from system.book import read_book_file
from system.importing import find_sources, import_kalshi, summary
from system.made_up_recording import write_recording
from system.synthetic import settings_of_book
from system.terminal import open_console
from system.venue_commands import (
    book_table,
    diagnose_book,
    diagnose_kalshi,
    diagnosis_table,
    list_kalshi,
    market_table,
    now_ns,
)

_BAD_INPUT = 2
_FAILED = 3
_SHOWN_MARKETS = 40

app = typer.Typer(
    help="Replay, rehearse and trade prediction markets with one strategy class and one risk guardian.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
imports = typer.Typer(help="Bring recorded data into the catalog.", no_args_is_help=True)
catalogs = typer.Typer(help="See what the catalog holds.", no_args_is_help=True)
app.add_typer(imports, name="import")
app.add_typer(catalogs, name="catalog")


class _BooksToo(TyperGroup):
    """Takes a book where a venue could be named: `argonaut doctor BOOK.toml` is `argonaut doctor book BOOK.toml`."""

    @override
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        is_book = bool(args) and args[0] not in self.commands and not args[0].startswith("-")
        return super().resolve_command(ctx, ["book", *args] if is_book else args)


doctors = typer.Typer(
    cls=_BooksToo, help="See whether we could trade at a venue, and what is missing.", no_args_is_help=True
)
markets = typer.Typer(help="See what trades at a venue now.", no_args_is_help=True)
app.add_typer(doctors, name="doctor")
app.add_typer(markets, name="markets")
for _name, _function in operating.COMMANDS.items():
    app.command(_name)(_function)
app.add_typer(operating.journals, name="journal")
app.command("parity")(parity_command.command)
app.add_typer(polymarket_chain_commands.app, name="polymarket")

CatalogOption = Annotated[
    Path, typer.Option("--catalog", file_okay=False, help="Folder of the catalog; an import makes it.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, nothing else.")]

EnvironmentOption = Annotated[Literal["demo", "prod"], typer.Option(help="Which exchange of the venue.")]
RestOption = Annotated[
    str | None, typer.Option("--rest-url", help="The whole REST address instead, such as a double's.")
]


def main() -> None:
    """Run the command line."""
    app()


@app.command("make-up")
def make_up_recording(
    book: Annotated[Path, typer.Argument(help="A book that can make up a catalog.")],
    recording: Annotated[Path, typer.Argument(help="The file to write, ending in .jsonl.gz.")],
    markets: Annotated[
        int, typer.Option(min=1, max=96, help="How many markets, a quarter of an hour each.")
    ] = 2,
) -> None:
    """Make up what a venue's socket would have sent of the book's synthetic markets, to play it in a sandbox.

    Example: argonaut make-up configs/demo.toml catalog/demo_session.jsonl.gz
    """
    with exit_codes():
        console, settings = open_console(), settings_of_book(read_book_file(book))
        console.print(f"Making up {markets} markets. The data are SYNTHETIC.")
        with Progress(console=console, transient=True) as bar:
            task = bar.add_task("Making up markets", total=markets)
            frames = write_recording(
                recording, replace(settings, markets=markets), lambda done: bar.update(task, completed=done)
            )
        console.print(
            f"Wrote {frames:,} frames to {recording}.", markup=False, highlight=False, soft_wrap=True
        )


@imports.command("kalshi-recording")
def import_kalshi_recording(
    sources: Annotated[list[Path], typer.Argument(metavar="SRC...", help="Recordings, or folders of them.")],
    catalog: CatalogOption,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first line that cannot be used, and store nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Import recorded Kalshi sockets (.ndjson.zst, or runs that --record wrote): all of them, or nothing.

    Data of a time that the catalog already holds are refused, so name sessions that share markets in
    one command.

    Example: argonaut import kalshi-recording recordings/2026-05-13 --catalog catalog
    """
    with exit_codes(), _bytes_bar(sources) as advance:
        result = import_kalshi(sources, catalog, strict=strict, progress=advance)
    if as_json:
        print_json(result.as_dict())
    else:
        open_console().print(summary(result))


imports.command(
    "polymarket-recording",
    help="Import runs that --record wrote at Polymarket, or folders of others with markets.jsonl: all of them, or nothing. A run of both venues needs one command.",
)(import_kalshi_recording)


@catalogs.command("coverage")
def show_coverage(catalog: CatalogOption, as_json: JsonOption = False) -> None:
    """Show which markets the catalog holds, from when to when, with which gaps and results.

    Example: argonaut catalog coverage --catalog catalog
    """
    with exit_codes():
        held = coverage(catalog)
    if as_json:
        print_json(held.as_dict())
    else:
        open_console().print(_coverage_table(held))


@doctors.command("book")
def examine_a_book(
    book: Annotated[Path, typer.Argument(help="The book to run.")],
    mode: Annotated[Literal["sandbox", "rehearsal", "live"], typer.Option(help="How.")] = "sandbox",
    out: Annotated[Path, typer.Option(help="Where each run gets a folder of its own.")] = Path("runs"),
    as_json: JsonOption = False,
) -> None:
    """See whether a book could run now: file, locks, disk, journal, catalog, and each venue that it names.

    The word `book` may be left out. Nothing is changed at a venue. The exit code is 3 when it could not run.

    Example: argonaut doctor configs/demo.toml --mode sandbox
    """
    with exit_codes():
        diagnosis = diagnose_book(book, mode, out)
    if as_json:
        print_json(diagnosis.as_dict())
    else:
        open_console().print(book_table(diagnosis))
    if not diagnosis.is_ready:
        raise typer.Exit(_FAILED)


@doctors.command("kalshi")
def examine_kalshi(
    environment: EnvironmentOption = "demo",
    shards: Annotated[list[int] | None, typer.Option("--shard", help="A shard that must hold cash.")] = None,
    rest_url: RestOption = None,
    socket_url: Annotated[
        str | None, typer.Option("--socket-url", help="The whole socket address instead.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Look at key, clock, exchange, limits and cash at Kalshi, and say how to mend what is wrong.

    It reads and changes nothing. The exit code is 3 when we could not trade.

    Example: argonaut doctor kalshi --shard 2
    """
    with exit_codes():
        config = KalshiExecutionConfig(
            environment=environment,
            rest_url=rest_url,
            socket_url=socket_url,
            funded_shards=tuple(shards or (0,)),
        )
        diagnosis = diagnose_kalshi(config)
    if as_json:
        print_json(diagnosis.as_dict())
    else:
        open_console().print(diagnosis_table(diagnosis))
    if not diagnosis.is_ready:
        raise typer.Exit(_FAILED)


@markets.command("kalshi")
def list_kalshi_markets(
    series: Annotated[
        list[str] | None, typer.Option("--series", help="Such as KXBTC15M; may repeat.")
    ] = None,
    environment: EnvironmentOption = "demo",
    rest_url: RestOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the markets of Kalshi that trade or will, by default of the crypto 15-minute series; no key is needed.

    Example: argonaut markets kalshi --series KXBTC15M --environment prod
    """
    with exit_codes():
        found = list_kalshi(KalshiConfig(environment=environment, rest_url=rest_url), series or ())
    if as_json:
        print_json({"markets": [one.as_dict() for one in found]})
    else:
        open_console().print(market_table(found))


@markets.command("polymarket")
def list_polymarket_markets(
    series: Annotated[
        list[str] | None,
        typer.Option("--series", help="Such as btc-updown-5m, a series or an event by its name; may repeat."),
    ] = None,
    rest_url: RestOption = None,
    gamma_url: Annotated[
        str | None, typer.Option("--gamma-url", help="The catalogue's address instead; goes with --rest-url.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the markets of Polymarket that trade or will, by default the next windows of BTC; no key is needed.

    Example: argonaut markets polymarket --series munich-daily-weather
    """
    with exit_codes():
        config = PolymarketConfig(
            rest_url=rest_url, gamma_url=gamma_url, data_url=gamma_url, socket_url=rest_url
        )
        found = polymarket_commands.list_polymarket(config, series or (), now_ns)
    if as_json:
        print_json({"markets": [one.as_dict() for one in found]})
    else:
        open_console().print(polymarket_commands.market_table(found))


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn what a command raises into one line on stderr and an exit code."""
    try:
        yield
    except (ValueError, FileNotFoundError) as error:
        _leave(error, _BAD_INPUT)
    except (OSError, CatalogBusy, NetworkError) as error:
        _leave(error, _FAILED)


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout."""
    typer.echo(json.format(json.encode(value)))


def _leave(error: Exception, code: int) -> None:
    typer.echo(f"error: {' '.join(str(error).split())}", err=True)
    raise typer.Exit(code) from error


@contextmanager
def _bytes_bar(sources: list[Path]) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    console = open_console(to_stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading", total=find_sources(sources).bytes)
        yield lambda count: bar.advance(task, count)


def _coverage_table(held: Coverage) -> Table:
    table = Table(
        title=f"{len(held.markets)} markets, {sum(held.rows.values()):,} rows, {', '.join(held.evidence)}",
        caption=_coverage_caption(held),
        box=SIMPLE_HEAD,
    )
    table.add_column("market", no_wrap=True)
    for name in ("first data", "deltas", "quotes", "trades", "sessions", "gaps", "result"):
        table.add_column(name, justify="right")
    for market in held.markets[:_SHOWN_MARKETS]:
        table.add_row(market.market, *_coverage_cells(market))
    return table


def _coverage_cells(market: MarketCoverage) -> list[str]:
    starts = [intervals[0].start_ns for intervals in market.intervals.values()]
    rows = [market.rows.get(kind, 0) for kind in ("OrderBookDelta", "QuoteTick", "TradeTick")]
    sessions = max((len(intervals) for intervals in market.intervals.values()), default=0)
    return [
        timestamp_of(min(starts))[:16] if starts else "-",
        *(f"{count:,}" for count in (*rows, sessions, len(market.gaps))),
        "yes" if market.is_resolved else "-",
    ]


def _coverage_caption(held: Coverage) -> str:
    lines = [f"{kind}: {sum(by.values()):,} under {', '.join(by)}" for kind, by in held.facts.items()]
    if len(held.markets) > _SHOWN_MARKETS:
        lines.append(f"and {len(held.markets) - _SHOWN_MARKETS:,} more markets; --json tells them all")
    return "\n".join(lines)
