"""How we sit on Nautilus: the base strategy, the door, execution algorithms, currencies."""

from engine.algorithm import ExecutionAlgorithm
from engine.config import PositiveSecs, Price, Probability, Share, StrategyConfig, Usd
from engine.desk import Belief, Desk
from engine.door import GUARD, Door
from engine.guard import Clearing, Companion, Guard
from engine.herald import Herald
from engine.seat import Seat
from engine.strategy import Strategy

__all__ = [
    "GUARD",
    "Belief",
    "Clearing",
    "Companion",
    "Desk",
    "Door",
    "ExecutionAlgorithm",
    "Guard",
    "Herald",
    "PositiveSecs",
    "Price",
    "Probability",
    "Seat",
    "Share",
    "Strategy",
    "StrategyConfig",
    "Usd",
]
