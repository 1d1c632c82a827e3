"""A node without Nautilus: keeps orders resting at the venue double, writes pulses, stops when asked.

Its arguments are those of a node's process; what it does besides is in FAKE_NODE (a word), FAKE_NODE_VENUE and FAKE_NODE_FILE.
"""

import asyncio
import json
import os
import signal
import sys
import time
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from polymarket_posts import post, wall_ns

from adapters.kalshi.config import KalshiConfig
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.messages.orders import CreateOrder
from adapters.kalshi.messages.queries import MarketsQuery
from adapters.kalshi.signing import Credentials
from adapters.polymarket.config import PolymarketExecutionConfig
from adapters.polymarket.factories.execution import make_http
from adapters.polymarket.providers.catalogue import PolymarketCatalogue
from adapters.polymarket.providers.terms import terms_of_listing


def pulse(phase, orders):
    line = {"at_ns": wall_ns(), "phase": phase, "events": orders, "open_orders": orders, "unknown_orders": 0}
    os.write(int(os.environ["ARGONAUT_HEARTBEAT_FD"]), json.dumps(line).encode() + b"\n")


@asynccontextmanager
async def kalshi():
    """Yield what places an order that rests, and what cancels all."""
    config = KalshiConfig(rest_url=os.environ["ARGONAUT_KALSHI_REST_URL"])
    credentials = Credentials.from_environment(os.environ)
    async with KalshiHttp(config, credentials, now_ns=wall_ns, monotonic=time.monotonic) as http:
        while not (markets := await http.get_markets(MarketsQuery(status="open"))):
            await asyncio.sleep(0.1)

        async def place():
            order = CreateOrder(
                ticker=markets[0].ticker,
                side="bid",
                count=Decimal("1.00"),
                price=Decimal("0.01"),
                time_in_force="good_till_canceled",
                self_trade_prevention_type="taker_at_cross",
                client_order_id=str(uuid4()),
            )
            await http.create_order(order)

        yield place, http.cancel_all_orders


@asynccontextmanager
async def polymarket():
    """Yield what places an order that rests, and what cancels all."""
    names = ("rest", "gamma", "data", "socket", "site")
    urls = {f"{name}_url": os.environ[f"ARGONAUT_POLYMARKET_{name.upper()}_URL"] for name in names}
    http, wallet = make_http(PolymarketExecutionConfig(**urls), os.environ, wall_ns)
    async with http:
        await http.log_in()
        catalogue = PolymarketCatalogue(http, wall_ns)
        while not (found := await catalogue.find_open("btc-updown-5m")):
            await asyncio.sleep(0.1)
        token = terms_of_listing(found[-1], wall_ns()).tokens[0]  # the last one is open for longest

        async def place():
            await post(http, wallet, token, "BUY", "0.01", "5")

        yield place, http.cancel_all


async def main():
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    with Path(os.environ["FAKE_NODE_FILE"]).open("a") as file:
        file.write(json.dumps(sys.argv[1:]) + "\n")
    venue = {"KALSHI": kalshi, "POLYMARKET": polymarket}[os.environ["FAKE_NODE_VENUE"]]
    async with venue() as (place, cancel_all):
        orders = 0
        while not stopping.is_set():
            pulse("running", orders)
            if "--reduce-only" not in sys.argv:
                await place()
                orders += 1
            if os.environ["FAKE_NODE"] == "dies" and orders == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            await asyncio.sleep(0.1)
        if os.environ["FAKE_NODE"] != "forgets":
            await cancel_all()


asyncio.run(main())
