"""New orders on their way out: checked before a byte leaves, sent once, and booked by what the venue answers."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping, Sequence
from itertools import batched
from typing import Any, Final

from network.outcomes import Outcome
from orders.desk import Desk
from orders.guard import Objection
from orders.telling import Teller
from orders.tickets import Ticket

type Params = Mapping[str, Any] | None

_LOG: Final = logging.getLogger(__name__)


class Leaving[T: Ticket, R, A](ABC):
    """Orders with tickets `T` that leave as requests `R` and are answered by `A`.

    A venue says what its requests are, when no risk may be opened, and what an answer means.
    """

    def __init__(self, desk: Desk[T], teller: Teller[T]) -> None:
        self._floor = desk
        self._teller = teller

    @abstractmethod
    def checked(self, order: Any, params: Params) -> tuple[T, R] | str:
        """Return a ticket and a request for an order of the engine's, or why it cannot leave."""

    @abstractmethod
    def problem_of_risk(self, ticket: T) -> str | None:
        """Return why an order may not open risk now: doubt, or too little cash."""

    @abstractmethod
    async def send(self, ticket: T, request: R) -> Outcome[A]:
        """Send one order."""

    @abstractmethod
    async def send_together(self, some: Sequence[tuple[T, R]]) -> Sequence[Outcome[A]]:
        """Send orders in one request; one outcome for each, in their order."""

    @abstractmethod
    def most_together(self) -> int:
        """Return how many orders one request may hold now."""

    @abstractmethod
    def book(self, ticket: T, outcome: Outcome[A]) -> None:
        """Tell what an outcome means."""

    def keep(self, ticket: T) -> None:
        """Keep a ticket from now on."""
        self._floor.tickets.add(ticket)

    async def submit(self, order: Any, params: Params = None) -> None:
        """Send one order of the engine's, or deny it; `params` are its own."""
        prepared = await self._prepare(order, params)
        if prepared is None:
            return
        ticket, request = prepared
        # Its bytes leave first: telling the engine wakes a thread that wants the interpreter.
        work = self._floor.tasks.start(f"send {ticket}", self._send(ticket, request, order), at_once=True)
        self._tell_submitted(ticket, order)
        await work

    async def submit_list(self, orders: Sequence[Any], params: Params = None) -> None:
        """Send orders together; each succeeds or fails alone."""
        works = [self._prepare(order, params) for order in orders]
        answers = await asyncio.gather(*works, return_exceptions=True)
        prepared = [answer for answer in answers if isinstance(answer, tuple)]
        for ticket, _ in prepared:
            self._tell_submitted(ticket, self._teller.order(ticket))
        for part in batched(prepared, max(1, self.most_together()), strict=False):
            outcomes = await self.send_together(part)
            for (ticket, _), outcome in zip(part, outcomes, strict=True):
                self.book(ticket, outcome)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer

    async def _prepare(self, order: Any, params: Params) -> tuple[T, R] | None:
        desk = self._floor
        if (
            order.is_closed
        ):  # a cancel-all closes what has not left yet, and its submit comes all the same (rc7)
            _LOG.info("order %s was cancelled before it left", order.client_order_id)
            return None
        try:
            found = self.checked(order, params)
            answer = (
                None
                if isinstance(found, str)
                else desk.ask(order, order.quantity, getattr(order, "price", None))
            )
        except (
            Exception
        ) as error:  # a bug of ours or of the guard: the strategy must hear, and so must the desk
            desk.client.generate_order_denied(order, f"INTERNAL {error!r}")
            raise
        if isinstance(found, str) or isinstance(answer, str):
            desk.client.generate_order_denied(order, found if isinstance(found, str) else str(answer))
            return None
        ticket, _ = found
        ticket.sent_ns = desk.now_ns
        self.keep(ticket)
        return found if answer is None or await self._passes(ticket, order, answer) else None

    async def _passes(self, ticket: T, order: Any, answer: Awaitable[Objection]) -> bool:
        """Wait for a guard that takes its time: in flight already, so that a cancel of all finds the order."""
        self._tell_submitted(ticket, order)
        try:
            problem = await answer or self.problem_of_risk(ticket)
        except Exception as error:
            self._teller.reject(ticket, f"INTERNAL {error!r}")
            raise
        if problem:
            self._teller.reject(ticket, problem)
        elif self._teller.order(ticket).is_closed:
            self._teller.drop(ticket)
        ticket.sent_ns = self._floor.now_ns
        return not ticket.is_closed

    async def _send(self, ticket: T, request: R, order: Any) -> None:
        outcome = await self.send(ticket, request)
        self._tell_submitted(ticket, order)
        self.book(ticket, outcome)  # in the same turn: no other order may leave before a doubt is known

    def _tell_submitted(self, ticket: T, order: Any) -> None:
        if not ticket.is_submitted:
            ticket.is_submitted = True
            self._floor.client.generate_order_submitted(order)
