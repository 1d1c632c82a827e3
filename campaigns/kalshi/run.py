"""One run of the fault campaign at Kalshi: act while everything breaks, then ask whether the laws hold."""

import asyncio
from typing import Final

from msgspec.structs import replace

from campaigns.kalshi.border import watched_parts
from campaigns.kalshi.bugs import BUGS
from campaigns.kalshi.desk import PATIENCE_SECS, Desk, Parts
from campaigns.kalshi.world import MARKETS, USER, World, terrain
from campaigns.plans import draw_plan
from campaigns.records import FaultRun
from campaigns.running import Lag, Scene, judge, trace_of_faults, until
from campaigns.witness import Witness

ACTIVE_SECS: Final = 2.0
_START_SECS: Final = 90.0
_QUIET_SECS: Final = 120.0
_BUGGY_SECS: Final = 8.0
_CROWD_PER_SEC: Final = 40.0


def run_seed(seed: int, bug: str | None = None) -> FaultRun:
    """Run one seed, with a deliberate bug of `bugs` when one is named: then without much patience at the end."""
    return asyncio.run(_run(seed, BUGS[bug]() if bug else Parts(), _BUGGY_SECS if bug else _QUIET_SECS))


async def _run(seed: int, parts: Parts, quiet_secs: float) -> FaultRun:
    world, witness = World(seed), Witness()
    addresses = await world.start()
    world.start_crowd(_CROWD_PER_SEC)
    desk = Desk(addresses, world.environ, seed, parts=watched_parts(witness, parts))
    lag = Lag()
    watching = asyncio.ensure_future(lag.watch())
    try:
        async with Running(desk):
            await until(
                lambda: not desk.client.doubts and len(desk.actor.outcomes) == 2 * len(MARKETS), _START_SECS
            )
            for fault in draw_plan(seed, terrain(ACTIVE_SECS, PATIENCE_SECS)).faults:
                world.double.faults.add(fault)
            desk.actor.begin()
            await asyncio.sleep(ACTIVE_SECS)
            run = await _judge(seed, world, desk, witness, quiet_secs)
            return replace(run, was_starved=lag.worst_secs > PATIENCE_SECS)
    except TimeoutError:
        return FaultRun(
            seed, ("alive: it did not start in time",), was_starved=lag.worst_secs > PATIENCE_SECS
        )
    finally:
        watching.cancel()
        await world.double.stop()


async def _judge(seed: int, world: World, desk: Desk, witness: Witness, quiet_secs: float) -> FaultRun:
    scene = Scene(
        seed,
        world,
        desk.known,
        desk.intents,
        desk.actor.rest,
        lambda laws: _trace(laws, world, desk),
        witness.breaches,
    )
    return await judge(scene, quiet_secs)


def _trace(laws: list[str], world: World, desk: Desk) -> list[str]:
    """Return what happened to whatever a broken law names: faults, events, the venue's row."""
    books, known = world.books(), desk.known()
    named = " ".join(laws)
    named += " ".join(fill.order_id for fill in books.fills if fill.trade_id in named)
    named += " ".join(
        order.client_order_id for order in known.orders if any(one in named for one in order.trades)
    )
    trace, start_ns = trace_of_faults(world.double.faults)
    for row in world.double.snapshot().orders.get(USER, ()):
        if row["order_id"] in named or row["client_order_id"] in named:
            named += row["client_order_id"]
            trace.append(f"venue {row}")
    trace += [f"venue {fill}" for fill in books.fills if fill.order_id in named or fill.trade_id in named]
    for line in desk.actor.happened:
        at_ns, name, event = line.split(maxsplit=2)
        if name in named or not laws:
            trace.append(f"{(int(at_ns) - start_ns) / 1e9:7.3f} s {name} {event}")
    return [*trace, *(f"differs {text}" for text in desk.differences)]


class Running:
    """A node that runs while this is entered."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.unresolved: str | None = None

    async def __aenter__(self) -> None:
        started = asyncio.Event()
        self._desk.actor.tell_started = started.set
        self._task = asyncio.ensure_future(self._desk.node.run_async())
        waiting = asyncio.ensure_future(started.wait())
        await asyncio.wait([waiting, self._task], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    async def __aexit__(self, *_: object) -> None:
        self._desk.node.handle().stop()
        try:
            await self._task
        except RuntimeError as error:  # it names orders that are still unresolved
            self.unresolved = str(error)
        self._desk.let_go()
        del self._task
