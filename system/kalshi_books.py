"""Kalshi's books of us. It can reach what places orders, so only a node that trades loads it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from adapters.kalshi import constants as venue
from adapters.kalshi.config import KalshiExecutionConfig
from adapters.kalshi.execution import statements
from adapters.kalshi.execution.translation import book_side, contract_of, other_scale
from adapters.kalshi.factories.execution import SharedHttp
from adapters.kalshi.factories.sharing import environ, share
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.messages.numbers import time_ns
from adapters.kalshi.messages.queries import FillsQuery, OrdersQuery, PositionsQuery, SettlementsQuery
from adapters.kalshi.signing import Credentials
from markets.instruments import info_of
from system.book import Raw
from system.kalshi_settings import read_settings
from system.statements import Place, Stated, Statement

_SECOND_NS: Final = 1_000_000_000
_ONE: Final = Decimal(1)


class KalshiBooks:
    """Reads through `http`, whose budgets it shares. A position nets YES and NO; cash lies per shard."""

    def __init__(self, http: KalshiHttp) -> None:
        self._http = http

    async def read(self, since_ns: int) -> Statement:
        """Return the venue's word. What can be newer than the rest is read last: fills tell what is under way."""
        since_ts = max(0, since_ns // _SECOND_NS)
        as_of_ns = await self._http.complete_until_ns()
        balance = await self._http.get_balance()
        positions = await self._http.get_positions(PositionsQuery())
        orders = await self._http.get_orders(OrdersQuery(status="resting"))
        settled = await self._http.get_settlements(SettlementsQuery(min_ts=since_ts))
        fills = await self._http.get_fills(FillsQuery(min_ts=since_ts))
        cash = {_purse(part.exchange_index): part.balance for part in balance.balance_breakdown}
        return Statement(
            as_of_ns=as_of_ns,
            cash=cash or {_purse(0): balance.balance_dollars},
            positions={row.ticker: row.position_fp for row in positions if row.position_fp},
            orders={row.order_id: _order(statements.of_order(row)) for row in orders},
            fills={row.trade_id: _fill(statements.of_fill(row)) for row in fills},
            settled={row.ticker: time_ns(row.settled_time) for row in settled},
        )

    def place_of(self, instrument: Any) -> Place:
        """Return the market of an outcome: YES counts up, NO down."""
        info = info_of(instrument)
        return Place(info["market"], 1 if info["outcome"] == "YES" else -1, _purse(info["shard"]))

    def words_of(self, order: Any, instrument: Any) -> str:
        """Return an order as it stands in the YES book."""
        contract = contract_of(instrument)
        price = other_scale(contract.leg, order.price.as_decimal())  # every order that rests has one
        left = order.quantity.as_decimal() - order.filled_qty.as_decimal()
        return _words(book_side(contract.leg, order.side), left, price, contract.ticker)

    async def close(self) -> None:
        """Let go of the shared connection."""
        await self._http.close()


def make(settings: Raw, now_ns: Callable[[], int]) -> KalshiBooks:
    """Return the books under the key in the environment, over the connection of the node's clients."""
    config = read_settings(settings, KalshiExecutionConfig)
    return KalshiBooks(share(SharedHttp, config, Credentials.from_environment(environ()), now_ns))


def _purse(shard: int) -> str:
    return f"{venue.VENUE} shard {shard}"


def _order(order: statements.OrderStatement) -> Stated:
    each = order.yes_price if order.side == "bid" else _ONE - order.yes_price
    words = _words(order.side, order.remaining, order.yes_price, order.ticker)
    at_ns = order.at_ns or order.created_ns
    return Stated(order.ticker, words, at_ns, order.order_id, _purse(order.shard), order.remaining * each)


def _fill(fill: statements.FillStatement) -> Stated:
    words = _words(fill.side, fill.contracts, fill.yes_price, fill.ticker)
    return Stated(fill.ticker, words, fill.at_ns, fill.order_id)


def _words(side: str, contracts: Decimal, yes_price: Decimal, ticker: str) -> str:
    return f"{side} {contracts.normalize():f} at {yes_price.normalize():f} in {ticker}"
