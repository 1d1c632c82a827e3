"""Are the double's own books sound? Conservation and order laws, checked from outside the engine."""

from dataclasses import dataclass
from typing import Any

from simulation.wire.kalshi_accounts import Pocket, PocketKey
from simulation.wire.kalshi_exchange import Exchange
from simulation.wire.kalshi_markets import Market
from simulation.wire.kalshi_orders import CANCELED, EXECUTED, RESTING, Fill, Order
from simulation.wire.kalshi_rows import fill_row, order_row
from simulation.wire.kalshi_units import ONE_PRICE, count_text, money_text


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The user accounts as the engine knows them, without any lag: rows as on the wire, cash as text.

    Keys of `cash` and `positions` are (user, shard, subaccount).
    """

    orders: dict[str, list[dict[str, Any]]]
    fills: dict[str, list[dict[str, Any]]]
    cash: dict[PocketKey, str]
    positions: dict[PocketKey, dict[str, str]]
    house: str


def snapshot_of(exchange: Exchange) -> Snapshot:
    """Copy what the users own."""
    pockets = {key: pocket for key, pocket in exchange.accounts.pockets.items() if not pocket.is_trusted}
    return Snapshot(
        {user: [_row(order) for order in orders] for user, orders in exchange.user_orders.items()},
        {user: [fill_row(fill, legacy=False) for fill in fills] for user, fills in exchange.fills.items()},
        {key: money_text(pocket.cash) for key, pocket in pockets.items()},
        {key: _positions(pocket) for key, pocket in pockets.items()},
        money_text(exchange.accounts.house),
    )


def violations(exchange: Exchange) -> list[str]:
    """Name every broken law: money conserved, positions in balance, books straight, sums of fills right."""
    found = _money(exchange)
    for market in exchange.markets.values():
        found += _market(exchange, market)
    for orders in exchange.user_orders.values():
        found += [text for order in orders for text in _order(order)]
    for fills in exchange.fills.values():
        found += _fills(exchange, fills)
    return found


def _money(exchange: Exchange) -> list[str]:
    accounts = exchange.accounts
    cash = sum(pocket.cash for pocket in accounts.pockets.values())
    locked = sum(market.open_interest * ONE_PRICE for market in exchange.markets.values())
    found = []
    if cash + accounts.house + locked != accounts.deposited:
        total = cash + accounts.house + locked
        found.append(f"expected {accounts.deposited} micro-dollars in all, found {total}")
    for key, pocket in accounts.pockets.items():
        if pocket.cash < 0 and not pocket.is_trusted:
            found.append(f"expected cash >= 0 in {key}, found {pocket.cash}")
    return found


def _market(exchange: Exchange, market: Market) -> list[str]:
    found, book = [], market.book
    if not market.is_taped and book.is_crossed():
        found.append(
            f"expected a straight book of {market.ticker}, found bid {book.bids.best()} ask {book.asks.best()}"
        )
    counts = [pocket.count_of(market.ticker) for pocket in exchange.accounts.pockets.values()]
    if sum(counts):
        found.append(f"expected positions of {market.ticker} to add up to 0, found {sum(counts)}")
    longs = sum(count for count in counts if count > 0)
    if longs != market.open_interest:
        found.append(f"expected open interest {longs} of {market.ticker}, found {market.open_interest}")
    for side in (book.bids, book.asks):
        for price, level in side.levels.items():
            if level.size != sum(order.remaining for order in level.orders.values()) or level.size <= 0:
                found.append(
                    f"expected the level {price} of {market.ticker} to be the sum of its orders, found {level.size}"
                )
    return found


def _order(order: Order) -> list[str]:
    found = []
    if (order.status == RESTING) != order.on_book or (order.status != RESTING and order.remaining):
        found.append(f"expected status and book to agree on order {order.order_id}, found {order.status}")
    if order.status not in (RESTING, CANCELED, EXECUTED) or order.filled > order.initial:
        found.append(
            f"expected filled <= initial on order {order.order_id}, found {order.filled} of {order.initial}"
        )
    return found


def _fills(exchange: Exchange, fills: list[Fill]) -> list[str]:
    sums: dict[str, int] = {}
    for fill in fills:
        sums[fill.order_id] = sums.get(fill.order_id, 0) + fill.trade.count
        if fill.fee < 0:
            return [f"expected fees >= 0, found {fill.fee} on fill {fill.trade.trade_id}"]
    return [
        f"expected the fills of order {order_id} to be {exchange.orders[order_id].filled}, found {total}"
        for order_id, total in sums.items()
        if exchange.orders[order_id].filled != total
    ]


def _row(order: Order) -> dict[str, Any]:
    return order_row(order, order.history[-1], legacy=False) | {"last_update_reason": order.reason}


def _positions(pocket: Pocket) -> dict[str, str]:
    return {
        ticker: count_text(position.count) for ticker, position in pocket.positions.items() if position.count
    }
