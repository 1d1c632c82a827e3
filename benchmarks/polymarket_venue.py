"""A market of Polymarket that only speaks, in a process of its own: true books, changed at a pace.

It is no double: it serves what the data client asks for once, and one stream of bursts over the recorded opening book.
"""

import asyncio
import json
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from aiohttp import WSMsgType, web
from msgspec import convert

from adapters.polymarket.messages.market_stream import BookMessage, PriceChange
from adapters.polymarket.parsing.book import Terms, TokenBook
from benchmarks.beside import asked, beside

EVENT: Final = "bench-event"
_HASHED_EVERY: Final = 40  # a true hash costs this process more than all the rest of a frame
_YIELD_EVERY: Final = 64


@dataclass(frozen=True, slots=True)
class Stream:
    """How to speak: bursts a second, for how long, each with its hash or a few."""

    per_second: float
    secs: float
    all_hashed: bool


class Speaker:
    """The venue as the measuring process sees it."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.base: str = pipe.recv()

    def speak(self, stream: Stream) -> None:
        """Begin."""
        self._pipe.send(stream)

    def spoken(self) -> int:
        """Wait for the end; return how many bursts it was."""
        count: int = self._pipe.recv()
        return count


@contextmanager
def speaker() -> Iterator[Speaker]:
    """Start the venue; stop it at the end."""
    with beside(_serving) as pipe:
        yield Speaker(pipe)


def opening() -> list[dict[str, Any]]:
    """Return the recorded opening books of both tokens; FileNotFoundError without the recording."""
    folder = Path(os.environ.get("ARGONAUT_DATA", "../shared/data")) / "polymarket" / "recorded"
    file = folder / "ws_market_opening_book_2026-10-04.jsonl"
    if not file.exists():
        raise FileNotFoundError(f"expected the recorded opening book at {file}, found none")
    books: list[dict[str, Any]] = json.loads(file.read_text().splitlines()[0])["frame"]
    return books


class SpokenMarket:
    """Both tokens' books, and bursts that change one level of YES and its mirror."""

    def __init__(self) -> None:
        self.books = [self._book(said) for said in opening()]
        self._chance = random.Random(7)
        self._levels = sorted(self.books[0].bids)[-30:]
        self._bursts = 0
        self.touch()

    def touch(self) -> None:
        """Date both books, as the venue does with each change."""
        for book in self.books:
            book.at_ms = time.clock_gettime_ns(time.CLOCK_REALTIME) // 10**6

    def messages(self) -> list[dict[str, Any]]:
        """Return both whole books as the stream sends them."""
        return [
            {
                "market": book.market,
                "asset_id": book.token_id,
                "timestamp": str(book.at_ms),
                "hash": book.hash_with(book.last_price),
                "bids": [{"price": one.price, "size": one.size} for _, one in sorted(book.bids.items())],
                "asks": [
                    {"price": one.price, "size": one.size}
                    for _, one in sorted(book.asks.items(), reverse=True)
                ],
                "tick_size": book.tick,
                "last_trade_price": book.last_price,
                "event_type": "book",
            }
            for book in self.books
        ]

    def burst(self, *, is_hashed: bool) -> str:
        """Change a level of YES and its mirror; return the frame that says so."""
        yes, no = self.books
        self._bursts += 1
        steps = self._chance.choice(self._levels)
        size = f"{self._bursts % 9_000 + 1}.{self._chance.randrange(1, 99):02}"
        at_ms = time.clock_gettime_ns(time.CLOCK_REALTIME) // 10**6
        price, mirror = f"{steps / 10_000:g}", f"{1 - steps / 10_000:.4g}"
        yes.take_change(PriceChange(asset_id=yes.token_id, price=price, size=size, side="BUY"), at_ms)
        no.take_change(PriceChange(asset_id=no.token_id, price=mirror, size=size, side="SELL"), at_ms)
        parts = ((yes, price, "BUY"), (no, mirror, "SELL"))
        entries = ",".join(
            f'{{"asset_id":"{book.token_id}","price":"{its}","size":"{size}","side":"{side}",'
            f'"hash":"{book.hash_with(book.last_price) if is_hashed else "0"}",{_top(book)}}}'
            for book, its, side in parts
        )
        return (
            f'{{"market":"{yes.market}","price_changes":[{entries}],"timestamp":"{at_ms}",'
            '"event_type":"price_change"}'
        )

    def _book(self, said: dict[str, Any]) -> TokenBook:
        book = TokenBook(said["market"], said["asset_id"], Terms("5", is_neg_risk=True))
        book.take_book(convert(said, BookMessage))
        return book


def _top(book: TokenBook) -> str:
    bid, ask = book.top
    return f'"best_bid":"{bid / 10_000:g}","best_ask":"{ask / 10_000:g}"'


class _Server:
    def __init__(self) -> None:
        self._market = SpokenMarket()
        self._sockets: set[web.WebSocketResponse] = set()

    async def start(self) -> str:
        app = web.Application()
        app.add_routes(
            [
                web.get("/gamma/series", self._nothing),
                web.get("/gamma/markets", self._nothing),
                web.get(f"/gamma/events/slug/{EVENT}", self._event),
                web.get("/clob/time", self._time),
                web.get("/clob/clob-markets/{condition}", self._terms),
                web.get("/ws/market", self._stream),
            ]
        )
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server: Any = site._server
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def speak(self, stream: Stream) -> int:
        loop = asyncio.get_running_loop()
        began, count = loop.time(), 0
        while (now := loop.time() - began) < stream.secs:
            if count > now * stream.per_second:
                await asyncio.sleep(0.0005)
                continue
            frame = self._market.burst(is_hashed=stream.all_hashed or count % _HASHED_EVERY == 0)
            count += 1
            for socket in tuple(self._sockets):
                await socket.send_str(frame)
            if count % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
        return count

    async def _nothing(self, _request: web.Request) -> web.Response:
        return web.json_response([])

    async def _time(self, _request: web.Request) -> web.Response:
        return web.json_response(time.clock_gettime_ns(time.CLOCK_REALTIME) // 10**9)

    async def _event(self, _request: web.Request) -> web.Response:
        yes, no = self._market.books
        row = {
            "conditionId": yes.market,
            "slug": "bench-market",
            "question": "How fast?",
            "clobTokenIds": json.dumps([yes.token_id, no.token_id]),
            "outcomes": '["Yes", "No"]',
            "acceptingOrders": True,
            "negRisk": True,
            "endDate": "2035-01-01T00:00:00Z",
        }
        return web.json_response({"id": "1", "slug": EVENT, "markets": [row]})

    async def _terms(self, _request: web.Request) -> web.Response:
        yes, no = self._market.books
        tokens = [{"t": yes.token_id, "o": "Yes"}, {"t": no.token_id, "o": "No"}]
        return web.json_response({"c": yes.market, "t": tokens, "mts": 0.001, "mos": 5, "nr": True})

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT and message.data == "PING":
                await socket.send_str("PONG")
            elif message.type is WSMsgType.TEXT and "subscribe" not in message.data:
                await socket.send_str(json.dumps(self._market.messages()))
                self._sockets.add(socket)
        self._sockets.discard(socket)
        return socket


async def _serving(pipe: Connection) -> None:
    server = _Server()
    pipe.send(await server.start())
    while (stream := await asked(pipe, Stream)) is not None:
        pipe.send(await server.speak(stream))
