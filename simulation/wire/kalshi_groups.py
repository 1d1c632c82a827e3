"""Order groups: a venue-side stop that counts what filled inside a rolling window (kalshi.md section 6)."""

from collections import deque
from dataclasses import dataclass, field

from simulation.wire.kalshi_orders import Order


@dataclass(slots=True)
class Group:
    """A group; `limit` and fills in hundredths of contracts."""

    group_id: str
    user: str
    subaccount: int
    exchange_index: int
    limit: int
    is_triggered: bool = False
    orders: dict[str, Order] = field(default_factory=dict)
    fills: deque[tuple[int, int]] = field(default_factory=deque)

    def note_fill(self, at_ns: int, count: int, window_ns: int) -> bool:
        """Count a fill; True when the window now holds more than the limit."""
        self.fills.append((at_ns, count))
        while self.fills and self.fills[0][0] <= at_ns - window_ns:
            self.fills.popleft()
        return sum(size for _, size in self.fills) > self.limit

    def reset(self) -> None:
        """Take orders again, with an empty window."""
        self.is_triggered = False
        self.fills.clear()
