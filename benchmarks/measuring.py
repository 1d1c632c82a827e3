"""A node that is measured: the strategy in it, what is noted of it, and how long it runs."""

import asyncio
import os
import time
from asyncio import selector_events
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, override

import aiohttp
import numpy as np
from nautilus_trader.common import DataActor, Environment, LoggerConfig, LogLevel, TimeEvent
from nautilus_trader.live import (
    LiveExecutionEngineConfig,
    LiveNode,
    LiveNodeConfig,
    LiveRiskEngineConfig,
    SubmissionRecoveryPolicy,
)
from nautilus_trader.model import (
    BookType,
    InstrumentId,
    LimitOrder,
    OrderBookDeltas,
    StrategyId,
    TraderId,
)

from benchmarks.figures import Figure, at_most, told
from engine import Door, Seat, Strategy, StrategyConfig, Usd
from engine.garbage import collect_here, no_collection
from markets.instruments import OutcomePair
from markets.names import Series
from risk.guardian import Guardian
from risk.ledger import Ledger
from risk.rules.exposure import MaxDeployed, MaxStakePerOutcome
from risk.rules.rule import Rule
from risk.rules.sanity import PriceOnGrid

ORDERS: Final = 1_000
_POSTS: Final = 500
_BARE: Final = b'"bare":"'
_SAMPLE_SECS: Final = 0.5
_SECS_PER_MINUTE: Final = 60
_MOST_MB_A_MINUTE: Final = 1.0
_MOST_HEARD: Final = 100_000  # so that what measures memory does not grow itself
_SUBMIT_RATE: Final = "1000/00:00:01"  # the venue's budgets are the bound here


def client_id_of(order: LimitOrder) -> str:
    """Return the mark of an order at a venue whose bodies carry our id."""
    return str(order.client_order_id)


class BenchSettings(StrategyConfig, frozen=True):
    """What the measuring strategy does; with `order_every_ns` 0 it only listens.

    The n-th bid is for `size` and n times `step` contracts, so that a body without our id tells which it is.
    """

    series: Series
    order_every_ns: int = 0
    size: Decimal = Decimal(1)
    step: Decimal = Decimal(0)


@dataclass(slots=True)
class Stamps:
    """Times in nanoseconds: how old each message was when heard; when each order was asked for and sent, by its mark."""

    heard: deque[int] = field(default_factory=lambda: deque(maxlen=_MOST_HEARD))
    told: int = 0
    asked: dict[str, int] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)

    def took_ms(self) -> list[float]:
        """Return how long each order took from `submit_order` to the kernel, in milliseconds."""
        return [(self.sent[one] - at_ns) / 1e6 for one, at_ns in self.asked.items() if one in self.sent]


