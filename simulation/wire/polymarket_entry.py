"""Orders in and out: POST /order and /orders, the four cancels, the heartbeat (polymarket.md sections 5 and 6)."""

from typing import Any, Final, Literal

import msgspec
from aiohttp import web

from simulation.wire.polymarket_desk import Desk, json_body
from simulation.wire.polymarket_errors import VenueError, bad_payload, invalid_order
from simulation.wire.polymarket_orders import Market, Order, OrderAsk, OrderType, Trade
from simulation.wire.polymarket_signatures import ApiKey, SignedOrder, exchange_of, order_id, signed_by
from simulation.wire.polymarket_units import ONE_PRICE, amount_text, price_text

MOST_ORDERS: Final = 15
MOST_CANCELS: Final = 3_000
BEAT_NS: Final = 10_000_000_000
CHECK_NS: Final = 5_000_000_000


class WireOrder(msgspec.Struct, frozen=True, rename="camel"):
    """The `order` of the body: salt and type are numbers, all else text."""

    salt: int
    maker: str
    signer: str
    token_id: str
    maker_amount: str
    taker_amount: str
    side: Literal["BUY", "SELL"]
    expiration: str
    timestamp: str
    metadata: str
    builder: str
    signature: str
    signature_type: int


class WirePost(msgspec.Struct, frozen=True, rename="camel"):
    """One order as posted."""

    order: WireOrder
    owner: str
    order_type: OrderType
    post_only: bool = False
    defer_exec: bool = False


