"""How the journal looks in a terminal."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from storage.journal.commands import Command
from storage.journal.overview import OrderState, Profit
from storage.journal.records import Fill, Holding, Intent, OrderEvent, Verdict
from storage.journal.tracing import Trace
from system.standing import Standing

_COLOURS: Final = {"active": "green", "reduce_only": "yellow", "halted": "red"}
_NS_PER_SEC: Final = 1_000_000_000


def status(found: Standing) -> RenderableType:
    """Return how a run stands."""
    run, phase = found.run, found.phase
    table = Table(title=f"{run.book}: {run.mode}", box=SIMPLE_HEAD, show_header=False)
    colour = _COLOURS.get(found.state, "white")
    by = f" by {found.operator}" if found.operator else ""
    since = f" since {clock(found.state_since_ns)}{by}" if found.state_since_ns else ""
    table.add_row("state", f"[{colour}]{found.state}[/]: {escape(found.cause)}{since}")
    table.add_row("run", f"{run.run}, trader {run.trader}, began {clock(run.at_ns)}")
    table.add_row("phase", f"{phase.phase} by {phase.process}, {clock(phase.at_ns)}" if phase else "not said")
    table.add_row("open orders", str(len(found.open_orders)))
    table.add_row("open positions", str(found.open_positions))
    for one in found.commands:
        table.add_row("command", command(one))
    for alert in found.alerts:
        table.add_row("alert", f"{clock(alert.at_ns)} {alert.severity}: {escape(alert.text)}")
    return table


def command(found: Command) -> str:
    """Return how a command stands, in a sentence."""
    where = f" {found.mode}" if found.mode else ""
    cash = f" {found.amount_usd} USD at {escape(found.venue or '')}" if found.amount_usd is not None else ""
    wanted = f"{found.kind}{cash}{where} by {escape(found.operator)} ({escape(found.reason)})"
    if found.done_ns is not None:
        secs = (found.done_ns - found.at_ns) / _NS_PER_SEC
        return f"{wanted}: done after {secs:.2f} s by {found.taken_by}: {escape(found.outcome or '')}"
    if found.taken_by is not None:
        return f"{wanted}: taken by {found.taken_by}, not done yet"
    return f"{wanted}: written down, but nobody has taken it; the next start will"


def positions(found: list[Holding]) -> RenderableType:
    """Return positions as a table."""
    table = _table(
        f"{len(found)} positions",
        "strategy",
        "instrument",
        numbers=("contracts", "cost", "each", "realized", "fees"),
    )
    for one in found:
        each = one.cost_usd / one.quantity if one.quantity else None
        figures = (one.cost_usd, each, one.realized_usd, one.fees_usd)
        table.add_row(one.strategy, one.instrument, str(one.quantity), *map(usd, figures))
    return table


def orders(found: list[OrderState]) -> RenderableType:
    """Return orders as a table."""
    table = _table(
        f"{len(found)} orders",
        "order",
        "strategy",
        "instrument",
        "side",
        "state",
        numbers=("contracts", "price", "filled"),
    )
    for one in found:
        price = "-" if one.price is None else str(one.price)
        words = (one.order_id, one.strategy, one.instrument, one.side, one.state)
        table.add_row(*words, str(one.quantity), price, str(one.filled))
    return table


def profit(found: dict[str, Any]) -> RenderableType:
    """Return what each strategy made, and where the money is."""
    rows: list[Profit] = found["strategies"]
    made = _table("profit in USD", "strategy", numbers=("trades", "realized", "fees", "net", "open at cost"))
    for one in rows:
        figures = (one.realized_usd, one.fees_usd, one.net_usd, one.open_cost_usd)
        made.add_row(one.strategy, str(one.trades), *map(usd, figures))
    if len(rows) > 1:
        total = [
            sum((getattr(one, name) for one in rows), Decimal(0))
            for name in ("realized_usd", "fees_usd", "net_usd", "open_cost_usd")
        ]
        made.add_row("all", str(sum(one.trades for one in rows)), *map(usd, total), style="bold")
    cash = _table("cash in USD", "venue", numbers=("cash",))
    for account, balance in found["accounts"].items():
        purse, _, venue = account.partition(":")
        if purse == "cash":
            cash.add_row(venue, usd(balance))
    return Group(made, cash)


def story(found: Trace) -> RenderableType:
    """Return an order's story as a tree."""
    first = found.verdicts[0] if found.verdicts else None
    about = f" of {first.strategy}: {_wish(first)}" if first else ""
    tree = Tree(f"[bold]{found.order_id}[/]{about}")
    if found.run:
        tree.add(f"run {found.run.run}, {found.run.mode}")
    for signal in found.signals:
        seen = f"bid {_maybe(signal.bid)}, ask {_maybe(signal.ask)}"
        tree.add(f"{clock(signal.at_ns)} signal: believes {signal.probability}, saw {seen}")
    for verdict in found.verdicts:
        _add_verdict(tree, verdict)
    for intent in found.intents:
        tree.add(f"{clock(intent.at_ns)} on the disk before sending: {intent.kind}, {_wish(intent)}")
    events = tree.add("events") if found.events else tree
    for event in found.events:
        events.add(_event(event))
    for fill in found.fills:
        tree.add(_fill(fill))
    _add_end(tree, found)
    return tree