class Measured(Strategy[BenchSettings]):
    """Listens to the books of a series, both sides; may rest a bid far away and take it back in turn."""

    def stamp(self, stamps: Stamps, mark_of: Callable[[LimitOrder], str] = client_id_of) -> None:
        """Note everything in `stamps`; `mark_of` says how bytes on the wire tell which order they are."""
        self._stamps, self._mark_of = stamps, mark_of

    @override
    def on_start(self) -> None:
        self._market: InstrumentId | None = None
        self._rests = False
        self.follow(self.config.series)
        if self.config.order_every_ns:
            self.clock.set_timer_ns("order", self.config.order_every_ns // 2)

    @override
    def on_market(self, market: OutcomePair) -> None:
        self._market = self._market or market.yes.id
        for side in (market.yes, market.no):
            self.subscribe_book_deltas(side.id, BookType.L2_MBP, managed=True)

    @override
    def on_book_deltas(self, deltas: OrderBookDeltas) -> None:
        self._stamps.told += 1
        self._stamps.heard.append(time.clock_gettime_ns(time.CLOCK_REALTIME) - deltas.ts_init)

    @override
    def on_time_event(self, event: TimeEvent) -> None:
        if self._market is None:
            return
        if self._rests:  # apart from the next order, so that this does not wait for that
            self.cancel_all_orders(self._market)
            self._rests = False
            return
        if len(self._stamps.sent) >= ORDERS:
            return
        size = self.config.size + len(self._stamps.asked) * self.config.step
        asked_ns = time.perf_counter_ns()
        if order := self.buy(self._market, size, Decimal("0.01"), post_only=True):
            self._stamps.asked[self._mark_of(order)] = asked_ns
            self._rests = True


@dataclass(slots=True)
class Heard:
    """What came of listening: frames, their count, and the resident memory in MB by second."""

    stamps: Stamps
    frames: int = 0
    memory: list[tuple[float, float]] = field(default_factory=list)

    def count(self, _frame: bytes, _received_ns: int, _epoch: int) -> None:
        """Be a tap that only counts."""
        self.frames += 1


def growth(memory: Sequence[tuple[float, float]], secs: float) -> Figure:
    """Return the slope of the resident memory in the second half, when caches are full."""
    late = [(at_secs, mb) for at_secs, mb in memory if at_secs > secs / 2]
    slope = float(np.polyfit(*map(np.array, zip(*late, strict=True)), 1)[0]) * _SECS_PER_MINUTE
    name = f"growth of memory in the second half of {secs:g} s"
    if secs < _SECS_PER_MINUTE:
        return told(name, slope, "MB/min")
    return at_most(name, slope, "MB/min", _MOST_MB_A_MINUTE)


def percentiles(name: str, took_ms: Sequence[float], bars: tuple[float, float]) -> list[Figure]:
    """Return the median and the 99th percentile, each with its bar in milliseconds."""
    ranks = zip((50, 99), bars, strict=True)
    return [
        at_most(f"{name}, p{rank}", float(np.percentile(took_ms, rank)), "ms", bar) for rank, bar in ranks
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """A venue's clients, each as its configuration and factory, and our money there; without `trading` nothing is sent."""

    venue: str
    hearing: tuple[Any, type[Any]]
    trading: tuple[Any, type[Any]] | None = None
    money_usd: Decimal = Decimal(0)


def build_node(
    clients: Clients,
    settings: BenchSettings,
    stamps: Stamps,
    *,
    mark_of: Callable[[LimitOrder], str] = client_id_of,
    ears: Sequence[DataActor] = (),
) -> LiveNode:
    """Return a node with the measuring strategy behind door and guardian; `ears` hear before it does."""
    venue, trading, ledger = clients.venue, clients.trading, Ledger()
    rules: list[Rule] = []
    if trading is not None:
        limit = Usd(clients.money_usd)
        ledger.deposit(venue, clients.money_usd, 0)
        rules = [PriceOnGrid(), MaxStakePerOutcome(limit=limit), MaxDeployed(limit=limit)]
    door = Door(Guardian(rules, ledger))
    node = LiveNode.build(
        "bench",
        LiveNodeConfig(
            environment=Environment.LIVE,
            trader_id=TraderId("BENCH-001"),
            logging=LoggerConfig(stdout_level=LogLevel.ERROR),
            exec_engine=LiveExecutionEngineConfig(
                reconciliation=trading is not None,
                reconciliation_startup_delay_secs=0.1,
                submission_recovery_policy=SubmissionRecoveryPolicy.RETAIN_UNRESOLVED,
                inflight_check_retries=4_000_000_000,
            ),
            risk_engine=LiveRiskEngineConfig(max_order_submit_rate=_SUBMIT_RATE),
            data_clients={venue: clients.hearing[0]},
            exec_clients={} if trading is None else {venue: trading[0]},
            timeout_disconnection_secs=10,
            delay_post_stop_secs=0,
        ),
        data_factories={venue: clients.hearing[1]},
        exec_factories={} if trading is None else {venue: trading[1]},
    )
    node.add_exec_algorithm(door)
    for ear in ears:
        node.add_actor(ear)
    strategy = Measured(settings, Seat(StrategyId("bench-1"), door))
    strategy.stamp(stamps, mark_of)
    node.add_strategy(strategy)
    return node


async def run_until(node: LiveNode, is_over: Callable[[], bool], most_secs: float) -> None:
    """Run a node until it is over, its garbage collected as a book's node collects it; RuntimeError when that takes too long."""
    loop = asyncio.get_running_loop()
    collecting = asyncio.create_task(collect_here())
    with no_collection():
        running = asyncio.ensure_future(node.run_async())
        deadline = loop.time() + most_secs
        while not (over := is_over()) and not running.done() and loop.time() < deadline:
            await asyncio.sleep(_SAMPLE_SECS)
        node.handle().stop()
        await running
    collecting.cancel()
    node.dispose()
    if not over:
        raise RuntimeError(f"expected the node to get through in {most_secs:g} s, found it still at it")


@contextmanager
def wire_watched(stamps: Stamps, before: bytes) -> Iterator[None]:
    """Note when the bytes of each order are with the kernel; its mark stands after `before`, up to a quote.

    The event loop's transport is the last piece of Python on their way, and has no hook of its own.
    """
    transport: Any = selector_events._SelectorSocketTransport
    write, writelines = transport.write, transport.writelines

    def note(data: bytes) -> None:
        begin = data.find(before) + len(before)
        if begin >= len(before):
            stamps.sent.setdefault(data[begin : data.index(b'"', begin)].decode(), time.perf_counter_ns())

    def watched(self: Any, data: bytes) -> None:
        write(self, data)
        note(bytes(data))

    def watched_lines(self: Any, lines: Sequence[bytes]) -> None:
        writelines(self, lines)
        note(b"".join(lines))

    transport.write, transport.writelines = watched, watched_lines
    try:
        yield
    finally:
        transport.write, transport.writelines = write, writelines


def bare_post(base: str, every_ns: int) -> Figure:
    """Measure what the orders' own figures stand on: one POST by aiohttp alone, at the same pace."""
    stamps = Stamps()

    async def post() -> None:
        async with aiohttp.ClientSession() as session:
            for number in range(_POSTS):
                await asyncio.sleep(every_ns / 1e9)
                stamps.asked[str(number)] = time.perf_counter_ns()
                async with session.post(f"{base}/bare", data=_BARE + f'{number}"'.encode()) as response:
                    await response.read()

    with wire_watched(stamps, _BARE):
        asyncio.run(post())
    name = f"a bare POST by aiohttp to bytes on the wire, one in {every_ns // 1_000_000} ms, p50"
    return told(name, float(np.median(stamps.took_ms())), "ms")


def resident_mb() -> float:
    """Return what this process holds in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
