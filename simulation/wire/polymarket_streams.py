"""The market and the user stream: who listens to what, PING and PONG, and the end of a slow reader."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from simulation.wire.faults import Faults
from simulation.wire.frame_pipe import FramePipe
from simulation.wire.polymarket_bursts import rewrite
from simulation.wire.polymarket_desk import Desk
from simulation.wire.polymarket_exchange import Notice
from simulation.wire.polymarket_frames import (
    after_trade_frame,
    best_frame,
    change_frame,
    new_market_frame,
    opening_frame,
    order_event,
    resolved_frame,
    tick_frame,
    trade_event,
    trade_frame,
)
from simulation.wire.polymarket_orders import Market, Order, Trade
from simulation.wire.polymarket_rows import Row


class Subscriber:
    """One socket and what it asked for; a user's has an owner, a market subscriber tokens."""

    def __init__(self, socket: web.WebSocketResponse, faults: Faults, capacity: int) -> None:
        self.socket = socket
        self.pipe = FramePipe(socket, faults, capacity, self._overflow)
        self.pipe.rewrite = rewrite
        self.tokens: set[str] = set()
        self.wants_custom = False
        self.is_open = False
        self.owner: str | None = None
        self.markets: set[str] | None = None
        self.closing: asyncio.Task[Any] | None = None

    def say(self, channel: str, body: object) -> None:
        """Queue a frame."""
        self.pipe.put(channel, 0, msgspec.json.encode(body))

    def hears(self, market: Market) -> bool:
        """Whether a user listens to a market."""
        return self.markets is None or market.condition_id in self.markets

    def end(self, code: WSCloseCode, reason: bytes, *, drains: bool = True) -> None:
        """Close the socket, after what is queued unless it is not to drain."""
        if self.closing is None:
            self.closing = asyncio.create_task(self._close(code, reason, drains=drains))

    async def _close(self, code: WSCloseCode, reason: bytes, *, drains: bool) -> None:
        while drains and self.pipe.backlog and not self.socket.closed:
            await asyncio.sleep(0.005)
        await self.socket.close(code=code, message=reason)

    def _overflow(self, _number: int) -> None:
        self.end(WSCloseCode.TRY_AGAIN_LATER, b"slow consumer: send buffer full", drains=False)


