"""The desk: what everyone who trades here looks at."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from nautilus_trader.live.clients import ExecutionClient
from nautilus_trader.model import ClientOrderId, InstrumentId, Price, Quantity, TimeInForce, VenueOrderId

from adapters.kalshi.config import KalshiExecutionConfig
from adapters.kalshi.constants import VENUE
from adapters.kalshi.execution.cash import Cash, Holdings
from adapters.kalshi.execution.contracts import Contracts
from adapters.kalshi.execution.doubts import Doubts
from adapters.kalshi.execution.groups import OrderGroups
from adapters.kalshi.execution.modes import Modes
from adapters.kalshi.execution.resolution import Resolver
from adapters.kalshi.execution.telling import Teller
from adapters.kalshi.execution.tickets import Ticket, Tickets, ticket_of
from adapters.kalshi.execution.translation import LEGS, Leg
from adapters.kalshi.http.client import KalshiHttp
from markets.instruments import outcome_id
from network.tasks import Tasks

type Objection = str | None
type SecondGuard = Callable[[Any, Quantity, Price | None], Objection | Awaitable[Objection]]
"""Says why an order, or a change of one, may not leave; it may take its time, such as for a disk."""


class Remembered(Protocol):
    """What our own records say of an order, and the venue never echoes."""

    @property
    def instrument_id(self) -> InstrumentId: ...
    @property
    def time_in_force(self) -> TimeInForce: ...
    @property
    def is_post_only(self) -> bool: ...
    @property
    def is_reduce_only(self) -> bool: ...


type Memory = Callable[[Sequence[str]], Awaitable[Mapping[str, Remembered]]]
"""Asks our records for orders by client id; those that they do not know are left out."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What every command looks at."""

    client: ExecutionClient
    settings: KalshiExecutionConfig
    http: KalshiHttp
    contracts: Contracts
    tickets: Tickets
    teller: Teller
    resolver: Resolver
    doubts: Doubts
    cash: Cash
    holdings: Holdings
    groups: OrderGroups
    modes: Modes
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

    def ticket(self, order: Any) -> Ticket:
        """Return the ticket of an order of the engine's cache, made from it when there is none yet."""
        found = self.tickets.find(order.client_order_id.value)
        return found or self.tickets.add(ticket_of(order, self.contracts.of(order.instrument_id)))

    def recall(self, client_order_id: str | None, order_id: str) -> Ticket | None:
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

    async def remember(self, client_order_ids: Sequence[str]) -> Mapping[str, Remembered]:
        """Return what our records say of orders; nothing without records."""
        return {} if self.memory is None else await self.memory(client_order_ids)

    def net_in_cache(self, ticker: str) -> Decimal:
        """Return the signed contracts of a market by the engine's open positions."""
        net = Decimal(0)
        for leg, sign in (("YES", 1), ("NO", -1)):
            for position in self.client.cache.positions_open(instrument_id=outcome_id(ticker, VENUE, leg)):
                side = sign if position.is_long else -sign
                net += side * position.quantity.as_decimal()  # `signed_qty` is a float, and not exact
        return net


def leg_of_memory(known: Remembered | None, ticker: str) -> Leg | None:
    """Return on which leg of a market an order was by our records; None when they do not say."""
    names: dict[InstrumentId, Leg] = {outcome_id(ticker, VENUE, leg): leg for leg in LEGS}
    return None if known is None else names.get(known.instrument_id)
