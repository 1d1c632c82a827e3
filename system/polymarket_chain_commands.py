"""`argonaut polymarket …`: operations on chain, typed by a human; each is a dry run unless `--send` is typed too."""

import os
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer
from msgspec import json

from network.errors import NetworkError
from system.polymarket_operations import Wish, operate, receipt_table
from system.terminal import open_console
from system.venue_commands import now_ns

_BAD_INPUT = 2
_FAILED = 3

app = typer.Typer(
    help="Turn money into both outcomes of a market at Polymarket and back. A dry run unless --send is typed.",
    no_args_is_help=True,
)

Condition = Annotated[str, typer.Argument(metavar="CONDITION", help="The market: 0x and 64 digits.")]
Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="In pUSD, which are shares of each outcome.")]
BookOption = Annotated[Path | None, typer.Option("--book", help="Whose settings and locks count.")]
SendOption = Annotated[
    bool,
    typer.Option("--send", help="Send it: wants a book in mode live, ARGONAUT_LIVE and a node of the chain."),
]
RestOption = Annotated[
    str | None, typer.Option("--rest-url", help="Where the market is looked up, without a book.")
]
OutOption = Annotated[Path, typer.Option("--out", help="Below which receipts of what was sent are kept.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the receipt as one JSON object on stdout.")]


@app.command("split")
def split(  # noqa: PLR0913  one parameter for each option of the command line
    condition: Condition,
    amount: Amount,
    book: BookOption = None,
    sends: SendOption = False,
    rest_url: RestOption = None,
    out: OutOption = Path("runs"),
    as_json: JsonOption = False,
) -> None:
    """Make shares of both outcomes out of as many pUSD.

    Example: argonaut polymarket split 0x1137… 25
    """
    wish = Wish(
        kind="split",
        condition=condition,
        amount=_amount(amount),
        book=book,
        rest_url=rest_url,
        sends=sends,
        out=out,
    )
    _show(wish, as_json=as_json)


@app.command("merge")
def merge(  # noqa: PLR0913  as above
    condition: Condition,
    amount: Amount,
    book: BookOption = None,
    sends: SendOption = False,
    rest_url: RestOption = None,
    out: OutOption = Path("runs"),
    as_json: JsonOption = False,
) -> None:
    """Make pUSD out of as many shares of both outcomes.

    Example: argonaut polymarket merge 0x1137… 25
    """
    wish = Wish(
        kind="merge",
        condition=condition,
        amount=_amount(amount),
        book=book,
        rest_url=rest_url,
        sends=sends,
        out=out,
    )
    _show(wish, as_json=as_json)


@app.command("redeem")
def redeem(
    condition: Condition,
    book: BookOption = None,
    sends: SendOption = False,
    rest_url: RestOption = None,
    out: OutOption = Path("runs"),
    as_json: JsonOption = False,
) -> None:
    """Take what the shares of a resolved market pay, all of them at once.

    Example: argonaut polymarket redeem 0x1137…
    """
    wish = Wish(
        kind="redeem", condition=condition, amount=None, book=book, rest_url=rest_url, sends=sends, out=out
    )
    _show(wish, as_json=as_json)


def _show(wish: Wish, *, as_json: bool) -> None:
    try:
        receipt = operate(wish, os.environ, now_ns)
    except ValueError as error:
        _leave(error, _BAD_INPUT)
    except (OSError, NetworkError) as error:
        _leave(error, _FAILED)
    if as_json:
        typer.echo(json.format(json.encode(receipt)))
    else:
        open_console().print(receipt_table(receipt))
    if receipt.state in ("refused", "unknown"):
        raise typer.Exit(_FAILED)


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        typer.echo(f"error: expected an amount such as 25 or 0.5, found {text!r}", err=True)
        raise typer.Exit(_BAD_INPUT) from None


def _leave(error: Exception, code: int) -> None:
    typer.echo(f"error: {' '.join(str(error).split())}", err=True)
    raise typer.Exit(code) from error
