"""A life in a process of its own: told what to do, asked what it knows, killed. Venue-neutral."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any

from campaigns.records import Known
from campaigns.victim import Orders


class Life:
    """One process that runs a node; `intents` hears each order's id before it leaves."""

    def __init__(
        self,
        context: ForkServerContext,
        live: Callable[[Connection, Orders], None],
        orders: Orders,
        intents: list[str],
    ) -> None:
        self._intents = intents
        self._pipe, theirs = context.Pipe()
        self._answers: asyncio.Queue[Known | None] = asyncio.Queue()
        self.process: ForkServerProcess = context.Process(target=live, args=(theirs, orders))
        self.process.start()
        theirs.close()
        asyncio.get_running_loop().add_reader(self._pipe.fileno(), self._hear)
        self.is_dead = self.was_known = self.is_stillborn = False

    def say(self, word: str) -> None:
        """Tell it a word."""
        with suppress(BrokenPipeError, ConnectionError):
            self._pipe.send(word)

    async def ask(self, patience_secs: float) -> Known | None:
        """Return what it knows, or None while it cannot tell."""
        self.say("know")
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_secs):
                return await self._answers.get()
        return None

    def kill(self) -> None:
        """End it at once, and hear its last words."""
        self.process.kill()
        self.process.join()
        self._drain()
        asyncio.get_running_loop().remove_reader(self._pipe.fileno())
        self._pipe.close()

    def _drain(self) -> None:
        """Hear what it had said before it died: an order whose intent was said may have left."""
        while not self.is_dead:
            self._hear()

    def _hear(self) -> None:
        try:
            while self._pipe.poll():
                self._take(self._pipe.recv())
        except (EOFError, OSError):
            self.is_dead = True
            self._answers.put_nowait(None)
            asyncio.get_running_loop().remove_reader(self._pipe.fileno())

    def _take(self, message: Any) -> None:
        if isinstance(message, str):
            self._intents.append(message)
        else:
            self._answers.put_nowait(message)
