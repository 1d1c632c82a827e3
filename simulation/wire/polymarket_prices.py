"""Prices over REST: best, middle, spread, last trade, tick and the history (polymarket.md section 8)."""

from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from simulation.wire.polymarket_desk import Desk, json_body
from simulation.wire.polymarket_errors import VenueError
from simulation.wire.polymarket_exchange import Notice
from simulation.wire.polymarket_orders import Market
from simulation.wire.polymarket_rows import SECOND_NS
from simulation.wire.polymarket_units import ONE_PRICE, last_price_text, price_text

MOST_TOKENS: Final = 500
_MINUTE_NS: Final = 60 * SECOND_NS
_INTERVAL_SECS: Final = {
    "1m": 30 * 86_400, "max": 10 * 365 * 86_400, "1h": 3_600, "6h": 6 * 3_600, "1d": 86_400, "1w": 7 * 86_400,
}  # fmt: skip


class PriceApi:
    """What a token costs, as far as REST tells: never to be traded on."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._middles: dict[str, dict[int, int]] = {}
        desk.exchange.listeners.append(self._remember)

    def routes(self) -> list[web.RouteDef]:
        """What this part answers."""
        return [
            web.get("/price", self.price),
            web.get("/midpoint", self.midpoint),
            web.get("/spread", self.spread),
            web.get("/last-trade-price", self.last_trade),
            web.get("/tick-size", self.tick_size),
            web.get("/neg-risk", self.neg_risk),
            web.get("/fee-rate", self.fee_rate),
            web.post("/prices", self.prices),
            web.post("/midpoints", self.midpoints),
            web.post("/spreads", self.spreads),
            web.post("/last-trades-prices", self.last_trades),
            web.get("/prices-history", self.history),
            web.get("/data-api/v2/prices-history", self.history_v2),
            web.get("/markets-by-token/{token}", self.market_by_token),
        ]

    async def price(self, request: web.Request) -> web.Response:
        """BUY is the best bid, SELL the best ask; an empty side is 0."""
        token, market = self._token(request)
        side = request.query.get("side", "").upper()
        return web.json_response({"price": self._side(market, token, side)})

    async def midpoint(self, request: web.Request) -> web.Response:
        """Half the sum of both best prices; an empty side counts as 0."""
        token, market = self._token(request)
        return web.json_response({"mid": self._middle_text(market, token)})

    async def spread(self, request: web.Request) -> web.Response:
        """The distance of the best prices."""
        token, market = self._token(request)
        return web.json_response({"spread": self._spread_text(market, token)})

    async def last_trade(self, request: web.Request) -> web.Response:
        """The last trade's price; one half without a side before the first."""
        token, market = self._token(request)
        return web.json_response(_last_row(market, token))

    async def tick_size(self, request: web.Request) -> web.Response:
        """The tick as it is now."""
        _, market = self._token(request)
        return web.json_response({"minimum_tick_size": market.tick / ONE_PRICE})

    async def neg_risk(self, request: web.Request) -> web.Response:
        """Which exchange an order is signed for."""
        _, market = self._token(request)
        return web.json_response({"neg_risk": market.neg_risk})

    async def fee_rate(self, request: web.Request) -> web.Response:
        """The legacy number, which is no fee."""
        self._token(request)
        return web.json_response({"base_fee": 1000})

    async def market_by_token(self, request: web.Request) -> web.Response:
        """The condition of a token."""
        market = self.desk.exchange.find_market(request.match_info["token"])
        if market is None:
            raise VenueError(404, "market not found")
        yes, no = market.tokens
        row = {"condition_id": market.condition_id, "primary_token_id": yes, "secondary_token_id": no}
        return web.json_response(row)

    async def prices(self, request: web.Request) -> web.Response:
        """Prices by token and side."""
        found: dict[str, dict[str, str]] = {}
        for item, token, market in await self._asked(request):
            side = str(item.get("side", "")).upper()
            found.setdefault(token, {})[side] = self._side(market, token, side)
        return web.json_response(found)

    async def midpoints(self, request: web.Request) -> web.Response:
        """Midpoints by token."""
        return await self._many(request, self._middle_text)

    async def spreads(self, request: web.Request) -> web.Response:
        """Spreads by token."""
        return await self._many(request, self._spread_text)

    async def last_trades(self, request: web.Request) -> web.Response:
        """Last trades of several tokens."""
        rows = [
            _last_row(market, token) | {"token_id": token} for _, token, market in await self._asked(request)
        ]
        return web.json_response(rows)

    async def history(self, request: web.Request) -> web.Response:
        """One midpoint per `fidelity` minutes."""
        step_secs = 60 * max(int(request.query.get("fidelity", "1")), 1)
        points = self._history(request, "market", ("startTs", "endTs"), step_secs)
        return web.json_response({"history": [{"t": at, "p": price} for at, price in points]})

    async def history_v2(self, request: web.Request) -> web.Response:
        """The same of the Data API: one price per `bucket_seconds`."""
        step_secs = max(int(request.query.get("bucket_seconds", "60")), 60)
        rows = [
            {"timestamp": at, "price": price, "resolution_seconds": step_secs}
            for at, price in self._history(request, "token_id", ("start", "end"), step_secs)
        ]
        return web.json_response({"data": rows, "pagination": {"has_more": False, "next_cursor": None}})

    def _history(
        self, request: web.Request, key: str, bounds: tuple[str, str], step_secs: int
    ) -> list[tuple[int, float]]:
        token = request.query.get(key, "")
        market = self.desk.exchange.find_market(token)
        if market is None:
            raise VenueError(400, "Invalid market")
        low, high = self._span(request, *bounds)
        points = {at // step_secs: (at, price) for at, price in self._points(market) if low <= at <= high}
        is_yes = market.is_yes(token)
        return [(at, (price if is_yes else ONE_PRICE - price) / ONE_PRICE) for at, price in points.values()]

    def _points(self, market: Market) -> list[tuple[int, int]]:
        return [(minute * 60, price) for minute, price in self._middles.get(market.condition_id, {}).items()]

    def _span(self, request: web.Request, start: str, end: str) -> tuple[int, int]:
        now_secs = self.desk.exchange.now_ns() // SECOND_NS
        try:
            if interval := request.query.get("interval"):
                return now_secs - _INTERVAL_SECS[interval], now_secs
            return int(request.query.get(start, 0)), int(request.query.get(end, now_secs))
        except (KeyError, ValueError):
            raise VenueError(400, "Invalid payload") from None

    def _remember(self, notice: Notice) -> None:
        if notice.levels and (middle := self._middle(notice.market)) is not None:
            self._middles.setdefault(notice.market.condition_id, {})[notice.at_ns // _MINUTE_NS] = middle

    def _middle(self, market: Market) -> int | None:
        bid, ask = self._best(market, market.tokens[0])
        return (bid + ask) // 2 if bid and ask else None

    def _best(self, market: Market, token: str) -> tuple[int, int]:
        """Best bid and ask of a token, 0 for an empty side."""
        book, is_yes = self.desk.exchange.books[market.condition_id], market.is_yes(token)
        found = [book.levels(is_yes=is_yes, is_bid=is_bid) for is_bid in (True, False)]
        return found[0][-1][0] if found[0] else 0, found[1][-1][0] if found[1] else 0

    def _side(self, market: Market, token: str, side: str) -> str:
        if side not in ("BUY", "SELL"):
            raise VenueError(400, "Invalid side")
        return price_text(self._best(market, token)[0 if side == "BUY" else 1])

    def _middle_text(self, market: Market, token: str) -> str:
        bid, ask = self._best(market, token)
        return price_text((bid + ask) // 2) if (bid + ask) % 2 == 0 else f"{(bid + ask) / 2 / ONE_PRICE:.5f}"

    def _spread_text(self, market: Market, token: str) -> str:
        bid, ask = self._best(market, token)
        return price_text(max(ask - bid, 0))

    def _token(self, request: web.Request) -> tuple[str, Market]:
        token = request.query.get("token_id", "")
        if not token.isdecimal():
            raise VenueError(400, "Invalid token id")
        return token, self.desk.exchange.market_of(token)

    async def _asked(self, request: web.Request) -> list[tuple[dict[str, Any], str, Market]]:
        asked = await json_body(request)
        if not isinstance(asked, list) or not all(isinstance(item, dict) for item in asked):
            raise VenueError(400, "Invalid payload")
        if len(asked) > MOST_TOKENS:
            raise VenueError(400, "Payload exceeds the limit")
        rows = [
            (item, str(item.get("token_id")), self.desk.exchange.find_market(str(item.get("token_id"))))
            for item in asked
        ]
        return [
            (item, token, market)
            for item, token, market in rows
            if market is not None and not market.is_resolved
        ]

    async def _many(self, request: web.Request, text: Callable[[Market, str], str]) -> web.Response:
        return web.json_response(
            {token: text(market, token) for _, token, market in await self._asked(request)}
        )


def _last_row(market: Market, token: str) -> dict[str, str]:
    if market.yes_price is None:
        return {"price": "0.5", "side": ""}
    price = market.yes_price if market.is_yes(token) else ONE_PRICE - market.yes_price
    return {"price": last_price_text(price), "side": market.last_side}
