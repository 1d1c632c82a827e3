"""What an operator asks of a journal: which orders are open, what is held, what was earned."""

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, select

from storage.journal.reading import read, read_last_of_each
from storage.journal.records import Fill, Holding, LedgerEntry, OrderEvent, Verdict
from storage.journal.scope import Scope
from storage.journal.tables import TABLES

_ENDS: Final = {
    "OrderDenied": "denied",
    "OrderRejected": "rejected",
    "OrderCanceled": "canceled",
    "OrderExpired": "expired",
    "NeverArrived": "never arrived",
}
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class OrderState:
    """An order as the journal knows it: contracts, USD per contract, nanoseconds since the epoch."""

    order_id: str
    at_ns: int
    strategy: str
    instrument: str
    side: str
    quantity: Decimal
    price: Decimal | None
    filled: Decimal
    state: str

    @property
    def is_open(self) -> bool:
        """Whether it may still trade, as far as the journal knows."""
        return self.state in ("passed", "in flight", "resting")


@dataclass(frozen=True, slots=True)
class Profit:
    """What a strategy made, in USD: `net_usd` is realized profit less fees; open positions count at their cost."""

    strategy: str
    trades: int
    contracts: Decimal
    open_cost_usd: Decimal
    realized_usd: Decimal
    fees_usd: Decimal

    @property
    def net_usd(self) -> Decimal:
        """Realized profit less fees."""
        return self.realized_usd - self.fees_usd


def positions(connection: Connection, scope: Scope, *, with_closed: bool = False) -> list[Holding]:
    """Return what each strategy holds of each instrument."""
    held = read_last_of_each(connection, Holding, ("strategy", "instrument"), scope.of(Holding))
    return [one for one in held if with_closed or one.quantity]


def profits(connection: Connection, scope: Scope) -> list[Profit]:
    """Return what each strategy made, by name."""
    fills = TABLES[Fill]
    counted = select(fills.c.strategy, func.count()).where(scope.of(Fill), fills.c.correction_id.is_(None))
    rows = connection.execute(counted.group_by(fills.c.strategy))
    trades: dict[str, int] = {strategy: count for strategy, count in rows}
    found: dict[str, Profit] = {}
    for one in positions(connection, scope, with_closed=True):
        before = found.get(one.strategy) or Profit(
            one.strategy, trades.get(one.strategy, 0), _ZERO, _ZERO, _ZERO, _ZERO
        )
        found[one.strategy] = replace(
            before,
            contracts=before.contracts + one.quantity,
            open_cost_usd=before.open_cost_usd + one.cost_usd,
            realized_usd=before.realized_usd + one.realized_usd,
            fees_usd=before.fees_usd + one.fees_usd,
        )
    return sorted(found.values(), key=lambda one: one.strategy)


def accounts(connection: Connection, scope: Scope) -> dict[str, Decimal]:
    """Return the balance of every account of the ledger that is not at 0, in USD."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for entry in read(connection, LedgerEntry, scope.of(LedgerEntry)):
        sums[entry.account] += entry.amount_usd
    return {account: balance for account, balance in sorted(sums.items()) if balance}


def orders(connection: Connection, scope: Scope, *, with_closed: bool = False) -> list[OrderState]:
    """Return the orders that passed the guard or were sent to it, in the order of their first verdict."""
    verdicts = TABLES[Verdict].c
    asked = {
        one.order_id: one for one in read(connection, Verdict, scope.of(Verdict), verdicts.kind == "new")
    }
    kind = TABLES[OrderEvent].c.kind
    last = _last_of_each(connection, scope, kind.not_in(("OrderInitialized", "OrderFilled")))
    changed = _last_of_each(connection, scope, kind == "OrderUpdated")
    filled = _filled(connection, scope)
    states = [
        _state(one, last.get(name), changed.get(name), filled.get(name, _ZERO)) for name, one in asked.items()
    ]
    return [one for one in states if with_closed or one.is_open]


def _last_of_each(connection: Connection, scope: Scope, which: ColumnElement[bool]) -> dict[str, OrderEvent]:
    found = read_last_of_each(connection, OrderEvent, ("order_id",), scope.of(OrderEvent), which)
    return {one.order_id: one for one in found}


def _filled(connection: Connection, scope: Scope) -> dict[str, Decimal]:
    filled: defaultdict[str, Decimal] = defaultdict(Decimal)
    for fill in read(connection, Fill, scope.of(Fill)):
        filled[fill.order_id] += fill.quantity if fill.correction_id is None else -fill.quantity
    return filled


def _state(
    asked: Verdict, last: OrderEvent | None, changed: OrderEvent | None, filled: Decimal
) -> OrderState:
    quantity, price = asked.quantity, asked.price
    if changed is not None:  # also when more has been told since: a cancel that came too late, say
        quantity = Decimal(changed.detail["quantity"])
        price = Decimal(changed.detail["price"]) if "price" in changed.detail else price
    return OrderState(
        order_id=asked.order_id,
        at_ns=asked.at_ns,
        strategy=asked.strategy,
        instrument=asked.instrument,
        side=asked.side,
        quantity=quantity,
        price=price,
        filled=filled,
        state=_word(asked, last, is_whole=filled >= quantity),
    )


def _word(asked: Verdict, last: OrderEvent | None, *, is_whole: bool) -> str:
    if asked.rule is not None:
        return "denied"
    if is_whole:
        return "filled"
    if last is None:
        return "passed"
    if end := _ENDS.get(last.kind):
        return end
    return "in flight" if last.kind == "OrderSubmitted" else "resting"
