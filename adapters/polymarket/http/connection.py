"""Our connection to Polymarket's REST side: one session per host, and the budgets of all of them.

Source of budgets: reference, section 18 (read 2026-11-20).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Self

from adapters.polymarket import constants as venue
from adapters.polymarket.config import PolymarketConfig
from network.backoff import Backoff, RetryPolicy
from network.buckets import Buckets, TokenBucket
from network.session import HttpSession, Sign

type Params = Mapping[str, str | int]

_LONGEST_READ_PAUSE_SECS: Final = 8.0
_BURST_SHARE: Final = 0.2
_USED_SHARE: Final = 0.9  # a steady 100 % trips the limit, 90 % was clean
_WINDOW_SECS: Final = 10.0


class Connection:
    """Sessions with the order book (`clob`), the catalogue (`gamma`) and the past (`data`).

    Without `sign` only public endpoints work. `monotonic` is a clock in seconds that never goes back; `now_ns` is
    the wall clock. Read the sessions for the clock skew, counters and the last error.
    """

    def __init__(
        self,
        config: PolymarketConfig,
        *,
        now_ns: Callable[[], int],
        monotonic: Callable[[], float],
        sign: Sign | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.buckets = Buckets(
            {group: bucket(most, monotonic) for group, most in venue.REQUESTS_PER_10_SECS.items()}, sleep
        )

        def session(address: str, sign: Sign | None = None) -> HttpSession:
            return HttpSession(
                address,
                buckets=self.buckets,
                now_ns=now_ns,
                sign=sign,
                timeout_secs=config.request_timeout_secs,
                retry=RetryPolicy(config.read_attempts, Backoff(most_secs=_LONGEST_READ_PAUSE_SECS)),
                reserve_share=config.cancel_reserve_share,
                clock_path=None if sign is None else venue.TIME_PATH,
                sleep=sleep,
            )

        self.clob = session(config.clob_address)
        self.private = session(config.clob_address, sign)
        self.gamma = session(config.gamma_address)
        self.data = session(config.data_address)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections, together: whoever waits for it may be cancelled meanwhile."""
        await asyncio.gather(*(one.close() for one in (self.clob, self.private, self.gamma, self.data)))


def bucket(requests_per_10_secs: float, monotonic: Callable[[], float]) -> TokenBucket:
    """Return a budget that stays below a limit in each stretch of ten seconds, its burst included."""
    burst = _BURST_SHARE * requests_per_10_secs
    return TokenBucket((_USED_SHARE * requests_per_10_secs - burst) / _WINDOW_SECS, burst, monotonic)
