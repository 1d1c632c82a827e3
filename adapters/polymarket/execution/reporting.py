"""Answers to the engine's questions about orders, fills and positions, at its start and while it runs.

An order with a ticket is told by events, each fill by its trade: a report that runs ahead of them would make the engine
invent fills. So a question about it alone is answered by events, or by raising.
"""

import asyncio
import logging
from typing import Any, Final

from nautilus_trader.live import (
    GenerateFillReports,
    GenerateOrderStatusReport,
    GenerateOrderStatusReports,
    GeneratePositionStatusReports,
)
from nautilus_trader.model import FillReport, InstrumentId, OrderStatusReport, PositionStatusReport

from adapters.polymarket.execution.desk import Desk
from adapters.polymarket.execution.reports import Writer
from adapters.polymarket.execution.resolution import OrderUnresolvedError
from adapters.polymarket.execution.snapshot import Snapshot, take_snapshot
from adapters.polymarket.execution.statements import FillStatement, OrderStatement
from adapters.polymarket.execution.strangers import Strangers
from adapters.polymarket.execution.tickets import Ticket
from adapters.polymarket.execution.translation import Contract, instrument_of
from adapters.polymarket.http.portfolio import units

_LOG: Final = logging.getLogger(__name__)
_SECOND_NS: Final = 1_000_000_000


