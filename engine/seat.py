"""What a strategy is given, and what it may say: its seat, and the terms of an order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from nautilus_trader.model import ExecAlgorithmId, InstrumentId, StrategyId, TimeInForce

from engine.door import Door


@dataclass(frozen=True, slots=True)
class Seat:
    """What the system gives a strategy: its id, the door, and what it owned before a restart."""

    strategy_id: StrategyId
    door: Door
    claims: tuple[InstrumentId, ...] = ()


class Terms(TypedDict, total=False):
    """What `buy` and `sell` may say about an order besides how much and at what price."""

    time_in_force: TimeInForce
    expire_time: int
    post_only: bool
    reduce_only: bool
    exec_algorithm_id: ExecAlgorithmId
    exec_algorithm_params: Mapping[str, str]
    tags: Sequence[str]
