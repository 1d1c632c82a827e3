"""The look at a venue that makes up for streams that cannot prove themselves: now and then, and whenever it is wanted."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from network.backoff import Backoff
from orders.doubts import Doubts

_LOG: Final = logging.getLogger(__name__)
REST: Final = "rest"
_CASH_PAUSE_SECS: Final = 1.0


class Rounds:
    """Calls `look` for ever, every `every_secs`, soon after `ask`, and with waits that grow while `must_repeat`.

    What of `read_errors` it raises is a doubt about the venue until a look succeeds.
    """

    def __init__(
        self,
        look: Callable[[], Awaitable[None]],
        must_repeat: Callable[[], bool],
        doubts: Doubts,
        *,
        every_secs: float,
        read_errors: tuple[type[Exception], ...],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._look = look
        self._must_repeat = must_repeat
        self._doubts = doubts
        self._every_secs = every_secs
        self._read_errors = read_errors
        self._sleep = sleep
        self._backoff = Backoff(0.2, 2.0, 10.0, jitter=0.2)
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Want a look soon."""
        self._asked.set()

    async def run(self) -> None:
        """Look for ever."""
        failures = 0
        while True:
            await self._wait(failures)
            self._asked.clear()
            try:
                await self._look()
                self._doubts.clear(REST)
            except self._read_errors as error:
                _LOG.warning("a look at the venue failed: %s", error)
                self._doubts.raise_(REST, f"the venue cannot be asked: {error}")
            failures = failures + 1 if self._doubts.has(REST) or self._must_repeat() else 0

    async def _wait(self, failures: int) -> None:
        if failures:
            await self._sleep(self._backoff.delay_secs(failures - 1, lambda: 0.5))
            return
        try:
            async with asyncio.timeout(self._every_secs):
                await self._asked.wait()
        except TimeoutError:
            return


class Wanted:
    """Calls `read` whenever it is wanted, one at a time; a failure is tried again after a second."""

    def __init__(
        self,
        read: Callable[[], Awaitable[None]],
        read_errors: tuple[type[Exception], ...],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._read = read
        self._read_errors = read_errors
        self._sleep = sleep
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Want a reading soon."""
        self._asked.set()

    async def run(self) -> None:
        """Read for ever."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                await self._read()
            except self._read_errors as error:
                _LOG.warning("the balance cannot be read: %s", error)
                await self._sleep(_CASH_PAUSE_SECS)
                self._asked.set()
