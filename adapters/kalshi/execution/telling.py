"""What the venue stated about a ticket, told to the engine: each thing once, in an order that can be true."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from nautilus_trader.live.clients import ExecutionClient
from nautilus_trader.model import LiquiditySide, Money, OrderSide, TradeId, VenueOrderId

from adapters.kalshi.execution.statements import POST_ONLY_CROSS, FillStatement, OrderStatement
from adapters.kalshi.execution.tickets import Ending, Ticket, Tickets
from adapters.kalshi.execution.translation import order_side, other_scale, to_price, to_quantity
from adapters.kalshi.messages.orders import CreatedOrder
from markets.currencies import USD
from pricing.fees import OrderFees

_LOG: Final = logging.getLogger(__name__)
_MILLISECOND_NS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Ears:
    """Who hears what the teller learns: a fill, that fills are missing, and that a cancelled order has arrived."""

    on_fill: Callable[[FillStatement], None]
    on_missing: Callable[[Ticket], None]
    on_unwanted: Callable[[Ticket], None]


class Teller:
    """Turns statements into events of `client`. Statements may repeat, overtake each other and arrive twice.

    The state of an order is the largest number of filled contracts that anyone stated, and an end is told
    only after as many contracts as it counts. So a cancel that overtakes its fills waits for them.
    """

    def __init__(self, client: ExecutionClient, tickets: Tickets, ears: Ears) -> None:
        self._client = client
        self._tickets = tickets
        self._ears = ears

    def order(self, ticket: Ticket) -> Any:
        """Return the engine's order; LookupError when it has none."""
        order = self._client.cache.order(ticket.client_order_id)
        if order is None:
            raise LookupError(f"expected order {ticket} in the cache, found none")
        return order

    def accept(self, ticket: Ticket, order_id: str, at_ns: int) -> None:
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

    def reject(self, ticket: Ticket, reason: str, *, due_post_only: bool = False) -> None:
        """Tell that the venue never had the order, or took it back before it rested."""
        if ticket.is_closed:
            return
        order = self.order(ticket)
        self._client.generate_order_rejected(order, reason, self._now_ns(), due_post_only)
        self._close(ticket)

    def drop(self, ticket: Ticket) -> None:
        """Close a ticket whose order never left; the engine has closed the order itself."""
        self._close(ticket)

    def take_created(self, ticket: Ticket, created: CreatedOrder) -> None:
        """Tell what the answer to a create says; the stream may have said all of it before."""
        if ticket.is_closed:
            return
        at_ns = created.ts_ms * _MILLISECOND_NS
        is_gone = created.remaining_count == 0
        if ticket.is_post_only and is_gone and created.fill_count == 0:
            if ticket.order_id is None:
                self.reject(ticket, f"POST_ONLY would cross ({POST_ONLY_CROSS})", due_post_only=True)
            return
        self.accept(ticket, created.order_id, at_ns)
        if is_gone or ticket.is_immediate:
            is_whole = created.fill_count >= ticket.contracts
            self.end(ticket, Ending("executed" if is_whole else "canceled", created.fill_count, at_ns))
        elif created.fill_count > ticket.told:
            self._ears.on_missing(ticket)

    def take_order(self, ticket: Ticket, stated: OrderStatement) -> None:
        """Tell what is new in a statement about the order."""
        if ticket.is_closed:
            return
        at_ns = stated.at_ns or self._now_ns()
        if stated.reason == POST_ONLY_CROSS and ticket.order_id is None and stated.filled == 0:
            self.reject(ticket, f"POST_ONLY would cross ({POST_ONLY_CROSS})", due_post_only=True)
            return
        self.accept(ticket, stated.order_id, at_ns)
        if stated.end is not None:
            self.end(ticket, Ending(stated.end, stated.filled, at_ns))
            return
        self.take_terms(ticket, stated.yes_price, stated.size, stated.at_ns)
        if stated.filled > ticket.told:
            self._ears.on_missing(ticket)

    def take_terms(self, ticket: Ticket, yes_price: Decimal, contracts: Decimal, at_ns: int) -> None:
        """Tell a new price or size, unless a later one is known."""
        if at_ns < ticket.version_ns or ticket.is_closed:
            return
        ticket.version_ns = at_ns
        if (yes_price, contracts) == (ticket.yes_price, ticket.contracts):
            return
        ticket.yes_price, ticket.contracts = yes_price, contracts
        self._client.generate_order_updated(
            self.order(ticket),
            VenueOrderId(ticket.order_id or ""),
            to_quantity(contracts),
            to_price(other_scale(ticket.contract.leg, yes_price)),
            None,
            None,
            at_ns,
        )

    def take_fill(self, ticket: Ticket, fill: FillStatement) -> None:
        """Tell a fill on the ticket's own instrument, once per trade, and after that what waited for it."""
        if fill.trade_id in ticket.trades:
            return
        if fill.side != ticket.side or fill.ticker != ticket.contract.ticker:
            expected = f"{ticket.side} of {ticket.contract.ticker}"
            raise ValueError(
                f"expected fill {fill.trade_id} of {ticket} to be a {expected}, found {fill.side} of {fill.ticker}"
            )
        self.accept(ticket, fill.order_id, fill.at_ns)
        self._grow(ticket, fill)
        leg = ticket.contract.leg
        self._client.generate_order_filled(
            self.order(ticket),
            VenueOrderId(fill.order_id),
            None,
            TradeId(fill.trade_id),
            to_quantity(fill.contracts),
            to_price(other_scale(leg, fill.yes_price)),
            USD,
            Money.from_decimal(fill.fee_usd, USD),
            LiquiditySide.TAKER if fill.is_taker else LiquiditySide.MAKER,
            fill.at_ns,
        )
        ticket.trades.add(fill.trade_id)
        ticket.told += fill.contracts
        _compare_fee(ticket, fill)
        self._ears.on_fill(fill)
        if ticket.told >= ticket.contracts and ticket.ending is None:
            ticket.ending = Ending("executed", ticket.told, fill.at_ns)
        self._settle(ticket)

    def _grow(self, ticket: Ticket, fill: FillStatement) -> None:
        """Tell first that an order has grown when a fill says so: a larger size may fill before its answer comes.

        The engine refuses fills beyond the size that it knows, and they would be lost.
        """
        total = ticket.told + fill.contracts
        if total > ticket.contracts:
            yes_price, contracts = ticket.wanted or (ticket.yes_price, total)
            self.take_terms(ticket, yes_price, max(contracts, total), max(fill.at_ns, ticket.version_ns))

    def want_fills(self, ticket: Ticket) -> None:
        """Ask for fills that were counted, but not told yet."""
        self._ears.on_missing(ticket)

    def end(self, ticket: Ticket, ending: Ending) -> None:
        """Tell an end as soon as every contract that it counts is told."""
        if ticket.is_closed:
            return
        before = ticket.ending
        if before is None or ending.filled >= before.filled:
            ticket.ending = ending
        self._settle(ticket)

    def _settle(self, ticket: Ticket) -> None:
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

    def _close(self, ticket: Ticket) -> None:
        ticket.is_closed, ticket.doubt, ticket.closed_ns = True, None, self._now_ns()
        ticket.known.set()

    def _now_ns(self) -> int:
        return self._client.clock.timestamp_ns()


def _compare_fee(ticket: Ticket, fill: FillStatement) -> None:
    contract = ticket.contract
    try:
        terms = contract.fees.at(fill.at_ns)
        fees = ticket.fees = ticket.fees or OrderFees(terms)
        fees.terms = terms
        price = other_scale(contract.leg, fill.yes_price)
        is_bought = order_side(contract.leg, fill.side) == OrderSide.BUY
        cash = fill.contracts * price * (-1 if is_bought else 1)
        modelled = fees.charge(fill.contracts, price, cash, fill.is_taker)
    except (LookupError, ValueError) as error:
        _LOG.warning(
            "fill %s of %s was charged %s, unmodelled: %s", fill.trade_id, ticket, fill.fee_usd, error
        )
        return
    if modelled != fill.fee_usd:
        _LOG.warning(
            "fill %s of %s was charged %s USD, the model says %s",
            fill.trade_id,
            ticket,
            fill.fee_usd,
            modelled,
        )
