"""Orders of ours that nobody here made: another program, the website, a run before this one."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, Final

from network.backoff import Backoff
from network.outcomes import Done, Outcome
from orders.desk import Desk
from orders.tickets import Ticket

_LOG: Final = logging.getLogger(__name__)
_PATIENCE_SECS: Final = 60.0


class Strangers[T: Ticket, F](ABC):
    """Introduces them to the engine, each with its fills; from then on they are known. `F` is what is read of one.

    `may_come` is set once the engine has asked for what was there before: they would be told twice else. An
    engine that never asks gets them after a minute. `read_errors` are those of a question without an answer.
    """

    def __init__(
        self,
        desk: Desk[T],
        read_errors: tuple[type[Exception], ...],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._floor = desk
        self._read_errors = read_errors
        self._sleep = sleep
        self._coming: set[str] = set()
        self._backoff = Backoff(0.1, 2.0, 10.0, jitter=0.2)
        self.may_come = asyncio.Event()

    @abstractmethod
    async def read(self, order_id: str) -> F:
        """Return what the venue says of an order and its fills; may raise `read_errors`."""

    @abstractmethod
    async def tell(self, order_id: str, found: F) -> bool:
        """Introduce an order, or tell what is new of one that the engine has learnt of meanwhile.

        Return False when what was read is not whole yet.
        """

    @abstractmethod
    async def cancel(self, ghost: T, order_id: str) -> Outcome[Any]:
        """Cancel an order at the venue."""

    @abstractmethod
    async def rests(self, order_id: str) -> bool:
        """Return whether the venue has the order open; may raise `read_errors`."""

    def hear(self, order_id: str) -> None:
        """Note that the venue speaks of an order that the engine does not know."""
        if order_id not in self._coming:
            self._coming.add(order_id)
            self._floor.tasks.start(f"introduce order {order_id}", self._introduce(order_id))

    def rise(self, ghost: T, order_id: str) -> None:
        """Cancel an order that arrived after the engine was told that it never did; its fills are introduced."""
        if order_id in self._coming:
            return
        _LOG.error("order %s was held for absent and is at the venue: it is cancelled", ghost)
        self._floor.tasks.start(f"lay order {ghost} to rest", self._lay_to_rest(ghost, order_id))
        self.hear(order_id)

    async def _lay_to_rest(self, ghost: T, order_id: str) -> None:
        tries = 0
        while not isinstance(await self.cancel(ghost, order_id), Done):
            try:
                if not await self.rests(order_id):
                    return
            except self._read_errors as error:
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
        try:
            found = await self.read(order_id)
        except self._read_errors as error:
            _LOG.info("order %s of a stranger cannot be asked for now: %s", order_id, error)
            return False
        return await self.tell(order_id, found)
