"""Order entry over REST, the V2 family, and the order groups (kalshi.md section 6)."""

import asyncio
from typing import Any

from aiohttp import web

from simulation.wire.kalshi_calendar import require_alive, require_trading
from simulation.wire.kalshi_checks import (
    find_order,
    read_ask,
    read_count,
    read_expiry,
    read_index,
    read_price,
    require_open,
    routed_market,
)
from simulation.wire.kalshi_errors import VenueError, invalid_order
from simulation.wire.kalshi_http import PREFIX, Desk, int_param, json_body, json_response
from simulation.wire.kalshi_orders import Fill, Order
from simulation.wire.kalshi_rates import CHEAP_COST, DEFAULT_COST
from simulation.wire.kalshi_rows import averages, written_row
from simulation.wire.kalshi_signatures import ApiKey, require_subaccount
from simulation.wire.kalshi_units import SECOND_NS, count_text

Row = dict[str, Any]
_ORDERS = PREFIX + "/portfolio/events/orders"


class EntryApi:
    """Handlers of signed order writes."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.exchange = desk.exchange

    def routes(self) -> list[web.RouteDef]:
        """The V2 paths, and the old ones, which are gone."""
        old = PREFIX + "/portfolio/orders"
        return [
            web.post(_ORDERS, self.create),
            web.delete(_ORDERS, self.cancel_all),
            web.post(_ORDERS + "/batched", self.create_batch),
            web.delete(_ORDERS + "/batched", self.cancel_batch),
            web.delete(_ORDERS + "/{order_id}", self.cancel),
            web.post(_ORDERS + "/{order_id}/amend", self.amend),
            web.post(_ORDERS + "/{order_id}/decrease", self.decrease),
            web.post(old, self.gone),
            web.post(old + "/batched", self.gone),
            web.delete(old + "/batched", self.gone),
            web.delete(old + "/{order_id}", self.gone),
            web.post(old + "/{order_id}/amend", self.gone),
            web.post(old + "/{order_id}/decrease", self.gone),
        ]

    async def gone(self, request: web.Request) -> web.Response:
        """The order endpoints that were switched off in June 2026; the venue's own answer is not known."""
        raise VenueError(410, "endpoint_removed", "use /portfolio/events/orders", request.path)

    async def create(self, request: web.Request) -> web.Response:
        """POST /portfolio/events/orders."""
        body = await json_body(request)
        key = self.desk.writer(request, DEFAULT_COST, read_index(body, "exchange_index"))
        await self._latency()
        return json_response(self._create(key, body), 201)

    async def create_batch(self, request: web.Request) -> web.Response:
        """POST .../batched: the whole batch must fit the bucket, then each item lives or fails alone."""
        items = _items(await json_body(request))
        key = self.desk.writer(request, DEFAULT_COST * len(items))
        await self._latency()
        rows = []
        for item in items:
            try:
                rows.append(self._create(key, item))
            except VenueError as error:
                rows.append({"client_order_id": item.get("client_order_id"), "error": error.flat()})
        return json_response({"orders": rows}, 201)

    async def cancel(self, request: web.Request) -> web.Response:
        """DELETE .../{id}; without market_ticker or exchange_index it looks on shard 0 only."""
        shard = int_param(request, "exchange_index")
        key = self.desk.writer(request, CHEAP_COST, shard)
        await self._latency()
        ask = {
            "order_id": request.match_info["order_id"], "market_ticker": request.query.get("market_ticker"),
            "exchange_index": shard, "subaccount": int_param(request, "subaccount"),
        }  # fmt: skip
        return json_response(self._cancel(key, ask))

    async def cancel_batch(self, request: web.Request) -> web.Response:
        """DELETE .../batched."""
        items = _items(await json_body(request))
        key = self.desk.writer(request, CHEAP_COST * len(items))
        await self._latency()
        rows = []
        for item in items:
            try:
                rows.append(self._cancel(key, item))
            except VenueError as error:
                rows.append(
                    {"order_id": item.get("order_id", ""), "reduced_by": "0.00", "error": error.flat()}
                )
        return json_response({"orders": rows})

    async def cancel_all(self, request: web.Request) -> web.Response:
        """DELETE .../orders: every shard; orders of the following minute may die too.

        A shard in full pause cancels nothing (kalshi.md section 13): then the answer is 503, ours by analogy.
        """
        key = self.desk.writer(request, DEFAULT_COST)
        await self._latency()
        subaccount = int_param(request, "subaccount")
        orders = [order for order in self.exchange.user_orders.get(key.user, []) if order.on_book]
        for order in orders:
            if (
                subaccount in (None, order.subaccount)
                and order.exchange_index not in self.exchange.halted_shards
            ):
                self.exchange.cancel(order)
        for order in orders:
            if order.on_book:
                require_alive(self.exchange, order.exchange_index)
        for pocket in self.exchange.accounts.of_user(key.user, None, subaccount):
            self.exchange.cancel_all_at[(key.user, pocket.key[2])] = self.desk.now_ns()
        return web.Response(status=204)

    async def amend(self, request: web.Request) -> web.Response:
        """POST .../{id}/amend."""
        body = await json_body(request)
        key = self.desk.writer(request, DEFAULT_COST, read_index(body, "exchange_index"))
        await self._latency()
        market = routed_market(self.exchange, str(body.get("ticker", "")), body.get("exchange_index"))
        require_trading(self.exchange, market.exchange_index)
        order = self._order_on(key, request.match_info["order_id"], market.exchange_index)
        _check_match(order, body)
        require_open(market)
        count, price = read_count(body.get("count")), read_price(market, body.get("price"))
        if count <= order.filled:
            raise VenueError(
                400, "invalid_order_size", "invalid order size", "count must exceed what is filled"
            )
        expiry = read_expiry(self.exchange, body) if "expiration_time" in body else order.expiration_ns
        fills = self.exchange.amend(order, price, count, expiry)
        self._rename(order, body)
        return json_response(self._amended_row(order, fills))

    async def decrease(self, request: web.Request) -> web.Response:
        """POST .../{id}/decrease with exactly one of reduce_by and reduce_to."""
        body = await json_body(request)
        shard = read_index(body, "exchange_index")
        key = self.desk.writer(request, DEFAULT_COST, shard)
        await self._latency()
        order = self._find(key, request.match_info["order_id"], body.get("market_ticker"), shard)
        by, to = body.get("reduce_by"), body.get("reduce_to")
        if (by is None) == (to is None):
            raise invalid_order("exactly one of reduce_by and reduce_to")
        remaining = _reduced(order, by, to)
        self.exchange.decrease(order, remaining)
        row = _identity(order) | {"remaining_count": count_text(remaining), "ts_ms": self._ts_ms()}
        return json_response(row)

    def _create(self, key: ApiKey, body: Row) -> Row:
        ask = read_ask(self.exchange, key.user, body)
        require_subaccount(key, ask.subaccount)
        order, fills = self.exchange.place(key.user, ask)
        row = written_row(order, fills, self.desk.now_ns())
        self._maybe_swept(order)
        return row

    def _maybe_swept(self, order: Order) -> None:
        at_ns = self.exchange.cancel_all_at.get((order.user, order.subaccount))
        settings = self.desk.settings
        if at_ns is None or self.desk.now_ns() - at_ns > settings.cancel_all_tail_secs * SECOND_NS:
            return
        if order.on_book and self.exchange.chance.random() < settings.cancel_all_tail_share:
            self.exchange.cancel(order)

    def _cancel(self, key: ApiKey, item: Row) -> Row:
        ticker, shard = item.get("market_ticker") or None, read_index(item, "exchange_index")
        order = self._find(key, str(item.get("order_id", "")), ticker, shard)
        reduced = self.exchange.cancel(order)
        return _identity(order) | {"reduced_by": count_text(reduced), "ts_ms": self._ts_ms()}

    def _find(self, key: ApiKey, order_id: str, ticker: str | None, shard: int | None) -> Order:
        order = find_order(self.exchange, key.user, order_id, ticker, shard)
        require_subaccount(key, order.subaccount)
        require_alive(self.exchange, order.exchange_index)
        return order

    def _order_on(self, key: ApiKey, order_id: str, shard: int) -> Order:
        return self._find(key, order_id, None, shard)

    def _rename(self, order: Order, body: Row) -> None:
        new = body.get("updated_client_order_id")
        if new:
            order.client_order_id = str(new)
            self.exchange.client_ids[(order.user, order.client_order_id)] = order
            order.remember(self.desk.now_ns())

    def _amended_row(self, order: Order, fills: list[Fill]) -> Row:
        nothing = {"fill_count": None, "average_fill_price": None, "average_fee_paid": None}
        filled = {"fill_count": count_text(order.filled)} | averages(fills) if fills else {}
        row = _identity(order) | {"remaining_count": count_text(order.remaining)}
        return row | nothing | filled | {"ts_ms": self._ts_ms()}

    def _ts_ms(self) -> int:
        return self.desk.now_ns() // 1_000_000

    async def _latency(self) -> None:
        if self.desk.settings.write_latency_ms:
            await asyncio.sleep(self.desk.settings.write_latency_ms / 1000)


def _identity(order: Order) -> Row:
    row: Row = {"order_id": order.order_id}
    return row | {"client_order_id": order.client_order_id} if order.client_order_id else row


def _items(body: Row) -> list[Row]:
    items = body.get("orders")
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise VenueError(400, "bad_request", "bad request", "orders must be a list of objects")
    return items


def _reduced(order: Order, by: object, to: object) -> int:
    remaining = order.remaining - read_count(by) if by is not None else _count_or_zero(to)
    if not 0 <= remaining <= order.remaining:
        raise VenueError(
            400, "invalid_order_size", "invalid order size", "a decrease cannot go beyond the order"
        )
    return remaining


def _count_or_zero(value: object) -> int:
    return 0 if value in ("0", "0.0", "0.00") else read_count(value)


def _check_match(order: Order, body: Row) -> None:
    if body.get("ticker") != order.ticker:
        raise VenueError(400, "order_ticker_mismatch", "order ticker mismatch")
    if body.get("side") != ("bid" if order.is_bid else "ask"):
        raise VenueError(400, "order_side_mismatch", "order side mismatch")
    named = body.get("client_order_id")
    if named and named != order.client_order_id:
        raise VenueError(400, "order_id_and_client_order_id_mismatch", "client order id mismatch")
