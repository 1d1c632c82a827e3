"""What Polymarket stated about a ticket, told to the engine: a match is a fill, and taken back when it cannot be settled."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, override

from nautilus_trader.core import UUID4
from nautilus_trader.live.clients import ExecutionClient
from nautilus_trader.model import LiquiditySide, Money, OrderFillVoided, TradeId, VenueOrderId

from adapters.polymarket.execution.statements import DUST, FillStatement, OrderStatement
from adapters.polymarket.execution.tickets import Ticket
from adapters.polymarket.execution.translation import Contract, order_side, to_price, to_quantity
from adapters.polymarket.messages.orders import OrderAnswer
from markets.currencies import PUSD
from orders import telling
from orders.tickets import Ending, Tickets
from pricing.fees import OrderFees

_LOG: Final = logging.getLogger(__name__)
_CENT_OF_A_CENT: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Ledgers:
    """Who counts what the engine is told: a fill, its settlement, its reversal; and who hears what cannot be right."""

    on_fill: Callable[[FillStatement], None]
    on_final: Callable[[FillStatement], None]
    on_reversed: Callable[[FillStatement], None]
    on_difference: Callable[[str], None]


class Teller(telling.Teller[Ticket]):
    """Turns Polymarket's statements into events of `client`."""

    def __init__(
        self,
        client: ExecutionClient,
        tickets: Tickets[Ticket],
        ears: telling.Ears[Ticket],
        ledgers: Ledgers,
    ) -> None:
        super().__init__(client, tickets, ears)
        self._ledgers = ledgers

    def take_answer(self, ticket: Ticket, answer: OrderAnswer) -> None:
        """Tell what the answer to a post says; the stream may have said all of it before."""
        if ticket.is_closed:
            return
        if answer.status == "delayed":
            ticket.is_delayed = ticket.order_id is None
            return
        now_ns, matched = self._now_ns(), answer.matched(ticket.side)
        self.accept(ticket, ticket.hash, now_ns)
        if ticket.is_immediate and answer.status == "matched" and matched > 0:
            is_whole = ticket.contracts - matched < DUST
            self.end(ticket, Ending("executed" if is_whole else "canceled", matched, now_ns))
        elif answer.status == "matched":
            self.want_fills(ticket)

    def take_kill(self, ticket: Ticket) -> None:
        """Tell that an order that takes found nothing to take: it ends, as in the simulated exchange, and is not refused."""
        if ticket.is_closed:
            return
        now_ns = self._now_ns()
        self.accept(ticket, ticket.hash, now_ns)
        self.end(ticket, Ending("canceled", ticket.counted, now_ns))

    def take_order(self, ticket: Ticket, stated: OrderStatement) -> None:
        """Tell what is new in a statement about the order."""
        if ticket.is_closed:
            return
        if stated.is_delayed:
            ticket.is_delayed, ticket.doubt = True, None
            return
        at_ns = stated.at_ns or self._now_ns()
        ticket.is_delayed = False
        self.accept(ticket, stated.order_id, at_ns)
        if stated.end is not None:
            self.end(ticket, Ending(stated.end, stated.filled, at_ns))
        elif stated.filled > ticket.counted:
            self.want_fills(ticket)

    def take_fill(self, ticket: Ticket, fill: FillStatement) -> None:
        """Tell a match on the ticket's own instrument, once per trade, and its reversal when its settlement fails."""
        if fill.side != ticket.side or fill.token_id != ticket.contract.token_id:
            expected = f"{ticket.side} of {ticket.contract.token_id}"
            found = f"{fill.side} of {fill.token_id}"
            raise ValueError(f"expected fill {fill.trade_id} of {ticket} to be a {expected}, found {found}")
        if fill.is_failed:
            self._take_back(ticket, fill)
            return
        if fill.name not in ticket.trades and ticket.spends and ticket.ending is None:
            ticket.early[fill.name] = fill
            self.accept(ticket, fill.order_id, fill.at_ns)
            self.want_fills(ticket)
        elif fill.name not in ticket.trades:
            self._tell(ticket, fill)
        elif fill.name in ticket.voided:
            self._ledgers.on_difference(f"trade {fill.trade_id} of {ticket} failed, and is {fill.status} now")
            return
        if fill.is_final:
            self._ledgers.on_final(fill)

    @override
    def end(self, ticket: Ticket, ending: Ending) -> None:
        """Tell an end as soon as every share that it counts is told, and how many a spending order got before that."""
        if ticket.spends and not ticket.is_closed and ticket.ending is None:
            total = max(ending.filled, ticket.counted)
            early, ticket.early = ticket.early, {}
            ticket.ending = ending
            if total > ticket.contracts or (ticket.is_quote and total):
                self._resize(ticket, total, ticket.hash, ending.at_ns)
            for fill in early.values():
                self._tell(ticket, fill)
        super().end(ticket, ending)

    def end_unlisted(self, ticket: Ticket) -> None:
        """Tell the end of an order that rested and is not open any more; all its matches that are listed are told."""
        self.end(ticket, Ending("canceled", ticket.counted, self._now_ns()))

    def _tell(self, ticket: Ticket, fill: FillStatement) -> None:
        ticket.is_delayed = False
        self.accept(ticket, fill.order_id, fill.at_ns)
        self._grow(ticket, fill)
        self.tell_trade(ticket, trade_of(fill, ticket.contract))
        ticket.spent_usd += fill.shares * fill.price
        if fill.price % _CENT_OF_A_CENT:
            self._ledgers.on_difference(
                f"trade {fill.trade_id} of {ticket} has the price {fill.price}, which we round"
            )
        self._ledgers.on_fill(fill)
        if not ticket.is_quote and ticket.contracts - ticket.counted < DUST and ticket.ending is None:
            ticket.ending = Ending("executed", ticket.counted, fill.at_ns)
        self._settle(ticket)

    def _grow(self, ticket: Ticket, fill: FillStatement) -> None:
        """Tell first how many shares an order has when it was sized in money, or got more than it asked for.

        The engine refuses fills beyond the size that it knows, and they would be lost.
        """
        total = ticket.told + fill.shares
        if total <= ticket.contracts:
            return
        if ticket.is_closed:
            self._ledgers.on_difference(f"trade {fill.trade_id} goes beyond the size of {ticket}")
        self._resize(ticket, total, fill.order_id, fill.at_ns)

    def _resize(self, ticket: Ticket, shares: Decimal, order_id: str, at_ns: int) -> None:
        ticket.contracts = shares
        order, venue_id = self.order(ticket), VenueOrderId(order_id)
        self._client.generate_order_updated(order, venue_id, to_quantity(shares), None, None, None, at_ns)

    def _take_back(self, ticket: Ticket, fill: FillStatement) -> None:
        if fill.name in ticket.voided:
            return
        ticket.voided.add(fill.name)
        ticket.early.pop(fill.name, None)
        ticket.reversed_shares += fill.shares
        if fill.name not in ticket.trades:  # it failed before we heard of it: nothing was told
            ticket.trades.add(fill.name)
            self._settle(ticket)
            return
        _LOG.error("trade %s of %s is taken back: its settlement failed", fill.trade_id, ticket)
        ticket.told -= fill.shares
        self._client._handle_event(self._void_of(ticket, fill))
        self._ledgers.on_reversed(fill)
        self._settle(ticket)

    def _void_of(self, ticket: Ticket, fill: FillStatement) -> OrderFillVoided:
        # An order that is open stays so, by `is_reopened`; one that has ended does not rise again (run on rc7).
        order, trade, now_ns = self.order(ticket), trade_of(fill, ticket.contract), self._now_ns()
        return OrderFillVoided(
            order.trader_id,
            order.strategy_id,
            order.instrument_id,
            order.client_order_id,
            VenueOrderId(fill.order_id),
            self._client.account_id,
            f"FAILED-{fill.name}",
            TradeId(fill.name),
            trade.contracts,
            order_side(fill.side),
            order.order_type,
            trade.price,
            PUSD,
            LiquiditySide.TAKER if fill.is_taker else LiquiditySide.MAKER,
            UUID4(),
            fill.at_ns,
            now_ns,
            False,
            is_reopened=not ticket.is_closed,
            commission_voided=trade.fee,
            reason="the settlement of the match failed",
        )


def trade_of(fill: FillStatement, contract: Contract) -> telling.Trade:
    """Return a fill in the engine's figures, with the fee that the market's schedule asks of it."""
    terms = contract.fees.at(fill.at_ns)
    cash = fill.shares * fill.price * (-1 if fill.side == "BUY" else 1)
    fee = OrderFees(terms).charge(fill.shares, fill.price, cash, fill.is_taker)
    return telling.Trade(
        trade_id=fill.name,
        order_id=fill.order_id,
        contracts=to_quantity(fill.shares),
        price=to_price(fill.price),
        fee=Money.from_decimal(fee, PUSD),
        is_taker=fill.is_taker,
        at_ns=fill.at_ns,
    )
