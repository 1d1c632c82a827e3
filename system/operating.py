"""What an operator types about a book that runs, or ran: the journal is asked, or told what is wanted.

Everything goes through the journal's tables, so it works from any shell that reaches the database, whatever the
node is doing.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from msgspec import json, to_builtins
from rich.console import RenderableType
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from storage.journal import commands
from storage.journal.commands import REFUSED, Cash, Command, Kind, Wish
from storage.journal.database import address_of, open_engine
from storage.journal.errors import BadJournal, JournalError
from storage.journal.overview import accounts, orders, positions, profits
from storage.journal.scope import Scope, last_scope
from storage.journal.tracing import trace
from storage.journal.versions import must_be_newest
from system import operating_tables as shown
from system.book import BadBook, outline, read_book_file
from system.run_journal import address_of_book
from system.standing import standing
from system.terminal import open_console

BAD_INPUT: Final = 2
FAILED: Final = 3
_POLL_SECS: Final = 0.02

BookArgument = Annotated[Path | None, typer.Argument(help="The book whose journal to ask.")]
JournalOption = Annotated[
    str | None, typer.Option("--journal", help="The journal itself: a file, sqlite:// or postgresql://.")
]
ModeOption = Annotated[str | None, typer.Option("--mode", help="That of the last run, if not said.")]
CommandModeOption = Annotated[
    str | None, typer.Option("--mode", help="For the run in this mode; else for all under way.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, nothing else.")]
AllOption = Annotated[bool, typer.Option("--all", help="Also what is over.")]
WaitOption = Annotated[float, typer.Option("--wait", help="Seconds to wait until it is done.")]
Operator = typer.Option("--operator", help="Who wants it, by name.")
Where = typer.Option("--venue", help="Such as KALSHI.")
Amount = typer.Option("--amount", help="USD, above 0.")

journals = typer.Typer(help="Look into a journal, or move its tables on.", no_args_is_help=True)


def halt(  # noqa: PLR0913 - one parameter for each option of the command line
    book: BookArgument = None,
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "no reason given",
    operator: Annotated[str | None, Operator] = None,
    journal: JournalOption = None,
    mode: CommandModeOption = None,
    wait: WaitOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Stop all trading now: nothing new leaves, everything that rests is cancelled, until somebody resumes.

    Exit code 0 when it is done, 3 when nobody has done it within --wait; then the next start begins halted.

    Example: argonaut halt book.toml --reason "odd prices"
    """
    who = operator or os.environ.get("USER") or "somebody"
    _command(Wish(Kind.HALT, reason, who, "cli"), _place(book, journal), mode, wait, as_json)


