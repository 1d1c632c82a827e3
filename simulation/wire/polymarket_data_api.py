"""The Data API: trades, positions, activity and results of anybody, v1 and v2 (polymarket.md section 12.1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from simulation.wire.polymarket_desk import Desk
from simulation.wire.polymarket_errors import VenueError
from simulation.wire.polymarket_gamma import event_slug
from simulation.wire.polymarket_orders import MakerFill, Market, Order, Trade
from simulation.wire.polymarket_rows import (
    SECOND_NS,
    Row,
    display_price,
    iso_text,
    outcome,
    question_id,
    side_text,
)
from simulation.wire.polymarket_units import ONE, ONE_PRICE

MOST_ROWS: Final = 500
MOST_OFFSET: Final = 3_000
_SETTLED: Final = ("MINED", "CONFIRMED")


@dataclass(slots=True)
class _Holding:
    """What a wallet did with one token, from its trades."""

    bought: int = 0
    spent: int = 0
    held: int = 0
    realized: int = 0

    def add(self, shares: int, money: int, *, is_buy: bool) -> None:
        """Book one fill at average cost."""
        if is_buy:
            self.bought, self.spent, self.held = self.bought + shares, self.spent + money, self.held + shares
            return
        self.realized += money - shares * self.spent // max(self.bought, 1)
        self.held -= shares


@dataclass(frozen=True, slots=True)
class _Fill:
    """One side of a trade."""

    trade: Trade
    order: Order
    shares: int
    money: int
    price: int


class DataApi:
    """Everything under /data-api. A trade shows once it is on the chain, not at its match."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def routes(self) -> list[web.RouteDef]:
        """What this part answers."""
        return [
            web.get("/data-api/trades", self.trades),
            web.get("/data-api/activity", self.trades),
            web.get("/data-api/positions", self.positions),
            web.get("/data-api/value", self.value),
            web.get("/data-api/v2/trades", self.trades_v2),
            web.get("/data-api/v2/positions", self.positions_v2),
            web.get("/data-api/v2/resolutions", self.resolutions),
        ]

    async def trades(self, request: web.Request) -> web.Response:
        """Trades in camel case, the newest first."""
        rows = [_trade_row(fill) for fill in self._fills(request, "market")]
        return web.json_response(_cut(rows, request))

    async def trades_v2(self, request: web.Request) -> web.Response:
        """Trades in snake case."""
        return _paged([_trade_row_v2(fill) for fill in self._fills(request, "condition_id")])

    async def positions(self, request: web.Request) -> web.Response:
        """A wallet's tokens; resolved ones until they are redeemed."""
        rows = [_position_row(*found) for found in self._holdings(request)]
        return web.json_response(_cut(rows, request))

    async def positions_v2(self, request: web.Request) -> web.Response:
        """The same in snake case."""
        return _paged([_position_row_v2(*found) for found in self._holdings(request)])

    async def value(self, request: web.Request) -> web.Response:
        """What a wallet's tokens are worth at the shown prices."""
        worth = sum(
            shares / ONE * display_price(market, token)
            for _, market, token, shares, _ in self._holdings(request)
        )
        return web.json_response([{"user": _user(request), "value": worth}])

    async def resolutions(self, request: web.Request) -> web.Response:
        """How resolved markets ended; price "69" means that none was set."""
        wanted = request.query.getall("condition_id", [])
        markets = [market for market in self.desk.exchange.markets.values() if market.condition_id in wanted]
        return _paged([_resolution_row(market) for market in markets])

    def _fills(self, request: web.Request, key: str) -> list[_Fill]:
        conditions = {part for text in request.query.getall(key, []) for part in text.split(",")}
        user, side = request.query.get("user", "").lower(), request.query.get("side", "").upper()
        takers_only = _flag(request, "takerOnly") and _flag(request, "taker_only")
        low, high = (int(request.query.get(name, 0)) for name in ("start", "end"))
        return [
            fill
            for trade in reversed(self.desk.exchange.trades.values())
            if trade.status in _SETTLED
            and (not conditions or trade.taker.market.condition_id in conditions)
            and (low <= trade.updated_ns // SECOND_NS <= (high or 1 << 62))
            for fill in _sides(trade, takers_only=takers_only and not user)
            if user in ("", fill.order.ask.wallet) and side in ("", side_text(fill.order))
        ]

    def _holdings(self, request: web.Request) -> Iterator[tuple[str, Market, str, int, _Holding]]:
        user, wanted = _user(request), set(request.query.getall("market", []))
        books: dict[str, _Holding] = {}
        for trade in self.desk.exchange.trades.values():
            for fill in _sides(trade, takers_only=False):
                if fill.order.ask.wallet == user and trade.status != "FAILED":
                    holding = books.setdefault(fill.order.ask.token, _Holding())
                    holding.add(fill.shares, fill.money, is_buy=fill.order.ask.is_buy)
        for token, shares in self.desk.exchange.ledger.wallet(user).tokens.items():
            market = self.desk.exchange.find_market(token)
            if market is not None and shares > 0 and (not wanted or market.condition_id in wanted):
                yield user, market, token, shares, books.get(token, _Holding(shares, shares // 2, shares))


def _sides(trade: Trade, *, takers_only: bool) -> Iterator[_Fill]:
    yield _Fill(trade, trade.taker, trade.shares, trade.taker_money, trade.price)
    if not takers_only:
        for fill in trade.fills:
            yield _maker(trade, fill)


def _maker(trade: Trade, fill: MakerFill) -> _Fill:
    return _Fill(trade, fill.order, fill.shares, fill.own_money(fill.order), fill.own_price(fill.order))


def _trade_row(fill: _Fill) -> Row:
    order, about = fill.order, fill.order.market.about
    return {
        "proxyWallet": order.ask.wallet, "side": side_text(order), "asset": order.ask.token,
        "conditionId": order.market.condition_id, "size": fill.shares / ONE, "price": fill.price / ONE_PRICE,
        "timestamp": fill.trade.updated_ns // SECOND_NS, "title": about.question, "slug": about.slug, "icon": "",
        "eventSlug": event_slug(order.market), "outcome": outcome(order), "outcomeIndex": _index(order), "name": "",
        "pseudonym": "", "bio": "", "profileImage": "", "profileImageOptimized": "",
        "transactionHash": fill.trade.transaction,
    }  # fmt: skip


def _trade_row_v2(fill: _Fill) -> Row:
    order, about = fill.order, fill.order.market.about
    return {
        "proxy_wallet": order.ask.wallet, "side": side_text(order), "token_id": order.ask.token,
        "condition_id": order.market.condition_id, "size": fill.shares / ONE, "price": fill.price / ONE_PRICE,
        "timestamp": fill.trade.updated_ns // SECOND_NS, "title": about.question, "slug": about.slug,
        "event_slug": event_slug(order.market), "outcome": outcome(order), "outcome_index": _index(order),
        "name": "", "pseudonym": "", "bio": "", "transaction_hash": fill.trade.transaction,
    }  # fmt: skip


def _position_row(user: str, market: Market, token: str, shares: int, book: _Holding) -> Row:
    average, price = book.spent / max(book.bought, 1), display_price(market, token)
    index, initial = market.tokens.index(token), shares / ONE * average
    return {
        "proxyWallet": user, "asset": token, "conditionId": market.condition_id, "size": shares / ONE,
        "avgPrice": average, "initialValue": initial, "currentValue": shares / ONE * price,
        "cashPnl": shares / ONE * price - initial, "percentPnl": 0.0, "totalBought": book.bought / ONE,
        "realizedPnl": book.realized / ONE, "percentRealizedPnl": 0.0, "curPrice": price,
        "redeemable": market.is_resolved, "mergeable": False, "title": market.about.question,
        "slug": market.about.slug, "icon": "", "eventSlug": event_slug(market), "outcome": market.outcomes[index],
        "outcomeIndex": index, "oppositeOutcome": market.outcomes[1 - index], "oppositeAsset": market.other(token),
        "endDate": iso_text(market.about.end_ns), "negativeRisk": market.neg_risk,
    }  # fmt: skip


def _position_row_v2(user: str, market: Market, token: str, shares: int, book: _Holding) -> Row:
    row = _position_row(user, market, token, shares, book)
    return {
        "proxy_wallet": user, "token_id": token, "condition_id": market.condition_id,
        "current_size": row["size"], "avg_price": row["avgPrice"], "entry_cost_usdc": row["initialValue"],
        "entry_fees_usdc": 0.0, "total_cost_usdc": row["initialValue"], "current_price": row["curPrice"],
        "current_value": row["currentValue"], "total_size": row["totalBought"], "realized_pnl": row["realizedPnl"],
        "unrealized_pnl": row["cashPnl"], "total_pnl": row["cashPnl"], "percent_pnl": 0.0,
        "percent_realized_pnl": 0.0, "status": _status(market, token), "redeemable": row["redeemable"],
        "mergeable": False, "negative_risk": market.neg_risk, "archived": False, "verified": True,
        "title": row["title"], "icon": "", "slug": row["slug"],
        "event_id": "", "event_slug": row["eventSlug"], "outcome": row["outcome"],
        "outcome_index": row["outcomeIndex"], "opposite_outcome": row["oppositeOutcome"],
        "opposite_token_id": row["oppositeAsset"], "end_date": (row["endDate"] or "")[:10] or None,
        "last_event_at": 0,
    }  # fmt: skip


def _resolution_row(market: Market) -> Row:
    price = "69"
    if market.payouts is not None:
        price = {ONE_PRICE: "1", 0: "0"}.get(market.payouts[0], "0.5")
    return {
        "question_id": question_id(market), "condition_id": market.condition_id,
        "status": "resolved" if market.is_resolved else "posed", "extended_review": False,
        "was_disputed": False, "new_version_q": True, "proposed_price": price, "reproposed_price": "69",
        "price": price, "transaction_hash": "", "log_index": "0",
        "last_update_timestamp": str(market.closed_ns // SECOND_NS),
    }  # fmt: skip


def _status(market: Market, token: str) -> str:
    if not market.is_resolved:
        return "OPEN"
    return "REDEEMABLE" if market.payout(token) else "REDEEMABLE_LOST"


def _index(order: Order) -> int:
    return order.market.tokens.index(order.ask.token)


def _user(request: web.Request) -> str:
    user = request.query.get("user", "").lower()
    if not user:
        raise VenueError(400, "required query param 'user' not provided")
    return user


def _flag(request: web.Request, name: str) -> bool:
    return request.query.get(name, "true") != "false"


def _cut(rows: list[Row], request: web.Request) -> list[Row]:
    start, size = (
        int(request.query.get(name, default)) for name, default in (("offset", "0"), ("limit", "100"))
    )
    if start > MOST_OFFSET:
        raise VenueError(400, "max historical activity offset of 3000 exceeded")
    return rows[start : start + min(size, MOST_ROWS)]


def _paged(rows: list[Row]) -> web.Response:
    body: dict[str, Any] = {"data": rows, "pagination": {"has_more": False, "next_cursor": None}}
    return web.json_response(body)
