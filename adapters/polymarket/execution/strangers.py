"""Orders of ours at Polymarket that nobody here made."""

import logging
from collections.abc import Sequence
from typing import Final, override

from nautilus_trader.model import InstrumentId

from adapters.polymarket.constants import VENUE
from adapters.polymarket.execution.desk import Desk
from adapters.polymarket.execution.reports import Writer, of_fills
from adapters.polymarket.execution.resolution import READ_ERRORS
from adapters.polymarket.execution.statements import FillStatement, OrderStatement
from adapters.polymarket.execution.tickets import Ticket
from adapters.polymarket.execution.translation import Contract, instrument_of
from network.outcomes import Outcome
from orders import strangers
from orders.guard import Remembered

_LOG: Final = logging.getLogger(__name__)
_WINDOW_SECS: Final = 600
_SECOND_NS: Final = 1_000_000_000

type Found = tuple[OrderStatement | None, list[FillStatement]]


class Strangers(strangers.Strangers[Ticket, Found]):
    """Introduces them by their hashes; `remembered` is what our records say of orders, by the venue's id."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, READ_ERRORS)
        self._desk = desk
        self._by_token: dict[str, InstrumentId] = {}
        self.remembered: dict[str, Remembered] = {}

    async def remember(self, order_ids: Sequence[str]) -> None:
        """Ask our records for orders by the venue's ids."""
        self.remembered |= await self._desk.remember(order_ids)

    def contract_of_token(self, token_id: str) -> Contract | None:
        """Return the contract of a token that the engine knows."""
        if token_id not in self._by_token:
            for instrument in self._desk.client.cache.instruments():
                if instrument.id.venue.value == VENUE:
                    self._by_token[instrument.id.symbol.value.rpartition("-")[2]] = instrument.id
        found = self._by_token.get(token_id)
        return None if found is None else self._desk.contracts.find(found)

    @override
    async def read(self, order_id: str) -> Found:
        desk = self._desk
        stated = await desk.resolver.find(order_id)
        rows = await desk.http.get_own_trades(after_secs=desk.now_ns // _SECOND_NS - _WINDOW_SECS)
        return stated, [fill for row in rows for fill in desk.fills_of(row) if fill.order_id == order_id]

    @override
    async def tell(self, order_id: str, found: Found) -> bool:
        stated, told = found
        ticket = self._desk.recall(None, order_id)
        if ticket is not None and not ticket.is_refuted:
            for fill in told:
                self._desk.teller.take_fill(ticket, fill)
            return True
        fills = [fill for fill in told if not fill.is_failed]
        if stated is not None or fills:  # else it has ended without a trace
            self._report(stated or of_fills(fills), fills)
        return True

    @override
    async def cancel(self, ghost: Ticket, order_id: str) -> Outcome[str]:
        return await self._desk.http.cancel_order(order_id)

    @override
    async def rests(self, order_id: str) -> bool:
        return await self._desk.resolver.find(order_id) is not None

    def _report(self, stated: OrderStatement, fills: list[FillStatement]) -> None:
        desk = self._desk
        for fill in fills:
            desk.holdings.note(fill)
        contract = desk.contracts.find(instrument_of(stated.condition_id, stated.token_id))
        if contract is None:
            _LOG.error(
                "an order of ours is on %s, a market that the engine does not know", stated.condition_id
            )
            return
        writer = Writer(desk.client.account_id, desk.now_ns)
        known = self.remembered.get(stated.order_id)
        report = writer.order(stated, contract, None, known)
        desk.client._handle_report(report, [writer.fill(fill, contract) for fill in fills])
