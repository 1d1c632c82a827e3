"""Fault plans that try every kind of fault somewhere, drawn from a seed. Venue-neutral."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from simulation.wire.fault_plan import FRAME_KINDS, REQUEST_KINDS, TIMED_KINDS, FaultPlan, Kind, PlannedFault
from simulation.wire.faults import Injected

_REFUSING: Final = (429, 500, 503)
_AFTER_THE_DEED: Final = (500, 503)  # 429 says that nothing was done


@dataclass(frozen=True, slots=True)
class Terrain:
    """Where faults may strike at a venue: writes and reads by route, channels, markets that may end.

    `active_secs` is how long the script acts, `patience_secs` how long a client waits for an answer.
    `lively` are channels with so many frames that a slow reader's queue overflows. `frame_kinds` and
    `timed_kinds` are what can happen there.
    """

    writes: tuple[str, ...]
    reads: tuple[str, ...]
    channels: tuple[str, ...]
    lively: tuple[str, ...]
    markets: tuple[str, ...]
    active_secs: float
    patience_secs: float
    frame_kinds: tuple[Kind, ...] = FRAME_KINDS
    timed_kinds: tuple[Kind, ...] = TIMED_KINDS

    def every_fault(self) -> tuple[str, ...]:
        """Return each kind at each trigger that can cause it: a campaign must see all of them happen."""
        triggers = (("request", REQUEST_KINDS), ("frame", self.frame_kinds), ("time", self.timed_kinds))
        return tuple(f"{where} {kind}" for where, kinds in triggers for kind in kinds)


def draw_plan(seed: int, terrain: Terrain) -> FaultPlan:
    """Return the plan of a run: three to six faults of requests, two to four of frames, up to two in time."""
    chance = random.Random(f"plan {seed}")
    faults = [_request(chance, terrain) for _ in range(chance.randint(3, 6))]
    faults += [_frame(chance, terrain) for _ in range(chance.randint(2, 4))]
    for kind in chance.sample(terrain.timed_kinds, chance.randint(0, 2)):
        faults += _timed(chance, terrain, kind)
    return FaultPlan(f"seed {seed}", tuple(faults))


def name_of(injected: Injected) -> str:
    """Return a fault that happened as `Terrain.every_fault` spells it."""
    fault = injected.fault
    where = "request" if fault.route is not None else "frame" if fault.channel is not None else "time"
    return f"{where} {fault.kind}"


def names_of(injected: Iterable[Injected]) -> list[str]:
    """Return what happened as `Terrain.every_fault` spells it."""
    return [name_of(one) for one in injected]


def _request(chance: random.Random, terrain: Terrain) -> PlannedFault:
    kind: Kind = chance.choice(REQUEST_KINDS)
    is_write = chance.random() < 0.75
    patience_ms = terrain.patience_secs * 1000
    longer_ms = 4 * patience_ms if kind == "delay" else 1.5 * patience_ms
    return PlannedFault(
        kind=kind,
        route=chance.choice(terrain.writes if is_write else terrain.reads),
        nth=chance.randint(1, 12 if is_write else 5),
        times=chance.choice((1, 1, 1, 2, 4)),
        millis=chance.choice((30.0, 200.0, 0.7 * patience_ms, longer_ms)),
        status=chance.choice(_AFTER_THE_DEED if kind == "status_after" else _REFUSING),
    )


def _frame(chance: random.Random, terrain: Terrain) -> PlannedFault:
    kind: Kind = chance.choice(terrain.frame_kinds)
    channels = terrain.lively if kind == "slow_consumer" else terrain.channels
    return PlannedFault(
        kind=kind,
        channel=chance.choice(channels),
        nth=chance.randint(1, 15),
        millis=chance.choice((30.0, 300.0, 3000.0)),
        frames=chance.randint(2, 30),
    )


def _timed(chance: random.Random, terrain: Terrain, kind: Kind) -> list[PlannedFault]:
    at_secs = chance.uniform(0.2, 0.7) * terrain.active_secs
    target = chance.choice(terrain.markets)
    millis = chance.choice((200.0, 800.0))
    if kind == "clock_skew":
        millis = chance.choice((-8000.0, -1500.0, 1500.0, 8000.0))
    fault = PlannedFault(kind=kind, after_secs=at_secs, millis=millis, target=target)
    if kind == "resolution_flip":  # a result is known after the close only
        closing = PlannedFault(kind="close_moved", after_secs=0.4 * at_secs, target=target)
        return [closing, fault]
    return [fault]
