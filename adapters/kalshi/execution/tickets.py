"""What we know of each of our orders at Kalshi, with prices on the YES scale."""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, override

from adapters.kalshi.execution.translation import Contract, book_side, other_scale
from adapters.kalshi.messages.numbers import BookSide
from orders import tickets
from pricing.fees import OrderFees


@dataclass(slots=True, eq=False, kw_only=True)
class Ticket(tickets.Ticket):
    """One order of ours; prices on the YES scale.

    `wanted` is the price and size of a change on its way, `change_doubt` says what is unknown of one. `version_ns` is the
    venue's time of the price and size.
    """

    contract: Contract
    side: BookSide
    yes_price: Decimal
    change_doubt: str | None = None
    wanted: tuple[Decimal, Decimal] | None = None
    version_ns: int = 0
    changes: asyncio.Lock = field(default_factory=asyncio.Lock)
    fees: OrderFees | None = None

    @property
    @override
    def unknown(self) -> str | None:
        """What nobody knows yet: whether the order, a change of it or its cancel arrived; None when all is known."""
        return self.doubt or self.change_doubt or self.cancel_doubt

    @property
    def worst(self) -> tuple[Decimal, Decimal]:
        """Price and contracts that may still fill, at their dearest while a change is on its way."""
        if self.is_closed or self.wanted is None:
            return self.yes_price, self.leaves
        price, contracts = self.wanted
        dearest = max if self.side == "bid" else min
        return dearest(price, self.yes_price), max(contracts - self.told, self.leaves)


def ticket_of(order: Any, contract: Contract) -> Ticket:
    """Return a ticket for an order of the engine's cache, with what the engine knows of it."""
    venue_id = order.venue_order_id
    ticket = Ticket(
        contract=contract,
        instrument_id=contract.instrument_id,
        client_order_id=order.client_order_id,
        side=book_side(contract.leg, order.side),
        yes_price=other_scale(contract.leg, order.price.as_decimal()),
        contracts=order.quantity.as_decimal(),
        is_immediate=order.time_in_force.name in ("IOC", "FOK"),
        is_post_only=order.is_post_only,
        order_id=None if venue_id is None else venue_id.value,
        told=order.filled_qty.as_decimal(),
        trades={trade.value for trade in order.trade_ids},
        is_closed=order.is_closed,
    )
    if ticket.order_id is not None or ticket.is_closed:
        ticket.known.set()
    return ticket
