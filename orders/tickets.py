"""What we know of each of our orders: what was sent, what was told to the engine, what is still in doubt."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal, override

from nautilus_trader.model import ClientOrderId, InstrumentId

type End = Literal["canceled", "expired", "executed"]

_REMEMBERED_NS: Final = 900_000_000_000


@dataclass(frozen=True, slots=True)
class Ending:
    """How an order ended, with how many contracts filled."""

    end: End
    filled: Decimal
    at_ns: int


@dataclass(slots=True, eq=False, kw_only=True)
class Ticket:
    """One order of ours; sizes in contracts, times in nanoseconds since the epoch.

    `order_id` is the venue's and known once the order arrived. `told` contracts were told to the engine, by
    the trades in `trades`. `is_submitted` says that the engine was told of its leaving. `ending` is what the venue said; the order is `is_closed` once all fills before
    it are told too. `doubt` says what is unknown about it, None when nothing is, `cancel_doubt` the same of its cancel, which is followed while `is_cancelling`.
    `known` is set when the venue's id is known or will never be, `ended` when we have told that it is closed.
    """

    client_order_id: ClientOrderId
    instrument_id: InstrumentId
    contracts: Decimal
    is_immediate: bool = False
    is_post_only: bool = False
    is_submitted: bool = False
    sent_ns: int = 0
    order_id: str | None = None
    told: Decimal = Decimal(0)
    trades: set[str] = field(default_factory=set)
    ending: Ending | None = None
    is_closed: bool = False
    closed_ns: int = 0
    doubt: str | None = None
    cancel_doubt: str | None = None
    is_cancelling: bool = False
    is_fetching: bool = False
    known: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def unknown(self) -> str | None:
        """What nobody knows yet: whether the order or its cancel arrived; None when all is known."""
        return self.doubt or self.cancel_doubt

    @property
    def leaves(self) -> Decimal:
        """Contracts that may still fill."""
        return Decimal(0) if self.is_closed else self.contracts - self.told

    @property
    def is_refuted(self) -> bool:
        """Whether the engine was told that the venue does not have it; then the venue must not show it alive."""
        return self.is_closed and self.order_id is None

    @property
    def misses_fills(self) -> bool:
        """Whether the venue told of more contracts than we have fills for."""
        return self.ending is not None and self.told < self.ending.filled

    @override
    def __str__(self) -> str:
        return f"{self.client_order_id.value} on {self.instrument_id}"


class Tickets[T: Ticket]:
    """All of them, by our id and by the venue's."""

    def __init__(self) -> None:
        self._by_client_id: dict[str, T] = {}
        self._by_order_id: dict[str, T] = {}
        self._open: dict[str, T] = {}

    def __iter__(self) -> Iterator[T]:
        return iter([*self._by_client_id.values()])

    def add(self, ticket: T, expected_id: str | None = None) -> T:
        """Keep a ticket; where its id at the venue is known before it arrives, it is found by that too."""
        self._by_client_id[ticket.client_order_id.value] = ticket
        self._open[ticket.client_order_id.value] = ticket
        order_id = ticket.order_id or expected_id
        if order_id is not None:
            self._by_order_id[order_id] = ticket
        return ticket

    def find(self, client_order_id: str | None, order_id: str | None = None) -> T | None:
        """Return the ticket with one of the two ids."""
        found = self._by_order_id.get(order_id) if order_id else None
        return found or (self._by_client_id.get(client_order_id) if client_order_id else None)

    def name(self, ticket: T, order_id: str) -> None:
        """Note the venue's id; a changed order may get a new one, and the old one stays ours."""
        ticket.order_id = order_id
        self._by_order_id[order_id] = ticket
        ticket.known.set()

    def open(self) -> list[T]:
        """Return those that may still change."""
        # A ticket never opens again, and thousands that ended are remembered.
        for name in [name for name, ticket in self._open.items() if ticket.is_closed]:
            del self._open[name]
        return [*self._open.values()]

    def forget(self, now_ns: int) -> None:
        """Drop those that ended so long ago that no late message can mean them."""
        for ticket in self:
            if ticket.is_closed and ticket.closed_ns + _REMEMBERED_NS < now_ns:
                del self._by_client_id[ticket.client_order_id.value]
        kept = {id(ticket) for ticket in self._by_client_id.values()}
        self._by_order_id = {name: one for name, one in self._by_order_id.items() if id(one) in kept}
