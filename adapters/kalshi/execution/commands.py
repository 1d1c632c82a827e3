"""Commands to requests: checked here before a byte leaves, sent once, and booked as done, refused or unknown."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, Final, override

from nautilus_trader.model import Price, Quantity, VenueOrderId

from adapters.kalshi import constants as venue
from adapters.kalshi.execution import translation
from adapters.kalshi.execution.desk import Desk
from adapters.kalshi.execution.opening import refusal_of_risk
from adapters.kalshi.execution.resolution import LATE_NS
from adapters.kalshi.execution.tickets import Ticket, ticket_of
from adapters.kalshi.execution.wishes import wishes_of
from adapters.kalshi.messages.numbers import size_text
from adapters.kalshi.messages.orders import (
    AmendedOrder,
    CanceledOrder,
    CancelOrder,
    CreatedOrder,
    CreateOrder,
    DecreasedOrder,
    DecreaseOrder,
)
from adapters.kalshi.messages.refusals import says_duplicate
from network.outcomes import Done, Outcome, Refused, Unknown
from orders.ending import Cancelling
from orders.guard import Objection
from orders.leaving import Leaving, Params
from orders.tickets import Ending

_LOG: Final = logging.getLogger(__name__)
_MILLISECOND_NS: Final = 1_000_000
_MOST_IN_BATCH: Final = 20
_NOT_FOUND: Final = 404
_THROTTLED: Final = 429


class Submission(Leaving[Ticket, CreateOrder, CreatedOrder]):
    """New orders at Kalshi."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, desk.teller)
        self._desk = desk

    @override
    def problem_of_risk(self, ticket: Ticket) -> str | None:
        return refusal_of_risk(self._desk, ticket, ticket.contracts)

    @override
    async def send(self, ticket: Ticket, request: CreateOrder) -> Outcome[CreatedOrder]:
        return await self._desk.http.create_order(request)

    @override
    async def send_together(
        self, some: Sequence[tuple[Ticket, CreateOrder]]
    ) -> Sequence[Outcome[CreatedOrder]]:
        return await self._desk.http.batch_create_orders([request for _, request in some])

    @override
    def most_together(self) -> int:
        return min(_MOST_IN_BATCH, int(self._desk.http.buckets["write"].capacity) // venue.DEFAULT_COST)

    @override
    def checked(self, order: Any, params: Params) -> tuple[Ticket, CreateOrder] | str:
        desk = self._desk
        try:
            contract = desk.contracts.of(order.instrument_id)
            problem = translation.problem_of(order, contract, desk.now_ns)
            if problem:
                return problem
            ticket = ticket_of(order, contract)
            wishes = wishes_of(params, desk.settings)
            request = translation.create_order(order, contract, wishes, desk.groups.of(contract.shard))
        except (ValueError, LookupError) as error:
            return f"INVALID {error}"
        return self._refusal(order, ticket) or (ticket, request)

    def _refusal(self, order: Any, ticket: Ticket) -> str | None:
        desk = self._desk
        if desk.tickets.find(order.client_order_id.value) is not None:
            return f"DUPLICATE_CLIENT_ID {order.client_order_id} was used already"
        shard = ticket.contract.shard
        if shard not in desk.settings.funded_shards:
            return f"UNFUNDED_SHARD expected a shard among {desk.settings.funded_shards}, found {shard}"
        problem = desk.groups.problem_of(shard) or desk.modes.problem_of(shard)
        return problem or refusal_of_risk(desk, ticket, ticket.contracts)

    @override
    def book(self, ticket: Ticket, outcome: Outcome[CreatedOrder]) -> None:
        match outcome:
            case Done(created):
                self._desk.teller.take_created(ticket, created)
            case Refused(code=code, reason=reason):
                self._desk.modes.note_refusal(outcome)
                self._refused(ticket, f"{code}: {reason}" if code else reason)
            case Unknown():
                self._doubt(ticket, outcome)

    def _refused(self, ticket: Ticket, reason: str) -> None:
        if ticket.is_closed:
            return
        if ticket.order_id is not None:  # the stream has shown it alive: the answer is not about this order
            _LOG.warning("order %s is at the venue, but its answer says %s", ticket, reason)
            return
        self._desk.teller.reject(ticket, reason, due_post_only="post_only" in reason.lower())

    def _doubt(self, ticket: Ticket, unknown: Unknown) -> None:
        if ticket.is_closed or ticket.order_id is not None:
            return
        ticket.doubt = unknown.reason
        _LOG.warning("nobody knows yet whether order %s arrived: %s", ticket, unknown.reason)
        work = self._desk.resolver.resolve_submit(
            ticket, self._desk.now_ns, has_arrived=says_duplicate(unknown)
        )
        self._desk.tasks.start(f"resolve {ticket}", work)


class Cancellation(Cancelling[Ticket, CanceledOrder]):
    """Orders that shall go at Kalshi. An answer that found nothing may also mean the wrong shard."""

    def __init__(self, desk: Desk, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        super().__init__(desk, desk.teller, _MOST_IN_BATCH, sleep)
        self._desk = desk

    @override
    async def send(self, ticket: Ticket) -> Outcome[CanceledOrder]:
        return await self._desk.http.cancel_order(_cancel_of(ticket))

    @override
    async def send_together(self, tickets: Sequence[Ticket]) -> Sequence[Outcome[CanceledOrder]]:
        return await self._desk.http.batch_cancel_orders([_cancel_of(ticket) for ticket in tickets])

    @override
    async def problem(self, ticket: Ticket, outcome: Outcome[CanceledOrder]) -> str | None:
        match outcome:
            case Done(canceled) if canceled.reduced_by > 0:
                at_ns = (canceled.ts_ms or 0) * _MILLISECOND_NS or self._desk.now_ns
                filled = max(ticket.told, ticket.contracts - canceled.reduced_by)
                self._desk.teller.end(ticket, Ending("canceled", filled, at_ns))
                return None
            case Done():
                why = "there was nothing left to cancel"
            case Refused(reason=reason, status=status) if not outcome.was_sent or status == _THROTTLED:
                return reason
            case Refused(reason=reason, code=code):
                why = f"{code}: {reason}"
            case Unknown(reason=reason):
                why = reason
        desk = self._desk
        stated = await desk.resolver.current(ticket, desk.now_ns)
        if stated is None:
            return None
        desk.teller.take_order(ticket, stated)
        return None if stated.end is not None else f"STILL_RESTS {why}"


class Change:
    """Orders that shall have another price or size."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def change(self, ticket: Ticket, quantity: Quantity | None, price: Price | None) -> None:
        """Amend an order, or decrease it when only its size shrinks: then it keeps its place."""
        await ticket.known.wait()
        async with ticket.changes:
            # Its ticks may be others than when the order was sent.
            ticket.contract = self._desk.contracts.of(ticket.contract.instrument_id)
            leg = ticket.contract.leg
            own = translation.other_scale(leg, ticket.yes_price) if price is None else price.as_decimal()
            contracts = ticket.contracts if quantity is None else quantity.as_decimal()
            problem = self._problem(ticket, own, contracts) or await self._objection(ticket, own, contracts)
            problem = problem or self._problem(ticket, own, contracts)  # it may have filled meanwhile
            if problem:
                self._reject(ticket, problem)
                return
            yes_price = translation.other_scale(leg, own)
            ticket.wanted = yes_price, contracts
            try:
                await self._send(ticket, yes_price, contracts)
            finally:
                ticket.wanted = ticket.change_doubt = None

    def _problem(self, ticket: Ticket, price: Decimal, contracts: Decimal) -> str | None:
        contract = ticket.contract
        if ticket.is_closed or ticket.ending is not None:
            return f"ORDER_CLOSED {ticket} has ended"
        problem = translation.problem_of_price(contract, price) or translation.problem_of_size(
            contract, contracts
        )
        if problem:
            return problem
        yes_price = translation.other_scale(contract.leg, price)
        if (yes_price, contracts) == (ticket.yes_price, ticket.contracts):
            return "NO_CHANGE expected another price or size"
        if contracts <= ticket.told:
            return (
                f"INVALID_SIZE expected more than the {ticket.told} contracts that filled, found {contracts}"
            )
        if yes_price == ticket.yes_price and contracts < ticket.contracts:  # less risk
            return None
        return refusal_of_risk(self._desk, ticket, contracts - ticket.told, yes_price)

    async def _objection(self, ticket: Ticket, price: Decimal, contracts: Decimal) -> Objection:
        order, size = self._desk.teller.order(ticket), translation.to_quantity(contracts)
        answer = self._desk.ask(order, size, translation.to_price(price))
        return answer if answer is None or isinstance(answer, str) else await answer

    async def _send(self, ticket: Ticket, yes_price: Decimal, contracts: Decimal) -> None:
        contract, order_id = ticket.contract, ticket.order_id or ""
        outcome: Outcome[AmendedOrder] | Outcome[DecreasedOrder]
        if yes_price == ticket.yes_price and contracts < ticket.contracts:
            decrease = DecreaseOrder(
                reduce_by=size_text(ticket.contracts - contracts),
                market_ticker=contract.ticker,
                exchange_index=contract.shard,
            )
            outcome = await self._desk.http.decrease_order(order_id, decrease)
        else:
            side = translation.order_side(contract.leg, ticket.side)
            own = translation.other_scale(contract.leg, yes_price)
            amend = translation.amend_order(contract, side, own, contracts)
            outcome = await self._desk.http.amend_order(order_id, amend)
        await self._book(ticket, outcome, yes_price, contracts)

    async def _book(
        self,
        ticket: Ticket,
        outcome: Outcome[AmendedOrder] | Outcome[DecreasedOrder],
        yes_price: Decimal,
        contracts: Decimal,
    ) -> None:
        match outcome:
            case Done(changed):
                self._done(ticket, changed, yes_price, contracts)
            case Refused(reason=reason, status=status, code=code) if status != _NOT_FOUND:
                self._reject(ticket, f"{code}: {reason}")
            case Refused(reason=reason):
                await self._look_again(ticket, reason, (yes_price, contracts))
            case Unknown(reason=reason):  # it may still be on its way
                await self._look_again(ticket, reason, (yes_price, contracts), LATE_NS)

    def _done(
        self, ticket: Ticket, changed: AmendedOrder | DecreasedOrder, yes_price: Decimal, contracts: Decimal
    ) -> None:
        desk = self._desk
        at_ns = changed.ts_ms * _MILLISECOND_NS
        if changed.order_id != ticket.order_id:
            desk.tickets.name(ticket, changed.order_id)
        desk.teller.take_terms(ticket, yes_price, contracts, max(at_ns, ticket.version_ns))
        filled = changed.fill_count if isinstance(changed, AmendedOrder) else None
        if changed.remaining_count == 0 and filled:
            desk.teller.end(ticket, Ending("executed", filled, at_ns))
        elif filled and filled > ticket.told:
            desk.teller.want_fills(ticket)

    async def _look_again(
        self, ticket: Ticket, reason: str, wanted: tuple[Decimal, Decimal], late_ns: int = 0
    ) -> None:
        desk = self._desk
        ticket.change_doubt = reason
        stated = await desk.resolver.current(ticket, desk.now_ns + late_ns)
        if stated is None:
            return
        if stated.end and (stated.filled > ticket.contracts or (stated.yes_price, stated.size) == wanted):
            # It was done, and is over since.
            desk.teller.take_terms(ticket, *wanted, max(stated.at_ns, ticket.version_ns))
        desk.teller.take_order(ticket, stated)
        if (ticket.yes_price, ticket.contracts) != wanted:
            self._reject(ticket, f"NOT_CHANGED {reason}")

    def _reject(self, ticket: Ticket, reason: str) -> None:
        if ticket.is_closed:
            return
        order = self._desk.teller.order(ticket)
        venue_id = None if ticket.order_id is None else VenueOrderId(ticket.order_id)
        self._desk.client.generate_order_modify_rejected(order, venue_id, reason, self._desk.now_ns)


def _cancel_of(ticket: Ticket) -> CancelOrder:
    return CancelOrder(
        order_id=ticket.order_id or "",
        market_ticker=ticket.contract.ticker,
        exchange_index=ticket.contract.shard,
    )
