"""One run of a fault campaign: the whole node acts while everything breaks, then the laws are asked. Venue-neutral.

The node is built as `run_live.py` builds it; at the border of its adapter stands a witness.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from msgspec.structs import replace

from campaigns.actor import Actor
from campaigns.plans import Terrain, draw_plan
from campaigns.records import Books, FaultRun, Known
from campaigns.running import Lag, Scene, judge, trace_of_faults, until
from campaigns.running import World as JudgedWorld
from campaigns.whole_node import actor_of, whole_node
from campaigns.witness import Witness
from system.node import BookNode

_START_SECS: Final = 90.0
_QUIET_SECS: Final = 120.0
_BUGGY_SECS: Final = 8.0
_CROWD_PER_SEC: Final = 40.0


class World(JudgedWorld, Protocol):
    """A venue's double that can be opened and closed."""

    async def open(self) -> dict[str, str]:
        """Open for business; return what our environment needs to find it and to be us."""
        ...

    async def close(self) -> None:
        """End everything."""
        ...

    def start_crowd(self, events_per_second: float) -> None:
        """Let others trade."""
        ...


@dataclass(frozen=True, slots=True)
class Play:
    """What a venue brings to a run.

    `outcomes` is how many the actor shall have met before it begins; `in_place` holds the parts of the adapter at whose
    border `witness` stands; `known` is what a node says.
    """

    world: World
    terrain: Terrain
    outcomes: int
    write_book: Callable[[Path], Path]
    in_place: AbstractContextManager[None]
    witness: Witness
    known: Callable[[BookNode], Known]


def run(seed: int, make: Callable[[], Play], *, is_buggy: bool = False) -> FaultRun:
    """Run one seed of what `make` makes on the loop; with a deliberate bug without much patience at the end."""
    logging.disable(logging.CRITICAL)
    return asyncio.run(_run(seed, make, _BUGGY_SECS if is_buggy else _QUIET_SECS))


async def _run(seed: int, make: Callable[[], Play], quiet_secs: float) -> FaultRun:
    play, lag, intents = make(), Lag(), list[str]()
    world, terrain = play.world, play.terrain
    os.environ.update(await world.open())
    world.start_crowd(_CROWD_PER_SEC)
    watching = asyncio.ensure_future(lag.watch())
    try:
        async with whole_node(play.write_book, play.in_place, intents) as node:
            actor = actor_of(node)
            await until(lambda: node.phase == "running" and len(actor.outcomes) >= play.outcomes, _START_SECS)
            actor.begin()
            await until(lambda: any(" OrderAccepted" in line for line in actor.happened), _START_SECS)
            for fault in draw_plan(seed, terrain).faults:
                world.faults.add(fault)
            await asyncio.sleep(terrain.active_secs)
            scene = Scene(
                seed,
                world,
                lambda: play.known(node),
                intents,
                actor.rest,
                lambda laws: _trace(laws, world, world.books_for(play.known(node)), actor),
                play.witness.breaches,
            )
            found = await judge(scene, quiet_secs)
            return replace(found, was_starved=lag.worst_secs > terrain.patience_secs)
    except TimeoutError:
        laws = ("alive: it did not start in time",)
        return FaultRun(seed, laws, was_starved=lag.worst_secs > terrain.patience_secs)
    finally:
        watching.cancel()
        await world.close()


def _trace(laws: list[str], world: World, books: Books, actor: Actor) -> list[str]:
    """Return what happened: faults in their order, then what the venue has and the actor heard of orders that a law names."""
    trace, start_ns = trace_of_faults(world.faults)
    named = " ".join(laws)
    fills = [fill for fill in books.fills if fill.trade_id in named or fill.order_id in named]
    named = " ".join((named, *(fill.order_id for fill in fills)))
    orders = [order for order in books.orders if order.order_id in named or order.client_order_id in named]
    named = " ".join((named, *(order.client_order_id for order in orders)))
    trace += [f"venue {row}" for row in (*orders, *fills)]
    for line in actor.happened:
        at_ns, name, event = line.split(maxsplit=2)
        if name in named or not laws:
            trace.append(f"{(int(at_ns) - start_ns) / 1e9:7.3f} s {name} {event}")
    return trace
