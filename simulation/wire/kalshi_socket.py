"""The socket side: signed handshake, commands, pings, and what happens to a reader that is too slow."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from simulation.wire.faults import Faults
from simulation.wire.frame_pipe import FramePipe
from simulation.wire.kalshi_errors import VenueError
from simulation.wire.kalshi_http import Desk, json_response
from simulation.wire.kalshi_hub import Hub
from simulation.wire.kalshi_subscriptions import (
    BOOK,
    CHANNELS,
    ERRORS,
    INDEX,
    TICKER,
    CommandError,
    Subscription,
    named_tickers,
)
from simulation.wire.kalshi_units import MILLI_NS

SOCKET_PATH = "/trade-api/ws/v2"

Body = dict[str, Any]


class Connection:
    """One socket of one user with its subscriptions."""

    def __init__(self, socket: web.WebSocketResponse, user: str, hub: Hub, faults: Faults) -> None:
        self.user = user
        self.hub = hub
        self.settings = hub.exchange.settings
        self.pipe = FramePipe(socket, faults, self.settings.buffer_frames, self._overflow)
        self.by_sid: dict[int, Subscription] = {}
        self._sids = 0
        self._commands: dict[str, Callable[[int, Body], None]] = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "update_subscription": self._update,
            "list_subscriptions": self._list,
        }

    def command(self, text: str) -> None:
        """Carry out one command; every refusal is an `error` message with the venue's code."""
        try:
            row = json.loads(text)
        except ValueError:
            self._error(None, 1)
            return
        if not isinstance(row, dict):
            self._error(None, 1)
            return
        command_id = row.get("id")
        try:
            self._run(row, command_id if isinstance(command_id, int) else 0)
        except CommandError as error:
            self._error(command_id, error.code)

    def close(self) -> None:
        """Forget every subscription."""
        for subscription in self.by_sid.values():
            self.hub.drop(subscription)
        self.by_sid.clear()

    def _run(self, row: Body, command_id: int) -> None:
        step = self._commands.get(str(row.get("cmd")))
        if step is None:
            raise CommandError(5)
        params = row.get("params")
        if not isinstance(params, dict) and step != self._list:
            raise CommandError(2)
        step(command_id, params if isinstance(params, dict) else {})

    def _subscribe(self, command_id: int, params: Body) -> None:
        channels = params.get("channels")
        if not isinstance(channels, list) or not channels:
            raise CommandError(3)
        for channel in channels:
            try:
                self._subscribe_one(command_id, str(channel), params)
            except CommandError as error:
                self._error(command_id, error.code)

    def _subscribe_one(self, command_id: int, channel: str, params: Body) -> None:
        if channel not in CHANNELS:
            raise CommandError(8)
        named = named_tickers(params, self._ids())
        if channel == BOOK and not named:
            raise CommandError(14)
        if channel == INDEX and not params.get("index_ids"):
            raise CommandError(24)
        found = next((item for item in self.by_sid.values() if item.channel == channel), None)
        subscription = found or self._open(channel, named, params)
        if found is not None and found.tickers is not None:
            found.tickers = found.tickers | named if named else None
        subscription.indices |= set(params.get("index_ids") or ())
        self._say(
            {"id": command_id, "type": "subscribed", "msg": {"channel": channel, "sid": subscription.sid}}
        )
        self._first_messages(subscription, named, params)

    def _open(self, channel: str, named: set[str], params: Body) -> Subscription:
        self._sids += 1
        subscription = Subscription(
            self._sids, channel, self.user, named or None, bool(params.get("use_yes_price")), self._send,
            bool(params.get("skip_ticker_ack")),
        )  # fmt: skip
        self.by_sid[subscription.sid] = subscription
        self.hub.add(subscription)
        return subscription

    def _first_messages(self, subscription: Subscription, named: set[str], params: Body) -> None:
        if subscription.channel == BOOK:
            for ticker in sorted(named - subscription.shown):
                self.hub.snapshot(subscription, ticker)
        elif subscription.channel == TICKER and params.get("send_initial_snapshot"):
            for ticker in sorted(named & self.hub.exchange.markets.keys()):
                self.hub.quote(subscription, self.hub.exchange.markets[ticker])

    def _unsubscribe(self, command_id: int, params: Body) -> None:
        sids = params.get("sids")
        if not isinstance(sids, list) or not sids:
            raise CommandError(4)
        for sid in sids:
            subscription = self.by_sid.pop(sid, None)
            if subscription is None:
                self._error(command_id, 7)
                continue
            self.hub.drop(subscription)
            subscription.seq += 1
            self._say({"id": command_id, "type": "unsubscribed", "sid": sid, "seq": subscription.seq})

    def _update(self, command_id: int, params: Body) -> None:
        subscription = self._one_subscription(params)
        action = params.get("action")
        if not action:
            raise CommandError(15)
        if subscription.channel == INDEX:
            self._update_indices(command_id, subscription, str(action), params)
            return
        named = named_tickers(params, self._ids())
        if not named:
            raise CommandError(14)
        if action == "add_markets":
            subscription.tickers = (subscription.tickers or set()) | named
            self._acknowledge(command_id, subscription)
            self._first_messages(subscription, named, params)
        elif action == "delete_markets":
            subscription.tickers = (subscription.tickers or set()) - named
            subscription.shown -= named
            self._acknowledge(command_id, subscription)
        elif action == "get_snapshot" and subscription.channel == BOOK:
            for ticker in sorted(named):
                self.hub.snapshot(subscription, ticker, command_id)
        else:
            raise CommandError(13)

    def _update_indices(self, command_id: int, subscription: Subscription, action: str, params: Body) -> None:
        if action == "indexlist":
            body = {"index_ids": sorted(subscription.indices)}
            self.hub.envelope(
                subscription, "cfbenchmarks_value_indexlist", msgspec.json.encode(body), command_id
            )
            return
        if action not in ("subscribe_indices", "unsubscribe_indices"):
            raise CommandError(13)
        named = set(params.get("index_ids") or ())
        if not named:
            raise CommandError(24)
        if action == "subscribe_indices":
            subscription.indices |= named
        else:
            subscription.indices -= named
        body = {"index_ids": sorted(subscription.indices)}
        self.hub.envelope(subscription, "ok", msgspec.json.encode(body), command_id)

    def _list(self, command_id: int, params: Body) -> None:
        rows = [{"channel": item.channel, "sid": item.sid} for item in self.by_sid.values()]
        self._say({"id": command_id, "type": "ok", "msg": rows})

    def _one_subscription(self, params: Body) -> Subscription:
        sids = params.get("sids") or ([params["sid"]] if params.get("sid") is not None else [])
        if not isinstance(sids, list) or len(sids) != 1:
            raise CommandError(12)
        if sids[0] not in self.by_sid:
            raise CommandError(7)
        return self.by_sid[sids[0]]

    def _acknowledge(self, command_id: int, subscription: Subscription) -> None:
        body = {} if subscription.skip_ack else {"market_tickers": sorted(subscription.tickers or ())}
        self.hub.envelope(subscription, "ok", msgspec.json.encode(body), command_id)

    def _ids(self) -> dict[str, str]:
        return {market.market_id: ticker for ticker, market in self.hub.exchange.markets.items()}

    def _overflow(self, sid: int) -> None:
        self.pipe.forget(sid)
        subscription = self.by_sid.pop(sid, None)
        if subscription is not None:
            self.hub.drop(subscription)
            subscription.seq += 1
            body = {"code": 25, "msg": ERRORS[25]}
            self._say({"type": "error", "sid": sid, "seq": subscription.seq, "msg": body})

    def _error(self, command_id: object, code: int) -> None:
        body: Body = {"type": "error", "msg": {"code": code, "msg": ERRORS[code]}}
        self._say({"id": command_id} | body if isinstance(command_id, int) else body)

    def _say(self, body: Body) -> None:
        if self.settings.sending_ts:
            body["sending_ts_ms"] = self.hub.exchange.now_ns() // MILLI_NS
        self.pipe.put(str(body["type"]), 0, msgspec.json.encode(body))

    def _send(self, subscription: Subscription, text: bytes) -> None:
        self.pipe.put(subscription.channel, subscription.sid, text)


