"""What we know of each of our orders at Polymarket; its id there is the hash that was signed."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, override

from adapters.polymarket.execution.statements import FillStatement
from adapters.polymarket.execution.translation import (
    RESTING,
    Contract,
    is_post_only,
    order_type_of,
    side_of,
)
from adapters.polymarket.messages.market_stream import Side
from orders import tickets


@dataclass(slots=True, eq=False, kw_only=True)
class Ticket(tickets.Ticket):
    """One order of ours; `price` is the worst that it takes, `hash` its id before it has arrived.

    `contracts` of a market buy, which is sized in pUSD (`is_quote`), are those of its fills. `reversed_shares` were matched, and
    taken back when they could not be settled; they are in `voided`. An order that `is_delayed` waits in the venue's delay of
    takers. `early` fills of an order that spends wait until it is known how many shares it got; it spends `budget_usd`, fees not
    counted, of which `spent_usd` went for the fills that were told.
    """

    contract: Contract
    side: Side
    price: Decimal
    hash: str = ""
    is_quote: bool = False
    budget_usd: Decimal = Decimal(0)
    spent_usd: Decimal = Decimal(0)
    is_delayed: bool = False
    reversed_shares: Decimal = Decimal(0)
    voided: set[str] = field(default_factory=set)
    early: dict[str, FillStatement] = field(default_factory=dict)

    @property
    @override
    def leaves(self) -> Decimal:
        """Shares that may still fill; those that were taken back never do."""
        return Decimal(0) if self.is_closed else max(Decimal(0), self.contracts - self.counted)

    @property
    @override
    def misses_fills(self) -> bool:
        return self.ending is not None and self.counted < self.ending.filled

    @property
    def counted(self) -> Decimal:
        """Shares of which we know the match, also those that were taken back."""
        return self.told + self.reversed_shares + sum((one.shares for one in self.early.values()), Decimal(0))

    @property
    def spends(self) -> bool:
        """Whether it spends its money at once, and may get more shares for it than it asked for."""
        return self.is_immediate and self.side == "BUY"


def ticket_of(order: Any, contract: Contract, worst: Decimal | None = None, order_hash: str = "") -> Ticket:
    """Return a ticket for an order of the engine's cache, with what the engine knows of it."""
    venue_id = None if order.venue_order_id is None else order.venue_order_id.value
    size = order.quantity.as_decimal()
    price = worst if worst is not None else Decimal(1) - contract.tick
    if worst is None and getattr(order, "price", None) is not None:
        price = order.price.as_decimal()
    ticket = Ticket(
        contract=contract,
        instrument_id=contract.instrument_id,
        client_order_id=order.client_order_id,
        side=side_of(order.side),
        price=price,
        hash=order_hash or venue_id or "",
        contracts=Decimal(0) if order.is_quote_quantity else size,
        is_quote=order.is_quote_quantity,
        budget_usd=size if order.is_quote_quantity else size * price,
        is_immediate=order_type_of(order) not in RESTING,
        is_post_only=is_post_only(order),
        order_id=venue_id,
        told=order.filled_qty.as_decimal(),
        trades={trade.value for trade in order.trade_ids},
        is_closed=order.is_closed,
    )
    if ticket.order_id is not None or ticket.is_closed:
        ticket.known.set()
    return ticket
