"""What is to go wrong, and when: a plan that any venue double obeys.

A plan is a list of faults. Each names one trigger: the nth request that matches a route, the nth frame of
a channel, or seconds since the start. Plans come from TOML or JSON, or are drawn from a seed.
"""

import random
import tomllib
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

REQUEST_KINDS: Final = (
    "drop", "ack_lost", "delay", "fill_before_ack", "duplicate", "truncate", "half_open", "status", "status_after",
)  # fmt: skip
FRAME_KINDS: Final = (
    "drop", "sequence_gap", "delay", "duplicate", "reorder", "truncate", "half_open", "freeze", "slow_consumer",
    "disconnect",
)  # fmt: skip
TIMED_KINDS: Final = (
    "clock_skew", "maintenance", "full_pause", "close_moved", "resolution_flip", "disconnect_all", "pause_market",
)  # fmt: skip

HASHED_KINDS: Final = ("hash_mismatch", "split_burst", "swapped_burst", "duplicate_burst")
"""What may befall frames of a venue that proves its books by hashes."""

SETTLING_KINDS: Final = (
    "post_only", "cancel_only", "delay_takers", "revert_matches", "slow_settlement", "heartbeat_lost",
)  # fmt: skip
"""What may befall, in time, a venue that settles matches later and knows modes."""

Kind = Literal[
    "drop", "ack_lost", "delay", "fill_before_ack", "duplicate", "truncate", "half_open", "status", "status_after",
    "sequence_gap", "reorder", "freeze", "slow_consumer", "disconnect", "clock_skew", "maintenance", "full_pause",
    "close_moved", "resolution_flip", "disconnect_all", "pause_market", "hash_mismatch", "split_burst",
    "swapped_burst", "duplicate_burst", "post_only", "cancel_only", "delay_takers", "revert_matches",
    "slow_settlement", "heartbeat_lost",
]  # fmt: skip


class PlannedFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One fault: exactly one of `route`, `channel`, `after_secs` says where; the rest are its parameters.

    `route` is a prefix such as "POST /portfolio/events/orders" without the API's own prefix; `nth` counts
    matches from 1 and `times` repeats the fault on the following matches (0 = for ever). `millis` is the
    length of a delay, freeze, hold, skew or pause; `status` the HTTP status of an error; `frames` the queue
    length at which a slow consumer overflows; `target` a market; `value` a kind's own word. For
    `delay_takers` and `revert_matches` `times` is how many orders or trades are struck.
    """

    kind: Kind
    route: str | None = None
    channel: str | None = None
    after_secs: float | None = None
    nth: int = 1
    times: int = 1
    millis: float = 0.0
    status: int = 503
    frames: int = 50
    target: str = ""
    value: str = ""

    def __post_init__(self) -> None:
        """ValueError for a fault without one clear trigger, or one that its trigger cannot cause."""
        triggers = [self.route is not None, self.channel is not None, self.after_secs is not None]
        if sum(triggers) != 1:
            raise ValueError(
                f"expected one of route, channel, after_secs for fault {self.kind}, found {sum(triggers)}"
            )
        known = (REQUEST_KINDS, FRAME_KINDS + HASHED_KINDS, TIMED_KINDS + SETTLING_KINDS)
        allowed = known[triggers.index(True)]
        if self.kind not in allowed:
            raise ValueError(f"expected a fault of {', '.join(allowed)} for this trigger, found {self.kind}")
        if self.nth < 1 or self.times < 0 or (self.millis < 0 and self.kind != "clock_skew"):
            raise ValueError(
                f"expected nth >= 1, times >= 0, millis >= 0 for fault {self.kind}, found {self}"
            )


class FaultPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A named list of faults."""

    name: str = "none"
    faults: tuple[PlannedFault, ...] = ()


def require_known(plan: FaultPlan, kinds: tuple[str, ...], venue: str) -> None:
    """Raise ValueError for the first fault that a venue's double cannot cause."""
    for fault in plan.faults:
        if fault.kind not in kinds:
            raise ValueError(f"expected a fault that happens at {venue}, found {fault.kind}")


def load_plan(path: Path) -> FaultPlan:
    """Read a plan from a .toml or .json file."""
    text = path.read_text(encoding="utf-8")
    rows: Any = tomllib.loads(text) if path.suffix == ".toml" else msgspec.json.decode(text)
    return msgspec.convert(rows, FaultPlan)


def draw_plan(
    seed: int, routes: tuple[str, ...], channels: tuple[str, ...], count: int = 10, span: int = 40
) -> FaultPlan:
    """Draw `count` faults on the first `span` requests of each route and frames of each channel."""
    chance = random.Random(seed)
    faults = [_draw(chance, routes, channels, span) for _ in range(count)]
    return FaultPlan(f"seed {seed}", tuple(faults))


def _draw(
    chance: random.Random, routes: tuple[str, ...], channels: tuple[str, ...], span: int
) -> PlannedFault:
    millis = float(chance.choice((50, 200, 1_000)))
    status = chance.choice((429, 500, 503))
    nth = chance.randint(1, span)
    if channels and (not routes or chance.random() < 0.5):
        kinds: tuple[Kind, ...] = ("drop", "sequence_gap", "delay", "duplicate", "reorder", "disconnect")
        return PlannedFault(
            kind=chance.choice(kinds), channel=chance.choice(channels), nth=nth, millis=millis
        )
    others: tuple[Kind, ...] = ("drop", "ack_lost", "delay", "fill_before_ack", "status", "status_after")
    return PlannedFault(
        kind=chance.choice(others), route=chance.choice(routes), nth=nth, millis=millis, status=status
    )