class SocketApi:
    """The socket endpoint and its live connections."""

    def __init__(self, desk: Desk, hub: Hub, faults: Faults) -> None:
        self.desk = desk
        self.hub = hub
        self.faults = faults
        self.connections: set[Connection] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """GET /trade-api/ws/v2."""
        try:
            key = self.desk.identify(request)
        except VenueError as error:
            return json_response({"code": error.code}, 401)
        socket = web.WebSocketResponse(autoping=False, max_msg_size=1 << 20)
        await socket.prepare(request)
        connection = Connection(socket, key.user, self.hub, self.faults)
        connection.pipe.cut = None if request.transport is None else request.transport.abort
        self.connections.add(connection)
        tasks = [
            asyncio.create_task(connection.pipe.run(), name="kalshi double socket writer"),
            asyncio.create_task(self._ping(connection), name="kalshi double socket ping"),
        ]
        try:
            await self._read(connection, socket)
        finally:
            self.connections.discard(connection)
            connection.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return socket

    def abort_all(self) -> None:
        """Cut every connection without a word."""
        for connection in list(self.connections):
            connection.pipe.abort()

    async def _read(self, connection: Connection, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if connection.pipe.is_half_open:
                continue
            if message.type is WSMsgType.TEXT:
                connection.command(message.data)
            elif message.type is WSMsgType.PING and not connection.pipe.is_silent:
                await socket.pong(message.data)

    async def _ping(self, connection: Connection) -> None:
        while True:
            await asyncio.sleep(self.desk.settings.ping_secs)
            await connection.pipe.ping(b"heartbeat")
