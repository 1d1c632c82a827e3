"""What Polymarket costs on loopback: a burst until a strategy knows, an order to the wire, changes a second.

The venue speaks from a process of its own, the node with our real data client is this one. The books are recorded ones,
of some 190 levels a token, and prove themselves by their hash as they do live.
"""

import asyncio
import os
import time
from collections import Counter, deque
from decimal import Decimal
from typing import Any, Final, override

from msgspec import convert
from nautilus_trader.live import LiveNode

from adapters.polymarket.config import PolymarketDataConfig
from adapters.polymarket.data.markets import Markets
from adapters.polymarket.factories.data import PolymarketDataClientConfig, PolymarketDataClientFactory
from adapters.polymarket.messages.gamma import GammaMarket
from adapters.polymarket.messages.market_stream import BookMessage, PriceChangeMessage, decode_market_frame
from adapters.polymarket.providers.terms import Listing
from benchmarks import polymarket_orders as orders
from benchmarks.figures import Figure, at_least, at_most, told
from benchmarks.measuring import (
    BenchSettings,
    Clients,
    Heard,
    Stamps,
    build_node,
    growth,
    percentiles,
    resident_mb,
    run_until,
)
from benchmarks.polymarket_venue import EVENT, Speaker, SpokenMarket, Stream, speaker
from engine.echo import EchoEar
from markets.names import Series
from system.flow import Flow

_BUSIEST_PER_SEC: Final = 840.0
"""Frames a second of BTC 5m at its close, the busiest on record (reference, section 9.1)."""
_PACED_SECS: Final = 15.0
_FULL_SECS: Final = 20.0
_FULL_PER_SEC: Final = 10_500.0  # frames, of two changes each
_LEAST_CHANGES: Final = 20_000
_ALONE_FRAMES: Final = 20_000


def measure() -> list[Figure]:
    """Measure at the busiest recorded pace, then at more than twelve times that."""
    with speaker() as venue:
        heard, counts = _listen(venue, Stream(_BUSIEST_PER_SEC, _PACED_SECS, all_hashed=True))
        venue.spoken()
        figures = percentiles(
            "Polymarket, frame received to on_book_deltas",
            [ns / 1e6 for ns in heard.stamps.heard],
            (0.4, 2.0),
        )
        figures += _proofs(counts)
    figures += orders.measure()
    figures.append(_books_alone())
    with speaker() as venue:
        return [*figures, *sustained(venue, _FULL_SECS, _FULL_PER_SEC)]


def _books_alone() -> Figure:
    """Measure decoding, both books and what is told of them, by this process' own time: other work does not count."""
    spoken = SpokenMarket()
    tokens = [book.token_id for book in spoken.books]
    row = GammaMarket(
        condition_id=spoken.books[0].market,
        slug="bench-market",
        clob_token_ids=tuple(tokens),
        outcomes=("Yes", "No"),
        end_date="2035-01-01T00:00:00Z",
        accepting_orders=True,
        neg_risk=True,
        order_price_min_tick_size=Decimal("0.001"),
        order_min_size=Decimal(5),
    )
    told_data: deque[Any] = deque(maxlen=1)
    at_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
    markets = Markets(lambda _: None, told_data.append, lambda: at_ns, Counter())
    market = markets.add(Listing(None, row))
    if market is None:
        raise RuntimeError(f"expected a market of our own, found {markets.unusable}")
    market.wants.books |= {side.id for side in market.sides}
    for said in spoken.messages():
        market.take_book(convert(said, BookMessage), at_ns)
    frames = [spoken.burst(is_hashed=place % 1_000 == 0).encode() for place in range(_ALONE_FRAMES)]
    began = time.process_time()
    for place, frame in enumerate(frames):
        for message in decode_market_frame(frame):
            if isinstance(message, PriceChangeMessage):
                market.book.take_changes(message, at_ns + place * 10_000)
    changes = 2 * len(frames) / (time.process_time() - began)
    name = "Polymarket, price changes decoded, in both books and told, a second of processor time"
    return at_least(name, changes, "changes/s", _LEAST_CHANGES)


def sustained(venue: Speaker, secs: float, per_second: float) -> list[Figure]:
    """Hear for `secs` at so many frames a second; how many changes are told a second, and whether memory stays.

    A frame changes one level of both tokens, so it is two changes, and two messages to a strategy that hears both sides.
    """
    used_secs = time.process_time()
    heard, counts = _listen(venue, Stream(per_second, secs, all_hashed=per_second <= _BUSIEST_PER_SEC))
    used_secs = time.process_time() - used_secs
    venue.spoken()
    name = f"Polymarket, price changes told to a strategy, {secs:g} s at {per_second:g} frames/s"
    bar = min(float(_LEAST_CHANGES), 1.9 * per_second)
    return [
        at_least(name, heard.stamps.told / secs, "changes/s", bar),
        told(
            "processor time of the whole node, its start included", used_secs / heard.frames * 1e6, "us/frame"
        ),
        *_proofs(counts),
        growth(heard.memory, secs),
    ]


def busiest(minutes: float) -> list[Figure]:
    """Hear for minutes at the busiest recorded pace."""
    with speaker() as venue:
        return sustained(venue, 60 * minutes, _BUSIEST_PER_SEC)


def _proofs(counts: Counter[str]) -> list[Figure]:
    return [
        at_least("proofs by hash meanwhile", counts["proofs"], "proofs", 1),
        at_most("books lost meanwhile", counts["books_lost"], "books", 0),
    ]


def _listen(venue: Speaker, stream: Stream) -> tuple[Heard, Counter[str]]:
    heard, clients = Heard(Stamps()), list[Any]()
    node = _node(venue, heard, clients)
    began: list[float] = []

    def is_over() -> bool:
        now_secs = asyncio.get_running_loop().time()
        if not heard.stamps.heard:
            return False
        if not began:
            venue.speak(stream)
            heard.stamps.heard.clear()
            heard.frames = heard.stamps.told = 0
            began.append(now_secs)
            return False
        heard.memory.append((now_secs - began[0], resident_mb()))
        return now_secs - began[0] > stream.secs

    asyncio.run(run_until(node, is_over, stream.secs + 60))
    return heard, clients[0].counts


def _node(venue: Speaker, heard: Heard, clients: list[Any]) -> LiveNode:
    class Factory(PolymarketDataClientFactory):
        @staticmethod
        @override
        def create(**context: Any) -> Any:
            clients.append(PolymarketDataClientFactory.create(**context))
            return clients[-1]

    urls = {
        "rest_url": f"{venue.base}/clob",
        "gamma_url": f"{venue.base}/gamma",
        "data_url": f"{venue.base}/data",
        "socket_url": venue.base.replace("http", "ws"),
    }
    settings = convert(urls, PolymarketDataConfig)
    flow = Flow("POLYMARKET", None)
    hearing = PolymarketDataClientConfig(settings=settings, series=(EVENT,), tap=heard.count)
    return build_node(
        Clients(venue="POLYMARKET", hearing=(hearing, Factory)),
        BenchSettings(series=Series(f"polymarket:{EVENT}-*")),
        heard.stamps,
        ears=[EchoEar([flow])],
    )


def minutes_wished() -> float:
    """Return ARGONAUT_MINUTES, by default 10."""
    return float(os.environ.get("ARGONAUT_MINUTES", "10"))
