"""A small Polymarket on loopback for tests of the data side: says what a test puts in, and remembers what it heard."""

import asyncio
import json
from contextlib import asynccontextmanager

import msgspec
from aiohttp import WSMsgType, web

from adapters.polymarket.config import PolymarketDataConfig


def said(answer):
    async def handler(_request):
        return web.json_response(answer)

    return handler


class FakeVenue:
    """`rows` by condition are the catalogue, `compact` and `results` the order book's, `books` by token.

    `heard` are the frames that came in on the stream, `asked` the paths and queries of requests. The stream answers a
    subscription with the books that it has, in one array, and PING with PONG unless `is_mute`.
    """

    def __init__(self):
        self.rows, self.events, self.series = {}, {}, {}
        self.compact, self.results, self.books = {}, {}, {}
        self.trades, self.prices = [], []
        self.heard, self.asked, self.sockets, self.listeners = [], [], [], []
        self.is_mute = False
        self.refusals = {}
        self.on_asked = lambda path: None

    @asynccontextmanager
    async def running(self):
        app = web.Application(middlewares=[self._note])
        app.add_routes(
            [
                web.get("/gamma/markets", self._markets),
                web.get("/gamma/events/slug/{slug}", self._event),
                web.get("/gamma/series", self._series),
                web.get("/gamma/events/keyset", self._events),
                web.get("/clob/time", said(1_786_856_000)),
                web.get("/clob/version", said({"version": 2})),
                web.get("/clob/book", self._book),
                web.post("/clob/books", self._books),
                web.get("/clob/clob-markets/{condition}", self._compact),
                web.get("/clob/markets/{condition}", self._result),
                web.get("/clob/prices-history", self._prices),
                web.get("/data/v2/trades", self._trades),
                web.get("/ws/market", self._stream),
                web.get("/rtds", self._prices_stream),
            ]
        )
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            for socket in [*self.sockets, *self.listeners]:
                await socket.close()
            await runner.cleanup()

    async def push(self, frame):
        """Send a frame to everybody who listens."""
        text = frame if isinstance(frame, str) else json.dumps(frame, separators=(",", ":"))
        for socket in list(self.sockets):
            await socket.send_str(text)

    async def drop(self):
        """Close all streams, as a venue that restarts does."""
        for socket in list(self.sockets):
            await socket.close()

    def list(self, row, compact=None):
        """Put a market into both lists."""
        self.rows[row["conditionId"]] = row
        tokens = json.loads(row["clobTokenIds"])
        labels = json.loads(row["outcomes"])
        self.compact[row["conditionId"]] = {
            "c": row["conditionId"],
            "t": [{"t": token, "o": label} for token, label in zip(tokens, labels, strict=True)],
            "mts": 0.01,
            "mos": 5,
            "fd": {"r": 0.07, "e": 1, "to": True},
            "itode": True,
        } | (compact or {})

    @web.middleware
    async def _note(self, request, handler):
        self.asked.append(f"{request.path}?{request.query_string}")
        self.on_asked(request.path)
        for beginning, status in self.refusals.items():
            if request.path.startswith(beginning):
                return web.json_response({"error": "no"}, status=status)
        return await handler(request)

    async def _markets(self, request):
        closed = request.query["closed"] == "true"
        slugs, conditions = request.query.getall("slug", []), request.query.getall("condition_ids", [])
        found = [
            row
            for row in self.rows.values()
            if row.get("closed", False) == closed
            and (row["slug"] in slugs or row["conditionId"] in conditions)
        ]
        return web.json_response(found)

    async def _event(self, request):
        event = self.events.get(request.match_info["slug"])
        return web.json_response(event or {"error": "not found"}, status=200 if event else 404)

    async def _series(self, request):
        return web.json_response(self.series.get(request.query["slug"], []))

    async def _events(self, request):
        pages = self.events[request.query["series_id"]]
        at = int(request.query.get("after_cursor", 0))
        more = {"next_cursor": str(at + 1)} if at + 1 < len(pages) else {}
        return web.json_response({"events": pages[at]} | more)

    async def _book(self, request):
        book = self.books.get(request.query["token_id"])
        return web.json_response(book or {"error": "not found"}, status=200 if book else 404)

    async def _books(self, request):
        wanted = [one["token_id"] for one in await request.json()]
        return web.json_response([self.books[token] for token in wanted if token in self.books])

    async def _prices(self, _request):
        return web.json_response({"history": self.prices})

    async def _compact(self, request):
        return await self._one(self.compact, request)

    async def _result(self, request):
        return await self._one(self.results, request)

    async def _one(self, known, request):
        found = known.get(request.match_info["condition"])
        return web.json_response(found or {"error": "not found"}, status=200 if found else 404)

    async def _trades(self, request):
        at = int(request.query.get("cursor", 0))
        more = {"next_cursor": str(at + 1)} if at + 1 < len(self.trades) else {}
        rows = self.trades[at] if self.trades else []
        return web.json_response({"data": rows, "pagination": more})

    async def _stream(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._hear(socket, message.data)
        finally:
            self.sockets.remove(socket)
        return socket

    async def _prices_stream(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.listeners.append(socket)
        try:
            async for message in socket:
                self.heard.append(message.data)
        finally:
            self.listeners.remove(socket)
        return socket

    async def say(self, price):
        """Send a reference price."""
        for socket in list(self.listeners):
            await socket.send_str(json.dumps(price))

    async def _hear(self, socket, text):
        self.heard.append(text)
        if text == "PING":
            if not self.is_mute:
                await socket.send_str("PONG")
            return
        said = json.loads(text)
        if said.get("type") == "market" or said.get("operation") == "subscribe":
            books = [stream_book(self.books[one]) for one in said["assets_ids"] if one in self.books]
            await socket.send_str(json.dumps(books))


def stream_book(book):
    """Return a book as the stream sends it: without what only REST says."""
    said = {name: value for name, value in book.items() if name not in ("min_order_size", "neg_risk")}
    return said | {"event_type": "book"}


def settings_for(base, **more):
    """Return settings that lead to a fake venue."""
    given = {
        "rest_url": f"{base}/clob",
        "gamma_url": f"{base}/gamma",
        "data_url": f"{base}/data",
        "socket_url": base.replace("http", "ws"),
        "reconnect_first_secs": 0.05,
        "reconnect_most_secs": 0.2,
    }
    return msgspec.convert(given | more, PolymarketDataConfig)


async def until(condition, secs=10.0):
    """Wait until a condition holds; AssertionError after a generous while."""
    async with asyncio.timeout(secs):
        while not condition():
            await asyncio.sleep(0.005)
