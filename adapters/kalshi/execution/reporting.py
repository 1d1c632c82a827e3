"""Answers to the engine's questions about orders, fills and positions, at its start and while it runs.

An order with a ticket is told by events, each fill by its trade: a report that runs ahead of them would make
the engine invent fills. Events wait in a queue of the engine's, reports do not. So such an order is reported as
the engine knows it already, and a question about it alone is answered by events, or by raising.
"""

import asyncio
import logging
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from nautilus_trader.live import (
    GenerateFillReports,
    GenerateOrderStatusReport,
    GenerateOrderStatusReports,
    GeneratePositionStatusReports,
)
from nautilus_trader.model import (
    FillReport,
    InstrumentId,
    OrderStatusReport,
    PositionStatusReport,
)

from adapters.kalshi.execution import statements
from adapters.kalshi.execution.desk import Desk, leg_of_memory
from adapters.kalshi.execution.reports import Writer, legs_of_strangers
from adapters.kalshi.execution.resolution import OrderUnresolvedError
from adapters.kalshi.execution.snapshot import Snapshot, take_snapshot
from adapters.kalshi.execution.statements import FillStatement, OrderStatement
from adapters.kalshi.execution.strangers import Strangers
from adapters.kalshi.execution.tickets import Ticket
from adapters.kalshi.execution.translation import LEGS, Contract, Leg, other_scale
from adapters.kalshi.messages.queries import FillsQuery, OrdersQuery, PositionsQuery
from network.errors import Refusal
from orders.guard import Remembered

_LOG: Final = logging.getLogger(__name__)
_SECOND_NS: Final = 1_000_000_000
_NOT_FOUND: Final = 404


