"""A bucket of tokens that refills: how venues count requests. Venue-neutral."""

from dataclasses import dataclass
from typing import Final

_SECOND_NS: Final = 1_000_000_000


@dataclass(slots=True)
class Bucket:
    """Tokens, kept in billionths: exact at any refill rate (per second)."""

    refill: int
    capacity: int
    level: int = -1
    at_ns: int = 0

    def take(self, tokens: int, now_ns: int) -> bool:
        """Take tokens if they are there."""
        full = self.capacity * _SECOND_NS
        if self.level < 0:
            self.level, self.at_ns = full, now_ns
        self.level = min(full, self.level + max(now_ns - self.at_ns, 0) * self.refill)
        self.at_ns = max(now_ns, self.at_ns)
        if self.level < tokens * _SECOND_NS:
            return False
        self.level -= tokens * _SECOND_NS
        return True

    @property
    def left(self) -> int:
        """Whole tokens at the last look."""
        return max(self.level, 0) // _SECOND_NS
