"""A live node with our execution client against the venue's double, for tests that drive a strategy."""

import asyncio
import time
from contextlib import asynccontextmanager
from decimal import Decimal

from nautilus_trader.common import Environment, LoggerConfig, LogLevel
from nautilus_trader.config import DataClientConfig
from nautilus_trader.live import (
    LiveExecutionEngineConfig,
    LiveNode,
    LiveNodeConfig,
    LiveRiskEngineConfig,
    SubmissionRecoveryPolicy,
)
from nautilus_trader.live.clients import DataClientFactory, ExecutionClientFactory, MarketDataClient
from nautilus_trader.model import InstrumentId, OrderSide, Price, Quantity, TimeInForce, TraderId, Venue
from nautilus_trader.trading import Strategy  # noqa: TID251  the client is tested below our engine

from adapters.kalshi.config import KalshiExecutionConfig
from adapters.kalshi.execution.client import KalshiClientConfig, KalshiExecutionClient
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.signing import Credentials
from adapters.kalshi.websocket.client import KalshiSocket
from markets.instruments import MarketTerms, PriceRange, make_pair
from simulation.wire.fault_plan import FaultPlan
from simulation.wire.kalshi import KalshiDouble
from simulation.wire.kalshi_control import Listing
from simulation.wire.kalshi_settings import KalshiSettings

SERIES, EVENT, MARKET, SHARD = "KXBTC15M", "KXBTC15M-A", "KXBTC15M-A-45", 2
HOUR_NS = 3_600_000_000_000
YES, NO = (InstrumentId.from_str(f"{MARKET}-{leg}.KALSHI") for leg in ("YES", "NO"))
FEES = {"since_ns": 0, "taker_rate": "0.07", "maker_rate": "0", "exponent": 1}
FEES |= {"fee_unit": "0.000001", "cash_unit": "0.0001"}


def wall_ns():
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def make_double(plan=None, **settings):
    double = KalshiDouble(
        KalshiSettings(tier="premier", **settings), seed=7, now_ns=wall_ns, plan=plan or FaultPlan()
    )
    return double


def list_market(double, ticker=MARKET, shard=SHARD, event=EVENT, opens_ns=None, closes_ns=None):
    opens_ns = opens_ns or wall_ns() - HOUR_NS
    facts = {"strike_type": "greater_or_equal", "floor_strike": 68000.0}
    closes_ns = closes_ns or opens_ns + 2 * HOUR_NS
    double.control.list_market(
        Listing(
            ticker,
            event,
            event.partition("-")[0],
            opens_ns,
            closes_ns,
            "tapered_deci_cent",
            exchange_index=shard,
            facts=facts,
        )
    )
    return instruments_of(ticker, shard, opens_ns, closes_ns)


def instruments_of(ticker, shard, opens_ns, closes_ns):
    ranges = [("0", "0.1", "0.001"), ("0.1", "0.9", "0.01"), ("0.9", "1", "0.001")]
    pair = make_pair(
        MarketTerms(
            market=ticker,
            venue="KALSHI",
            series=SERIES,
            event=EVENT,
            title=ticker,
            opens_ns=opens_ns,
            closes_ns=closes_ns,
            known_ns=opens_ns,
            price_ranges=tuple(PriceRange(*map(Decimal, part)) for part in ranges),
            fees=(FEES,),
            shard=shard,
            recorded_as="live",
        )
    )
    return [pair.yes, pair.no]


class Trader(Strategy):
    """Keeps what happens to its orders; a test tells it what to do."""

    def __new__(cls, *_args):
        return super().__new__(cls)

    def __init__(self, started):
        super().__init__()
        self.happened = []
        self.started = started

    def on_start(self):
        self.started.set()

    def on_order_event(self, event):
        self.happened.append(event)

    def limit(self, instrument_id, side, size, price, **more):
        more = {"time_in_force": TimeInForce.GTC} | more
        return self.order_factory.limit(
            instrument_id,
            getattr(OrderSide, side),
            Quantity.from_str(f"{Decimal(size):.2f}"),
            Price.from_str(f"{Decimal(price):.4f}"),
            **more,
        )


class Desk:
    """What a test holds: the double, the node's cache, the strategy, the client."""

    def __init__(self, double, trader, client, cache):
        self.double = double
        self.trader = trader
        self.client = client
        self.cache = cache
        self._is_determined = False

    def send(self, instrument_id, side, size, price, **more):
        order = self.trader.limit(instrument_id, side, size, price, **more)
        self.trader.submit_order(order)
        return order.client_order_id

    def events(self, client_order_id=None):
        names = [(e.client_order_id, type(e).__name__.removeprefix("Order")) for e in self.trader.happened]
        wanted = [n for cid, n in names if client_order_id in (None, cid)]
        return [name for name in wanted if name not in ("Initialized", "Submitted")]

    def last(self, client_order_id, kind):
        found = [
            e
            for e in self.trader.happened
            if e.client_order_id == client_order_id and type(e).__name__ == f"Order{kind}"
        ]
        return found[-1] if found else None

    def status(self, client_order_id):
        return self.cache.order(client_order_id).status.name

    async def until(self, condition, secs=8.0, what=""):
        deadline = asyncio.get_running_loop().time() + secs
        while not condition():
            if asyncio.get_running_loop().time() > deadline:
                found = what() if callable(what) else what
                raise AssertionError(
                    f"never happened: {found or condition}; events {self.events()}, doubts {self.client.doubts}, "
                    f"reasons {[getattr(e, 'reason', '') for e in self.trader.happened]}"
                )
            await asyncio.sleep(0.01)

    async def has(self, client_order_id, *names):
        await self.until(
            lambda: set(names) <= set(self.events(client_order_id)), what=f"{names} of {client_order_id}"
        )

    def crowd(self, side, price, size, ticker=MARKET):
        self.double.control.trade_as("crowd", ticker, side, price, size)

    def determine(self, result):
        """Determine the market as soon as it has closed; falsy, for use in a condition."""
        if not self._is_determined:
            try:
                self.double.life.determine(MARKET, result)
                self._is_determined = True
            except ValueError:
                pass  # it is still open
        return False

    def faults(self):
        return list(self.double.faults.kinds())


