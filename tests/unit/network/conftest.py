"""Real servers on loopback, and a clock that only moves when somebody sleeps."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import WSMsgType, web

from network.buckets import Buckets, TokenBucket


class Clock:
    def __init__(self):
        self.secs = 1_000.0
        self.slept = []

    def now(self):
        return self.secs

    def now_ns(self):
        return 1_790_000_000_000_000_000 + round((self.secs - 1_000.0) * 1e9)

    async def sleep(self, secs):
        self.slept.append(secs)
        self.secs += secs
        await asyncio.sleep(0)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def buckets(clock):
    groups = {name: TokenBucket(1_000, 1_000, clock.now) for name in ("read", "write")}
    return Buckets(groups, clock.sleep)


@pytest.fixture
def run():
    def run_whole(work):
        async def bounded():
            async with asyncio.timeout(10):
                await work()
                while len(asyncio.all_tasks()) > 1:  # nothing is left behind; the servers' tasks end late
                    await asyncio.sleep(0.001)

        asyncio.run(bounded())

    return run_whole


@pytest.fixture
def serve():
    """Give a context that serves one handler at every path and method, and yields its address."""

    @asynccontextmanager
    async def serving(handler):
        async def route(request):
            return await handler(request)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", route)
        runner = web.AppRunner(app, shutdown_timeout=0.2, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    return serving


@pytest.fixture
def serve_bytes():
    """Give a context that answers each request with the same bytes, whether they are HTTP or not."""

    @asynccontextmanager
    async def serving(answer):
        requests = []

        async def talk(reader, writer):
            requests.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", requests

    return serving


@pytest.fixture
def serve_frames(serve):
    """Give a context that hands each WebSocket connection to `talk(socket, number)`."""

    @asynccontextmanager
    async def serving(talk):
        seen = 0

        async def handler(request):
            nonlocal seen
            seen += 1
            # Pings come as messages, so that a double may leave them without an answer.
            socket = web.WebSocketResponse(autoping=False, timeout=0.2)
            await socket.prepare(request)
            with suppress(ConnectionError, asyncio.CancelledError):
                await talk(socket, seen)
            return socket

        async with serve(handler) as url:
            yield url.replace("http", "ws", 1)

    return serving


@pytest.fixture
def linger():
    """Give a server's last act: read until the client leaves, and answer its pings."""

    async def lingering(socket, answers_pings=True):
        while True:
            message = await socket.receive()
            if message.type is WSMsgType.PING and answers_pings:
                await socket.pong(message.data)
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return

    return lingering
