"""Token buckets, as Kalshi counts requests (kalshi.md section 11)."""

from dataclasses import dataclass, field

from simulation.wire.kalshi_errors import VenueError
from simulation.wire.kalshi_settings import TIERS, KalshiSettings
from simulation.wire.token_bucket import Bucket

DEFAULT_COST = 10
CHEAP_COST = 2

ENDPOINT_COSTS = (
    ("POST", "/trade-api/v2/account/api_usage_level/upgrade", 30),
    ("DELETE", "/trade-api/v2/portfolio/events/orders/:order_id", CHEAP_COST),
    ("DELETE", "/trade-api/v2/portfolio/events/orders/batched", CHEAP_COST),
    ("GET", "/trade-api/v2/portfolio/orders/:order_id", CHEAP_COST),
)
"""Endpoints that do not cost the default, as recorded from a demo account in July 2026."""


@dataclass(slots=True)
class Rates:
    """All buckets of all users; the name of a bucket is (user, kind)."""

    settings: KalshiSettings
    buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict)
    refused: int = 0

    def require(self, user: str, kind: str, tokens: int, now_ns: int) -> None:
        """Take tokens or raise 429. Kinds: read, write, write:<shard>, balance, public."""
        if not self.settings.enforce_rates:
            return
        bucket = self.buckets.get((user, kind))
        if bucket is None:
            bucket = self.buckets[(user, kind)] = self._make(kind)
        if not bucket.take(tokens, now_ns):
            self.refused += 1
            raise VenueError(429, "too_many_requests", "too many requests")

    def _make(self, kind: str) -> Bucket:
        read, read_full, write, write_full = TIERS[self.settings.tier]
        if kind == "balance":
            per_second = 1 if self.settings.tier in ("basic", "advanced") else 5
            return Bucket(per_second, per_second)
        if kind == "public":
            return Bucket(250, 250)
        return Bucket(read, read_full) if kind == "read" else Bucket(write, write_full)