def resume(  # noqa: PLR0913 - one parameter for each option of the command line
    reason: Annotated[str, typer.Option("--reason", help="Why it is safe again.")],
    operator: Annotated[str, Operator],
    book: BookArgument = None,
    journal: JournalOption = None,
    mode: CommandModeOption = None,
    wait: WaitOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Trade again after a halt; only a named operator with a reason can.

    Exit code 0 when it is done, 3 when it is refused, or nobody has done it within --wait; then the next start resumes.

    Example: argonaut resume book.toml --reason "prices are right again" --operator ann
    """
    with _exit_codes():
        wish = Wish(Kind.RESUME, reason, operator, "cli")
    _command(wish, _place(book, journal), mode, wait, as_json)


def deposit(  # noqa: PLR0913 - one parameter for each option of the command line
    venue: Annotated[str, Where],
    amount: Annotated[str, Amount],
    operator: Annotated[str, Operator],
    book: BookArgument = None,
    reason: Annotated[str, typer.Option("--reason", help="What for.")] = "a deposit",
    journal: JournalOption = None,
    mode: CommandModeOption = None,
    wait: WaitOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Tell the ledger of money that you have paid in at a venue: it is no profit, and no difference any more.

    Nothing is moved. Exit code 0 when it is booked, 3 when it is refused, or nobody has done it within --wait; then
    the next start does.

    Example: argonaut deposit book.toml --venue KALSHI --amount 250.00 --operator ann
    """
    with _exit_codes():
        wish = Wish(Kind.DEPOSIT, reason, operator, "cli", Cash.of(venue, amount))
    _command(wish, _place(book, journal), mode, wait, as_json)


def withdraw(  # noqa: PLR0913 - one parameter for each option of the command line
    venue: Annotated[str, Where],
    amount: Annotated[str, Amount],
    operator: Annotated[str, Operator],
    book: BookArgument = None,
    reason: Annotated[str, typer.Option("--reason", help="What for.")] = "a withdrawal",
    journal: JournalOption = None,
    mode: CommandModeOption = None,
    wait: WaitOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Tell the ledger of money that you have taken out of a venue: it is no loss, and no difference any more.

    Nothing is moved. Exit code 0 when it is booked, 3 when it is refused, or nobody has done it within --wait; then
    the next start does.

    Example: argonaut withdraw book.toml --venue KALSHI --amount 250.00 --operator ann
    """
    with _exit_codes():
        wish = Wish(Kind.WITHDRAW, reason, operator, "cli", Cash.of(venue, amount))
    _command(wish, _place(book, journal), mode, wait, as_json)


def show_status(
    book: BookArgument = None, journal: JournalOption = None, as_json: JsonOption = False
) -> None:
    """Show how the last run does: mode, state and its cause, open orders, commands under way, last alerts.

    Example: argonaut status book.toml
    """
    _show(_place(book, journal), as_json, standing, shown.status)


def show_positions(
    book: BookArgument = None,
    journal: JournalOption = None,
    mode: ModeOption = None,
    with_all: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what each strategy holds, at its cost.

    Example: argonaut positions book.toml --mode live
    """

    def find(connection: Connection) -> Any:
        return positions(connection, _scope(connection, mode), with_closed=with_all)

    _show(_place(book, journal), as_json, find, shown.positions, "positions")


def show_orders(
    book: BookArgument = None,
    journal: JournalOption = None,
    mode: ModeOption = None,
    with_all: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show the open orders, as far as the journal knows.

    Example: argonaut orders book.toml --all
    """

    def find(connection: Connection) -> Any:
        return orders(connection, _scope(connection, mode), with_closed=with_all)

    _show(_place(book, journal), as_json, find, shown.orders, "orders")


def show_profit(
    book: BookArgument = None,
    journal: JournalOption = None,
    mode: ModeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what each strategy made: realized profit less fees; open positions count at their cost.

    Example: argonaut pnl book.toml
    """

    def find(connection: Connection) -> Any:
        scope = _scope(connection, mode)
        return {"strategies": profits(connection, scope), "accounts": accounts(connection, scope)}

    _show(_place(book, journal), as_json, find, shown.profit)


@journals.command("trace")
def show_trace(
    order_id: Annotated[str, typer.Argument(help="Our id of the order, or the venue's.")],
    book: BookArgument = None,
    journal: JournalOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show an order's whole story: signal, proposal, verdict, order, events, fills, settlement, profit.

    Example: argonaut journal trace O-20261126-093012-SANDBOX-000-7 book.toml
    """
    _show(_place(book, journal), as_json, lambda connection: trace(connection, order_id), shown.story)


@journals.command("upgrade")
def upgrade_journal(
    book: BookArgument = None, journal: JournalOption = None, as_json: JsonOption = False
) -> None:
    """Bring a journal's tables to the version of this house, or leave all as it was.

    Example: argonaut journal upgrade --journal postgresql://localhost/argonaut
    """
    with _exit_codes():
        engine = open_engine(address_of(_place(book, journal)))
        try:
            before, now = import_module("storage.journal.migrating").upgrade(
                engine
            )  # a halt needs none of it
        finally:
            engine.dispose()
    told = {"before": before, "now": now}
    _print(told, as_json, lambda _: f"version {now}, was {before or 'empty'}")


def _command(wish: Wish, place: str, mode: str | None, wait_secs: float, as_json: bool) -> None:
    with _exit_codes():
        found = send_and_wait(place, wish, mode, wait_secs)
    _print({"commands": found}, as_json, lambda _: "\n".join(map(shown.command, found)))
    if any(one.done_ns is None or (one.outcome or "").startswith(REFUSED) for one in found):
        raise typer.Exit(FAILED)


def send_and_wait(place: str, wish: Wish, mode: str | None, wait_secs: float) -> list[Command]:
    """Write a command down, wait until it is done or the time is up, and return how it stands in each mode.

    Without a `mode` it is for every run under way. JournalError when it cannot be written down.
    """
    writer, reader = open_engine(address_of(place)), open_engine(address_of(place), reads_only=True)
    try:
        must_be_newest(writer)
        with writer.begin() as connection:
            modes = commands.modes_for(connection, wish.kind, mode)
            numbers = [commands.send(connection, wish, _now_ns(), one) for one in modes]
        deadline = time.monotonic() + wait_secs
        while True:
            with reader.begin() as connection:
                found = [one for number in numbers if (one := commands.find(connection, number))]
            if all(one.done_ns is not None for one in found) or time.monotonic() > deadline:
                return found
            time.sleep(_POLL_SECS)
    finally:
        writer.dispose()
        reader.dispose()


def _show(
    place: str,
    as_json: bool,
    find: Callable[[Connection], Any],
    table: Callable[[Any], RenderableType],
    name: str | None = None,
) -> None:
    with _exit_codes():
        engine = open_engine(address_of(place), reads_only=True)
        try:
            must_be_newest(engine)
            with engine.connect() as connection:
                found = find(connection)
        finally:
            engine.dispose()
    _print(found if name is None else {name: found}, as_json, lambda _: table(found))


def _print(value: Any, as_json: bool, table: Callable[[Any], RenderableType]) -> None:
    if as_json:
        typer.echo(json.format(json.encode(to_builtins(value)), indent=2).decode())
    else:
        open_console().print(table(value))


def _scope(connection: Connection, mode: str | None) -> Scope:
    found = last_scope(connection, mode)
    if found is None:
        raise BadJournal(f"expected a run{f' in mode {mode}' if mode else ''} in the journal, found none")
    return found


def _place(book: Path | None, journal: str | None) -> str:
    with _exit_codes():
        if journal is not None:
            return journal
        if book is None:
            raise BadBook("expected a book or --journal, found neither")
        plan = outline(read_book_file(book))
        return address_of_book(plan.name, plan.live)


@contextmanager
def _exit_codes() -> Iterator[None]:
    try:
        yield
    except (BadBook, BadJournal) as error:
        _leave(str(error), BAD_INPUT)
    except JournalError as error:
        _leave(str(error), FAILED)
    except SQLAlchemyError as error:
        _leave(f"expected the journal to answer, found: {error}", FAILED)


def _leave(message: str, code: int) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(code)


def _now_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


COMMANDS: Final[Mapping[str, Callable[..., None]]] = {
    "halt": halt,
    "resume": resume,
    "deposit": deposit,
    "withdraw": withdraw,
    "status": show_status,
    "positions": show_positions,
    "orders": show_orders,
    "pnl": show_profit,
}
"""What an operator types, by name."""


def main() -> None:
    """Run one of these commands, with nothing loaded that it does not need."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    for name, function in COMMANDS.items():
        app.command(name)(function)
    app()
