"""The account over REST: balance, positions, fills, orders, settlements, limits (kalshi.md section 5)."""

from typing import Any

from aiohttp import web

from simulation.wire.kalshi_accounts import Pocket, Position
from simulation.wire.kalshi_errors import not_found
from simulation.wire.kalshi_http import (
    PREFIX,
    Desk,
    int_param,
    json_response,
    limit_param,
    ns_param,
    page,
    within,
)
from simulation.wire.kalshi_markets import Market
from simulation.wire.kalshi_orders import Order
from simulation.wire.kalshi_rates import CHEAP_COST, DEFAULT_COST, ENDPOINT_COSTS
from simulation.wire.kalshi_rows import (
    balance_text,
    event_position_row,
    fill_row,
    order_row,
    position_row,
    settlement_row,
)
from simulation.wire.kalshi_settings import TIERS
from simulation.wire.kalshi_signatures import ApiKey, require_subaccount
from simulation.wire.kalshi_units import ONE_PRICE, cents, count_text


class PortfolioApi:
    """Handlers of signed reads."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.exchange = desk.exchange

    def routes(self) -> list[web.RouteDef]:
        """Every path, the literal ones first."""
        table = {
            "/portfolio/balance": self.balance,
            "/portfolio/positions": self.positions,
            "/portfolio/fills": self.fills,
            "/portfolio/orders": self.orders,
            "/portfolio/orders/queue_positions": self.queue_positions,
            "/portfolio/orders/{order_id}": self.order,
            "/portfolio/orders/{order_id}/queue_position": self.queue_position,
            "/portfolio/settlements": self.settlements,
            "/portfolio/summary/total_resting_order_value": self.resting_value,
            "/account/limits": self.limits,
            "/account/endpoint_costs": self.costs,
            "/historical/fills": self.no_fills,
            "/historical/orders": self.no_orders,
            "/historical/positions": self.no_positions,
        }
        return [web.get(PREFIX + path, handler, allow_head=False) for path, handler in table.items()]

    async def balance(self, request: web.Request) -> web.Response:
        """GET /portfolio/balance, in a bucket of its own."""
        key = self.desk.reader(request, 1, "balance")
        subaccount = self._subaccount(request, key, default=0)
        pockets = self.exchange.accounts.of_user(key.user, int_param(request, "exchange_index"), subaccount)
        total = sum(self._shown(pocket) for pocket in pockets)
        rows = [
            {"exchange_index": pocket.key[1], "balance": balance_text(self._shown(pocket))}
            for pocket in pockets
        ]
        body: dict[str, Any] = {
            "balance": cents(total), "balance_dollars": balance_text(total),
            "portfolio_value": cents(sum(self._value(pocket) for pocket in pockets)),
            "updated_ts": self.desk.now_ns() // 1_000_000_000, "balance_breakdown": rows,
        }  # fmt: skip
        return json_response(body)

    async def positions(self, request: web.Request) -> web.Response:
        """GET /portfolio/positions."""
        key = self.desk.reader(request)
        found = self._positions(request, key)
        keyed = [(len(found) - place, entry) for place, entry in enumerate(found)]
        cut, cursor = page(request, keyed, limit_param(request, 100, 1000), empty_pages=False)
        market_rows, events = [], dict[str, list[Position]]()
        for market, position, at_ns, view in cut:
            market_rows.append(position_row(market.ticker, market.exchange_index, view, at_ns))
            events.setdefault(market.event.ticker, []).append(position)
        event_rows = [event_position_row(ticker, parts) for ticker, parts in events.items()]
        return json_response(
            {"market_positions": market_rows, "event_positions": event_rows, "cursor": cursor}
        )

    async def fills(self, request: web.Request) -> web.Response:
        """GET /portfolio/fills, newest first, as far as the read model has seen."""
        key = self.desk.reader(request)
        query, subaccount = request.query, self._subaccount(request, key)
        low, high = ns_param(request, "min_ts"), ns_param(request, "max_ts")
        shard = int_param(request, "exchange_index")
        found = [
            (fill.number, fill_row(fill, legacy=self.desk.settings.legacy_fields))
            for fill in reversed(self.exchange.fills.get(key.user, []))
            if fill.trade.at_ns <= self.desk.as_of_ns()
            and within(fill.trade.at_ns, low, high)
            and query.get("ticker") in (None, "", fill.trade.ticker)
            and query.get("order_id") in (None, "", fill.order_id)
            and subaccount in (None, fill.subaccount)
            and shard in (None, fill.exchange_index)
        ]
        cut, cursor = page(
            request, found, limit_param(request, 100, 1000), empty_pages=self.desk.settings.empty_pages
        )
        return json_response({"fills": cut, "cursor": cursor})

    async def orders(self, request: web.Request) -> web.Response:
        """GET /portfolio/orders, newest first."""
        key = self.desk.reader(request)
        found = []
        for order in reversed(self.exchange.user_orders.get(key.user, [])):
            row = self._order_row(order)
            if row is not None and self._keep(request, key, order, row):
                found.append((order.number, row))
        cut, cursor = page(
            request, found, limit_param(request, 100, 1000), empty_pages=self.desk.settings.empty_pages
        )
        return json_response({"orders": cut, "cursor": cursor})

    async def order(self, request: web.Request) -> web.Response:
        """GET /portfolio/orders/{id}."""
        row = self._order_row(self._own(request))
        if row is None:
            raise not_found(request.match_info["order_id"])
        return json_response({"order": row})

    async def queue_position(self, request: web.Request) -> web.Response:
        """GET /portfolio/orders/{id}/queue_position."""
        order = self._own(request)
        if not order.on_book:
            raise not_found(order.order_id)
        return json_response({"queue_position_fp": count_text(self._ahead(order))})

    async def queue_positions(self, request: web.Request) -> web.Response:
        """GET /portfolio/orders/queue_positions: contracts ahead of each resting order."""
        key = self.desk.reader(request)
        tickers = [ticker for ticker in request.query.get("market_tickers", "").split(",") if ticker]
        event = request.query.get("event_ticker")
        rows = [
            {
                "order_id": order.order_id, "market_ticker": order.ticker,
                "queue_position_fp": count_text(self._ahead(order)),
            }
            for order in self.exchange.user_orders.get(key.user, [])
            if order.on_book
            and (not tickers or order.ticker in tickers)
            and event in (None, "", self.exchange.markets[order.ticker].event.ticker)
        ]  # fmt: skip
        return json_response({"queue_positions": rows})

    async def settlements(self, request: web.Request) -> web.Response:
        """GET /portfolio/settlements, newest first."""
        key = self.desk.reader(request)
        query = request.query
        low, high = ns_param(request, "min_ts"), ns_param(request, "max_ts")
        found = [
            (payout.number, settlement_row(payout))
            for payout in reversed(self.exchange.accounts.payouts.get(key.user, []))
            if within(payout.at_ns, low, high)
            and query.get("ticker") in (None, "", payout.ticker)
            and query.get("event_ticker") in (None, "", payout.event_ticker)
        ]
        cut, cursor = page(
            request, found, limit_param(request, 100, 1000), empty_pages=self.desk.settings.empty_pages
        )
        return json_response({"settlements": cut, "cursor": cursor})

    async def resting_value(self, request: web.Request) -> web.Response:
        """GET /portfolio/summary/total_resting_order_value, cents."""
        key = self.desk.reader(request)
        pockets = self.exchange.accounts.of_user(key.user)
        rows = [
            {"exchange_index": pocket.key[1], "balance": balance_text(sum(pocket.reserved.values()))}
            for pocket in pockets
        ]
        total = cents(sum(sum(pocket.reserved.values()) for pocket in pockets))
        return json_response({"total_resting_order_value": total, "resting_order_value_breakdown": rows})

    async def limits(self, request: web.Request) -> web.Response:
        """GET /account/limits."""
        self.desk.reader(request)
        read, read_full, write, write_full = TIERS[self.desk.settings.tier]
        body: dict[str, Any] = {
            "usage_tier": self.desk.settings.tier,
            "read": {"refill_rate": read, "bucket_capacity": read_full},
            "write": {"refill_rate": write, "bucket_capacity": write_full},
            "grants": [],
        }
        return json_response(body)

    async def costs(self, request: web.Request) -> web.Response:
        """GET /account/endpoint_costs (public)."""
        self.desk.public(request)
        rows = [{"method": method, "path": path, "cost": cost} for method, path, cost in ENDPOINT_COSTS]
        return json_response({"default_cost": DEFAULT_COST, "endpoint_costs": rows})

    async def no_fills(self, request: web.Request) -> web.Response:
        """GET /historical/fills: empty."""
        self.desk.reader(request)
        return json_response({"fills": [], "cursor": ""})

    async def no_orders(self, request: web.Request) -> web.Response:
        """GET /historical/orders: empty."""
        self.desk.reader(request)
        return json_response({"orders": [], "cursor": ""})

    async def no_positions(self, request: web.Request) -> web.Response:
        """GET /historical/positions: empty."""
        self.desk.reader(request)
        return json_response({"market_positions": [], "event_positions": [], "cursor": ""})

    def _subaccount(self, request: web.Request, key: ApiKey, default: int | None = None) -> int | None:
        asked = int_param(request, "subaccount", default if key.subaccount is None else key.subaccount)
        if asked is not None:
            require_subaccount(key, asked)
        return asked

    def _shown(self, pocket: Pocket) -> int:
        return pocket.free() if self.desk.settings.balance_excludes_resting else pocket.cash

    def _value(self, pocket: Pocket) -> int:
        total = 0
        for ticker, position in pocket.positions.items():
            price = self.exchange.markets[ticker].last_price
            total += position.count * price if position.count > 0 else -position.count * (ONE_PRICE - price)
        return total

    def _positions(
        self, request: web.Request, key: ApiKey
    ) -> list[tuple[Market, Position, int, tuple[int, ...]]]:
        subaccount = self._subaccount(request, key)
        pockets = self.exchange.accounts.of_user(key.user, int_param(request, "exchange_index"), subaccount)
        found = []
        for pocket in pockets:
            for ticker, position in pocket.positions.items():
                views = [view for view in position.history if view[0] <= self.desk.as_of_ns()]
                market = self.exchange.markets[ticker]
                if views and _keep_position(request.query, market, position, views[-1][1]):
                    found.append((market, position, *views[-1]))
        return found

    def _order_row(self, order: Order) -> dict[str, Any] | None:
        view = order.view(self.desk.as_of_ns())
        return None if view is None else order_row(order, view, legacy=self.desk.settings.legacy_fields)

    def _keep(self, request: web.Request, key: ApiKey, order: Order, row: dict[str, Any]) -> bool:
        query, subaccount = request.query, self._subaccount(request, key)
        event = self.exchange.markets[order.ticker].event.ticker
        return (
            query.get("status") in (None, "", row["status"])
            and query.get("ticker") in (None, "", order.ticker)
            and query.get("event_ticker") in (None, "", event)
            and subaccount in (None, order.subaccount)
            and int_param(request, "exchange_index") in (None, order.exchange_index)
            and within(order.created_ns, ns_param(request, "min_ts"), ns_param(request, "max_ts"))
        )

    def _own(self, request: web.Request) -> Order:
        key = self.desk.reader(request, CHEAP_COST)
        order = self.exchange.orders.get(request.match_info["order_id"])
        if order is None or order.user != key.user:
            raise not_found(request.match_info["order_id"])
        return order

    def _ahead(self, order: Order) -> int:
        return self.exchange.markets[order.ticker].book.ahead_of(order)


def _keep_position(query: Any, market: Market, position: Position, view: tuple[int, ...]) -> bool:
    wanted = query.get("settlement_status", "unsettled") or "unsettled"
    if wanted != "all" and position.is_settled != (wanted == "settled"):
        return False
    filters = [word for word in query.get("count_filter", "").split(",") if word]
    if "position" in filters and view[0] == 0:
        return False
    if "total_traded" in filters and view[4] == 0:
        return False
    return query.get("ticker") in (None, "", market.ticker) and query.get("event_ticker") in (
        None, "", market.event.ticker,
    )  # fmt: skip
