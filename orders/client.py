"""The engine's hooks of a client that trades, each of which starts one named task and returns."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final, Protocol, override

from nautilus_trader.live import (
    BatchCancelOrders,
    CancelAllOrders,
    CancelOrder,
    GenerateFillReports,
    GenerateOrderStatusReport,
    GenerateOrderStatusReports,
    GeneratePositionStatusReports,
    QueryOrder,
    SubmitOrder,
    SubmitOrderList,
)
from nautilus_trader.live.clients import ExecutionClient
from nautilus_trader.model import FillReport, OrderStatusReport, PositionStatusReport

from orders.desk import Desk
from orders.ending import Cancelling
from orders.leaving import Leaving
from orders.tickets import Ticket

_LOG: Final = logging.getLogger(__name__)


class Reporter(Protocol):
    """Answers the engine's questions about what is at the venue."""

    async def order(self, command: GenerateOrderStatusReport) -> OrderStatusReport | None: ...
    async def orders(self, command: GenerateOrderStatusReports) -> list[OrderStatusReport]: ...
    async def fills(self, command: GenerateFillReports) -> list[FillReport]: ...
    async def positions(self, command: GeneratePositionStatusReports) -> list[PositionStatusReport]: ...


class TradingClient[T: Ticket, D: Desk[Any]](ExecutionClient):
    """Takes commands. An unknown outcome stays unknown until the venue tells; nothing is guessed.

    A venue's client sets these before the engine connects it, and says how its tickets are found and asked about.
    `_tell_difference` hears what a human should look at.
    """

    _desk: D
    _submission: Leaving[T, Any, Any]
    _cancellation: Cancelling[T, Any]
    _reporting: Reporter
    _tell_difference: Callable[[str], None] | None = None

    def ticket_of(self, order: Any) -> T:
        """Return the ticket of an order of the engine's cache, made from it when there is none yet."""
        raise NotImplementedError

    async def look_at(self, ticket: T) -> None:
        """Ask the venue about an order, and tell what it says."""
        raise NotImplementedError

    async def fetch_fills(self, ticket: T) -> None:
        """Return when every fill that the venue counts for an order is told."""
        raise NotImplementedError

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why no risk may be opened now; empty when it may."""
        return (*self._desk.doubts.all, *self._desk.unresolved())

    @override
    async def _generate_order_status_report(
        self, command: GenerateOrderStatusReport
    ) -> OrderStatusReport | None:
        return await self._reporting.order(command)

    @override
    async def _generate_order_status_reports(
        self, command: GenerateOrderStatusReports
    ) -> list[OrderStatusReport]:
        return await self._reporting.orders(command)

    @override
    async def _generate_fill_reports(self, command: GenerateFillReports) -> list[FillReport]:
        return await self._reporting.fills(command)

    @override
    async def _generate_position_status_reports(
        self, command: GeneratePositionStatusReports
    ) -> list[PositionStatusReport]:
        return await self._reporting.positions(command)

    @override
    async def _submit_order(self, command: SubmitOrder) -> None:
        order = self.cache.order(command.client_order_id)
        self._start(f"submit {command.client_order_id}", self._submission.submit(order, command.params))

    @override
    async def _submit_order_list(self, command: SubmitOrderList) -> None:
        orders = [self.cache.order(one.client_order_id) for one in command.order_inits]
        self._start(f"submit {command.order_list.id}", self._submission.submit_list(orders, command.params))

    @override
    async def _cancel_order(self, command: CancelOrder) -> None:
        ticket = self.ticket_of(self.cache.order(command.client_order_id))
        self._start(f"cancel {ticket}", self._cancellation.cancel(ticket))

    @override
    async def _cancel_all_orders(self, command: CancelAllOrders) -> None:
        which: dict[str, Any] = {
            "instrument_id": command.instrument_id,
            "strategy_id": command.strategy_id,
            "side": command.order_side,
        }
        orders = [*self.cache.orders_open(**which), *self.cache.orders_inflight(**which)]
        self._cancel_many(f"cancel all on {command.instrument_id}", orders)

    @override
    async def _batch_cancel_orders(self, command: BatchCancelOrders) -> None:
        orders = [self.cache.order(one.client_order_id) for one in command.cancels]
        self._cancel_many(f"cancel a batch on {command.instrument_id}", orders)

    @override
    async def _query_order(self, command: QueryOrder) -> None:
        ticket = self.ticket_of(self.cache.order(command.client_order_id))
        self._start(f"query {ticket}", self.look_at(ticket))

    def _cancel_many(self, name: str, orders: Sequence[Any]) -> None:
        tickets = {ticket.client_order_id: ticket for ticket in map(self.ticket_of, orders)}
        self._start(name, self._cancellation.cancel_many([*tickets.values()]))

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        # At once: a later command must find what an earlier one has begun, and no turn of the loop is lost.
        self._desk.tasks.start(name, work, at_once=True)

    def _take_back(self, ticket: T) -> None:
        _LOG.warning("order %s was cancelled before it left, and left all the same", ticket)
        self._desk.tasks.start(f"take back {ticket}", self._cancellation.cancel(ticket))

    def _fetch_fills(self, ticket: T) -> None:
        if not ticket.is_fetching:
            ticket.is_fetching = True
            self._desk.tasks.start(f"fills of {ticket}", self._fetch(ticket, self.fetch_fills(ticket)))

    async def _fetch(self, ticket: T, work: Awaitable[None]) -> None:
        try:
            await work
        finally:
            ticket.is_fetching = False

    def _differ(self, reason: str) -> None:
        _LOG.error("somebody should look at this: %s", reason)
        if self._tell_difference is not None:
            self._tell_difference(reason)

    def _failed(self, name: str, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError):
            return
        _LOG.error("the task %r failed", name, exc_info=error)
        self._desk.doubts.raise_(name, f"the task {name!r} failed: {error!r}")