class Reporting:
    """Reports; network errors pass through, so that nothing is taken for absent that could not be read."""

    def __init__(self, desk: Desk, strangers: Strangers) -> None:
        self._desk = desk
        self._strangers = strangers
        self._first: asyncio.Future[Snapshot] | None = None
        self._unasked = {"orders", "fills", "positions"}
        self._legs: dict[str, Leg] = {}
        self._remembered: dict[str, Remembered] = {}

    async def order(self, command: GenerateOrderStatusReport) -> OrderStatusReport | None:
        """Return the report of one order; None only when its absence is proved, OrderUnresolvedError else."""
        desk, asked_ns = self._desk, self._desk.now_ns
        client_id = None if command.client_order_id is None else command.client_order_id.value
        venue_id = None if command.venue_order_id is None else command.venue_order_id.value
        ticket = desk.recall(client_id, venue_id or "")
        if ticket is not None:
            await self._ask(ticket)
            raise OrderUnresolvedError(f"order {ticket} is told by events as soon as the venue tells")
        complete_ns = await desk.http.complete_until_ns()
        found = await self._find(client_id, venue_id)
        if found is not None:
            return self._report(found)
        if complete_ns < asked_ns:
            raise OrderUnresolvedError(f"the read side has not come past {asked_ns}, found {complete_ns}")
        return None

    async def orders(self, command: GenerateOrderStatusReports) -> list[OrderStatusReport]:
        """Return our orders: the resting ones, and unless only those are asked for, all since a time."""
        if self._is_starting and not command.open_only:
            stated = list((await self._first_of("orders", command.start)).orders)
        else:
            stated = [one for one in await self._orders(command) if not self._is_introduced(one)]
            await self._learn_legs(stated)
        reports = [self._report(one) for one in stated if self._is_asked(one.ticker, command.instrument_id)]
        return [report for report in reports if report is not None]

    async def fills(self, command: GenerateFillReports) -> list[FillReport]:
        """Return our fills since a time."""
        order_id = None if command.venue_order_id is None else command.venue_order_id.value
        if self._is_starting and order_id is None:
            fills = list((await self._first_of("fills", command.start)).fills)
        else:
            query = FillsQuery(
                order_id=order_id, min_ts=_seconds(command.start), max_ts=_seconds(command.end)
            )
            rows = await self._desk.http.get_fills(query)
            fills = sorted(map(statements.of_fill, rows), key=lambda fill: fill.at_ns)
        if any(fill.order_id not in self._legs and self._is_strange(fill) for fill in fills):
            held = await self._held()
            self._legs = legs_of_strangers(held, [], fills) | self._legs
        asked = [fill for fill in fills if self._is_asked(fill.ticker, command.instrument_id)]
        reports = [self._fill_report(fill) for fill in asked]
        return [report for report in reports if report is not None]

    async def positions(self, command: GeneratePositionStatusReports) -> list[PositionStatusReport]:
        """Return our positions: one signed number per market becomes a long leg and a flat one.

        At the start they are what the fills of each leg make, if that is the same number: who holds pairs of both
        legs would else have them closed by fills that never happened.
        """
        desk = self._desk
        writer = self._writer()
        if self._is_starting and command.instrument_id is None:
            return self._first_positions(await self._first_of("positions", command.start), writer)
        rows = {row.ticker: row for row in await desk.http.get_positions(PositionsQuery())}
        if command.instrument_id is not None:
            contract = desk.contracts.of(command.instrument_id)
            return [writer.position(contract, rows.get(contract.ticker))]
        held = [(desk.contracts.on(row.ticker, leg), row) for row in rows.values() for leg in LEGS]
        self._warn(ticker for ticker, row in rows.items() if row.position_fp)
        return [writer.position(contract, row) for contract, row in held if contract is not None]

    @property
    def _is_starting(self) -> bool:
        return not self._strangers.may_come.is_set()

    def _is_introduced(self, stated: OrderStatement) -> bool:
        """Whether an order is unknown to the engine, and so comes with its fills, by `Strangers`."""
        is_strange = self._desk.recall(stated.client_order_id, stated.order_id) is None
        if is_strange and not self._is_starting:
            self._strangers.hear(stated.order_id)
            return True
        return False

    async def _first_of(self, what: str, start_ns: int | None) -> Snapshot:
        """Return what there was at one moment of the start: the engine asks for its three parts at the same time."""
        if self._first is None or (self._first.done() and self._first.exception()):
            self._first = asyncio.ensure_future(self._begin(_seconds(start_ns)))
        first = await asyncio.shield(self._first)
        self._unasked.discard(what)
        if not self._unasked:
            self._strangers.may_come.set()  # the engine knows now what was there before us
        return first

    async def _begin(self, since_ts: int | None) -> Snapshot:
        first = await take_snapshot(self._desk.http, since_ts)
        held = {ticker: row.position_fp for ticker, row in first.positions.items()}
        self._legs |= legs_of_strangers(held, first.orders, first.fills)
        await self._remember(list(first.orders))
        self._warn([*held, *(one.ticker for one in first.orders)])
        return first

    def _first_positions(self, first: Snapshot, writer: Writer) -> list[PositionStatusReport]:
        reports = []
        for ticker, row in first.positions.items():
            legs = first.legs(ticker, lambda fill: self._legs.get(fill.order_id, "YES"))
            for leg in LEGS:
                contract = self._desk.contracts.on(ticker, leg)
                if contract is not None:
                    held = None if legs is None else legs[leg]
                    reports.append(writer.position(contract, row, held))
        return reports

    async def _ask(self, ticket: Ticket) -> None:
        if ticket.is_closed or ticket.doubt is not None:
            return  # closed: its events are on their way; in doubt: the resolver asks already
        seen = await self._desk.resolver.look(ticket)
        if seen.order is not None:
            self._desk.teller.take_order(ticket, seen.order)

    async def _find(self, client_id: str | None, venue_id: str | None) -> OrderStatement | None:
        http = self._desk.http
        if venue_id is not None:
            try:
                return statements.of_order(await http.get_order(venue_id))
            except Refusal as refusal:
                if refusal.status != _NOT_FOUND:
                    raise
        row = None if client_id is None else await http.find_order(client_id, OrdersQuery())
        return None if row is None else statements.of_order(row)

    async def _orders(self, command: GenerateOrderStatusReports) -> list[OrderStatement]:
        http = self._desk.http
        rows = {row.order_id: row for row in await http.get_orders(OrdersQuery(status="resting"))}
        if not command.open_only:
            since = OrdersQuery(min_ts=_seconds(command.start), max_ts=_seconds(command.end))
            rows = {row.order_id: row for row in await http.get_orders(since)} | rows
        return [statements.of_order(row) for row in rows.values()]

    async def _learn_legs(self, stated: list[OrderStatement]) -> None:
        strangers = [one for one in stated if self._desk.recall(one.client_order_id, one.order_id) is None]
        new = [one for one in strangers if one.order_id not in self._legs]
        if not new:
            return
        since_ns = min((one.created_ns for one in new if one.filled), default=0)
        rows = await self._desk.http.get_fills(FillsQuery(min_ts=_seconds(since_ns))) if since_ns else ()
        held = {row.ticker: row.position_fp for row in await self._desk.http.get_positions(PositionsQuery())}
        self._legs |= legs_of_strangers(held, new, [statements.of_fill(row) for row in rows])
        self._warn(one.ticker for one in new)
        await self._remember(new)

    async def _remember(self, new: list[OrderStatement]) -> None:
        """Ask our records on which leg they were, and with what terms: the venue does not tell."""
        ids = [one.client_order_id for one in new if one.client_order_id]
        self._remembered |= await self._desk.remember(ids)
        for one in new:
            leg = leg_of_memory(self._remembered.get(one.client_order_id), one.ticker)
            if leg is not None:
                self._legs[one.order_id] = leg

    async def _held(self) -> dict[str, Decimal]:
        rows = await self._desk.http.get_positions(PositionsQuery())
        return {row.ticker: row.position_fp for row in rows}

    def _is_strange(self, fill: FillStatement) -> bool:
        return self._desk.recall(None, fill.order_id) is None

    def _report(self, stated: OrderStatement) -> OrderStatusReport | None:
        ticket = self._desk.recall(stated.client_order_id, stated.order_id)
        if ticket is not None:
            self._desk.teller.take_order(ticket, stated)
            known = self._desk.client.cache.order(ticket.client_order_id)
            return self._writer().order(as_known(ticket, stated, known), ticket.contract, known)
        contract = self._contract(stated.ticker, stated.order_id)
        if contract is None:
            return None
        return self._writer().order(stated, contract, self._remembered.get(stated.client_order_id))

    def _fill_report(self, fill: FillStatement) -> FillReport | None:
        ticket = self._desk.recall(None, fill.order_id)
        if ticket is not None:
            self._desk.teller.take_fill(ticket, fill)
            return self._writer().fill(fill, ticket.contract, ticket.client_order_id)
        contract = self._contract(fill.ticker, fill.order_id)
        return None if contract is None else self._writer().fill(fill, contract)

    def _contract(self, ticker: str, order_id: str) -> Contract | None:
        return self._desk.contracts.on(ticker, self._legs.get(order_id, "YES"))

    def _writer(self) -> Writer:
        return Writer(self._desk.client.account_id, self._desk.now_ns)

    def _is_asked(self, ticker: str, instrument_id: InstrumentId | None) -> bool:
        return instrument_id is None or self._desk.contracts.of(instrument_id).ticker == ticker

    def _warn(self, tickers: Any) -> None:
        missing = self._desk.contracts.missing(tickers)
        if missing:
            _LOG.error("we have orders or positions on markets that the engine does not know: %s", missing)


def as_known(ticket: Ticket, stated: OrderStatement, known: Any) -> OrderStatement:
    """Return a statement about an order as far as the engine's own order, `known`, has come."""
    end = ticket.ending.end if known.is_closed and ticket.ending is not None else None
    filled, size = known.filled_qty.as_decimal(), known.quantity.as_decimal()
    yes_price = other_scale(ticket.contract.leg, known.price.as_decimal())
    return replace(stated, yes_price=yes_price, filled=filled, remaining=size - filled, initial=size, end=end)


def _seconds(at_ns: int | None) -> int | None:
    return None if at_ns is None else at_ns // _SECOND_NS
