"""Polymarket's books of us. It can reach what places orders, so only a node that trades loads it."""

import os
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from adapters.polymarket import constants as venue
from adapters.polymarket.config import PolymarketExecutionConfig
from adapters.polymarket.execution import statements
from adapters.polymarket.execution.statements import FillStatement, OrderStatement
from adapters.polymarket.execution.translation import contract_of, side_of
from adapters.polymarket.factories.execution import make_http
from adapters.polymarket.http.client import PolymarketHttp
from adapters.polymarket.http.portfolio import units
from adapters.polymarket.messages.portfolio import PositionRow
from adapters.polymarket.providers.life import payout_of_market
from adapters.polymarket.signing.keys import Wallet
from markets.instruments import info_of
from system.book import Raw
from system.polymarket_settings import read_settings
from system.statements import Place, Stated, Statement

_SECOND_NS: Final = 1_000_000_000
_PURSE: Final = f"{venue.VENUE} collateral"
_ZERO: Final = Decimal(0)


class PolymarketBooks:
    """Reads through `http`. Each token is a market of its own here: shares of a pair do not net before a merge.

    Shares of a market that has paid are no position any more but what they pay, redeemed or not: our books count that as paid.
    """

    def __init__(self, http: PolymarketHttp, wallet: Wallet, now_ns: Callable[[], int]) -> None:
        self._http = http
        self._wallet = wallet
        self._now_ns = now_ns
        self._payouts: dict[str, Decimal] = {}

    async def read(self, since_ns: int) -> Statement:
        """Return the venue's word: matches on their way are counted as they will be, failed ones are left out."""
        await self._http.log_in()
        kind = int(self._wallet.kind)
        as_of_ns = self._now_ns()
        cash = units((await self._http.get_collateral(kind)).balance)
        rows = await self._http.get_own_trades(after_secs=max(0, since_ns // _SECOND_NS))
        found = [fill for row in rows for fill in statements.of_trade(row, self._is_ours)]
        fills = [fill for fill in found if not fill.is_failed]
        rows_held = await self._http.get_positions(self._wallet.funder)
        tokens = {row.token_id for row in rows_held} | {fill.token_id for fill in fills}
        shares = {
            token: units((await self._http.get_shares(token, kind)).balance) for token in sorted(tokens)
        }
        for row in rows_held:
            if row.redeemable and (payout := await self._payout(row)) is not None:
                cash += shares.pop(row.token_id, _ZERO) * payout
        orders = [statements.of_order(row) for row in await self._http.get_orders()]
        return Statement(
            as_of_ns=as_of_ns,
            cash={_PURSE: cash},
            positions={token: held for token, held in shares.items() if held},
            orders={one.order_id: _order(one) for one in orders},
            fills={fill.name: _fill(fill) for fill in fills},
            settled={},
        )

    def place_of(self, instrument: Any) -> Place:
        """Return the token of an outcome."""
        info = info_of(instrument)
        return Place(info["tokens"][0 if info["outcome"] == "YES" else 1], 1, _PURSE)

    def words_of(self, order: Any, instrument: Any) -> str:
        """Return an order as it stands in its token's book."""
        left = order.quantity.as_decimal() - order.filled_qty.as_decimal()
        return _words(side_of(order.side), left, order.price.as_decimal(), contract_of(instrument).token_id)

    async def close(self) -> None:
        """Let go of the connection."""
        await self._http.close()

    async def _payout(self, row: PositionRow) -> Decimal | None:
        """Return what a share pays, None while the order book does not say; it is asked once for each market that has paid."""
        if row.token_id not in self._payouts:
            market = await self._http.get_market(row.condition_id)
            first = payout_of_market(market)
            if first is not None:
                sides = zip(market.tokens, (first, 1 - first), strict=True)
                self._payouts |= {token.token_id: payout for token, payout in sides}
        return self._payouts.get(row.token_id)

    def _is_ours(self, _order_id: str, owner: str, wallet: str) -> bool:
        return owner == self._http.credentials.key or wallet.lower() == self._wallet.funder.lower()


def make(settings: Raw, now_ns: Callable[[], int]) -> PolymarketBooks:
    """Return the books under the key in the environment."""
    config = read_settings(settings, PolymarketExecutionConfig)
    return PolymarketBooks(*make_http(config, os.environ, now_ns), now_ns)


def _order(order: OrderStatement) -> Stated:
    left = order.size - order.filled
    words = _words(order.side, left, order.price, order.token_id)
    held = left * order.price if order.side == "BUY" else _ZERO
    return Stated(order.token_id, words, order.at_ns or order.created_ns, order.order_id, _PURSE, held)


def _fill(fill: FillStatement) -> Stated:
    words = _words(fill.side, fill.shares, fill.price, fill.token_id)
    return Stated(fill.token_id, words, fill.at_ns, fill.order_id)


def _words(side: str, shares: Decimal, price: Decimal, token_id: str) -> str:
    return f"{side} {shares.normalize():f} at {price.normalize():f} of {token_id}"
