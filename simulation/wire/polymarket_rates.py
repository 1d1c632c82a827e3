"""How many requests are let in: windows per address, buckets per key (polymarket.md section 18, read 2026-07-25)."""

from collections import deque
from collections.abc import Mapping
from typing import Final

from simulation.wire.polymarket_errors import VenueError
from simulation.wire.token_bucket import Bucket

TEN_SECS_NS: Final = 10_000_000_000
TEN_MINUTES_NS: Final = 600_000_000_000

WINDOWS: Final = (
    ("", "/book", 1_500, 0), ("", "/price", 1_500, 0), ("", "/midpoint", 1_500, 0), ("", "/books", 500, 0),
    ("", "/prices", 500, 0), ("", "/midpoints", 500, 0), ("", "/prices-history", 1_000, 0),
    ("", "/tick-size", 200, 0), ("", "/data/orders", 500, 0), ("", "/data/trades", 500, 0),
    ("", "/balance-allowance", 200, 0), ("", "/balance-allowance/update", 50, 0),
    ("", "/auth/api-key", 100, 0), ("", "/auth/derive-api-key", 100, 0),
    ("POST", "/order", 5_000, 120_000), ("DELETE", "/order", 5_000, 120_000), ("POST", "/orders", 2_000, 21_000),
    ("DELETE", "/orders", 2_000, 15_000), ("DELETE", "/cancel-all", 250, 6_000),
    ("DELETE", "/cancel-market-orders", 1_500, 21_000), ("", "/gamma/events", 500, 0),
    ("", "/gamma/markets", 300, 0), ("", "/data-api/trades", 200, 0), ("", "/data-api/positions", 150, 0),
)  # fmt: skip
"""Method (any when empty), path, requests in ten seconds, requests in ten minutes (0 = no such limit)."""

TIERS: Final = {
    "standard": (40, 60, 80, 120), "copper": (60, 90, 120, 180), "bronze": (80, 120, 160, 240),
    "silver": (200, 300, 400, 600), "gold": (400, 600, 800, 1_200), "platinum": (450, 675, 900, 1_350),
    "diamond": (525, 787, 1_050, 1_575), "elite": (600, 900, 1_200, 1_800),
}  # fmt: skip
"""Orders per second and burst, cancels per second and burst of one key."""


class _Window:
    """The times of the last requests: at most so many in a span."""

    def __init__(self, span_ns: int, most: int) -> None:
        self.span_ns = span_ns
        self.times: deque[int] = deque(maxlen=most)

    def is_full(self, now_ns: int) -> bool:
        """Whether one more would be too many."""
        return len(self.times) == self.times.maxlen and self.times[0] > now_ns - self.span_ns


class Rates:
    """All windows and buckets; one address talks to a double, so a window is a route's."""

    def __init__(self, tier: str, *, is_enforced: bool) -> None:
        self.tier = tier
        self.is_enforced = is_enforced
        self.refused = 0
        self._windows = {
            (verb, route): [
                _Window(span_ns, most)
                for span_ns, most in ((TEN_SECS_NS, short), (TEN_MINUTES_NS, long))
                if most
            ]
            for verb, route, short, long in WINDOWS
        }
        self._buckets: dict[tuple[str, bool], Bucket] = {}

    def count(self, method: str, path: str, now_ns: int) -> None:
        """Let a request in, or raise 429."""
        if not self.is_enforced:
            return
        windows = [window for verb in ("", method) for window in self._windows.get((verb, path), ())]
        if any(window.is_full(now_ns) for window in windows):
            raise self._refuse({"Retry-After": "10"})
        for window in windows:
            window.times.append(now_ns)

    def spend(self, key: str, tokens: int, now_ns: int, *, is_cancel: bool = False) -> None:
        """Take the tokens of a key's orders or cancels, all or none; 429 when they are not there."""
        rate, burst = TIERS[self.tier][2:] if is_cancel else TIERS[self.tier][:2]
        bucket = self._buckets.setdefault((key, is_cancel), Bucket(rate, burst))
        if self.is_enforced and not bucket.take(tokens, now_ns):
            raise self._refuse({"Retry-After": "1", "Poly-RateLimit-Remaining": str(bucket.left)})

    def _refuse(self, headers: Mapping[str, str]) -> VenueError:
        self.refused += 1
        words = {"Poly-RateLimit-Reset": "1", "Poly-RateLimit-Tier": self.tier}
        return VenueError(429, "Too Many Requests", headers=words | dict(headers))
