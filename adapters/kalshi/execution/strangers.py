"""Orders of ours at Kalshi that nobody here made."""

import logging
from dataclasses import replace
from typing import Final, override

from nautilus_trader.model import ClientOrderId

from adapters.kalshi.execution import statements
from adapters.kalshi.execution.desk import Desk, leg_of_memory
from adapters.kalshi.execution.reports import Writer
from adapters.kalshi.execution.resolution import READ_ERRORS
from adapters.kalshi.execution.statements import FillStatement, OrderStatement
from adapters.kalshi.execution.tickets import Ticket
from adapters.kalshi.execution.translation import leg_of_stranger
from adapters.kalshi.messages.orders import CanceledOrder, CancelOrder
from adapters.kalshi.messages.queries import FillsQuery
from network.outcomes import Outcome
from orders import strangers
from orders.guard import Remembered

_LOG: Final = logging.getLogger(__name__)

type Found = tuple[OrderStatement, list[FillStatement]]


class Strangers(strangers.Strangers[Ticket, Found]):
    """Introduces them on the leg that our records or our position name."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, READ_ERRORS)
        self._desk = desk
        self._unknown_markets: set[str] = set()

    @override
    async def read(self, order_id: str) -> Found:
        http = self._desk.http
        stated = statements.of_order(await http.get_order(order_id))
        rows = await http.get_fills(FillsQuery(order_id=order_id))
        return stated, [statements.of_fill(row) for row in rows]

    @override
    async def tell(self, order_id: str, found: Found) -> bool:
        stated, fills = found
        ticket = self._desk.recall(stated.client_order_id, order_id)
        if ticket is not None and ticket.is_refuted:
            stated = replace(stated, client_order_id="")  # the engine has closed that id for ever
            ticket = None
        if ticket is not None:
            self._desk.teller.take_order(ticket, stated)
            self._desk.resolver.tell(ticket, fills)
            return True
        if sum(fill.contracts for fill in fills) < stated.filled:
            return False
        known = await self._desk.remember([stated.client_order_id] if stated.client_order_id else [])
        self._report(stated, fills, known.get(stated.client_order_id))
        return True

    @override
    async def cancel(self, ghost: Ticket, order_id: str) -> Outcome[CanceledOrder]:
        contract = ghost.contract
        cancel = CancelOrder(order_id=order_id, market_ticker=contract.ticker, exchange_index=contract.shard)
        return await self._desk.http.cancel_order(cancel)

    @override
    async def rests(self, order_id: str) -> bool:
        return (await self._desk.http.get_order(order_id)).status == "resting"

    def _report(self, stated: OrderStatement, fills: list[FillStatement], known: Remembered | None) -> None:
        desk = self._desk
        met = leg_of_stranger(stated.side, desk.holdings.of(stated.ticker))
        leg = leg_of_memory(known, stated.ticker) or met
        for fill in fills:
            desk.holdings.note(fill)
        contract = desk.contracts.on(stated.ticker, leg)
        if contract is None:
            if stated.ticker not in self._unknown_markets:
                self._unknown_markets.add(stated.ticker)
                _LOG.error("an order of ours is on %s, a market that the engine does not know", stated.ticker)
            return
        client_id = ClientOrderId(stated.client_order_id) if stated.client_order_id else None
        writer = Writer(desk.client.account_id, desk.now_ns)
        told = [writer.fill(fill, contract, client_id) for fill in fills]
        desk.client._handle_report(writer.order(stated, contract, known), told)
