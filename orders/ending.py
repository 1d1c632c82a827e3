"""Orders that shall go: a cancel is followed until the venue says what became of the order."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from itertools import batched
from typing import Final

from nautilus_trader.model import VenueOrderId

from network.backoff import Backoff
from network.outcomes import Outcome, Refused, Unknown
from orders.desk import Desk
from orders.telling import Teller
from orders.tickets import Ticket

_LOG: Final = logging.getLogger(__name__)
_MOST_TRIES: Final = 5


class Cancelling[T: Ticket, A](ABC):
    """Cancels of tickets `T`, answered by `A`.

    A cancel can be repeated without harm. So one whose outcome is unknown is asked about and, while the order
    rests, sent again, for as long as that takes; it is never rejected for it. What the venue refuses by name
    while the order rests is refused after some tries. Up to `most_together` go in one request.
    """

    def __init__(
        self,
        desk: Desk[T],
        teller: Teller[T],
        most_together: int,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._floor = desk
        self._teller = teller
        self._most_together = most_together
        self._sleep = sleep
        self._backoff = Backoff(0.1, 2.0, 5.0, jitter=0.2)

    @abstractmethod
    async def send(self, ticket: T) -> Outcome[A]:
        """Cancel one order that the venue has."""

    @abstractmethod
    async def send_together(self, tickets: Sequence[T]) -> Sequence[Outcome[A]]:
        """Cancel orders in one request; one outcome for each, in their order."""

    @abstractmethod
    async def problem(self, ticket: T, outcome: Outcome[A]) -> str | None:
        """Return why the order rests on, None when its end is known.

        Nothing is concluded from an answer that found nothing: it may mean a fill.
        """

    async def cancel(self, ticket: T) -> None:
        """Cancel one order, as soon as its own submit has an answer; once, however often it is asked for."""
        await ticket.known.wait()
        if _may_be_cancelled(ticket):
            ticket.is_cancelling = True
            try:
                await self._repeat(ticket, await self.send(ticket))
            finally:
                _let_go(ticket)

    async def cancel_many(self, tickets: Sequence[T]) -> None:
        """Cancel orders together; those without an answer to their submit follow by themselves."""
        for ticket in tickets:
            if not ticket.known.is_set():
                self._floor.tasks.start(f"cancel {ticket}", self.cancel(ticket))
        ready = [one for one in tickets if one.known.is_set() and _may_be_cancelled(one)]
        for ticket in ready:
            ticket.is_cancelling = True
        followed: set[T] = set()
        try:
            for part in batched(ready, self._most_together, strict=False):
                for ticket, outcome in zip(part, await self.send_together(part), strict=True):
                    followed.add(ticket)
                    work = self._pursue(
                        ticket, outcome
                    )  # at once: no order may leave before a doubt is known
                    self._floor.tasks.start(f"follow the cancel of {ticket}", work, at_once=True)
        finally:
            for ticket in ready:
                if ticket not in followed:
                    _let_go(ticket)

    async def _pursue(self, ticket: T, outcome: Outcome[A]) -> None:
        try:
            await self._repeat(ticket, outcome)
        finally:
            _let_go(ticket)

    async def _repeat(self, ticket: T, outcome: Outcome[A]) -> None:
        tries = refusals = 0
        while problem := await self._problem(ticket, outcome):
            refusals += isinstance(outcome, Refused)
            if refusals == _MOST_TRIES or (isinstance(outcome, Refused) and not outcome.was_sent):
                self._reject(ticket, problem)
                return
            await self._sleep(self._backoff.delay_secs(tries, lambda: 0.5))
            tries += 1
            if not _is_there(ticket):
                return
            _LOG.warning("order %s is cancelled again: %s", ticket, problem)
            outcome = await self.send(ticket)

    async def _problem(self, ticket: T, outcome: Outcome[A]) -> str | None:
        # A later refusal says nothing of an earlier request that may still arrive: the doubt stays to the end.
        if isinstance(outcome, Unknown):
            ticket.cancel_doubt = outcome.reason
        return await self.problem(ticket, outcome)

    def _reject(self, ticket: T, reason: str) -> None:
        if ticket.is_closed:
            return
        order, venue_id = self._teller.order(ticket), VenueOrderId(ticket.order_id or "")
        self._floor.client.generate_order_cancel_rejected(order, venue_id, reason, self._floor.now_ns)


def _let_go(ticket: Ticket) -> None:
    ticket.is_cancelling, ticket.cancel_doubt = False, None


def _may_be_cancelled(ticket: Ticket) -> bool:
    return _is_there(ticket) and not ticket.is_cancelling


def _is_there(ticket: Ticket) -> bool:
    return not ticket.is_closed and ticket.order_id is not None
