"""A live node with our execution client against the venue's double, for tests that drive a strategy."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from aiohttp import web
from kalshi_books import Books
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
from nautilus_trader.model import (
    InstrumentId,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
    TimeInForce,
    TraderId,
    Venue,
)
from nautilus_trader.trading import (  # noqa: TID251  the client is tested below our engine
    Strategy,
    StrategyConfig,
)

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
    return WatchedDouble(
        KalshiSettings(tier="premier", **settings), seed=7, now_ns=wall_ns, plan=plan or FaultPlan()
    )


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that reached the double's door: "METHOD /path" without the API's prefix, and its body."""

    route: str
    body: Any
    query: dict[str, str] = field(default_factory=dict)


class WatchedDouble(KalshiDouble):
    """Keeps every request as it came in, before any fault touches it."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.sent = []

    def _app(self):
        app = super()._app()

        @web.middleware
        async def note(request, handler):
            body = await request.json() if request.can_read_body else None
            route = f"{request.method} {request.path.removeprefix('/trade-api/v2')}"
            self.sent.append(Sent(route, body, dict(request.query)))
            return await handler(request)

        app.middlewares.insert(0, note)
        return app


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


def to_price(price):
    return Price.from_str(f"{Decimal(price):.4f}")


def to_quantity(size):
    return Quantity.from_str(f"{Decimal(size):.2f}")


class Trader(Strategy):
    """Keeps what happens to its orders; a test tells it what to do."""

    def __new__(cls, *_args, claims=()):
        return super().__new__(cls, StrategyConfig(external_order_instrument_ids=list(claims) or None))

    def __init__(self, started, books, claims=()):
        super().__init__()
        self.happened = []
        self.started, self.books = started, books
        self.at_stop = lambda: None

    def on_start(self):
        self.started.set()

    def on_stop(self):
        self.at_stop()

    def on_order_event(self, event):
        self.books.hear(event)
        self.happened.append(event)

    def limit(self, instrument_id, side, size, price, **more):
        more = {"time_in_force": TimeInForce.GTC} | more
        return self.order_factory.limit(
            instrument_id,
            getattr(OrderSide, side),
            to_quantity(size),
            to_price(price),
            **more,
        )


@dataclass(frozen=True, slots=True)
class Market:
    """A market of a test's own."""

    ticker: str
    yes: InstrumentId
    no: InstrumentId


def market_of(ticker):
    return Market(ticker, *(InstrumentId.from_str(f"{ticker}-{leg}.KALSHI") for leg in ("YES", "NO")))


class Desk:
    """What a test holds: the double, the node's cache, the strategy, the client, our books."""

    def __init__(self, double, trader, client, cache, books):
        self.double = double
        self.trader = trader
        self.client = client
        self.cache = cache
        self.books = books
        self.fresh = iter([market_of(MARKET)])
        self._is_determined = False

    def market(self):
        """Return a market that no other test has touched."""
        return next(self.fresh)

    async def must_agree(self):
        """Wait until venue, cache, guard and ledger agree; say what differs when they never do."""
        await self.until(lambda: not self.books.disagreements(), what=self.books.disagreements)

    def sent(self, *beginnings):
        """Return the requests whose "METHOD /path" begins so; without one: all that wanted to change something."""
        beginnings = beginnings or ("POST", "PUT", "DELETE")
        return [request for request in self.double.sent if request.route.startswith(beginnings)]

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
        self.double.control.trade_as("crowd", ticker, side, price, str(size))

    async def show(self, market, bid, ask, size="100.00"):
        """Tell the engine a quote of both legs, as a data client would."""
        now_ns, many = wall_ns(), Quantity.from_str(size)
        for leg, prices in ((market.yes, (bid, ask)), (market.no, (1 - Decimal(ask), 1 - Decimal(bid)))):
            quote = QuoteTick(leg, *map(to_price, prices), many, many, now_ns, now_ns)
            self.feed._handle_data(quote)
        await self.until(
            lambda: self.cache.quote(market.no) and self.cache.quote(market.no).ts_init == now_ns
        )

    def determine(self, result):
        """Determine the market as soon as it has closed; falsy, for use in a condition."""
        if not self._is_determined:
            try:
                self.double.life.determine(MARKET, result)
                self._is_determined = True
                self.books.settled.add(MARKET)
            except ValueError:
                pass  # it is still open
        return False

    def at_venue(self):
        """Return the venue's own list of our orders, open and done: their rows as REST shows them."""
        return self.double.snapshot().orders.get("alice", [])

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
    claims=(),
    agrees=True,
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
                        claims,
                        agrees,
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
    work,
    double,
    urls,
    credentials,
    instruments,
    settings,
    shards,
    guard,
    expects_unresolved=False,
    claims=(),
    agrees=True,
):
    async with desk_in_node(
        double, urls, credentials, instruments, settings, shards, guard, expects_unresolved, claims
    ) as desk:
        await work(desk)
        if agrees:
            await desk.must_agree()


@asynccontextmanager
async def desk_in_node(
    double, urls, credentials, instruments, settings, shards, guard=None, expects_unresolved=False, claims=()
):
    """Run a live node while the caller holds its desk. The guard is on, its limits are wide."""
    made = []
    books = Books(double)
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
            feeds.append(Feed(name=name, config=config, cache=cache, clock=clock, venue=Venue("KALSHI")))
            return feeds[-1]

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
                second_guard=lambda *asked: books.refuse(*asked) or (guard(*asked) if guard else None),
                on_difference=differences.append,
            )
            made.append(client)
            return client

    feeds, differences = [], []
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
    trader = Trader(started, books, claims=claims)
    node.add_strategy(trader)
    cache = node.cache
    handle = node.handle()
    running = asyncio.ensure_future(node.run_async())
    try:
        waiting = asyncio.ensure_future(started.wait())
        await asyncio.wait([waiting, running], return_when=asyncio.FIRST_COMPLETED)
        books.open(cache, trader.strategy_id)
        desk = Desk(double, trader, made[0], cache, books)
        desk.differences, desk.feed = differences, feeds[0]
        await desk.until(lambda: not made[0].doubts)
        yield desk
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


class Stand:
    """One node that several tests share, one after the other; it stands still between them.

    Each test takes markets of its own with `desk.market()`, so that none meets the orders of another.
    """

    def __init__(self, markets=40, settings=None, **double):
        self._runner = asyncio.Runner()
        self._double = make_double(**double)
        self._markets, self._settings = markets, settings or {}

    def __enter__(self):
        self._held = self._hold()
        self._desk = self._runner.run(anext(self._held))
        return self

    def __exit__(self, *error):
        try:
            assert self._runner.run(anext(self._held, "end")) == "end"
        finally:
            self._runner.close()

    def run(self, work, seconds=10):
        """Run `work(desk)` in the node; afterwards venue, cache, guard and ledger must agree."""

        async def main():
            async with asyncio.timeout(seconds):
                await work(self._desk)
                await self._desk.must_agree()

        self._runner.run(main())

    async def _hold(self):
        def more_markets(double):
            listed = [list_market(double, f"{EVENT}-{number}") for number in range(self._markets)]
            return [instrument for pair in listed for instrument in pair]

        async with (
            standing(self._double, more_markets) as stage,
            desk_in_node(*stage, self._settings, (SHARD,)) as desk,
        ):
            desk.fresh = iter([market_of(f"{EVENT}-{number}") for number in range(self._markets)])
            yield desk
