"""What a venue stated about a ticket, told to the engine: each thing once, in an order that can be true."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nautilus_trader.live.clients import ExecutionClient
from nautilus_trader.model import LiquiditySide, Money, Price, Quantity, TradeId, VenueOrderId

from orders.tickets import Ending, Ticket, Tickets


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A fill of an order on its own instrument, at its own price, with the fee as charged."""

    trade_id: str
    order_id: str
    contracts: Quantity
    price: Price
    fee: Money
    is_taker: bool
    at_ns: int


@dataclass(frozen=True, slots=True)
class Ears[T: Ticket]:
    """Who hears what the teller learns: that fills are missing, and that a cancelled order has arrived."""

    on_missing: Callable[[T], None]
    on_unwanted: Callable[[T], None]


class Teller[T: Ticket]:
    """Turns statements into events of `client`. Statements may repeat, overtake each other and arrive twice.

    The state of an order is the largest number of filled contracts that anyone stated, and an end is told
    only after as many contracts as it counts. So a cancel that overtakes its fills waits for them.
    """

    def __init__(self, client: ExecutionClient, tickets: Tickets[T], ears: Ears[T]) -> None:
        self._client = client
        self._tickets = tickets
        self._ears = ears

    def order(self, ticket: T) -> Any:
        """Return the engine's order; LookupError when it has none."""
        order = self._client.cache.order(ticket.client_order_id)
        if order is None:
            raise LookupError(f"expected order {ticket} in the cache, found none")
        return order

    def accept(self, ticket: T, order_id: str, at_ns: int) -> None:
        """Tell that the venue has the order, once."""
        ticket.doubt = None
        if ticket.order_id is not None:
            return
        self._tickets.name(ticket, order_id)
        order = self.order(ticket)
        if order.is_closed:  # by the engine itself, before it marked the order submitted (rc7)
            self._ears.on_unwanted(ticket)
        else:
            self._client.generate_order_accepted(order, VenueOrderId(order_id), at_ns)

    def reject(self, ticket: T, reason: str, *, due_post_only: bool = False) -> None:
        """Tell that the venue never had the order, or took it back before it rested."""
        if ticket.is_closed:
            return
        order = self.order(ticket)
        self._client.generate_order_rejected(order, reason, self._now_ns(), due_post_only)
        self._close(ticket)

    def drop(self, ticket: T) -> None:
        """Close a ticket whose order never left; the engine has closed the order itself."""
        self._close(ticket)

    def tell_trade(self, ticket: T, trade: Trade) -> None:
        """Tell a fill; the caller sees to it that it is told once, and settles then."""
        self._client.generate_order_filled(
            self.order(ticket),
            VenueOrderId(trade.order_id),
            None,
            TradeId(trade.trade_id),
            trade.contracts,
            trade.price,
            trade.fee.currency,
            trade.fee,
            LiquiditySide.TAKER if trade.is_taker else LiquiditySide.MAKER,
            trade.at_ns,
        )
        ticket.trades.add(trade.trade_id)
        ticket.told += trade.contracts.as_decimal()

    def want_fills(self, ticket: T) -> None:
        """Ask for fills that were counted, but not told yet."""
        self._ears.on_missing(ticket)

    def end(self, ticket: T, ending: Ending) -> None:
        """Tell an end as soon as every contract that it counts is told."""
        if ticket.is_closed:
            return
        before = ticket.ending
        if before is None or ending.filled >= before.filled:
            ticket.ending = ending
        self._settle(ticket)

    def end_when_full(self, ticket: T, at_ns: int) -> None:
        """Close an order that filled to the last contract, and tell what waited for its fills."""
        if ticket.told >= ticket.contracts and ticket.ending is None:
            ticket.ending = Ending("executed", ticket.told, at_ns)
        self._settle(ticket)

    def _settle(self, ticket: T) -> None:
        ending = ticket.ending
        if ending is None or ticket.is_closed:
            return
        if ticket.misses_fills:
            self._ears.on_missing(ticket)
            return
        order, venue_id = self.order(ticket), VenueOrderId(ticket.order_id or "")
        if ticket.told < ticket.contracts and not order.is_closed:
            if ending.end == "expired":
                self._client.generate_order_expired(order, venue_id, ending.at_ns)
            else:
                self._client.generate_order_canceled(order, venue_id, ending.at_ns)
        self._close(ticket)

    def _close(self, ticket: T) -> None:
        ticket.is_closed, ticket.doubt, ticket.closed_ns = True, None, self._now_ns()
        ticket.ended.set()
        ticket.known.set()

    def _now_ns(self) -> int:
        return self._client.clock.timestamp_ns()