def _add_verdict(tree: Tree, verdict: Verdict) -> None:
    proposal = tree.add(
        f"{clock(verdict.at_ns)} proposal ({verdict.kind}): {_wish(verdict)}, could cost "
        f"{usd(verdict.worst_case_usd)} USD, fee {usd(verdict.expected_fee_usd)} USD"
    )
    if verdict.rule is None:
        proposal.add("[green]passed[/]")
    else:
        proposal.add(f"[red]refused[/] by {verdict.rule}: {escape(verdict.reason or '')}")


def _add_end(tree: Tree, found: Trace) -> None:
    if found.settlement:
        end = found.settlement
        tree.add(f"{clock(end.at_ns)} settlement of {end.quantity} contracts at {end.payout} USD each")
    if found.fills:
        tree.add(f"cash of this order's fills: {usd(found.cash_usd)} USD")
    if found.position:
        held = found.position
        net = held.realized_usd - held.fees_usd
        tree.add(
            f"position of {held.strategy} in {held.instrument}: {held.quantity} contracts, realized "
            f"{usd(held.realized_usd)} USD less fees {usd(held.fees_usd)} USD = {usd(net)} USD"
        )


def _wish(found: Verdict | Intent) -> str:
    price = "any price" if found.price is None else f"{found.price}"
    return f"{found.side} {found.quantity} {found.instrument} at {price}"


def _event(event: OrderEvent) -> str:
    reason = event.detail.get("reason")
    venue = f", {event.venue_order_id} at the venue" if event.venue_order_id else ""
    return f"{clock(event.at_ns)} {event.kind}{venue}{f': {escape(str(reason))}' if reason else ''}"


def _fill(fill: Fill) -> str:
    role = "taker" if fill.is_taker else "maker"
    word = "fill" if fill.correction_id is None else f"taken back by {fill.correction_id}"
    what = f"{fill.side} {fill.quantity} at {fill.price}, {role}, fee {usd(fill.fee_usd)} USD"
    return f"{clock(fill.at_ns)} {word} {fill.trade_id}: {what}, evidence {fill.evidence}"


def clock(at_ns: int) -> str:
    """Return a time in UTC, to the millisecond."""
    whole = datetime.fromtimestamp(at_ns // _NS_PER_SEC, UTC)
    return f"{whole:%Y-%m-%d %H:%M:%S}.{at_ns % _NS_PER_SEC // 1_000_000:03d}Z"


def usd(amount: Decimal | None) -> str:
    """Return an amount to the tenth of a millicent, or a dash."""
    return "-" if amount is None else f"{amount:,.4f}"


def _maybe(value: object) -> str:
    return "-" if value is None else str(value)


def _table(title: str, *words: str, numbers: tuple[str, ...]) -> Table:
    table = Table(title=title, box=SIMPLE_HEAD)
    for name in words:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right")
    return table
