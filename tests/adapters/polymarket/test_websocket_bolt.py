"""PolyBolt over loopback: it must know us first, its refusals are named, and what it leaves out is told."""

import asyncio
import json

import msgspec
import pytest
from aiohttp import WSMsgType, web
from fake_venue import until

from adapters.polymarket.config import PolymarketDataConfig
from adapters.polymarket.factories.data import Streams
from adapters.polymarket.messages.prices_stream import BoltWish
from adapters.polymarket.messages.user_stream import Auth
from adapters.polymarket.signing.keys import BadCredentials
from adapters.polymarket.websocket.bolt import BoltSocket, bolt_wish

AUTH = Auth(api_key="key", secret="hush", passphrase="pass")


def value(seq, **more):
    payload = {
        "symbol": "btcusd",
        "source": "pyth",
        "value": 6.5,
        "full_accuracy_value": "6.50",
        "timestamp": seq,
    }
    return {"v": 1, "channel": "price.crypto", "seq": seq, "ts": seq, "payload": payload} | more


class Server:
    """Knows everybody, refuses one channel, and sends what a test says."""

    def __init__(self):
        self.heard, self.socket = [], None

    async def handle(self, request):
        self.socket = web.WebSocketResponse()
        await self.socket.prepare(request)
        async for message in self.socket:
            if message.type is WSMsgType.TEXT:
                await self._answer(json.loads(message.data))
        return self.socket

    async def _answer(self, said):
        self.heard.append(said)
        if said["op"] == "auth":
            await self.socket.send_json({"op": "authed", "rid": said["rid"]})
            return
        channel = said["subscriptions"][0]["channel"]
        answer = {"op": "subscribed"} if channel == "price.crypto" else {"op": "error", "code": "bad_filter"}
        await self.socket.send_json(answer | {"rid": said["rid"], "channel": channel})


def test_prices_come_once_we_are_known_and_gaps_and_refusals_are_told():
    async def run():
        server, prices, downs = Server(), [], []
        app = web.Application()
        app.add_routes([web.get("/ws", server.handle)])
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        config = PolymarketDataConfig(polybolt_url=f"ws://127.0.0.1:{port}/ws", reconnect_first_secs=0.05)
        wishes = [bolt_wish("price.crypto:btcusd"), bolt_wish("price.crypto.twap:btcusd:60")]
        bolt = BoltSocket(
            config, AUTH, wishes, lambda frame, _: prices.append(frame.seq), downs.append, now_ns=lambda: 7
        )
        running = asyncio.create_task(bolt.run())
        await until(lambda: bolt.counts["refused"] == 1)
        assert [one["op"] for one in server.heard] == ["auth", "subscribe", "subscribe"]
        assert server.heard[0]["auth"] == {"apiKey": "key", "secret": "hush", "passphrase": "pass"}
        assert server.heard[2]["subscriptions"] == [
            {"channel": "price.crypto.twap", "filter": {"symbol": "btcusd", "window_seconds": 60}}
        ]
        for frame in (value(4), value(5), value(7), value(8, dropped=2)):
            await server.socket.send_json(frame)
        await server.socket.send_str("{")
        await until(lambda: bolt.counts["malformed"] == 1)
        assert prices == [4, 5, 7, 8]
        assert downs == [
            "price.crypto: expected frame 6, found 7, 0 dropped",
            "price.crypto: expected frame 8, found 8, 2 dropped",
        ]
        await server.socket.close(code=4003)
        await until(lambda: len(server.heard) == 6)
        assert "4003" in downs[2]
        bolt.stop()
        await running
        await runner.cleanup()
        assert "hush" not in repr(bolt.socket) + repr(AUTH)

    asyncio.run(run())


@pytest.mark.parametrize(
    "text", ["price.crypto", "price.crypto:btcusd:60", "price.crypto.twap:btcusd", "news:x"]
)
def test_a_wish_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="expected `channel:symbol`"):
        bolt_wish(text)


def test_a_wish_names_channel_symbol_and_for_a_mean_its_seconds():
    assert msgspec.to_builtins(bolt_wish("price.equity:AAPL")) == {
        "channel": "price.equity",
        "filter": {"symbol": "AAPL"},
    }
    assert isinstance(bolt_wish("price.crypto.twap:btcusd:60"), BoltWish)


def test_without_credentials_its_prices_cannot_be_wanted(monkeypatch):
    for name in ("POLYMARKET_API_KEY", "POLYMARKET_API_SECRET", "POLYMARKET_API_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    streams = Streams(PolymarketDataConfig(oracles=("price.crypto:btcusd",)), lambda: 0)
    with pytest.raises(BadCredentials, match="prices of PolyBolt"):
        streams.prices(lambda *_: None, lambda _: None, None)
