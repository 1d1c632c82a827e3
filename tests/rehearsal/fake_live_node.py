"""A node without Nautilus: keeps orders resting at the venue double, writes pulses, stops when asked.

Its arguments are those of a node's process; what it does besides is in FAKE_NODE (a word) and FAKE_NODE_FILE.
"""

import asyncio
import json
import os
import signal
import sys
import time
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from adapters.kalshi.config import KalshiConfig
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.messages.orders import CreateOrder
from adapters.kalshi.messages.queries import MarketsQuery
from adapters.kalshi.signing import Credentials


def wall_ns():
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def pulse(phase, orders):
    line = {"at_ns": wall_ns(), "phase": phase, "events": orders, "open_orders": orders, "unknown_orders": 0}
    os.write(int(os.environ["ARGONAUT_HEARTBEAT_FD"]), json.dumps(line).encode() + b"\n")


async def place(http, ticker):
    order = CreateOrder(
        ticker=ticker,
        side="bid",
        count=Decimal("1.00"),
        price=Decimal("0.01"),
        time_in_force="good_till_canceled",
        self_trade_prevention_type="taker_at_cross",
        client_order_id=str(uuid4()),
    )
    await http.create_order(order)


async def main():
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    with Path(os.environ["FAKE_NODE_FILE"]).open("a") as file:
        file.write(json.dumps(sys.argv[1:]) + "\n")
    config = KalshiConfig(rest_url=os.environ["ARGONAUT_KALSHI_REST_URL"])
    credentials = Credentials.from_environment(os.environ)
    async with KalshiHttp(config, credentials, now_ns=wall_ns, monotonic=time.monotonic) as http:
        while not (markets := await http.get_markets(MarketsQuery(status="open"))):
            await asyncio.sleep(0.1)
        orders = 0
        while not stopping.is_set():
            pulse("running", orders)
            if "--reduce-only" not in sys.argv:
                await place(http, markets[0].ticker)
                orders += 1
            if os.environ["FAKE_NODE"] == "dies" and orders == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            await asyncio.sleep(0.1)
        if os.environ["FAKE_NODE"] != "forgets":
            await http.cancel_all_orders()


asyncio.run(main())
