"""What Kalshi stated about a ticket, told to the engine."""

import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from nautilus_trader.live.clients import ExecutionClient
from nautilus_trader.model import Money, OrderSide, VenueOrderId

from adapters.kalshi.execution.statements import POST_ONLY_CROSS, FillStatement, OrderStatement
from adapters.kalshi.execution.tickets import Ticket
from adapters.kalshi.execution.translation import order_side, other_scale, to_price, to_quantity
from adapters.kalshi.messages.orders import CreatedOrder
from markets.currencies import USD
from orders import telling
from orders.tickets import Ending, Tickets
from pricing.fees import OrderFees

_LOG: Final = logging.getLogger(__name__)
_MILLISECOND_NS: Final = 1_000_000


class Teller(telling.Teller[Ticket]):
    """Turns Kalshi's statements into events of `client`."""

    def __init__(
        self,
        client: ExecutionClient,
        tickets: Tickets[Ticket],
        ears: telling.Ears[Ticket],
        on_fill: Callable[[FillStatement], None],
    ) -> None:
        super().__init__(client, tickets, ears)
        self._on_fill = on_fill

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
            self.want_fills(ticket)

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
            self.want_fills(ticket)

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
        trade = telling.Trade(
            trade_id=fill.trade_id,
            order_id=fill.order_id,
            contracts=to_quantity(fill.contracts),
            price=to_price(other_scale(ticket.contract.leg, fill.yes_price)),
            fee=Money.from_decimal(fill.fee_usd, USD),
            is_taker=fill.is_taker,
            at_ns=fill.at_ns,
        )
        self.tell_trade(ticket, trade)
        _compare_fee(ticket, fill)
        self._on_fill(fill)
        self.end_when_full(ticket, fill.at_ns)

    def _grow(self, ticket: Ticket, fill: FillStatement) -> None:
        """Tell first that an order has grown when a fill says so, or may say so: it fills the size that is to grow.

        A larger size may fill before its answer comes. The engine refuses fills beyond the size that it knows, and
        closes an order that is full, although the venue may hold more of it: both would be lost.
        """
        total = ticket.told + fill.contracts
        is_growing = ticket.wanted is not None and ticket.wanted[1] > ticket.contracts
        if total > ticket.contracts or (is_growing and total == ticket.contracts):
            yes_price, contracts = ticket.wanted or (ticket.yes_price, total)
            self.take_terms(ticket, yes_price, max(contracts, total), max(fill.at_ns, ticket.version_ns))


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
