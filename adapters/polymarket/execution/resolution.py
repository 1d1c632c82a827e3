"""What the venue says about one order when its answer did not: asked by the hash that was signed, until it can be believed.

Only open orders can be asked for, so a closed one shows in our trades alone. Absence is proved so: some time after the
request had ended its hash is cancelled, the venue knows no such order, and no trade of ours names it (outcome policy,
reference adapter_cards). An order that rises later still is cancelled (`strangers`).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

from msgspec import MsgspecError

from adapters.polymarket.execution import statements
from adapters.polymarket.execution.statements import FillStatement, OrderStatement
from adapters.polymarket.execution.telling import Teller
from adapters.polymarket.execution.tickets import Ticket
from adapters.polymarket.http.client import PolymarketHttp
from network.backoff import Backoff
from network.errors import NetworkError, Refusal
from network.outcomes import Done, Unknown
from orders.tickets import Ending

_LOG: Final = logging.getLogger(__name__)
_SECOND_NS: Final = 1_000_000_000
_WINDOW_SECS: Final = 120  # trades are asked for from this long before the order was sent
_LATE_SECS: Final = 2.0  # a request that we gave up may still be on its way for a while
_STREAM_SECS: Final = 0.3  # what happens to an order is usually on the stream before REST shows it
_NOT_FOUND: Final = 404
_NOWHERE: Final = "not found"
_OVER: Final = "already canceled or matched"
READ_ERRORS: Final = (NetworkError, MsgspecError, ValueError)


type Absence = Literal["nowhere", "over"]
"""What the venue says of an order that it does not list: it knows no such order, or one that has ended."""


class OrderUnresolvedError(Exception):
    """The venue has not said yet what became of an order; nothing may be concluded."""


@dataclass(frozen=True, slots=True)
class Look:
    """An open order, and the fills of it; `is_read` is False when the venue did not answer."""

    order: OrderStatement | None
    fills: tuple[FillStatement, ...]
    is_read: bool = True


class Resolver:
    """Asks about orders; each question waits longer than the one before, up to some seconds.

    `fills_of` reads the fills of our orders out of a trade.
    """

    def __init__(
        self,
        http: PolymarketHttp,
        teller: Teller,
        fills_of: Callable[[Any], Sequence[FillStatement]],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._teller = teller
        self._fills_of = fills_of
        self._sleep = sleep
        self._backoff = Backoff(0.1, 2.0, 5.0, jitter=0.2)

    async def find(self, order_id: str) -> OrderStatement | None:
        """Return an open order; None when it is closed or was never there. Raises READ_ERRORS."""
        try:
            row = await self._http.get_order(order_id)
        except Refusal as refusal:
            if refusal.status != _NOT_FOUND:
                raise
            row = None
        return None if row is None else statements.of_order(row)

    async def fills(self, ticket: Ticket) -> tuple[FillStatement, ...]:
        """Return the fills of an order that the venue lists. Raises READ_ERRORS."""
        after = max(0, ticket.sent_ns // _SECOND_NS - _WINDOW_SECS) if ticket.sent_ns else None
        rows = await self._http.get_own_trades(market=ticket.contract.condition_id, after_secs=after)
        found = [fill for row in rows for fill in self._fills_of(row) if fill.order_id == ticket.hash]
        return tuple(sorted(found, key=lambda fill: fill.at_ns))

    async def look(self, ticket: Ticket) -> Look:
        """Return what one round of questions says about a ticket's order."""
        try:
            order = await self.find(ticket.hash)
            fills = await self.fills(ticket)
        except READ_ERRORS as error:
            _LOG.info("order %s cannot be asked for now: %s", ticket, error)
            return Look(None, (), is_read=False)
        return Look(order, fills)

    def tell(self, ticket: Ticket, seen: Look) -> None:
        """Tell what a look has found: the fills first."""
        for fill in seen.fills:
            self._teller.take_fill(ticket, fill)
        if seen.order is not None:
            self._teller.take_order(ticket, seen.order)

    async def resolve_submit(self, ticket: Ticket, *, has_arrived: bool) -> None:
        """Return when it is known what became of a submit without an answer.

        `has_arrived` when the venue says that it has the order: then absence cannot be.
        """
        tries = 0
        while ticket.doubt is not None and not ticket.is_closed:
            seen = await self.look(ticket)
            self.tell(ticket, seen)
            if ticket.doubt is None or ticket.is_closed:
                await self._follow(ticket, seen)
                return
            waited_secs = sum(self._wait_secs(one) for one in range(tries))
            absence = None
            if seen.is_read and waited_secs >= _LATE_SECS:
                absence = await self._absence(ticket)
            if absence is not None:
                if absence == "nowhere" and not has_arrived:
                    self._teller.reject(ticket, f"NOT_AT_VENUE after {ticket.doubt}")
                    return
                self._teller.accept(ticket, ticket.hash, ticket.sent_ns)
                self._teller.end(ticket, Ending("canceled", ticket.counted, ticket.sent_ns))
                return
            await self._sleep(self._wait_secs(tries))
            tries += 1

    async def hear_end(self, ticket: Ticket) -> None:
        """Give the user stream time to tell an order's end: asking costs two reads, of which the venue grants 50 a second."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_STREAM_SECS):
                await ticket.ended.wait()

    async def current(self, ticket: Ticket) -> OrderStatement | None:
        """Return the order while it is open, its fills are told; None when it is not, or the ticket has ended."""
        tries = 0
        while not ticket.is_closed:
            seen = await self.look(ticket)
            if seen.is_read:
                self.tell(ticket, seen)
                return seen.order
            await self._sleep(self._wait_secs(tries))
            tries += 1
        return None

    async def follow_delay(self, ticket: Ticket) -> None:
        """Return when an order that waits in the delay of takers has come out of it, as stream or REST tell."""
        tries = 0
        await self._sleep(ticket.contract.delay_ms / 1000 + _STREAM_SECS)
        while ticket.is_delayed and not ticket.is_closed:
            seen = await self.look(ticket)
            self.tell(ticket, seen)
            if ticket.is_delayed and seen.is_read and seen.order is None and tries >= 2:
                await self._follow(ticket, seen)  # neither open nor delayed any more: it has ended
                return
            await self._sleep(self._wait_secs(tries))
            tries += 1

    async def fetch_fills(self, ticket: Ticket) -> None:
        """Return when every fill that the venue counts for an order is told."""
        await self._sleep(_STREAM_SECS)
        tries = 0
        while True:
            seen = await self.look(ticket)
            if seen.is_read:
                self.tell(ticket, seen)
                counted = seen.order.filled if seen.order is not None else None
                if ticket.early and counted is None:
                    await self._follow(ticket, seen)
                if not ticket.misses_fills and (counted is None or counted <= ticket.counted):
                    return
            await self._sleep(self._wait_secs(tries))
            tries += 1

    async def _follow(self, ticket: Ticket, seen: Look) -> None:
        """Tell the end of an order that takes, or that is closed already: nothing of it is listed."""
        if ticket.is_closed or seen.order is not None or not seen.is_read:
            return
        at_ns = max((fill.at_ns for fill in seen.fills), default=ticket.sent_ns)
        self._teller.accept(ticket, ticket.hash, at_ns)
        self._teller.end(ticket, Ending("canceled", ticket.counted, at_ns))

    async def _absence(self, ticket: Ticket) -> Absence | None:
        """Cancel an order that is not listed; return what that says when no trade names it, None while it says nothing."""
        outcome = await self._http.cancel_order(ticket.hash)
        if isinstance(outcome, Done):
            self._teller.accept(ticket, ticket.hash, ticket.sent_ns)
            await self._tell_canceled(ticket)
            return None
        reason = outcome.reason.lower() if isinstance(outcome, Unknown) else ""
        found: Absence | None = "nowhere" if _NOWHERE in reason else "over" if _OVER in reason else None
        try:
            return None if found is None or await self.fills(ticket) else found
        except READ_ERRORS:
            return None

    async def _tell_canceled(self, ticket: Ticket) -> None:
        seen = await self.look(ticket)
        self.tell(ticket, seen)
        self._teller.end(ticket, Ending("canceled", ticket.counted, ticket.sent_ns))

    def _wait_secs(self, tries: int) -> float:
        return self._backoff.delay_secs(tries, lambda: 0.5)
