"""Commands to requests: checked and signed here before a byte leaves, sent once, booked as done, refused or unknown."""

import logging
from collections.abc import Sequence
from typing import Any, Final, override

from adapters.polymarket import constants as venue
from adapters.polymarket.execution import translation
from adapters.polymarket.execution.desk import Desk
from adapters.polymarket.execution.opening import refusal_of_risk
from adapters.polymarket.execution.reconciliation import STREAM
from adapters.polymarket.execution.tickets import Ticket, ticket_of
from adapters.polymarket.messages import refusals
from adapters.polymarket.messages.orders import OrderAnswer, PostOrder
from adapters.polymarket.signing.orders import NOTHING, sign_order
from network.outcomes import Done, Outcome, Refused, Unknown
from orders.ending import Cancelling
from orders.leaving import Leaving, Params
from orders.tickets import Ending

_LOG: Final = logging.getLogger(__name__)


class Submission(Leaving[Ticket, PostOrder, OrderAnswer]):
    """New orders at Polymarket."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, desk.teller)
        self._desk = desk
        code = desk.settings.builder_code
        self._builder = NOTHING if code is None else bytes.fromhex(code[2:])

    @override
    def checked(self, order: Any, params: Params) -> tuple[Ticket, PostOrder] | str:
        desk = self._desk
        try:
            contract = desk.contracts.of(order.instrument_id)
            problem = translation.problem_of_kind(order)
            if problem:
                return problem
            book = desk.client.cache.order_book(order.instrument_id) if _needs_book(order, params) else None
            worst = translation.worst_price(order, contract, params, book)
            if isinstance(worst, str):
                return worst
            problem = translation.problem_of(order, contract, worst, desk.now_ns)
            if problem:
                return problem
            signed = sign_order(
                translation.draft_of(
                    order,
                    contract,
                    worst,
                    salt=translation.salt_of(order.client_order_id.value),
                    now_ns=desk.now_ns,
                    builder=self._builder,
                ),
                desk.wallet,
            )
            request = translation.post_of(order, signed, desk.http.credentials.key)
        except (ValueError, LookupError, ArithmeticError) as error:
            return f"INVALID {error}"
        ticket = ticket_of(order, contract, worst, signed.order_id)
        return self._refusal(ticket) or (ticket, request)

    @override
    def keep(self, ticket: Ticket) -> None:
        # Its id is known before it leaves: what the stream says of it finds it before any answer.
        self._desk.tickets.add(ticket, expected_id=ticket.hash)

    @override
    def problem_of_risk(self, ticket: Ticket) -> str | None:
        return refusal_of_risk(self._desk, ticket)

    @override
    async def send(self, ticket: Ticket, request: PostOrder) -> Outcome[OrderAnswer]:
        return await self._desk.http.post_order(request, ticket.hash)

    @override
    async def send_together(self, some: Sequence[tuple[Ticket, PostOrder]]) -> Sequence[Outcome[OrderAnswer]]:
        hashes = [ticket.hash for ticket, _ in some]
        return await self._desk.http.post_orders([request for _, request in some], hashes)

    @override
    def most_together(self) -> int:
        return venue.MOST_IN_BATCH

    @override
    def book(self, ticket: Ticket, outcome: Outcome[OrderAnswer]) -> None:
        match outcome:
            case Done(answer):
                self._desk.teller.take_answer(ticket, answer)
                if ticket.is_delayed:
                    self._start_following(ticket)
            case Refused(code=refusals.KILLED):
                self._desk.teller.take_kill(ticket)
            case Refused(code=code, reason=reason):
                self._desk.modes.note(outcome)
                self._refused(ticket, f"{code}: {reason}", due_post_only=code == refusals.CROSSES)
            case Unknown():
                self._desk.modes.note(outcome)
                self._doubt(ticket, outcome)

    def _refusal(self, ticket: Ticket) -> str | None:
        desk = self._desk
        if desk.tickets.find(ticket.client_order_id.value) is not None:
            return f"DUPLICATE_CLIENT_ID {ticket.client_order_id} was used already"
        problem = desk.modes.problem_of(is_post_only=ticket.is_post_only)
        return problem or refusal_of_risk(desk, ticket)

    def _refused(self, ticket: Ticket, reason: str, *, due_post_only: bool) -> None:
        if ticket.is_closed:
            return
        if ticket.order_id is not None:  # the stream has shown it alive: the answer is not about this order
            _LOG.warning("order %s is at the venue, but its answer says %s", ticket, reason)
            return
        self._desk.teller.reject(ticket, reason, due_post_only=due_post_only)

    def _doubt(self, ticket: Ticket, unknown: Unknown) -> None:
        if ticket.is_closed or ticket.order_id is not None:
            return
        if unknown.code == refusals.DELAYED:
            ticket.is_delayed = True
            self._start_following(ticket)
            return
        ticket.doubt = unknown.reason
        _LOG.warning("nobody knows yet whether order %s arrived: %s", ticket, unknown.reason)
        has_arrived = unknown.code == refusals.DUPLICATE
        work = self._desk.resolver.resolve_submit(ticket, has_arrived=has_arrived)
        self._desk.tasks.start(f"resolve {ticket}", work)

    def _start_following(self, ticket: Ticket) -> None:
        self._desk.tasks.start(f"follow the delay of {ticket}", self._desk.resolver.follow_delay(ticket))


class Cancellation(Cancelling[Ticket, str]):
    """Orders that shall go. An order that waits in the delay of takers cannot be cancelled yet."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, desk.teller, venue.MOST_CANCELS)
        self._desk = desk

    @override
    async def send(self, ticket: Ticket) -> Outcome[str]:
        return await self._desk.http.cancel_order(ticket.hash)

    @override
    async def send_together(self, tickets: Sequence[Ticket]) -> Sequence[Outcome[str]]:
        return await self._desk.http.cancel_orders([ticket.hash for ticket in tickets])

    @override
    async def problem(self, ticket: Ticket, outcome: Outcome[str]) -> str | None:
        desk = self._desk
        if isinstance(outcome, Refused | Unknown):
            desk.modes.note(outcome)
        if isinstance(outcome, Refused) and not outcome.was_sent:
            return outcome.reason
        if isinstance(outcome, Done) and not desk.doubts.has(STREAM):
            await desk.resolver.hear_end(ticket)
        stated = await desk.resolver.current(ticket)
        if ticket.is_closed:
            return None
        if stated is not None:
            return "STILL_RESTS " + ("it is listed" if isinstance(outcome, Done) else outcome.reason)
        # It is not open any more, and every match of it that the venue lists is told. Later ones follow by themselves.
        desk.teller.end(ticket, Ending("canceled", ticket.counted, desk.now_ns))
        return None


def _needs_book(order: Any, params: Params) -> bool:
    return order.order_type.name == "MARKET" and not (params and "worst_price" in params)
