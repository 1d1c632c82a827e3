"""Orders of ours that nobody here made: another program, the website, a run before this one."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from nautilus_trader.model import ClientOrderId

from adapters.kalshi.execution import statements
from adapters.kalshi.execution.desk import Desk, leg_of_memory
from adapters.kalshi.execution.reports import Writer
from adapters.kalshi.execution.resolution import READ_ERRORS
from adapters.kalshi.execution.tickets import Ticket
from adapters.kalshi.execution.translation import leg_of_stranger
from adapters.kalshi.messages.orders import CancelOrder
from adapters.kalshi.messages.queries import FillsQuery
from network.backoff import Backoff
from network.outcomes import Done
from orders.guard import Remembered

_LOG: Final = logging.getLogger(__name__)
_PATIENCE_SECS: Final = 60.0


class Strangers:
    """Introduces them to the engine, each with its fills; from then on they are known.

    `may_come` is set once the engine has asked for what was there before: they would be told twice else. An
    engine that never asks gets them after a minute.
    """

    def __init__(self, desk: Desk, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._desk = desk
        self._sleep = sleep
        self._coming: set[str] = set()
        self._unknown_markets: set[str] = set()
        self._backoff = Backoff(0.1, 2.0, 10.0, jitter=0.2)
        self.may_come = asyncio.Event()

    def hear(self, order_id: str) -> None:
        """Note that the venue speaks of an order that the engine does not know."""
        if order_id not in self._coming:
            self._coming.add(order_id)
            self._desk.tasks.start(f"introduce order {order_id}", self._introduce(order_id))

    def rise(self, ghost: Ticket, order_id: str) -> None:
        """Cancel an order that arrived after the engine was told that it never did; its fills are introduced."""
        if order_id in self._coming:
            return
        _LOG.error("order %s was held for absent and is at the venue: it is cancelled", ghost)
        cancel = CancelOrder(
            order_id=order_id,
            market_ticker=ghost.contract.ticker,
            exchange_index=ghost.contract.shard,
        )
        self._desk.tasks.start(f"lay order {ghost} to rest", self._lay_to_rest(cancel))
        self.hear(order_id)

    async def _lay_to_rest(self, cancel: CancelOrder) -> None:
        tries = 0
        while not isinstance(await self._desk.http.cancel_order(cancel), Done):
            try:
                if (await self._desk.http.get_order(cancel.order_id)).status != "resting":
                    return
            except READ_ERRORS as error:
                _LOG.warning("order %s cannot be asked for now: %s", cancel.order_id, error)
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
        http = self._desk.http
        try:
            stated = statements.of_order(await http.get_order(order_id))
            rows = await http.get_fills(FillsQuery(order_id=order_id))
            fills = [statements.of_fill(row) for row in rows]
        except READ_ERRORS as error:
            _LOG.info("order %s of a stranger cannot be asked for now: %s", order_id, error)
            return False
        ticket = self._desk.recall(stated.client_order_id, order_id)
        if ticket is not None and ticket.is_refuted:
            stated = replace(stated, client_order_id="")  # the engine has closed that id for ever
            ticket = None
        if ticket is not None:  # the engine has learnt of it meanwhile
            self._desk.teller.take_order(ticket, stated)
            self._desk.resolver.tell(ticket, fills)
            return True
        if sum(fill.contracts for fill in fills) < stated.filled:
            return False
        found = await self._desk.remember([stated.client_order_id] if stated.client_order_id else [])
        self._report(stated, fills, found.get(stated.client_order_id))
        return True

    def _report(
        self,
        stated: statements.OrderStatement,
        fills: list[statements.FillStatement],
        known: Remembered | None,
    ) -> None:
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