class EntryApi:
    """Everything that changes the book."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._beats: dict[str, tuple[str, int]] = {}
        self._checked_ns = 0

    def routes(self) -> list[web.RouteDef]:
        """What this part answers."""
        return [
            web.post("/order", self.post_order),
            web.post("/orders", self.post_orders),
            web.delete("/order", self.delete_order),
            web.delete("/orders", self.delete_orders),
            web.delete("/cancel-all", self.cancel_all),
            web.delete("/cancel-market-orders", self.cancel_market),
            web.post("/v1/heartbeats", self.heartbeat),
        ]

    async def post_order(self, request: web.Request) -> web.Response:
        """One order; a refusal is HTTP 4xx."""
        key = await self.desk.identify(request)
        self._spend(key, 1)
        return web.json_response(self._place(key, await json_body(request)))

    async def post_orders(self, request: web.Request) -> web.Response:
        """Up to 15 orders; a refused leg has an empty id and its reason, and `success` all the same."""
        key = await self.desk.identify(request)
        legs = await json_body(request)
        if not isinstance(legs, list) or not legs:
            raise bad_payload()
        if len(legs) > MOST_ORDERS:
            raise VenueError(400, f"Too many orders in payload: {len(legs)}, max allowed: {MOST_ORDERS}")
        self._spend(key, len(legs))
        return web.json_response([self._leg(key, leg) for leg in legs])

    async def delete_order(self, request: web.Request) -> web.Response:
        """Cancel one order."""
        key = await self.desk.identify(request)
        body = await json_body(request)
        found = body.get("orderID") if isinstance(body, dict) else None
        if not isinstance(found, str) or not found:
            raise VenueError(400, "Invalid orderID")
        return self._cancel(key, [found])

    async def delete_orders(self, request: web.Request) -> web.Response:
        """Cancel up to 3,000 orders by id."""
        key = await self.desk.identify(request)
        ids = await json_body(request)
        if not isinstance(ids, list) or not all(isinstance(item, str) for item in ids):
            raise bad_payload()
        if len(ids) > MOST_CANCELS:
            raise VenueError(400, f"Too many orders in payload, max allowed: {MOST_CANCELS}")
        return self._cancel(key, ids)

    async def cancel_all(self, request: web.Request) -> web.Response:
        """Cancel everything of the key."""
        key = await self.desk.identify(request)
        return self._cancel(key, [order.ask.order_id for order in self.desk.open_orders(key)], extra=1)

    async def cancel_market(self, request: web.Request) -> web.Response:
        """Cancel what rests in a market, on a token, or both."""
        key = await self.desk.identify(request)
        body = await json_body(request)
        if not isinstance(body, dict) or not (body.get("market") or body.get("asset_id")):
            raise bad_payload()
        market, token = body.get("market"), body.get("asset_id")
        chosen = [
            order.ask.order_id
            for order in self.desk.open_orders(key)
            if market in (None, "", order.market.condition_id) and token in (None, "", order.ask.token)
        ]
        return self._cancel(key, chosen)

    async def heartbeat(self, request: web.Request) -> web.Response:
        """Arm or feed the dead-man switch; a stale id is told the right one and feeds nothing."""
        key = await self.desk.identify(request)
        body = await json_body(request)
        given = body.get("heartbeat_id") if isinstance(body, dict) else None
        known = self._beats.get(key.key)
        if given != (known[0] if known else ""):
            expected = known[0] if known else ""
            return web.json_response(
                {"error_msg": "Invalid Heartbeat ID", "heartbeat_id": expected}, status=400
            )
        beat = self.desk.exchange.new_id()
        self._beats[key.key] = (beat, self.desk.exchange.now_ns())
        return web.json_response({"heartbeat_id": beat})

    def lose_beats(self) -> None:
        """Forget when the last beats came: the next check cancels what their keys have."""
        self._beats = {key: (beat, 0) for key, (beat, _) in self._beats.items()}

    def advance(self) -> None:
        """Every 5 s: cancel what belongs to a key whose beat is more than 10 s old."""
        now_ns = self.desk.exchange.now_ns()
        if now_ns - self._checked_ns < CHECK_NS:
            return
        self._checked_ns = now_ns
        for order in self.desk.exchange.open_orders():
            beat = self._beats.get(order.ask.owner)
            if beat is not None and now_ns - beat[1] > BEAT_NS:
                self.desk.exchange.cancel(order)

    def _spend(self, key: ApiKey, tokens: int, *, is_cancel: bool = False) -> None:
        self.desk.rates.spend(key.key, tokens, self.desk.exchange.now_ns(), is_cancel=is_cancel)

    def _leg(self, key: ApiKey, leg: object) -> dict[str, Any]:
        try:
            return self._place(key, leg)
        except VenueError as error:
            if error.status in (425, 503):
                raise
            return _answer("", "", error.text)

    def _place(self, key: ApiKey, body: object) -> dict[str, Any]:
        try:
            post = msgspec.convert(body, WirePost)
        except msgspec.ValidationError:
            raise bad_payload() from None
        self.desk.require_orders(post_only=post.post_only)
        if post.owner != key.key:
            raise VenueError(400, "the order owner has to be the owner of the API KEY")
        standing, wire = self.desk.standing, post.order
        standing.require_order(key.address, is_buy=wire.side == "BUY")
        ask = read_ask(post, self.desk.exchange.market_of(wire.token_id), key)
        standing.require_wallet(key.address, wire.signature_type, wire.maker)
        order, trades = self.desk.exchange.place(ask)
        return _accepted(order, trades)

    def _cancel(self, key: ApiKey, ids: list[str], extra: int = 0) -> web.Response:
        self.desk.require_cancels()
        self._spend(key, len(ids) + extra, is_cancel=True)
        canceled, refused = [], {}
        for one in ids:
            order = self.desk.exchange.orders.get(one)
            if order is None or order.ask.owner != key.key:
                refused[one] = "Order not found or already canceled"
            elif order.status == "DELAYED":
                refused[one] = "order is delayed and cannot be canceled"
            elif order.status != "LIVE":
                refused[one] = "already canceled or matched"
            else:
                self.desk.exchange.cancel(order)
                canceled.append(one)
        return web.json_response({"canceled": canceled, "not_canceled": refused})


def read_ask(post: WirePost, market: Market, key: ApiKey) -> OrderAsk:
    """Turn a posted order into an ask; VenueError for a wrong signature, signer, amount or deferral."""
    wire = post.order
    try:
        signed = SignedOrder(
            wire.salt, wire.maker, wire.signer, int(wire.token_id), int(wire.maker_amount), int(wire.taker_amount),
            0 if wire.side == "BUY" else 1, wire.signature_type, int(wire.timestamp), wire.metadata, wire.builder,
            wire.signature,
        )  # fmt: skip
        expires_at_ns = int(wire.expiration) * 1_000_000_000 or None
        found = order_id(signed, exchange_of(neg_risk=market.neg_risk))
    except ValueError:
        raise bad_payload() from None
    if post.defer_exec or min(signed.maker_amount, signed.taker_amount) <= 0 or signed.salt >= 1 << 53:
        raise bad_payload()
    if wire.signature_type != 3 and wire.signer.lower() != key.address:
        raise VenueError(400, "the order signer address has to be the address of the API KEY")
    if signed_by(signed, exchange_of(neg_risk=market.neg_risk)) != key.address:
        raise VenueError(400, "invalid signature")
    is_buy, at_once = wire.side == "BUY", post.order_type in ("FAK", "FOK")
    money, shares = signed.maker_amount, signed.taker_amount
    if not is_buy:
        money, shares = shares, money
    return OrderAsk(
        found, wire.maker.lower(), key.key, wire.token_id, is_buy,
        _limit(found, market, money, shares, is_buy=is_buy, at_once=at_once), shares, post.order_type,
        post.post_only, expires_at_ns, money if is_buy and at_once else None,
    )  # fmt: skip


def _limit(found: str, market: Market, money: int, shares: int, *, is_buy: bool, at_once: bool) -> int:
    """The limit that two amounts mean; what cuts the amounts of a market order never crosses 0.0001 (5.3)."""
    price, rest = divmod(money * ONE_PRICE, shares)
    if rest and not at_once:
        reason = f"Price ({price_text(price)}) breaks minimum tick size rule: {price_text(market.tick)}"
        raise invalid_order(found, reason)
    return price + 1 if rest and not is_buy else price


def _accepted(order: Order, trades: list[Trade]) -> dict[str, Any]:
    if not trades:
        return _answer(order.ask.order_id, "delayed" if order.status == "DELAYED" else "live")
    sums = (sum(trade.taker_money for trade in trades), sum(trade.shares for trade in trades))
    making, taking = sums if order.ask.is_buy else sums[::-1]
    more: dict[str, Any] = {"makingAmount": amount_text(making), "takingAmount": amount_text(taking)}
    more["tradeIDs"] = [trade.trade_id for trade in trades]
    return _answer(order.ask.order_id, "matched") | more


def _answer(found: str, status: str, error: str = "") -> dict[str, Any]:
    return {
        "success": True, "errorMsg": error, "orderID": found, "status": status, "makingAmount": "", "takingAmount": "",
    }  # fmt: skip
