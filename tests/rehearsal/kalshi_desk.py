"""A live node with our execution client against the venue's double, for tests that drive a strategy."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from kalshi_books import Books
from kalshi_trader import Desk, Trader
from kalshi_venue import EVENT, SHARD, list_market, make_double, market_of, standing, wall_ns
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
from nautilus_trader.model import TraderId, Venue

from adapters.kalshi.config import KalshiExecutionConfig
from adapters.kalshi.execution.client import KalshiClientConfig, KalshiExecutionClient
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.websocket.client import KalshiSocket

QUICK = {"reconcile_secs": 2.0, "request_timeout_secs": 2.0, "reconnect_first_secs": 0.05}


@dataclass(frozen=True, slots=True)
class How:
    """How a node is run.

    `settings` are the client's. The test's own `guard` is asked after the books', `memory` is what a journal would
    say of orders of an earlier run. With `claims` the strategy gets
    back what an earlier run did on these instruments. `stopped(desk)` is called when the node has stopped, its
    strategy's `at_stop` and a second for it included.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    shards: tuple[int, ...] = (SHARD,)
    guard: Any = None
    memory: Any = None
    expects_unresolved: bool = False
    claims: tuple[Any, ...] = ()
    stopped: Any = None

    def config(self, urls):
        usual = {"rest_url": urls.rest, "socket_url": urls.socket, "funded_shards": self.shards}
        return KalshiExecutionConfig(**(usual | QUICK | self.settings))


def run_with(*works, double=None, setup=None, between=None, seconds=40, agrees=True, **how):
    """Run each `work(desk)` inside a live node of its own, all against one double, within `seconds`.

    After each, venue, cache, guard and ledger must agree, unless `agrees` is False.
    """

    async def main():
        async with asyncio.timeout(seconds), standing(double, setup) as stage:
            for number, work in enumerate(works):
                if number:  # ids name their second and count from 1: a book's node leaves that second too
                    await asyncio.sleep(1.0 - wall_ns() % 10**9 / 10**9)
                if number and between is not None:
                    between()
                async with desk_in_node(stage, How(**how)) as desk:
                    await work(desk)
                    if agrees:
                        await desk.must_agree()

    asyncio.run(main())


class Made:
    """What the node's factories make, and what the client tells."""

    def __init__(self, stage, how, books):
        self.differences = []
        made = self

        class Feed(MarketDataClient):
            async def _connect(self):
                for instrument in stage.instruments:
                    self._handle_instrument(instrument)

            async def _disconnect(self): ...

        class Feeds(DataClientFactory):
            @staticmethod
            def create(*, name, config, cache, clock):
                made.feed = Feed(name=name, config=config, cache=cache, clock=clock, venue=Venue("KALSHI"))
                return made.feed

        class Desks(ExecutionClientFactory):
            @staticmethod
            def create(*, config, **engine):
                made.client = KalshiExecutionClient(
                    config=config,
                    http=KalshiHttp(
                        config.settings, stage.credentials, now_ns=wall_ns, monotonic=time.monotonic
                    ),
                    socket_factory=lambda listener: KalshiSocket(
                        config.settings, stage.credentials, listener, now_ns=wall_ns
                    ),
                    second_guard=lambda *asked: (
                        books.refuse(*asked) or (how.guard(*asked) if how.guard else None)
                    ),
                    on_difference=made.differences.append,
                    memory=how.memory,
                    **engine,
                )
                return made.client

        self.factories = {"data_factories": {"KALSHI": Feeds}, "exec_factories": {"KALSHI": Desks}}


def node_config(stage, how):
    return LiveNodeConfig(
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
        exec_clients={"KALSHI": KalshiClientConfig(how.config(stage.urls))},
        timeout_disconnection_secs=2,
        delay_post_stop_secs=1 if how.stopped else 0,
    )


@asynccontextmanager
async def desk_in_node(stage, how):
    """Run a live node while the caller holds its desk. The guard is on, its limits are wide."""
    books, started, desk = Books(stage.double), asyncio.Event(), None
    made = Made(stage, how, books)
    node = LiveNode.build("node", node_config(stage, how), **made.factories)
    trader = Trader(started, books, claims=how.claims)
    node.add_strategy(trader)
    cache, handle = node.cache, node.handle()
    running = asyncio.ensure_future(node.run_async())
    try:
        waiting = asyncio.ensure_future(started.wait())
        await asyncio.wait([waiting, running], return_when=asyncio.FIRST_COMPLETED)
        books.open(cache, trader.strategy_id)
        desk = Desk(stage.double, trader, made, cache, books)
        await desk.until(lambda: not desk.client.doubts)
        yield desk
    finally:
        handle.stop()
        try:
            await ended(running, how.expects_unresolved)
            if how.stopped is not None and desk is not None:
                how.stopped(desk)
        finally:
            node.dispose()
            # A failure keeps this frame, and a thread has one node: let go of it, or the next test fails too.
            node = handle = cache = running = trader = desk = books = made = None


async def ended(running, expects_unresolved):
    try:
        await running
    except RuntimeError as error:
        if not (expects_unresolved and "unresolved" in str(error).lower()):
            raise


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

    def run(self, work, seconds=40):
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
            desk_in_node(stage, How(settings=self._settings)) as desk,
        ):
            desk.fresh = iter([market_of(f"{EVENT}-{number}") for number in range(self._markets)])
            yield desk
