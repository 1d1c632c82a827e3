"""Orders of ours that nobody here made: another program, the website, a run before this one."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from nautilus_trader.model import InstrumentId

from adapters.polymarket.constants import VENUE
from adapters.polymarket.execution.desk import Desk
from adapters.polymarket.execution.reports import Writer, of_fills
from adapters.polymarket.execution.resolution import READ_ERRORS
from adapters.polymarket.execution.statements import FillStatement, OrderStatement
from adapters.polymarket.execution.tickets import Ticket
from adapters.polymarket.execution.translation import Contract, instrument_of
from network.backoff import Backoff
from network.outcomes import Done
from orders.guard import Remembered

_LOG: Final = logging.getLogger(__name__)
_PATIENCE_SECS: Final = 60.0
_WINDOW_SECS: Final = 600
_SECOND_NS: Final = 1_000_000_000


class Strangers:
    """Introduces them to the engine, each with its fills; from then on they are known.

    `may_come` is set once the engine has asked for what was there before: they would be told twice else. An
    engine that never asks gets them after a minute. `remembered` is what our records say of orders, by the venue's id.
    """

    def __init__(self, desk: Desk, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._desk = desk
        self._sleep = sleep
        self._coming: set[str] = set()
        self._by_token: dict[str, InstrumentId] = {}
        self._backoff = Backoff(0.1, 2.0, 10.0, jitter=0.2)
        self.remembered: dict[str, Remembered] = {}
        self.may_come = asyncio.Event()

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

    def hear(self, order_id: str) -> None:
        """Note that the venue speaks of an order that the engine does not know."""
        if order_id not in self._coming:
            self._coming.add(order_id)
            self._desk.tasks.start(f"introduce order {order_id}", self._introduce(order_id))

    def rise(self, ghost: Ticket) -> None:
        """Cancel an order that arrived after the engine was told that it never did; its fills are introduced."""
        if ghost.hash in self._coming:
            return
        _LOG.error("order %s was held for absent and is at the venue: it is cancelled", ghost)
        self._desk.tasks.start(f"lay order {ghost} to rest", self._lay_to_rest(ghost.hash))
        self.hear(ghost.hash)

    async def _lay_to_rest(self, order_id: str) -> None:
        tries = 0
        while not isinstance(await self._desk.http.cancel_order(order_id), Done):
            try:
                if await self._desk.resolver.find(order_id) is None:
                    return
            except READ_ERRORS as error:
                _LOG.warning("order %s cannot be asked for now: %s", order_id, error)
            await self._sleep(self._backoff.delay_secs(tries, lambda: 0.5))
            tries += 1

    async def _introduce(self, order_id: str) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECS):
                await self.may_come.wait()
        except TimeoutError:
            self.may_come.set()
        tries = 0
        while not await self._try(order_id):
            await self._sleep(self._backoff.delay_secs(tries, lambda: 0.5))
            tries += 1
        self._coming.discard(order_id)

    async def _try(self, order_id: str) -> bool:
        desk = self._desk
        try:
            stated = await desk.resolver.find(order_id)
            after = desk.now_ns // _SECOND_NS - _WINDOW_SECS
            rows = await desk.http.get_own_trades(after_secs=after)
        except READ_ERRORS as error:
            _LOG.info("order %s of a stranger cannot be asked for now: %s", order_id, error)
            return False
        told = [fill for row in rows for fill in desk.fills_of(row) if fill.order_id == order_id]
        fills = [fill for fill in told if not fill.is_failed]
        ticket = desk.recall(None, order_id)
        if ticket is not None and not ticket.is_refuted:  # the engine has learnt of it meanwhile
            for fill in told:
                desk.teller.take_fill(ticket, fill)
            return True
        if stated is None and not fills:
            return True  # it has ended without a trace
        self._report(stated or of_fills(fills), fills)
        return True

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
