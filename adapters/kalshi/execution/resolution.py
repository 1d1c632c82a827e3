"""What the venue says about one order when its answer did not: asked until it can be believed.

The read side lags behind the engine by as much as `user_data_timestamp` tells. It is asked first; then what
the orders say is at least that new. Absence is proved only so: by our own id, in resting, executed and
cancelled orders of the market, and in fills of orders that nobody knows, read after the read side had
passed the time at which our request had ended (outcome policy, reference adapter_cards).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from msgspec import MsgspecError

from adapters.kalshi.execution import statements
from adapters.kalshi.execution.statements import FillStatement, OrderStatement
from adapters.kalshi.execution.telling import Teller
from adapters.kalshi.execution.tickets import Ticket
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.messages.queries import FillsQuery, OrdersQuery
from network.backoff import Backoff
from network.errors import NetworkError, Refusal
from orders.tickets import Ending, Tickets

_LOG: Final = logging.getLogger(__name__)
_SECOND_NS: Final = 1_000_000_000
LATE_NS: Final = 2 * _SECOND_NS  # a request that we gave up may still be on its way for a while
_WINDOW_SECS: Final = 120  # orders and fills are asked for from this long before the request on
_STREAM_SECS: Final = 0.3  # a fill is usually on the stream before REST shows it
_NOT_FOUND: Final = 404
READ_ERRORS: Final = (NetworkError, MsgspecError, ValueError)


class OrderUnresolvedError(Exception):
    """The venue has not said yet what became of an order; nothing may be concluded."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was found, and up to which time of our clock it is complete; 0 when a read failed."""

    order: OrderStatement | None
    complete_ns: int


class Resolver:
    """Asks about orders; each question waits longer than the one before, up to some seconds."""

    def __init__(
        self,
        http: KalshiHttp,
        tickets: Tickets[Ticket],
        teller: Teller,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._tickets = tickets
        self._teller = teller
        self._sleep = sleep
        self._backoff = Backoff(0.1, 2.0, 5.0, jitter=0.2)

    async def look(self, ticket: Ticket) -> Look:
        """Return what one round of questions says about a ticket's order."""
        try:
            complete_ns = await self._http.complete_until_ns()
            found = await self._find(ticket)
            if found is None and ticket.order_id is None and await self._has_strange_fills(ticket):
                complete_ns = 0
        except READ_ERRORS as error:
            _LOG.info("order %s cannot be asked for now: %s", ticket, error)
            return Look(None, 0)
        return Look(found, complete_ns)

    async def resolve_submit(self, ticket: Ticket, ended_ns: int, *, has_arrived: bool) -> None:
        """Return when it is known what became of a submit whose request ended at `ended_ns` of our clock.

        `has_arrived` when the venue knows the id already: then absence cannot be. Absence counts two seconds
        after the end only; should the order rise later still, it is cancelled (`strangers`).
        """
        tries = 0
        while ticket.doubt is not None and not ticket.is_closed:
            seen = await self.look(ticket)
            if ticket.doubt is None or ticket.is_closed:  # the stream was quicker
                return
            if seen.order is not None:
                self._take_found(ticket, seen.order)
                return
            if seen.complete_ns >= ended_ns + LATE_NS and not has_arrived:
                self._teller.reject(ticket, f"NOT_AT_VENUE after {ticket.doubt}")
                return
            await self._pause(tries)
            tries += 1

    async def current(self, ticket: Ticket, after_ns: int) -> OrderStatement | None:
        """Return the order as it is after `after_ns` of our clock; waits as long as that takes.

        None when the ticket ended meanwhile: nothing is left to ask.
        """
        tries = 0
        while not ticket.is_closed:
            seen = await self.look(ticket)
            if seen.order is not None and (seen.order.end is not None or seen.complete_ns >= after_ns):
                return seen.order
            await self._pause(tries)
            tries += 1
        return None

    async def fetch_fills(self, ticket: Ticket) -> None:
        """Return when every fill that the venue counts for an order is told."""
        await self._sleep(_STREAM_SECS)
        tries = 0
        while True:
            stated = await self._tell_fills(ticket)
            if stated is not None and stated.filled <= ticket.told:
                if ticket.misses_fills and stated.end is not None:  # we counted the end too high
                    ticket.ending = None
                    self._teller.end(ticket, Ending(stated.end, stated.filled, stated.at_ns))
                if not ticket.misses_fills:
                    return
            await self._pause(tries)
            tries += 1

    async def _tell_fills(self, ticket: Ticket) -> OrderStatement | None:
        if ticket.order_id is None:
            return None
        try:
            stated = statements.of_order(await self._http.get_order(ticket.order_id))
            rows = await self._http.get_fills(FillsQuery(order_id=ticket.order_id))
            fills = sorted(map(statements.of_fill, rows), key=lambda fill: fill.at_ns)
        except READ_ERRORS as error:
            _LOG.info("fills of %s cannot be asked for now: %s", ticket, error)
            return None
        self.tell(ticket, fills)
        return stated

    def tell(self, ticket: Ticket, fills: list[FillStatement]) -> None:
        """Tell fills of a ticket that were found by REST."""
        for fill in fills:
            self._teller.take_fill(ticket, fill)

    def _take_found(self, ticket: Ticket, found: OrderStatement) -> None:
        is_same = (found.ticker, found.side) == (ticket.contract.ticker, ticket.side)
        if not is_same or (
            found.created_ns and found.created_ns < ticket.sent_ns - _WINDOW_SECS * _SECOND_NS
        ):
            self._teller.reject(ticket, f"DUPLICATE_CLIENT_ID belongs to order {found.order_id} since long")
            return
        self._teller.take_order(ticket, found)

    async def _find(self, ticket: Ticket) -> OrderStatement | None:
        if ticket.order_id is not None:
            try:
                return statements.of_order(await self._http.get_order(ticket.order_id))
            except Refusal as refusal:
                if refusal.status != _NOT_FOUND:
                    raise
        query = OrdersQuery(ticker=ticket.contract.ticker, exchange_index=ticket.contract.shard)
        row = await self._http.find_order(ticket.client_order_id.value, query)
        return None if row is None else statements.of_order(row)

    async def _has_strange_fills(self, ticket: Ticket) -> bool:
        since_ts = ticket.sent_ns // _SECOND_NS - _WINDOW_SECS
        query = FillsQuery(
            ticker=ticket.contract.ticker, exchange_index=ticket.contract.shard, min_ts=max(0, since_ts)
        )
        for order_id in {row.order_id for row in await self._http.get_fills(query)}:
            if self._tickets.find(None, order_id) is None:
                owner = await self._http.get_order(order_id)
                if owner.client_order_id == ticket.client_order_id.value:
                    return True
        return False

    async def _pause(self, tries: int) -> None:
        await self._sleep(self._backoff.delay_secs(tries, lambda: 0.5))
