"""What the engine tells whoever listens: one `Action` per change of a book, or one notice."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulation.wire.kalshi_accounts import Pocket
from simulation.wire.kalshi_markets import Event, Market
from simulation.wire.kalshi_orders import Fill, Order, Trade


@dataclass(frozen=True, slots=True)
class LevelChange:
    """`count` was added to (or taken from) a price; `order` is whose doing it was, None for a tape."""

    is_bid: bool
    price: int
    count: int
    order: Order | None


@dataclass(slots=True)
class Action:
    """Everything that one command did to one market, under one clock value."""

    market: Market
    clock: int
    at_ns: int
    levels: list[LevelChange] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    orders: list[tuple[Order, str | None]] = field(default_factory=list)
    positions: dict[int, Pocket] = field(default_factory=dict)

    def touch(self, order: Order, reason: str | None) -> None:
        """Note that an order changed, and why (the venue's word)."""
        self.orders.append((order, reason))


@dataclass(frozen=True, slots=True)
class MarketNotice:
    """A line of the life-cycle channel; `extra` holds the fields of this kind."""

    kind: str
    market: Market
    extra: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FeeNotice:
    """An event's fee override changed."""

    event: Event


@dataclass(frozen=True, slots=True)
class EventNotice:
    """An event was created."""

    event: Event


@dataclass(frozen=True, slots=True)
class GroupNotice:
    """An order group changed."""

    user: str
    kind: str
    group_id: str
    limit: int | None
    at_ns: int


@dataclass(frozen=True, slots=True)
class BookCleared:
    """A market's book is shown empty by a snapshot, some seconds after its close."""

    market: Market


@dataclass(frozen=True, slots=True)
class IndexValue:
    """One value of a published index, with the trailing averages as text."""

    index_id: str
    at_ns: int
    value: str
    average: dict[str, Any]
    window: dict[str, Any] | None


Notice = Action | MarketNotice | FeeNotice | EventNotice | GroupNotice | BookCleared | IndexValue
Listener = Callable[[Notice], None]
