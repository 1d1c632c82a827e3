"""How much we may ask: budgets as token buckets, spent in order, with a reserve for what is urgent."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

_LEAST_SLEEP_SECS = 0.001  # an event loop's timers are no finer, and shorter sleeps would only spin
_DUST = 1e-9  # share of the capacity that float arithmetic may lose


class TokenBucket:
    """A budget of `capacity` tokens that refills by `rate_per_sec`.

    In any stretch of t seconds it grants at most `capacity + rate_per_sec * t`. `now` is a clock in
    seconds that never goes back, such as the event loop's.
    """

    def __init__(self, rate_per_sec: float, capacity: float, now: Callable[[], float]) -> None:
        _check_limits(rate_per_sec, capacity)
        self._rate_per_sec = rate_per_sec
        self._capacity = capacity
        self._now = now
        self._tokens = capacity
        self._at_secs = now()

    @property
    def capacity(self) -> float:
        """Return the most tokens that the bucket holds."""
        return self._capacity

    @property
    def tokens(self) -> float:
        """Return what is there now."""
        now_secs = self._now()
        grown = self._rate_per_sec * max(0.0, now_secs - self._at_secs)
        self._at_secs = max(self._at_secs, now_secs)
        self._tokens = min(self._capacity, self._tokens + grown)
        return self._tokens

    def try_take(self, cost: float, keep: float = 0.0) -> bool:
        """Take `cost` tokens if they are there now, and `keep` would still be."""
        if self.wait_secs(cost, keep) > 0:
            return False
        self._tokens -= cost
        return True

    def wait_secs(self, cost: float, keep: float = 0.0) -> float:
        """Return the seconds until `cost` could be taken and `keep` still be there; takes nothing."""
        self.check(cost)
        missing = cost + min(keep, self._capacity - cost) - self.tokens
        return 0.0 if missing <= _DUST * self._capacity else missing / self._rate_per_sec

    def refill(self, rate_per_sec: float, capacity: float) -> None:
        """Set new limits, such as the server states them; tokens above the new capacity are lost."""
        _check_limits(rate_per_sec, capacity)
        self._tokens = min(self.tokens, capacity)
        self._rate_per_sec = rate_per_sec
        self._capacity = capacity

    def check(self, cost: float) -> None:
        """Raise ValueError when `cost` could never be taken."""
        if not 0 <= cost <= self._capacity:
            raise ValueError(f"expected a cost from 0 to the capacity {self._capacity:g}, found {cost:g}")


@dataclass(slots=True)
class _Line:
    """Who waits at one bucket: ordinary calls in one line, urgent ones in another."""

    ordinary: asyncio.Lock = field(default_factory=asyncio.Lock)
    urgent: asyncio.Lock = field(default_factory=asyncio.Lock)
    ordinary_calls: int = 0
    urgent_calls: int = 0
    urgent_cost: float = 0.0


class Buckets:
    """Budgets by group ("read", "write", "write:2"), each with its own waiting line."""

    def __init__(
        self,
        buckets: Mapping[str, TokenBucket],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._buckets = dict(buckets)
        self._lines = {group: _Line() for group in buckets}
        self._sleep = sleep

    def __getitem__(self, group: str) -> TokenBucket:
        if group not in self._buckets:
            raise ValueError(f"expected a group of {sorted(self._buckets)}, found {group!r}")
        return self._buckets[group]

    def add(self, group: str, bucket: TokenBucket) -> None:
        """Open a group, such as one for a shard that just became known."""
        if group in self._buckets:
            raise ValueError(f"expected a new group, found {group!r}: refill its bucket instead")
        self._buckets[group] = bucket
        self._lines[group] = _Line()

    async def wait(
        self, group: str, cost: float, *, reserve_share: float = 0.0, urgent: bool = False
    ) -> None:
        """Return when `cost` is taken from the group: first come, first served, urgent calls before all.

        Ordinary calls leave `reserve_share` of the capacity, and what waiting urgent calls need, in the
        bucket. Raises ValueError for a cost above the capacity, which would wait for ever.
        """
        bucket = self[group]
        line = self._lines[group]
        if urgent:
            if line.urgent_calls or not bucket.try_take(cost):
                await self._wait_urgently(bucket, line, cost)
            return
        keep = reserve_share * bucket.capacity
        if line.ordinary_calls or not bucket.try_take(cost, keep + line.urgent_cost):
            await self._wait_in_line(bucket, line, cost, keep)

    async def _wait_in_line(self, bucket: TokenBucket, line: _Line, cost: float, keep: float) -> None:
        bucket.check(cost)
        line.ordinary_calls += 1
        try:
            async with line.ordinary:
                while not bucket.try_take(cost, keep + line.urgent_cost):  # others take meanwhile: look again
                    await self._pause(bucket.wait_secs(cost, keep + line.urgent_cost))
        finally:
            line.ordinary_calls -= 1

    async def _wait_urgently(self, bucket: TokenBucket, line: _Line, cost: float) -> None:
        bucket.check(cost)
        line.urgent_calls += 1
        line.urgent_cost += cost
        try:
            async with line.urgent:
                while not bucket.try_take(cost):
                    await self._pause(bucket.wait_secs(cost))
        finally:
            line.urgent_calls -= 1
            line.urgent_cost -= cost

    async def _pause(self, secs: float) -> None:
        await self._sleep(max(secs, _LEAST_SLEEP_SECS))


def _check_limits(rate_per_sec: float, capacity: float) -> None:
    if not (0 < rate_per_sec < float("inf") and 0 < capacity < float("inf")):
        raise ValueError(f"expected a rate and a capacity above 0, found {rate_per_sec} and {capacity}")
