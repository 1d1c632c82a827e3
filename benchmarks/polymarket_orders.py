"""What an order to Polymarket costs on loopback, from `submit_order` to the kernel: guard, signature and headers included.

The venue's double, with markets and our wallet as campaigns have them, runs in a process of its own.
"""

import asyncio
import os
from decimal import Decimal
from multiprocessing.connection import Connection
from typing import Final

from msgspec import convert
from nautilus_trader.live import LiveNode
from nautilus_trader.model import LimitOrder

from adapters.polymarket.config import PolymarketDataConfig, PolymarketExecutionConfig
from adapters.polymarket.execution.client import PolymarketClientConfig
from adapters.polymarket.factories.data import PolymarketDataClientConfig, PolymarketDataClientFactory
from adapters.polymarket.factories.execution import execution_factory
from benchmarks.beside import asked, beside
from benchmarks.figures import Figure
from benchmarks.measuring import (
    ORDERS,
    BenchSettings,
    Clients,
    Stamps,
    bare_post,
    build_node,
    percentiles,
    run_until,
    wire_watched,
)
from campaigns.polymarket.world import CASH_USD, SERIES, World
from markets.names import Series

_ONE: Final = 10**6
_MARK: Final = b'"takerAmount":"'
# From order to order: a node at work, as Kalshi's orders are measured; near the 100 a second that the engine lets out by
# itself; near the 40 that an account of the lowest tier may send. In a longer silence the caches of a processor go cold.
_PAUSES_NS: Final = (4_000_000, 12_000_000, 30_000_000)
_URLS: Final = {"rest_url": "REST", "gamma_url": "GAMMA", "data_url": "DATA", "socket_url": "SOCKET"}


def measure() -> list[Figure]:
    """Measure a thousand orders at each pace, each taken back before the next."""
    figures: list[Figure] = []
    for every_ns in _PAUSES_NS:
        with beside(_serving) as pipe:
            environ = pipe.recv()
            figures += _order_latency(environ, every_ns)
            figures.append(bare_post(environ["ARGONAUT_POLYMARKET_REST_URL"], every_ns))
    return figures


def _order_latency(environ: dict[str, str], every_ns: int) -> list[Figure]:
    stamps = Stamps()
    os.environ.update(environ)
    node = _node(environ, stamps, every_ns)
    cache = node.cache

    def is_over() -> bool:
        return len(stamps.sent) >= ORDERS and not cache.orders_inflight()

    with wire_watched(stamps, _MARK):
        asyncio.run(run_until(node, is_over, 120.0))
    name = f"Polymarket, submit_order to bytes on the wire, one in {every_ns // 1_000_000} ms"
    return percentiles(name, stamps.took_ms(), (1.0, 5.0))


def _taker_amount(order: LimitOrder) -> str:
    """Return what is asked for in the signed body: shares in millionths, which no two orders here share."""
    return str(int(order.quantity.as_decimal() * _ONE))


def _node(environ: dict[str, str], stamps: Stamps, every_ns: int) -> LiveNode:
    urls = {name: environ[f"ARGONAUT_POLYMARKET_{key}_URL"] for name, key in _URLS.items()}
    heard = convert(urls, PolymarketDataConfig)
    site = {"site_url": environ["ARGONAUT_POLYMARKET_SITE_URL"]}
    traded = convert(urls | site | {"tier": "elite"}, PolymarketExecutionConfig)  # as the world's is
    clients = Clients(
        venue="POLYMARKET",
        hearing=(
            PolymarketDataClientConfig(settings=heard, series=(SERIES[2],)),
            PolymarketDataClientFactory,
        ),
        trading=(PolymarketClientConfig(settings=traded), execution_factory()),
        money_usd=Decimal(CASH_USD),
    )
    settings = BenchSettings(
        series=Series(f"polymarket:{SERIES[2]}-*"),
        order_every_ns=every_ns,
        size=Decimal(5),
        step=Decimal("0.01"),
    )
    return build_node(clients, settings, stamps, mark_of=_taker_amount)


async def _serving(pipe: Connection) -> None:
    world = World(7)
    pipe.send(await world.open())
    await asked(pipe, object)  # nothing is: it is over when the other end is closed
    await world.close()
