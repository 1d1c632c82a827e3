"""Who may stop an order, and who may want what rests to go."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Protocol

from nautilus_trader.model import Price, Quantity

from engine.desk import Desk
from markets.facts import Fact


class Clearing(StrEnum):
    """Which resting orders must go: none, those that could open a position, or all."""

    NOTHING = "nothing"
    OPENING = "opening"
    ALL = "all"


class Guard(Protocol):
    """Whoever may stop an order; `risk.guardian.Guardian` in earnest, a few lines in a test."""

    def refuse(self, order: Any, quantity: Quantity, price: Price | None, desk: Desk) -> str | None:
        """Return why `order` may not rest with this size and price, or None when it may."""
        ...

    def hear(self, event: Any, desk: Desk) -> None:
        """Take note of an order or position event, before its strategy does."""
        ...

    def learn(self, fact: Fact) -> None:
        """Take note of a fact of a market or a venue, before a strategy does."""
        ...

    def unwanted(self, desk: Desk) -> Clearing:
        """Return which resting orders must go now; asked after every refusal, event and fact."""
        ...

    @property
    def beat_ns(self) -> int:
        """How often `recheck` wants to be asked while something rests, in nanoseconds; 0: never."""
        ...

    def recheck(self, desk: Desk) -> bool:
        """Look at the market although nothing happened to us; return whether to ask again after `beat_ns`."""
        ...

    def watch(self, look: Callable[[], None]) -> None:
        """Remember whom to call when `unwanted` may have changed for another reason, such as an operator."""
        ...


class Companion:
    """Stands at the door before a guard and lets everything through; a subclass listens."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def refuse(self, order: Any, quantity: Quantity, price: Price | None, desk: Desk) -> str | None:
        return self._guard.refuse(order, quantity, price, desk)

    def hear(self, event: Any, desk: Desk) -> None:
        self._guard.hear(event, desk)

    def learn(self, fact: Fact) -> None:
        self._guard.learn(fact)

    def unwanted(self, desk: Desk) -> Clearing:
        return self._guard.unwanted(desk)

    @property
    def beat_ns(self) -> int:
        return self._guard.beat_ns

    def recheck(self, desk: Desk) -> bool:
        return self._guard.recheck(desk)

    def watch(self, look: Callable[[], None]) -> None:
        self._guard.watch(look)
