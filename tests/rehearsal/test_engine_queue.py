"""rc7 keeps data in a queue of its own, without a bound: echoes tell how full it is, and frames wait while it is."""

import asyncio
import time
from typing import Any

from nautilus_trader.common import DataActor, Environment, LoggerConfig, LogLevel
from nautilus_trader.config import DataClientConfig
from nautilus_trader.live import LiveNode, LiveNodeConfig
from nautilus_trader.live.clients import DataClientFactory, MarketDataClient
from nautilus_trader.model import (
    AssetClass,
    BinaryOption,
    Currency,
    InstrumentId,
    Price,
    Quantity,
    QuoteTick,
    TraderId,
    Venue,
)

from engine.echo import EchoEar
from system.flow import Flow

PLACE = InstrumentId.from_str("M1-YES.TOY")
MANY = 6000
MOST_BEHIND = 1024 + 64


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def toy():
    at_ns = now_ns()
    return BinaryOption(
        instrument_id=PLACE,
        raw_symbol=PLACE.symbol,
        asset_class=AssetClass.ALTERNATIVE,
        currency=Currency.from_str("USDC"),
        activation_ns=at_ns,
        expiration_ns=at_ns + 10**13,
        price_precision=4,
        size_precision=2,
        price_increment=Price(0.0001, 4),
        size_increment=Quantity(0.01, 2),
        ts_event=at_ns,
        ts_init=at_ns,
    )


class Flood(MarketDataClient):
    """Gives away all that it has as soon as somebody listens, and waits only while there is no room."""

    def __init__(self, flow, heard, behind, **nautilus: Any) -> None:
        super().__init__(venue=Venue("TOY"), **nautilus)
        self.flow, self.heard, self.behind = flow, heard, behind

    async def _connect(self):
        self._handle_instrument(toy())

    async def _disconnect(self): ...

    async def _subscribe(self, command): ...

    async def _subscribe_quotes(self, command):
        self.create_task(self.flood(), "flood")

    async def flood(self):
        size, at_ns = Quantity(1, 2), now_ns()
        for number in range(MANY):
            while not self.flow.has_room():
                await asyncio.sleep(0.001)
            quote = QuoteTick(PLACE, Price(0.4, 4), Price(0.5, 4), size, size, number, at_ns)
            for datum in self.flow(quote):
                self._handle_data(datum)
            self.behind.append(number + 1 - len(self.heard))


class Ear(DataActor):
    def __new__(cls, *_):
        return super().__new__(cls)

    def __init__(self, heard) -> None:
        super().__init__()
        self.heard = heard

    def on_start(self):
        self.subscribe_quotes(PLACE)

    def on_quote(self, quote):
        self.heard.append(quote.ts_event)


def test_a_client_that_asks_for_room_is_never_far_ahead_of_the_engine():
    flow, heard, behind = Flow("TOY"), [], []

    class Factory(DataClientFactory):
        @staticmethod
        def create(**context):
            return Flood(flow, heard, behind, **context)

    async def run():
        config = LiveNodeConfig(
            environment=Environment.LIVE,
            trader_id=TraderId("LAB-001"),
            logging=LoggerConfig(stdout_level=LogLevel.ERROR),
            data_clients={"TOY": DataClientConfig()},
            timeout_disconnection_secs=1,
            delay_post_stop_secs=0,
        )
        node = LiveNode.build("queue", config, data_factories={"TOY": Factory})
        node.add_actor(EchoEar([flow]))
        node.add_actor(Ear(heard))
        running = asyncio.create_task(node.run_async())
        async with asyncio.timeout(60):
            while len(heard) < MANY:
                await asyncio.sleep(0.01)
        node.handle().stop()
        await running
        node.dispose()

    asyncio.run(run())
    assert heard == list(range(MANY))
    assert 512 < max(behind) <= MOST_BEHIND
    assert flow.has_room()
