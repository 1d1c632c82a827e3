"""The laws that hold once every fault has ended and the venue was asked: each finding is one broken law."""

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from campaigns.records import Books, Known, KnownOrder, VenueOrder

LAWS: Final = ("money", "position", "fills", "duplicates", "terminal", "risk", "alive")
_OPEN: Final = frozenset({"ACCEPTED", "PARTIALLY_FILLED", "TRIGGERED", "PENDING_UPDATE", "PENDING_CANCEL"})
_NEVER_THERE: Final = frozenset({"DENIED", "REJECTED"})
_ENDED: Final = frozenset({"FILLED", "CANCELED", "EXPIRED", "VOIDED"})
_WAITS: Final = frozenset({"SUBMITTED", "PENDING_UPDATE", "PENDING_CANCEL"})


def broken_laws(books: Books, known: Known, intents: Iterable[str], *, is_reborn: bool = False) -> list[str]:
    """Return every broken law as "law: what, expected, found"; `intents` are the ids that the strategy made.

    `is_reborn`: the engine has started since, and need not know orders that ended unfilled.
    """
    return [
        *(f"alive: {text}" for text in (*books.faults, *known.broken)),
        *(f"money: {text}" for text in _money(books, known)),
        *(f"position: {text}" for text in _positions(books, known)),
        *(f"fills: {text}" for text in _fills(books, known)),
        *(f"duplicates: {text}" for text in _duplicates(books, list(intents))),
        *(f"terminal: {text}" for text in _ends(books, known, is_reborn=is_reborn)),
    ]


def _money(books: Books, known: Known) -> Iterator[str]:
    ours = known.cash_usd + known.pairs_usd
    if abs(ours - books.cash_usd) > books.cash_within_usd:
        yield f"expected {books.cash_usd} USD as at the venue, found {ours} in our ledger"


def _positions(books: Books, known: Known) -> Iterator[str]:
    summed: dict[str, Decimal] = {}
    for fill in books.fills:
        summed[fill.market] = summed.get(fill.market, Decimal(0)) + fill.signed
    for market in sorted(books.positions.keys() | known.held.keys() | known.booked.keys()):
        there = books.positions.get(market, Decimal(0))
        traded = summed.get(market, Decimal(0))
        if there != (Decimal(0) if market in books.settled else traded):
            yield f"expected {traded} contracts of {market} at the venue as in its fills, found {there}"
        for who, ours in (("the engine", known.held), ("the ledger", known.booked)):
            here = ours.get(market, Decimal(0))
            if here != there:
                yield f"expected {there} contracts of {market} as at the venue, {who} has {here}"


def _fills(books: Books, known: Known) -> Iterator[str]:
    theirs = {fill.trade_id for fill in books.fills}
    ours = Counter(trade for order in known.orders for trade in order.trades)
    for trade in sorted(theirs - ours.keys()):
        yield f"trade {trade} is lost"
    for trade, times in sorted(ours.items()):
        if trade not in theirs:
            yield f"trade {trade} never happened at the venue"
        elif times > 1:
            yield f"trade {trade} was booked {times} times"


def _duplicates(books: Books, intents: list[str]) -> Iterator[str]:
    made = Counter(intents)
    for client_id, times in made.items():
        if times > 1:
            yield f"the client id {client_id} was used for {times} orders"
    for client_id, times in Counter(order.client_order_id for order in books.orders).items():
        if client_id not in made:
            yield f"the venue has an order {client_id!r} that nobody asked for"
        elif times > 1:
            yield f"the venue has {times} orders for the one wish {client_id}"


def _ends(books: Books, known: Known, *, is_reborn: bool) -> Iterator[str]:
    theirs = {order.order_id: order for order in books.orders}
    wishes = {order.client_order_id: order for order in books.orders}
    named = {order.order_id for order in known.orders if order.order_id}
    seen = set(named)
    for order in known.orders:
        there = theirs.get(order.order_id) if order.order_id else wishes.get(order.client_order_id)
        if there is not None and order.status in _NEVER_THERE and there.order_id not in named:
            seen.add(there.order_id)
        problem = _end_of(order, there, known.unresolved)
        if problem:
            yield f"order {order.client_order_id} {problem}"
    for order_id in theirs.keys() - seen:
        there = theirs[order_id]
        may_be_forgotten = is_reborn and not there.is_open and not there.filled
        if not may_be_forgotten and not _is_named(there.client_order_id, known.unresolved):
            yield f"the engine does not know the venue's order {order_id} ({there.client_order_id})"


def _end_of(order: KnownOrder, there: VenueOrder | None, unresolved: tuple[str, ...]) -> str | None:
    if _is_named(order.client_order_id, unresolved):
        return None
    if order.status in _NEVER_THERE:
        return _refutation(order, there)
    if there is None:
        is_local = order.status == "CANCELED" and order.order_id is None  # taken back before it left
        return None if is_local else f"is {order.status}, the venue never had it"
    if order.filled != there.filled:
        return f"has {order.filled} filled, the venue says {there.filled}"
    if order.status in _ENDED:
        return "has ended, at the venue it is open" if there.is_open else None
    if order.status in _OPEN - _WAITS:
        return None if there.is_open else f"is {order.status}, at the venue it has ended"
    return f"is {order.status} and nobody says why"


def _refutation(order: KnownOrder, there: VenueOrder | None) -> str | None:
    """Return how the venue refutes that it does not have an order; one that it had ended unfilled, or that came later, does not."""
    if there is None or there.made_ns > order.changed_ns:
        return None
    if not there.is_open and not there.filled and there.changed_ns <= order.changed_ns:
        return None
    return f"is {order.status} since {order.changed_ns}, the venue has had it since {there.made_ns}"


def _is_named(client_order_id: str, unresolved: tuple[str, ...]) -> bool:
    return any(client_order_id in text for text in unresolved)
