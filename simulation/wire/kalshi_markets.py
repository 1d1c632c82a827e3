"""Series, events and markets: what is traded, on which prices, at which fee, in which state."""

from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from simulation.wire.kalshi_books import Book
from simulation.wire.kalshi_fees import FeeRates, fee_rates
from simulation.wire.kalshi_orders import Trade

LINEAR_CENT: Final = ((0, 10_000, 100),)
TAPERED_DECI_CENT: Final = ((0, 1_000, 10), (1_000, 9_000, 100), (9_000, 10_000, 10))
DECI_CENT: Final = ((0, 10_000, 10),)
CENTER_DECI_EDGE_CENTI: Final = ((0, 100, 1), (100, 9_900, 10), (9_900, 10_000, 1))

STRUCTURES: Final[dict[str, tuple[tuple[int, int, int], ...]]] = {
    "linear_cent": LINEAR_CENT,
    "tapered_deci_cent": TAPERED_DECI_CENT,
    "deci_cent": DECI_CENT,
    "center_deci_edge_centi_cent": CENTER_DECI_EDGE_CENTI,
}
"""Price ranges (start, end, step) in price units, by the venue's names (kalshi.md section 9)."""

MADE_UP_RULES: Final = "Made up for a rehearsal."
"""The rules of every market of the double, so that nobody takes one for real."""

INITIALIZED: Final = "initialized"
ACTIVE: Final = "active"
INACTIVE: Final = "inactive"
CLOSED: Final = "closed"
DETERMINED: Final = "determined"
DISPUTED: Final = "disputed"
AMENDED: Final = "amended"
FINALIZED: Final = "finalized"

FeeChange = tuple[int, str | None, Fraction | None]
"""(from when in ns, type, multiplier); None on an event means back to the series."""


@dataclass(slots=True)
class Series:
    """A template of events; fees live here as dated changes, the first one dated 0."""

    ticker: str
    title: str
    category: str
    frequency: str
    exchange_index: int
    fee_changes: list[FeeChange] = field(default_factory=lambda: [(0, "quadratic", Fraction(1))])
    tags: tuple[str, ...] = ()

    def fee_at(self, at_ns: int) -> tuple[str, Fraction]:
        """Type and multiplier in force."""
        _, kind, multiplier = [change for change in self.fee_changes if change[0] <= at_ns][-1]
        return kind or "quadratic", Fraction(1) if multiplier is None else multiplier


@dataclass(slots=True)
class Event:
    """One real-world occurrence with one market or several."""

    ticker: str
    series: Series
    title: str
    mutually_exclusive: bool = False
    collateral_return_type: str = ""
    fee_changes: list[FeeChange] = field(default_factory=list)
    updated_ns: int = 0

    def fee_override_at(self, at_ns: int) -> tuple[str | None, Fraction | None]:
        """The override in force, (None, None) without one."""
        valid = [change for change in self.fee_changes if change[0] <= at_ns]
        return (valid[-1][1], valid[-1][2]) if valid else (None, None)

    def rates_at(self, at_ns: int) -> FeeRates:
        """Fee rates at an instant: the override where not null, else the series."""
        kind, multiplier = self.series.fee_at(at_ns)
        own_kind, own_multiplier = self.fee_override_at(at_ns)
        return fee_rates(own_kind or kind, multiplier if own_multiplier is None else own_multiplier)


@dataclass(slots=True)
class Candle:
    """One minute of a market; quads are open, high, low, close in price units."""

    minute: int
    bid: list[int]
    ask: list[int]
    price: list[int] | None = None
    previous: int = 0
    volume: int = 0
    value: int = 0
    open_interest: int = 0


@dataclass(slots=True)
class Market:
    """One contract: terms, state, book and statistics. `facts` are further keys of its REST row."""

    ticker: str
    market_id: str
    number: int
    event: Event
    open_ns: int
    close_ns: int
    created_ns: int
    structure: str = "linear_cent"
    ranges: tuple[tuple[int, int, int], ...] = LINEAR_CENT
    settlement_timer_secs: int = 1
    facts: dict[str, Any] = field(default_factory=dict)
    status: str = INITIALIZED
    updated_ns: int = 0
    result: str = ""
    value: int | None = None
    determined_ns: int | None = None
    settle_at_ns: int | None = None
    settled_ns: int | None = None
    plan: tuple[int, str, int] | None = None
    is_taped: bool = False
    tape_volume: int = 0
    tape_interest: int = 0
    book: Book = field(default_factory=Book)
    last_price: int = 0
    last_size: int = 0
    volume: int = 0
    dollar_volume: int = 0
    open_interest: int = 0
    trades: deque[Trade] = field(default_factory=lambda: deque(maxlen=20_000))
    candles: dict[int, Candle] = field(default_factory=dict)

    @property
    def exchange_index(self) -> int:
        """The shard."""
        return self.event.series.exchange_index

    def on_grid(self, price: int) -> bool:
        """Whether an order may name this price: inside (0, 1) and on the step of a range that holds it."""
        if not 0 < price < 10_000:
            return False
        return any(start <= price <= end and (price - start) % step == 0 for start, end, step in self.ranges)

    def snapped(self, price: int, *, up: bool) -> int:
        """The nearest price of the grid at or below (above) a price, kept inside (0, 1)."""
        price = min(max(price, 1), 9_999)
        for start, end, step in self.ranges:
            if start <= price <= end:
                over = (price - start) % step
                price += (step - over) % step if up else -over
                break
        low, high = self.ranges[0][2], 10_000 - self.ranges[-1][2]
        return min(max(price, low), high)

    def best(self) -> tuple[int, int, int, int]:
        """Bid, bid size, ask, ask size, with the venue's sentinels 0 and 1 for an empty side."""
        bid, ask = self.book.bids.best(), self.book.asks.best()
        return (
            bid or 0,
            self.book.bids.size_at(bid) if bid is not None else 0,
            10_000 if ask is None else ask,
            self.book.asks.size_at(ask) if ask is not None else 0,
        )