class Reporting:
    """Reports; network errors pass through, so that nothing is taken for absent that could not be read."""

    def __init__(self, desk: Desk, strangers: Strangers) -> None:
        self._desk = desk
        self._strangers = strangers
        self._first: asyncio.Future[Snapshot] | None = None
        self._unasked = {"orders", "fills", "positions"}

    async def order(self, command: GenerateOrderStatusReport) -> OrderStatusReport | None:
        """Never return None: the venue lists no closed orders, so absence is proved by `resolution` alone."""
        client_id = None if command.client_order_id is None else command.client_order_id.value
        venue_id = "" if command.venue_order_id is None else command.venue_order_id.value
        ticket = self._desk.recall(client_id, venue_id)
        if ticket is None:
            raise OrderUnresolvedError(f"nobody here made order {client_id or venue_id}")
        if not ticket.is_closed and ticket.doubt is None:
            self._desk.resolver.tell(ticket, await self._desk.resolver.look(ticket))
        raise OrderUnresolvedError(f"order {ticket} is told by events as soon as the venue tells")

    async def orders(self, command: GenerateOrderStatusReports) -> list[OrderStatusReport]:
        """Return our orders: at the start all that orders and trades tell of, later those of the engine."""
        if self._is_starting:
            first = await self._first_of("orders", command.start)
            found = [self._report(one) for one in first.orders if self._is_asked(one, command.instrument_id)]
            return [one for one in found if one is not None]
        reports = []
        for row in (await take_snapshot(self._desk, self._recently)).orders:
            if self._desk.recall(None, row.order_id) is None:
                self._strangers.hear(row.order_id)
            elif self._is_asked(row, command.instrument_id):
                reports.append(self._report(row))
        return [one for one in reports if one is not None]

    async def fills(self, command: GenerateFillReports) -> list[FillReport]:
        """Return our fills since a time, without those whose settlement failed."""
        if self._is_starting and command.venue_order_id is None:
            fills = (await self._first_of("fills", command.start)).fills
        else:
            rows = await self._desk.http.get_own_trades(after_secs=_seconds(command.start))
            fills = tuple(fill for row in rows for fill in self._desk.fills_of(row))
        asked = None if command.venue_order_id is None else command.venue_order_id.value
        reports = [
            self._fill_report(fill)
            for fill in fills
            if asked in (None, fill.order_id) and self._is_asked(fill, command.instrument_id)
        ]
        return [one for one in reports if one is not None]

    async def positions(self, command: GeneratePositionStatusReports) -> list[PositionStatusReport]:
        """Return our shares, matches on their way included."""
        writer = self._writer()
        if self._is_starting and command.instrument_id is None:
            first = await self._first_of("positions", command.start)
            found = [(token, held, self._contract_of_token(token)) for token, held in first.shares.items()]
            return [
                writer.position(contract, held, first.average(token))
                for token, held, contract in found
                if contract is not None
            ]
        tokens = self._desk.holdings.tokens
        if command.instrument_id is not None:
            tokens = frozenset({self._desk.contracts.of(command.instrument_id).token_id})
        reports = []
        for token in sorted(tokens):
            contract = self._contract_of_token(token)
            if contract is not None:
                answer = await self._desk.http.get_shares(token, int(self._desk.wallet.kind))
                moving = self._desk.holdings.of(token) - self._desk.holdings.settled(token)
                reports.append(writer.position(contract, units(answer.balance) + moving))
        return reports

    @property
    def _is_starting(self) -> bool:
        return not self._strangers.may_come.is_set()

    @property
    def _recently(self) -> int:
        return self._desk.now_ns // _SECOND_NS - 600

    async def _first_of(self, what: str, start_ns: int | None) -> Snapshot:
        """Return what there was at one moment of the start: the engine asks for its three parts at the same time."""
        if self._first is None or (self._first.done() and self._first.exception()):
            self._first = asyncio.ensure_future(self._begin(_seconds(start_ns)))
        first = await asyncio.shield(self._first)
        self._unasked.discard(what)
        if not self._unasked:
            self._strangers.may_come.set()  # the engine knows now what was there before us
        return first

    async def _begin(self, since_secs: int | None) -> Snapshot:
        settles_within_secs = self._desk.settings.settles_within_secs
        first = await take_snapshot(self._desk, since_secs, settles_within_secs=settles_within_secs)
        await self._strangers.remember([one.order_id for one in first.orders])
        unknown = {one.condition_id for one in first.orders if self._contract(one) is None}
        if unknown:
            _LOG.error(
                "we have orders or trades on markets that the engine does not know: %s", sorted(unknown)
            )
        self._desk.holdings.begin(first.shares, first.conditions, first.fills)
        for fill in first.fills:
            if not fill.is_final and not fill.is_failed:
                self._desk.holdings.pending[fill.name] = fill
        return first

    def _report(self, stated: OrderStatement) -> OrderStatusReport | None:
        ticket = self._desk.recall(None, stated.order_id)
        if ticket is not None:
            return self._known(ticket)
        contract = self._contract(stated)
        if contract is None:
            return None
        known = self._strangers.remembered.get(stated.order_id)
        client_id = None if known is None else known.client_order_id
        return self._writer().order(stated, contract, client_id, known)

    def _known(self, ticket: Ticket) -> OrderStatusReport | None:
        """Return a report of an order as far as the engine's own order has come: events tell the rest."""
        order: Any = self._desk.client.cache.order(ticket.client_order_id)
        if order is None or order.is_closed or ticket.is_quote:
            return None
        stated = OrderStatement(
            order_id=ticket.hash,
            condition_id=ticket.contract.condition_id,
            token_id=ticket.contract.token_id,
            side=ticket.side,
            price=ticket.price,
            size=order.quantity.as_decimal(),
            filled=order.filled_qty.as_decimal(),
            end=None,
        )
        return self._writer().order(stated, ticket.contract, ticket.client_order_id.value, order)

    def _fill_report(self, fill: FillStatement) -> FillReport | None:
        ticket = self._desk.recall(None, fill.order_id)
        if ticket is not None:
            self._desk.teller.take_fill(ticket, fill)
            if fill.is_failed:
                return None
            return self._writer().fill(fill, ticket.contract, ticket.client_order_id.value)
        contract = self._contract(fill)
        if contract is None or fill.is_failed:
            return None
        known = self._strangers.remembered.get(fill.order_id)
        return self._writer().fill(fill, contract, None if known is None else known.client_order_id)

    def _contract(self, about: OrderStatement | FillStatement) -> Contract | None:
        return self._desk.contracts.find(instrument_of(about.condition_id, about.token_id))

    def _contract_of_token(self, token_id: str) -> Contract | None:
        return self._strangers.contract_of_token(token_id)

    def _is_asked(self, about: OrderStatement | FillStatement, instrument_id: InstrumentId | None) -> bool:
        return instrument_id in (None, instrument_of(about.condition_id, about.token_id))

    def _writer(self) -> Writer:
        return Writer(self._desk.client.account_id, self._desk.now_ns)


def _seconds(at_ns: int | None) -> int | None:
    return None if at_ns is None else at_ns // _SECOND_NS
