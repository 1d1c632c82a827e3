"""What the live path of Kalshi costs on loopback: frames to a strategy, orders to the wire, frames a second.

The venue's double runs in a process of its own, the node with our real clients in this one.
"""

import asyncio
import os
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Final

from nautilus_trader.live import LiveNode

from adapters.kalshi.config import KalshiDataConfig, KalshiExecutionConfig
from adapters.kalshi.execution.client import KalshiClientConfig
from adapters.kalshi.factories.data import KalshiDataClientConfig, KalshiDataClientFactory
from adapters.kalshi.factories.execution import execution_factory
from benchmarks.figures import Figure, at_least, told
from benchmarks.measuring import (
    ORDERS,
    BenchSettings,
    Clients,
    Heard,
    Stamps,
    bare_post,
    build_node,
    growth,
    percentiles,
    resident_mb,
    run_until,
    wire_watched,
)
from benchmarks.venue import SERIES, SHARD, Play, Venue, busiest_recording, venue
from markets.names import Series

_MILLION: Final = Decimal(1_000_000)
_BUSY_NS: Final = 4_000_000  # from order to order of a node at work
_SILENCE_NS: Final = 20_000_000  # long enough for the caches of a processor to go cold
_PLAYED_SECS: Final = 25.0
_SUSTAINED_SECS: Final = 20.0
_CLIENT_ID: Final = b'"client_order_id":"'


def measure() -> list[Figure]:
    """Measure frames at the recorded pace, orders under both kinds of key, then frames at full speed."""
    recording = busiest_recording()
    figures: list[Figure] = []
    with venue() as double:
        figures += _frame_latency(double, recording)
    for every_ns, key in product((_BUSY_NS, _SILENCE_NS), ("ed25519", "rsa")):
        with venue() as double:  # a fresh one: what an earlier node left there would have to be reconciled
            figures += _order_latency(double, key, every_ns)
    with venue() as double:
        figures.append(bare_post(double.rest, _SILENCE_NS))
        figures += sustained(double, recording, _SUSTAINED_SECS)
    return figures


def sustained(double: Venue, recording: Path, secs: float) -> list[Figure]:
    """Play at full speed for `secs`; how many frames get through a second, and whether memory stays."""
    heard = _listen(double, Play(recording, 0.0, secs))
    double.played()
    return [
        at_least(
            f"frames through socket, parsing and engine, {secs:g} s", heard.frames / secs, "frames/s", 20_000
        ),
        told(
            "messages told to the strategy meanwhile, both sides",
            heard.stamps.told / secs,
            "messages/s",
        ),
        growth(heard.memory, secs),
    ]


def _frame_latency(double: Venue, recording: Path) -> list[Figure]:
    heard = _listen(double, Play(recording, 1.0, _PLAYED_SECS))
    double.played()
    return percentiles(
        "frame received to on_book_deltas", [ns / 1e6 for ns in heard.stamps.heard], (0.4, 2.0)
    )


def _order_latency(double: Venue, key: str, every_ns: int) -> list[Figure]:
    heard = Heard(Stamps())
    node = _node(double, key, heard, order_every_ns=every_ns)
    with wire_watched(heard.stamps, _CLIENT_ID):
        asyncio.run(run_until(node, lambda: len(heard.stamps.sent) >= ORDERS, 120.0))
    name = f"submit_order to bytes on the wire, {key} key, one in {every_ns // 1_000_000} ms"
    return percentiles(name, heard.stamps.took_ms(), (1.0, 5.0))


def _listen(double: Venue, play: Play) -> Heard:
    heard = Heard(Stamps())
    node = _node(double, "ed25519", heard, order_every_ns=0)
    began: list[float] = []

    def is_over() -> bool:
        now_secs = asyncio.get_running_loop().time()
        if not heard.stamps.heard:
            return False
        if not began:
            double.play(play)
            heard.stamps.heard.clear()
            began.append(asyncio.get_running_loop().time())
            return False
        heard.memory.append((now_secs - began[0], resident_mb()))
        return now_secs - began[0] > play.secs

    asyncio.run(run_until(node, is_over, play.secs + 60))
    return heard


def _node(double: Venue, key: str, heard: Heard, *, order_every_ns: int) -> LiveNode:
    os.environ["KALSHI_API_KEY"], os.environ["KALSHI_PRIVATE_KEY"] = double.keys[key]
    urls = {"rest_url": double.rest, "socket_url": double.socket}
    execution = KalshiExecutionConfig(**urls, funded_shards=(SHARD,), order_group_limit_contracts=None)
    hearing = KalshiDataClientConfig(settings=KalshiDataConfig(**urls), series=(SERIES,), tap=heard.count)
    clients = Clients(
        venue="KALSHI",
        hearing=(hearing, KalshiDataClientFactory),
        trading=(KalshiClientConfig(execution), execution_factory()) if order_every_ns else None,
        money_usd=_MILLION,
    )
    settings = BenchSettings(series=Series(f"kalshi:{SERIES}-*"), order_every_ns=order_every_ns)
    return build_node(clients, settings, heard.stamps)
