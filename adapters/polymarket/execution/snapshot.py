"""All that the venue knows of us at one moment: open orders, trades and shares that fit together.

They come by several requests, and a match between two of them would be told without its order, or invented from it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from adapters.polymarket.execution import statements
from adapters.polymarket.execution.desk import Desk
from adapters.polymarket.execution.reports import of_fills
from adapters.polymarket.execution.statements import FillStatement, OrderStatement
from adapters.polymarket.http.portfolio import units

_LOG: Final = logging.getLogger(__name__)
_MOST_TRIES: Final = 10
_PAUSE_SECS: Final = 0.1
_SETTLING_PAUSE_SECS: Final = 0.5
_ZERO: Final = Decimal(0)
_HALF: Final = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Orders (closed ones as far as their fills tell), fills in time, and shares by token, matches on their way included.

    `averages` are what shares cost, and `conditions` the markets of the tokens.
    """

    orders: tuple[OrderStatement, ...]
    fills: tuple[FillStatement, ...]
    shares: Mapping[str, Decimal]
    averages: Mapping[str, Decimal]
    conditions: Mapping[str, str]

    def average(self, token_id: str) -> Decimal | None:
        """Return what a share cost on average where fills do not tell: a half for one of a pair that was split."""
        signed = (fill.shares if fill.side == "BUY" else -fill.shares for fill in self._fills_of(token_id))
        if sum(signed, _ZERO) == self.shares.get(token_id, _ZERO):
            return None
        return self.averages.get(token_id, _HALF)

    def _fills_of(self, token_id: str) -> Iterator[FillStatement]:
        return (fill for fill in self.fills if fill.token_id == token_id and not fill.is_failed)


async def take_snapshot(
    desk: Desk,
    since_secs: int | None,
    *,
    settles_within_secs: float = 0.0,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Snapshot:
    """Read until nothing has moved meanwhile, and after some tries take what there is; network errors pass through.

    Nobody says at which step of its settlement a match moves the balance. So whoever must know the shares waits
    `settles_within_secs` for those on their way; what has not settled by then counts as not in the balance yet.
    """
    before = await _movements(desk, since_secs)
    for _ in range(round(settles_within_secs / _SETTLING_PAUSE_SECS)):
        if not any(map(_is_on_its_way, before[1])):
            break
        await sleep(_SETTLING_PAUSE_SECS)
        before = await _movements(desk, since_secs)
    for _ in range(_MOST_TRIES):
        rows = await desk.http.get_positions(desk.wallet.funder)
        shares = await _shares(desk, {row.token_id for row in rows} | {fill.token_id for fill in before[1]})
        after = await _movements(desk, since_secs)
        if before == after:
            break
        before = after
        await sleep(_PAUSE_SECS)
    else:
        _LOG.warning("orders and trades did not come to rest; the last reading counts")
    orders, fills = after
    for fill in fills:
        if _is_on_its_way(fill):
            shares[fill.token_id] = shares.get(fill.token_id, _ZERO) + (
                fill.shares if fill.side == "BUY" else -fill.shares
            )
    averages = {row.token_id: row.avg_price for row in rows if row.avg_price}
    conditions = {row.token_id: row.condition_id for row in rows}
    conditions |= {fill.token_id: fill.condition_id for fill in (*before[1], *fills)}
    return Snapshot(tuple(_all_orders(orders, fills)), fills, shares, averages, conditions)


def _is_on_its_way(fill: FillStatement) -> bool:
    return not fill.is_final and not fill.is_failed


async def _movements(
    desk: Desk, since_secs: int | None
) -> tuple[tuple[OrderStatement, ...], tuple[FillStatement, ...]]:
    rows = await desk.http.get_own_trades(after_secs=since_secs)
    fills = [fill for row in rows for fill in desk.fills_of(row)]
    orders = [statements.of_order(row) for row in await desk.http.get_orders()]
    mine = {one.order_id for one in orders}
    if any(row.taker_order_id in mine for row in rows):  # our own hash tells what a missing role does not
        extra = [
            fill for row in rows for fill in statements.of_trade(row, lambda order_id, *_: order_id in mine)
        ]
        fills += [fill for fill in extra if fill.name not in {one.name for one in fills}]
    return tuple(orders), tuple(sorted(fills, key=lambda fill: fill.at_ns))


async def _shares(desk: Desk, tokens: Iterable[str]) -> dict[str, Decimal]:
    kind = int(desk.wallet.kind)
    return {token: units((await desk.http.get_shares(token, kind)).balance) for token in sorted(tokens)}


def _all_orders(
    open_orders: tuple[OrderStatement, ...], fills: tuple[FillStatement, ...]
) -> list[OrderStatement]:
    by_order: dict[str, list[FillStatement]] = {}
    for fill in fills:
        if not fill.is_failed:
            by_order.setdefault(fill.order_id, []).append(fill)
    found = []
    for order in open_orders:
        told = by_order.pop(order.order_id, [])
        # What failed in settlement was never ours, whatever the venue counts as matched.
        found.append(replace(order, filled=sum((fill.shares for fill in told), _ZERO)))
    return [*found, *(of_fills(some) for some in by_order.values())]
