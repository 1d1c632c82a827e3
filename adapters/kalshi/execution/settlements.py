"""Whether the venue paid what we held: each settled market is confirmed with the venue's own row."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Final

from adapters.kalshi.execution.cash import Holdings
from adapters.kalshi.execution.resolution import READ_ERRORS
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.messages.portfolio import Settlement
from adapters.kalshi.messages.queries import SettlementsQuery
from network.backoff import Backoff

_CENT: Final = Decimal("0.01")
_VALUES: Final = {"yes": Decimal(1), "no": Decimal(0)}
_MOST_TRIES: Final = 20


class Settlements:
    """Confirms payouts; `on_difference` hears each one that is not what our contracts were worth."""

    def __init__(
        self,
        http: KalshiHttp,
        holdings: Holdings,
        on_difference: Callable[[str], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._holdings = holdings
        self._on_difference = on_difference
        self._sleep = sleep
        self._backoff = Backoff(0.2, 2.0, 30.0, jitter=0.2)
        self.ending: set[str] = set()

    async def confirm(self, ticker: str) -> None:
        """Wait for the row of a settled market, compare it with what we held, and let go of the market."""
        for tries in range(_MOST_TRIES):
            row = await self.find(ticker)
            if row is not None:
                self.close(row)
                return
            await self._sleep(self._backoff.delay_secs(tries, lambda: 0.5))
        self._on_difference(f"expected a settlement of {ticker}, found none")

    async def find(self, ticker: str) -> Settlement | None:
        """Return the settlement of a market; None while there is none or it cannot be asked for."""
        try:
            rows = await self._http.get_settlements(SettlementsQuery(ticker=ticker))
        except READ_ERRORS:
            return None
        return rows[0] if rows else None

    def close(self, row: Settlement) -> None:
        """Compare a settlement with what we held, and let go of the market."""
        problem = difference_of(row, self._holdings.drop(row.ticker))
        self.ending.discard(row.ticker)
        if problem:
            self._on_difference(problem)


def difference_of(row: Settlement, held: Decimal) -> str | None:
    """Return how a settlement differs from `held` signed contracts; None when it does not.

    Revenue is in whole cents, `value` in cents per contract of YES; a market that ended yes or no needs none.
    A void may be worth a part of a cent per contract, which `value` cannot say.
    The counts are of all that was ever bought; pairs of both sides were paid back when they met (a recorded
    row of January 2026 counts 37 of each, and revenue 0).
    """
    paid_for = row.yes_count_fp - row.no_count_fp
    if paid_for != held:
        return f"settlement of {row.ticker} counts {paid_for} contracts, we held {held}"
    value = _VALUES.get(row.market_result) if row.value is None else Decimal(row.value) / 100
    if value is None:
        return f"expected a value in the settlement of {row.ticker}, found {row.market_result!r}"
    worth = paid_for * value if paid_for > 0 else -paid_for * (1 - value)
    revenue = Decimal(row.revenue) / 100
    unsaid = Decimal(0) if row.market_result in _VALUES else abs(paid_for) * _CENT
    if abs(revenue - worth) >= _CENT + unsaid:
        return f"settlement of {row.ticker} paid {revenue} USD, our contracts were worth {worth} USD"
    return None
