"""How one run of a fault campaign ends: faults are over, the strategy rests, the laws must come true. Venue-neutral."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from campaigns.invariants import broken_laws
from campaigns.plans import names_of
from campaigns.records import Books, FaultRun, Known
from simulation.wire.faults import Faults

_BEAT_SECS: Final = 0.1
_LASTING: Final = 100


class World(Protocol):
    """A venue's double with our account and a crowd."""

    @property
    def faults(self) -> Faults:
        """What goes wrong."""
        ...

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is under way."""
        ...

    def end_faults(self) -> None:
        """Be a sound venue."""
        ...

    def stop_crowd(self) -> None:
        """Let nobody else trade."""
        ...

    def books_for(self, known: Known | None) -> Books:
        """Return the venue's records of us."""
        ...


@dataclass(frozen=True, slots=True)
class Scene:
    """One run: the venue, what we know, what the strategy wished, how it rests, what the witness saw, how it is told."""

    seed: int
    world: World
    known: Callable[[], Known]
    intents: list[str]
    rest: Callable[[], None]
    trace: Callable[[list[str]], list[str]]
    breaches: list[str] = field(default_factory=list)


async def judge(scene: Scene, quiet_secs: float) -> FaultRun:
    """End the faults, let the strategy take its orders back, and return what does not come true in time."""
    world, loop = scene.world, asyncio.get_running_loop()
    world.end_faults()
    world.stop_crowd()
    deadline, calm = loop.time() + quiet_secs, 0
    while True:
        scene.rest()
        await asyncio.sleep(0.2)
        known = scene.known()
        books = world.books_for(known)
        laws = broken_laws(books, known, scene.intents)
        calm = calm + 1 if world.is_quiet and not laws else 0
        # What stays named although all holds needs a human: a refused account, a triggered group.
        if calm >= (_LASTING if known.unresolved else 2) or loop.time() > deadline:
            break
    laws += [f"risk: {breach}" for breach in scene.breaches]
    return FaultRun(
        seed=scene.seed,
        laws=tuple(laws),
        faults=tuple(names_of(world.faults.injected)),
        unresolved=known.unresolved,
        orders=len(books.orders),
        fills=len(books.fills),
        trace=tuple(scene.trace(laws)) if laws or known.unresolved else (),
    )


def trace_of_faults(faults: Faults) -> tuple[list[str], int]:
    """Return one line a fault that struck, and when the first did, in nanoseconds (0 without any)."""
    start_ns = min((one.at_ns for one in faults.injected), default=0)
    return [
        f"{(one.at_ns - start_ns) / 1e9:7.3f} s fault {one.fault.kind} {one.fault.millis:g} ms on {one.where} ({one.nth})"
        for one in faults.injected
    ], start_ns


class Lag:
    """How late the loop was at worst, in seconds."""

    def __init__(self) -> None:
        self.worst_secs = 0.0

    async def watch(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _BEAT_SECS
            await asyncio.sleep(_BEAT_SECS)
            self.worst_secs = max(self.worst_secs, loop.time() - due)


async def until(condition: Callable[[], bool], secs: float) -> None:
    """Wait for a condition; TimeoutError when it does not come true within `secs`."""
    async with asyncio.timeout(secs):
        while not condition():
            await asyncio.sleep(0.02)
