"""The desk: what everyone who trades at a venue looks at."""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nautilus_trader.live.clients import ExecutionClient
from nautilus_trader.model import ClientOrderId, Price, Quantity, VenueOrderId

from network.tasks import Tasks
from orders.doubts import Doubts
from orders.guard import Memory, Objection, Remembered, SecondGuard
from orders.tickets import Ticket, Tickets


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk[T: Ticket]:
    """What every command looks at; a venue's own desk has more on it."""

    client: ExecutionClient
    tickets: Tickets[T]
    doubts: Doubts
    tasks: Tasks
    second_guard: SecondGuard | None
    memory: Memory | None

    @property
    def now_ns(self) -> int:
        """The engine's time."""
        return self.client.clock.timestamp_ns()

    @property
    def uncertainty(self) -> str | None:
        """Why no risk may be opened now."""
        return self.doubts.first or next(self.unresolved(), None)

    def unresolved(self) -> Iterator[str]:
        """Name each order of which something is unknown."""
        for ticket in self.tickets.open():
            if ticket.unknown:
                yield f"order {ticket} is unresolved: {ticket.unknown}"

    def ask(self, order: Any, quantity: Quantity, price: Price | None) -> Objection | Awaitable[Objection]:
        """Return what the second guard says of an order with this size and price; no byte leaves before."""
        return None if self.second_guard is None else self.second_guard(order, quantity, price)

    async def remember(self, client_order_ids: Sequence[str]) -> Mapping[str, Remembered]:
        """Return what our records say of orders; nothing without records."""
        return {} if self.memory is None else await self.memory(client_order_ids)

    def make_ticket(self, order: Any) -> T:
        """Return a ticket for an order of the engine's cache, with what the engine knows of it."""
        raise NotImplementedError

    def ticket(self, order: Any) -> T:
        """Return the ticket of an order of the engine's cache, made from it when there is none yet."""
        return self.tickets.find(order.client_order_id.value) or self.tickets.add(self.make_ticket(order))

    def recall(self, client_order_id: str | None, order_id: str) -> T | None:
        """Return the ticket of an order that the venue speaks of; None when the engine does not know it."""
        found = self.tickets.find(client_order_id, order_id)
        if found is not None:
            return found
        cache = self.client.cache
        known = cache.client_order_id(VenueOrderId(order_id)) if order_id else None
        if known is None and client_order_id:
            known = ClientOrderId(client_order_id)
        order = None if known is None else cache.order(known)
        return None if order is None else self.ticket(order)