class Streams:
    """Both socket endpoints; it hears every notice of the exchange."""

    def __init__(self, desk: Desk, faults: Faults) -> None:
        self.desk = desk
        self.faults = faults
        self.subscribers: set[Subscriber] = set()
        self._best: dict[str, tuple[int | None, int | None]] = {}
        desk.exchange.listeners.append(self.on_notice)

    def routes(self) -> list[web.RouteDef]:
        """What this part answers."""
        return [
            web.get("/ws/market", self.market, allow_head=False),
            web.get("/ws/user", self.user, allow_head=False),
        ]

    async def market(self, request: web.Request) -> web.StreamResponse:
        """Books and trades of the tokens named."""
        return await self._serve(request, self._on_market_frame)

    async def user(self, request: web.Request) -> web.StreamResponse:
        """Own orders and trades; wrong credentials close the socket without a word."""
        return await self._serve(request, self._on_user_frame)

    def abort_all(self) -> None:
        """Cut every connection without a closing handshake."""
        for subscriber in list(self.subscribers):
            subscriber.pipe.abort()

    def on_notice(self, notice: Notice) -> None:
        """Tell everybody concerned what a command did."""
        for subscriber in list(self.subscribers):
            if subscriber.owner is not None:
                self._tell_user(subscriber, subscriber.owner, notice)
            elif subscriber.tokens & set(notice.market.tokens):
                self._tell_market(subscriber, notice)
            if notice.is_new and subscriber.owner is None and subscriber.wants_custom:
                subscriber.say("new_market", new_market_frame(notice.market, notice.at_ns))
        book = self.desk.exchange.books[notice.market.condition_id]
        self._best[notice.market.condition_id] = (book.best(is_bid=True), book.best(is_bid=False))

    # -- what is said --------------------------------------------------------------------------

    def _tell_market(self, subscriber: Subscriber, notice: Notice) -> None:
        market, exchange = notice.market, self.desk.exchange
        wanted = [token for token in market.tokens if token in subscriber.tokens]
        if notice.old_tick is not None:
            for token in wanted:
                subscriber.say("tick_size_change", tick_frame(market, token, notice.old_tick, notice.at_ns))
        if notice.levels:
            subscriber.say("price_change", change_frame(exchange, notice))
        matched = [trade for trade in notice.trades if trade.status == "MATCHED"]
        if matched:
            self._tell_trades(subscriber, matched, wanted)
        if subscriber.wants_custom and notice.levels and self._moved(market):
            for token in wanted:
                subscriber.say("best_bid_ask", best_frame(exchange, market, token, notice.at_ns))
        if notice.is_result:
            self._tell_result(subscriber, notice)

    def _moved(self, market: Market) -> bool:
        book = self.desk.exchange.books[market.condition_id]
        now = (book.best(is_bid=True), book.best(is_bid=False))
        return now != self._best.get(market.condition_id, (None, None))

    def _tell_result(self, subscriber: Subscriber, notice: Notice) -> None:
        if subscriber.wants_custom:
            subscriber.say("market_resolved", resolved_frame(notice.market, notice.at_ns))
        open_tokens = {
            token
            for market in self.desk.exchange.markets.values()
            if not market.is_resolved
            for token in market.tokens
        }
        if self.desk.settings.closes_resolved and not subscriber.tokens & open_tokens:
            subscriber.end(WSCloseCode.OK, b"all subscribed assets resolved")

    def _tell_trades(self, subscriber: Subscriber, trades: list[Trade], wanted: list[str]) -> None:
        for token in wanted:
            row = after_trade_frame(self.desk.exchange, trades[0].taker.market, token)
            subscriber.say("book", row)
        for trade in trades:
            if trade.taker.ask.token in wanted:
                subscriber.say("last_trade_price", trade_frame(trade, trade.matched_ns))

    def _tell_user(self, subscriber: Subscriber, owner: str, notice: Notice) -> None:
        if not subscriber.hears(notice.market):
            return
        if notice.placed is not None and notice.placed.ask.owner == owner:
            subscriber.say("order", order_event(notice.placed, "PLACEMENT", notice.at_ns))
        for order in notice.touched:
            if order.ask.owner == owner:
                subscriber.say("order", order_event(order, _kind(order), notice.at_ns))
        for trade in notice.trades:
            if owner in trade.owners():
                subscriber.say("trade", trade_event(trade, owner, notice.at_ns))

    # -- what is asked -------------------------------------------------------------------------

    def _on_market_frame(self, subscriber: Subscriber, row: Row) -> bool:
        named = row.get("assets_ids")
        if not isinstance(named, list):
            return True
        tokens = {str(token) for token in named}
        if row.get("operation") == "unsubscribe":
            subscriber.tokens -= tokens
            return True
        subscriber.wants_custom = bool(row.get("custom_feature_enabled"))
        fresh = tokens - subscriber.tokens
        subscriber.tokens |= tokens
        books = self._opening(fresh)
        if not subscriber.is_open:
            subscriber.say("book", books)
        else:
            for book in books:
                subscriber.say("book", book)
        subscriber.is_open = True
        return True

    def _on_user_frame(self, subscriber: Subscriber, row: Row) -> bool:
        markets = row.get("markets")
        named = {str(market) for market in markets} if isinstance(markets, list) else None
        if subscriber.owner is None:
            given = row.get("auth")
            auth = given if isinstance(given, dict) else {}
            words = [str(auth.get(name, "")) for name in ("apiKey", "secret", "passphrase")]
            key = self.desk.doorkeeper.knows(words[0], words[1], words[2])
            subscriber.owner, subscriber.markets = (key.key if key else None), named
            return key is not None
        if named is not None and row.get("operation") == "subscribe" and subscriber.markets is not None:
            subscriber.markets |= named
        elif named is not None and row.get("operation") == "unsubscribe":
            subscriber.markets = (subscriber.markets or set(self.desk.exchange.markets)) - named
        return True

    def _opening(self, tokens: set[str]) -> list[Row]:
        exchange = self.desk.exchange
        return [
            opening_frame(exchange, market, token)
            for market in exchange.markets.values()
            if not market.is_resolved
            for token in market.tokens
            if token in tokens
        ]

    # -- the socket ----------------------------------------------------------------------------

    async def _serve(
        self, request: web.Request, on_frame: Callable[[Subscriber, Row], bool]
    ) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=1 << 20)
        await socket.prepare(request)
        subscriber = Subscriber(socket, self.faults, self.desk.settings.buffer_frames)
        subscriber.pipe.cut = None if request.transport is None else request.transport.abort
        self.subscribers.add(subscriber)
        writer = asyncio.create_task(subscriber.pipe.run(), name="polymarket double socket writer")
        try:
            await self._read(subscriber, on_frame)
        finally:
            self.subscribers.discard(subscriber)
            writer.cancel()
            await asyncio.gather(
                writer, *([subscriber.closing] if subscriber.closing else []), return_exceptions=True
            )
        return socket

    async def _read(self, subscriber: Subscriber, on_frame: Callable[[Subscriber, Row], bool]) -> None:
        async for message in subscriber.socket:
            if message.type is not WSMsgType.TEXT or subscriber.pipe.is_half_open:
                continue
            if message.data == "PING":
                if not subscriber.pipe.is_silent:
                    subscriber.pipe.put("pong", 0, b"PONG")
                continue
            row = _read_row(message.data)
            if row is not None and not on_frame(subscriber, row):
                await subscriber.socket.close()


def _kind(order: Order) -> str:
    return "CANCELLATION" if order.status.startswith("CANCELED") else "UPDATE"


def _read_row(text: str) -> Row | None:
    try:
        row = json.loads(text)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None