def run_with(
    *works,
    double=None,
    settings=None,
    shards=(SHARD,),
    guard=None,
    setup=None,
    between=None,
    expects_unresolved=False,
    seconds=10,
):
    """Run each `work(desk)` inside a live node of its own, all against one double, within `seconds`."""

    async def main():
        async with asyncio.timeout(seconds):
            async with standing(double, setup) as (the_double, urls, credentials, instruments):
                for number, work in enumerate(works):
                    if number and between is not None:
                        between()
                    await node_with(
                        work,
                        the_double,
                        urls,
                        credentials,
                        instruments,
                        settings or {},
                        shards,
                        guard,
                        expects_unresolved,
                    )

    asyncio.run(main())


@asynccontextmanager
async def standing(double=None, setup=None):
    double = double or make_double()
    urls = await double.start()
    try:
        instruments = list_market(double)
        double.control.fund("alice", "1000", exchange_index=SHARD)
        double.control.make_trusted("crowd", SHARD)
        key = double.add_key("alice", "ed25519")
        credentials = Credentials.from_pem(key.key_id, _text(key.private_pem))
        if setup is not None:
            instruments += setup(double) or []
        yield double, urls, credentials, instruments
        assert double.audit() == []
        assert double.errors == []
    finally:
        await double.stop()


def _text(pem):
    return pem.decode() if isinstance(pem, bytes) else pem


async def node_with(
    work, double, urls, credentials, instruments, settings, shards, guard, expects_unresolved=False
):
    made = []
    started = asyncio.Event()
    config = KalshiExecutionConfig(
        rest_url=urls.rest,
        socket_url=urls.socket,
        **(
            {
                "funded_shards": shards,
                "reconcile_secs": 2.0,
                "request_timeout_secs": 2.0,
                "reconnect_first_secs": 0.05,
            }
            | settings
        ),
    )

    class Feed(MarketDataClient):
        async def _connect(self):
            for instrument in instruments:
                self._handle_instrument(instrument)

        async def _disconnect(self): ...

    class Feeds(DataClientFactory):
        @staticmethod
        def create(*, name, config, cache, clock):
            return Feed(name=name, config=config, cache=cache, clock=clock, venue=Venue("KALSHI"))

    class Desks(ExecutionClientFactory):
        @staticmethod
        def create(*, name, config, cache, clock, trader_id):
            http = KalshiHttp(config.settings, credentials, now_ns=wall_ns, monotonic=time.monotonic)
            client = KalshiExecutionClient(
                name=name,
                config=config,
                cache=cache,
                clock=clock,
                trader_id=trader_id,
                http=http,
                socket_factory=lambda listener: KalshiSocket(
                    config.settings, credentials, listener, now_ns=wall_ns
                ),
                second_guard=guard,
                on_difference=differences.append,
            )
            made.append(client)
            return client

    differences = []
    node = LiveNode.build(
        "node",
        LiveNodeConfig(
            environment=Environment.LIVE,
            trader_id=TraderId("LAB-001"),
            logging=LoggerConfig(stdout_level=LogLevel.ERROR),
            exec_engine=LiveExecutionEngineConfig(
                reconciliation=True,
                reconciliation_startup_delay_secs=0.05,
                open_check_interval_secs=1.0,
                open_check_open_only=False,
                submission_recovery_policy=SubmissionRecoveryPolicy.RETAIN_UNRESOLVED,
                inflight_check_retries=4_000_000_000,
                inflight_check_interval_ms=500,
                inflight_check_threshold_ms=500,
            ),
            risk_engine=LiveRiskEngineConfig(),
            data_clients={"KALSHI": DataClientConfig()},
            exec_clients={"KALSHI": KalshiClientConfig(config)},
            timeout_disconnection_secs=2,
            delay_post_stop_secs=0,
        ),
        data_factories={"KALSHI": Feeds},
        exec_factories={"KALSHI": Desks},
    )
    trader = Trader(started)
    node.add_strategy(trader)
    cache = node.cache
    handle = node.handle()
    running = asyncio.ensure_future(node.run_async())
    try:
        waiting = asyncio.ensure_future(started.wait())
        await asyncio.wait([waiting, running], return_when=asyncio.FIRST_COMPLETED)
        desk = Desk(double, trader, made[0], cache)
        desk.differences = differences
        await desk.until(lambda: not made[0].doubts)
        await work(desk)
    finally:
        handle.stop()
        try:
            await running
        except RuntimeError as error:
            if not (expects_unresolved and "unresolved" in str(error).lower()):
                raise
        node.dispose()
        # A failure keeps this frame, and a thread has one node: let go of it, or the next test fails too.
        node = handle = cache = running = None
