"""What can be asked over REST: public books and markets, own orders and trades, balances, credentials."""

import base64
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from simulation.wire.polymarket_allowances import UNLIMITED
from simulation.wire.polymarket_desk import Desk, json_body
from simulation.wire.polymarket_errors import VenueError
from simulation.wire.polymarket_orders import Market
from simulation.wire.polymarket_rows import SECOND_NS, book_row, compact_row, market_row, order_row, trade_row
from simulation.wire.polymarket_signatures import NEG_RISK_EXCHANGE, STANDARD_EXCHANGE, ApiKey

END: Final = "LTE="


class ReadApi:
    """Everything that changes no book."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def routes(self) -> list[web.RouteDef]:
        """What this part answers."""
        return [
            web.get("/time", self.time),
            web.get("/ok", self.ok),
            web.get("/markets", self.markets),
            web.get("/simplified-markets", self.markets),
            web.get("/sampling-markets", self.markets),
            web.get("/version", self.version),
            web.get("/book", self.book),
            web.post("/books", self.books),
            web.get("/clob-markets/{condition}", self.compact),
            web.get("/markets/{condition}", self.market),
            web.get("/data/order/{order}", self.order),
            web.get("/data/orders", self.orders),
            web.get("/data/trades", self.trades),
            web.get("/balance-allowance", self.balance),
            web.get("/balance-allowance/update", self.update_balance),
            web.post("/auth/api-key", self.create_key),
            web.get("/auth/derive-api-key", self.derive_key),
            web.get("/auth/ban-status/closed-only", self.closed_only),
        ]

    async def time(self, _request: web.Request) -> web.Response:
        """Unix seconds."""
        return web.json_response(self.desk.door_secs())

    async def ok(self, _request: web.Request) -> web.Response:
        """That it is there."""
        return web.json_response("OK")

    async def markets(self, request: web.Request) -> web.Response:
        """All markets, in pages."""
        return self._page(request, [market_row(market) for market in self.desk.exchange.markets.values()])

    async def version(self, _request: web.Request) -> web.Response:
        """The generation of orders that is taken."""
        return web.json_response({"version": 2})

    async def book(self, request: web.Request) -> web.Response:
        """One token's book."""
        token = request.query.get("token_id", "")
        if not token.isdecimal():
            raise VenueError(400, "Invalid token id")
        return web.json_response(book_row(self.desk.exchange, self.desk.exchange.market_of(token), token))

    async def books(self, request: web.Request) -> web.Response:
        """Books of several tokens; one without a book is left out."""
        asked = await json_body(request)
        if not isinstance(asked, list) or not all(isinstance(item, dict) for item in asked):
            raise VenueError(400, "Invalid payload")
        known = {
            token: market
            for market in self.desk.exchange.markets.values()
            if not market.is_resolved
            for token in market.tokens
        }
        tokens = [str(item.get("token_id")) for item in asked]
        rows = [book_row(self.desk.exchange, known[token], token) for token in tokens if token in known]
        return web.json_response(rows)

    async def compact(self, request: web.Request) -> web.Response:
        """A market's trading parameters."""
        return web.json_response(compact_row(self._market(request)))

    async def market(self, request: web.Request) -> web.Response:
        """A market with its tokens and, once resolved, its winner."""
        return web.json_response(market_row(self._market(request)))

    async def order(self, request: web.Request) -> web.Response:
        """One open or delayed order; a closed one is not found."""
        key = await self.desk.identify(request)
        order = self.desk.exchange.orders.get(request.match_info["order"])
        if order is None or order.ask.owner != key.key or order.status not in ("LIVE", "DELAYED"):
            raise VenueError(404, "order not found")
        return web.json_response(order_row(order))

    async def orders(self, request: web.Request) -> web.Response:
        """Own open and delayed orders."""
        key = await self.desk.identify(request)
        rows = [order_row(order) for order in self.desk.open_orders(key) + self.desk.delayed_orders(key)]
        return self._page(
            request, [row for row in rows if _fits(row, request.query, ("id", "market", "asset_id"))]
        )

    async def trades(self, request: web.Request) -> web.Response:
        """Own trades, the newest first."""
        key = await self.desk.identify(request)
        low, high = (_seconds(request.query.get(name)) for name in ("after", "before"))
        rows = [
            trade_row(trade, key.key)
            for trade in reversed(self.desk.exchange.trades.values())
            if key.key in trade.owners()
            and (low is None or trade.matched_ns // SECOND_NS >= low)
            and (high is None or trade.matched_ns // SECOND_NS <= high)
        ]
        names = ("id", "market", "asset_id", "maker_address")
        return self._page(request, [row for row in rows if _fits(row, request.query, names)])

    async def balance(self, request: web.Request) -> web.Response:
        """Money or shares of the wallet that the key trades with, and what the exchanges may take of it."""
        key = await self.desk.identify(request)
        address, is_money = self._wallet(key, request), _is_money(request)
        wallet, seen = self.desk.exchange.ledger.wallet(address), self.desk.exchange.allowances.seen
        held = wallet.cash if is_money else wallet.holds(request.query.get("token_id", ""))
        allowances = {
            spender: str(UNLIMITED if (found := seen(address, spender, is_money=is_money)) is None else found)
            for spender in (STANDARD_EXCHANGE, NEG_RISK_EXCHANGE)
        }
        return web.json_response({"balance": str(held), "allowances": allowances})

    async def update_balance(self, request: web.Request) -> web.Response:
        """Look at the chain again, then answer as `balance`."""
        key = await self.desk.identify(request)
        self.desk.exchange.allowances.refresh(self._wallet(key, request), is_money=_is_money(request))
        return await self.balance(request)

    async def create_key(self, request: web.Request) -> web.Response:
        """Credentials for a wallet that has none under this nonce."""
        return _credentials(self.desk.doorkeeper.create(*self._login(request)))

    async def derive_key(self, request: web.Request) -> web.Response:
        """The same credentials again."""
        return _credentials(self.desk.doorkeeper.derive(*self._login(request)))

    async def closed_only(self, request: web.Request) -> web.Response:
        """Whether the key's address may only close."""
        key = await self.desk.identify(request)
        return web.json_response({"closed_only": key.address in self.desk.standing.closed_only})

    def _login(self, request: web.Request) -> tuple[str, int]:
        return self.desk.doorkeeper.login(request.headers, self.desk.door_secs())

    def _wallet(self, key: ApiKey, request: web.Request) -> str:
        kind = request.query.get("signature_type", "0")
        address = self.desk.standing.wallet_of(key.address, int(kind)) if kind.isdecimal() else None
        if address is None:
            raise VenueError(400, "Invalid signature_type")
        return address

    def _market(self, request: web.Request) -> Market:
        found = self.desk.exchange.markets.get(request.match_info["condition"])
        if found is None:
            raise VenueError(404, "market not found")
        return found

    def _page(self, request: web.Request, rows: list[dict[str, Any]]) -> web.Response:
        start, size = _offset(request.query.get("next_cursor", "")), self.desk.settings.page_size
        cut, end = rows[start : start + size], start + size
        after = END if end >= len(rows) else base64.b64encode(str(end).encode()).decode()
        return web.json_response({"data": cut, "next_cursor": after, "limit": size, "count": len(cut)})


def _is_money(request: web.Request) -> bool:
    asset = request.query.get("asset_type")
    if asset not in ("COLLATERAL", "CONDITIONAL"):
        raise VenueError(400, "Invalid asset type")
    return asset == "COLLATERAL"


def _fits(row: Mapping[str, Any], query: Mapping[str, str], names: tuple[str, ...]) -> bool:
    return all(not query.get(name) or query[name].lower() == str(row[name]).lower() for name in names)


def _seconds(text: str | None) -> int | None:
    if text and not text.isdecimal():
        raise VenueError(400, "Invalid trade params payload")
    return int(text) if text else None


def _offset(cursor: str) -> int:
    try:
        start = int(base64.b64decode(cursor or "MA==", validate=True))
    except ValueError:
        start = -1
    if start < 0:
        raise VenueError(400, "invalid order params payload")
    return start


def _credentials(key: ApiKey) -> web.Response:
    return web.json_response({"apiKey": key.key, "secret": key.secret, "passphrase": key.passphrase})
