"""All that the venue knows of us at one moment: orders, fills and positions that fit together.

They come by three requests, and a fill between two of them would be told without its order, or invented from it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from adapters.kalshi.execution import statements
from adapters.kalshi.execution.statements import FillStatement, OrderStatement
from adapters.kalshi.execution.translation import Leg, signed_contracts
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.messages.portfolio import MarketPosition
from adapters.kalshi.messages.queries import FillsQuery, OrdersQuery, PositionsQuery

_LOG: Final = logging.getLogger(__name__)
_MOST_TRIES: Final = 20
_PAUSE_SECS: Final = 0.1
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Orders, fills in time, and positions by market; `is_whole` when all fills there ever were are in it."""

    orders: tuple[OrderStatement, ...]
    fills: tuple[FillStatement, ...]
    positions: Mapping[str, MarketPosition]
    is_whole: bool

    def legs(self, ticker: str, leg_of: Callable[[FillStatement], Leg]) -> dict[Leg, Decimal] | None:
        """Return the signed contracts of each leg by its fills; None when they do not make the venue's position."""
        legs: dict[Leg, Decimal] = {"YES": _ZERO, "NO": _ZERO}
        for fill in self.fills:
            if fill.ticker == ticker:
                leg, signed = leg_of(fill), signed_contracts(fill.side, fill.contracts)
                legs[leg] += signed if leg == "YES" else -signed
        row = self.positions.get(ticker)
        is_venues = legs["YES"] - legs["NO"] == (_ZERO if row is None else row.position_fp)
        return legs if self.is_whole and is_venues else None


async def take_snapshot(
    http: KalshiHttp, since_ts: int | None, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> Snapshot:
    """Read until nothing has moved meanwhile, and after some tries take what there is; network errors pass through."""
    before = await _orders(http, since_ts)
    for _ in range(_MOST_TRIES):
        rows = await http.get_fills(FillsQuery(min_ts=since_ts))
        fills = sorted(map(statements.of_fill, rows), key=lambda fill: fill.at_ns)
        positions = {row.ticker: row for row in await http.get_positions(PositionsQuery())}
        after = await _orders(http, since_ts)
        snapshot = Snapshot(tuple(after.values()), tuple(fills), positions, since_ts is None)
        if before == after and _fit(snapshot):
            return snapshot
        before = after
        await sleep(_PAUSE_SECS)
    _LOG.warning("orders and fills did not come to rest; the last reading counts")
    return snapshot


async def _orders(http: KalshiHttp, since_ts: int | None) -> dict[str, OrderStatement]:
    rows = {row.order_id: row for row in await http.get_orders(OrdersQuery(min_ts=since_ts))}
    rows |= {row.order_id: row for row in await http.get_orders(OrdersQuery(status="resting"))}
    return {order_id: statements.of_order(row) for order_id, row in rows.items()}


def _fit(snapshot: Snapshot) -> bool:
    sums: dict[str, Decimal] = {}
    for fill in snapshot.fills:
        sums[fill.order_id] = sums.get(fill.order_id, _ZERO) + fill.contracts
    return all(order.filled == sums.get(order.order_id, _ZERO) for order in snapshot.orders)
