"""A chain of lives at one double: each is killed at some moment, and the next must know all that the venue knows. Venue-neutral."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Final, Protocol

from campaigns.invariants import broken_laws
from campaigns.lives import Life
from campaigns.records import Books, KillChain, Known
from campaigns.victim import Orders

_CROWD_PER_SEC: Final = 40.0
_READY_SECS: Final = 120.0
_LOOK_SECS: Final = 0.05
_NEWBORN_SHARE: Final = 0.3
_NEWBORN_SECS: Final = 1.0
_GROWN_SECS: Final = 3.0
_MOMENT_SECS: Final = 0.1
_MOST_WISHES: Final = 12
_MOST_STILLBORN: Final = 10


class World(Protocol):
    """A venue's double with our account and a crowd."""

    async def open(self) -> dict[str, str]:
        """Open for business; return what our environment needs to find it and to be us."""
        ...

    def start_crowd(self, events_per_second: float) -> None:
        """Let others trade."""
        ...

    def stop_crowd(self) -> None:
        """Let nobody else trade."""
        ...

    def books_for(self, known: Known | None) -> Books:
        """Return the venue's records of us; `known` may help it to name our orders."""
        ...

    async def close(self) -> None:
        """End everything."""
        ...


@dataclass(frozen=True, slots=True)
class Breed:
    """What a venue brings: its world by seed, the book that all lives run, and what a life is."""

    make_world: Callable[[int], World]
    write_book: Callable[[Path, int], Path]
    live: Callable[[Connection, Orders], None]


@dataclass(slots=True)
class Chain:
    """Kills `kills` lives one after another, and asks one more what it knows; `folder` holds book and journal.

    A life that cannot start (a starved machine gives no answers in time) ends by itself and is followed by another, as
    under a supervisor: it counts as `stillborn`, not as a kill.
    """

    breed: Breed
    seed: int
    kills: int
    folder: Path
    context: ForkServerContext
    is_forgetful: bool = False
    intents: list[str] = field(default_factory=list)
    newborn: int = 0
    stillborn: int = 0

    async def run(self) -> KillChain:
        """Return what was broken; the chain ends with the first life that does not know what it should."""
        world, chance = self.breed.make_world(self.seed), random.Random(f"kills {self.seed}")
        environ = await world.open()
        self.breed.write_book(self.folder, self.seed)
        orders = Orders(str(self.folder), environ, self.is_forgetful)
        laws: list[str] = []
        killed = 0
        try:
            world.start_crowd(_CROWD_PER_SEC)
            while killed < self.kills and not laws:
                is_newborn = chance.random() < _NEWBORN_SHARE
                life = Life(self.context, self.breed.live, orders, self.intents)
                try:
                    if is_newborn:
                        await asyncio.sleep(chance.uniform(0, _NEWBORN_SECS))
                    else:
                        laws = await self._ask(world, life)
                        laws = laws or await self._let_act(life, chance)
                finally:
                    life.kill()
                if life.is_stillborn and self.stillborn < _MOST_STILLBORN:
                    self.stillborn, laws = self.stillborn + 1, []
                    continue
                killed += 1
                self.newborn += is_newborn
            laws = laws or await self._last_word(world, orders)
            return self._sum_up(world.books_for(None), killed, laws)
        finally:
            # A connection that the dead have left in the queue is taken first: a server that is closed in between
            # complains when it goes (CPython 3.13.0, `Server._detach`).
            await asyncio.sleep(_LOOK_SECS)
            await world.close()

    async def _let_act(self, life: Life, chance: random.Random) -> list[str]:
        """Return in the middle of something: some orders and a moment after the start, however slow the machine is."""
        wanted = len(self.intents) + chance.randint(0, _MOST_WISHES)
        life.say("act")
        with suppress(TimeoutError):
            async with asyncio.timeout(_GROWN_SECS):
                while len(self.intents) < wanted:
                    await asyncio.sleep(_LOOK_SECS / 5)
        await asyncio.sleep(chance.uniform(0, _MOMENT_SECS))
        return ["alive: the life ended by itself while it traded"] if life.is_dead else []

    async def _last_word(self, world: World, orders: Orders) -> list[str]:
        while True:
            life = Life(self.context, self.breed.live, orders, self.intents)
            try:
                laws = await self._ask(world, life)
            finally:
                life.kill()
            if not life.is_stillborn or self.stillborn >= _MOST_STILLBORN:
                return laws
            self.stillborn += 1

    async def _ask(self, world: World, life: Life) -> list[str]:
        """Return the laws that do not hold although the life had time to learn; the crowd waits meanwhile."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _READY_SECS
        laws = [f"alive: not ready within {_READY_SECS} s"]
        world.stop_crowd()
        while loop.time() < deadline:
            known = await life.ask(deadline - loop.time())
            if life.is_dead:
                life.is_stillborn = not life.was_known
                return [f"alive: the life ended by itself with {life.process.exitcode}"]
            if known is not None:
                life.was_known = True
                laws = broken_laws(world.books_for(known), known, self.intents, is_reborn=True)
                laws += [f"alive: still in doubt: {doubt}" for doubt in known.unresolved]
                if not laws:
                    break
            await asyncio.sleep(_LOOK_SECS)
        world.start_crowd(_CROWD_PER_SEC)
        return laws

    def _sum_up(self, books: Books, killed: int, laws: list[str]) -> KillChain:
        return KillChain(
            seed=self.seed, kills=killed, newborn=self.newborn, stillborn=self.stillborn, laws=tuple(laws),
            orders=len(books.orders), fills=len(books.fills),
        )  # fmt: skip
