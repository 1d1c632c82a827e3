"""What the live path of Kalshi costs on loopback: frames to a strategy, orders to the wire, frames a second.

The venue's double runs in a process of its own, the node with our real clients in this one.
"""

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
from nautilus_trader.common import Environment, LoggerConfig, LogLevel, TimeEvent
from nautilus_trader.live import (
    LiveExecutionEngineConfig,
    LiveNode,
    LiveNodeConfig,
    SubmissionRecoveryPolicy,
)
from nautilus_trader.model import BookType, InstrumentId, OrderBookDeltas, StrategyId, TraderId

from adapters.kalshi.config import KalshiDataConfig, KalshiExecutionConfig
from adapters.kalshi.execution.client import KalshiClientConfig
from adapters.kalshi.factories.data import KalshiDataClientConfig, KalshiDataClientFactory
from adapters.kalshi.factories.execution import execution_factory
from benchmarks.figures import Figure, at_least, at_most, told
from benchmarks.venue import SERIES, SHARD, Play, Venue, busiest_recording, venue
from engine import Door, Seat, Strategy, StrategyConfig, Usd
from markets.instruments import OutcomePair
from markets.names import Series
from risk.guardian import Guardian
from risk.ledger import Ledger
from risk.rules.exposure import MaxDeployed, MaxStakePerOutcome
from risk.rules.sanity import PriceOnGrid

_MILLION: Final = Decimal(1_000_000)
_LIMIT: Final = Usd(900_000)
_ORDERS: Final = 1_000
_BUSY_NS: Final = 4_000_000  # from order to order of a node at work
_SILENCE_NS: Final = 20_000_000  # long enough for the caches of a processor to go cold
_PLAYED_SECS: Final = 25.0
_SUSTAINED_SECS: Final = 20.0
_SAMPLE_SECS: Final = 0.5
_SECS_PER_MINUTE: Final = 60
_MOST_MB_A_MINUTE: Final = 1.0
_MOST_HEARD: Final = 100_000  # so that what measures memory does not grow itself
_CLIENT_ID: Final = b'"client_order_id":"'


class BenchSettings(StrategyConfig, frozen=True):
    """What the measuring strategy does; with `order_every_ns` 0 it only listens."""

    series: Series
    order_every_ns: int = 0


@dataclass(slots=True)
class Stamps:
    """Times in nanoseconds: how old each message was when heard; when each order was asked for and sent."""

    heard: deque[int] = field(default_factory=lambda: deque(maxlen=_MOST_HEARD))
    told: int = 0
    asked: dict[str, int] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)


class Measured(Strategy[BenchSettings]):
    """Listens to the books of a series, both sides; may rest a bid far away and take it back in turn."""

    def stamp(self, stamps: Stamps) -> None:
        self._stamps = stamps

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
        asked_ns = time.perf_counter_ns()
        if order := self.buy(self._market, Decimal(1), Decimal("0.01"), post_only=True):
            self._stamps.asked[str(order.client_order_id)] = asked_ns
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


def measure() -> list[Figure]:
    """Measure frames at the recorded pace, orders under both kinds of key, then frames at full speed."""
    recording = busiest_recording()
    figures: list[Figure] = []
    with venue() as double:
        figures += _frame_latency(double, recording)
    for key, every_ns in (("ed25519", _BUSY_NS), ("rsa", _BUSY_NS), ("ed25519", _SILENCE_NS)):
        with venue() as double:  # a fresh one: what an earlier node left there would have to be reconciled
            figures += _order_latency(double, key, every_ns)
    with venue() as double:
        figures.append(_bare_post_latency(double))
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


def growth(memory: Sequence[tuple[float, float]], secs: float) -> Figure:
    """Return the slope of the resident memory in the second half, when caches are full."""
    late = [(at_secs, mb) for at_secs, mb in memory if at_secs > secs / 2]
    slope = float(np.polyfit(*map(np.array, zip(*late, strict=True)), 1)[0]) * _SECS_PER_MINUTE
    name = f"growth of memory in the second half of {secs:g} s"
    if secs < _SECS_PER_MINUTE:
        return told(name, slope, "MB/min")
    return at_most(name, slope, "MB/min", _MOST_MB_A_MINUTE)


def _frame_latency(double: Venue, recording: Path) -> list[Figure]:
    heard = _listen(double, Play(recording, 1.0, _PLAYED_SECS))
    double.played()
    return percentiles(
        "frame received to on_book_deltas", [ns / 1e6 for ns in heard.stamps.heard], (0.4, 2.0)
    )


def _order_latency(double: Venue, key: str, every_ns: int) -> list[Figure]:
    heard = Heard(Stamps())
    sent, asked = heard.stamps.sent, heard.stamps.asked
    node = _node(double, key, heard, order_every_ns=every_ns)
    with _wire_watched(heard.stamps):
        asyncio.run(run_until(node, lambda: len(sent) >= _ORDERS, 120.0))
    took_ms = [(sent[one] - at_ns) / 1e6 for one, at_ns in asked.items() if one in sent]
    name = f"submit_order to bytes on the wire, {key} key, one in {every_ns // 1_000_000} ms"
    return percentiles(name, took_ms, (1.0, 5.0))


def _bare_post_latency(double: Venue) -> Figure:
    """Measure what the orders' own figures stand on: one POST by aiohttp alone, after the same silence."""
    stamps = Stamps()

    async def post() -> None:
        async with aiohttp.ClientSession() as session:
            for number in range(_ORDERS):
                await asyncio.sleep(_SILENCE_NS / 1e9)
                body = _CLIENT_ID + f'{number}"'.encode()
                stamps.asked[str(number)] = time.perf_counter_ns()
                async with session.post(f"{double.rest}/bare", data=body) as response:
                    await response.read()

    with _wire_watched(stamps):
        asyncio.run(post())
    took_ms = [(stamps.sent[one] - at_ns) / 1e6 for one, at_ns in stamps.asked.items()]
    return told(
        f"a bare POST by aiohttp to bytes on the wire, one in {_SILENCE_NS // 1_000_000} ms, p50",
        float(np.median(took_ms)),
        "ms",
    )


def percentiles(name: str, took_ms: Sequence[float], bars: tuple[float, float]) -> list[Figure]:
    """Return the median and the 99th percentile, each with its bar in milliseconds."""
    ranks = zip((50, 99), bars, strict=True)
    return [
        at_most(f"{name}, p{rank}", float(np.percentile(took_ms, rank)), "ms", bar) for rank, bar in ranks
    ]


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


async def run_until(node: LiveNode, is_over: Callable[[], bool], most_secs: float) -> None:
    """Run a node until it is over; RuntimeError when that takes too long."""
    loop = asyncio.get_running_loop()
    running = asyncio.ensure_future(node.run_async())
    deadline = loop.time() + most_secs
    while not (over := is_over()) and not running.done() and loop.time() < deadline:
        await asyncio.sleep(_SAMPLE_SECS)
    node.handle().stop()
    await running
    node.dispose()
    if not over:
        raise RuntimeError(f"expected the node to get through in {most_secs:g} s, found it still at it")


@contextmanager
def _wire_watched(stamps: Stamps) -> Iterator[None]:
    """Note when the bytes of each order are with the kernel.

    The event loop's transport is the last piece of Python on their way, and has no hook of its own.
    """
    transport: Any = selector_events._SelectorSocketTransport
    write, writelines = transport.write, transport.writelines

    def note(data: bytes) -> None:
        begin = data.find(_CLIENT_ID) + len(_CLIENT_ID)
        if begin >= len(_CLIENT_ID):
            order_id = data[begin : data.index(b'"', begin)].decode()
            stamps.sent.setdefault(order_id, time.perf_counter_ns())

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


def _node(double: Venue, key: str, heard: Heard, *, order_every_ns: int) -> LiveNode:
    os.environ["KALSHI_API_KEY"], os.environ["KALSHI_PRIVATE_KEY"] = double.keys[key]
    urls = {"rest_url": double.rest, "socket_url": double.socket}
    execution = KalshiExecutionConfig(**urls, funded_shards=(SHARD,), order_group_limit_contracts=None)
    ledger = Ledger()
    ledger.deposit("KALSHI", _MILLION, 0)
    rules = [PriceOnGrid(), MaxStakePerOutcome(limit=_LIMIT), MaxDeployed(limit=_LIMIT)]
    door = Door(Guardian(rules, ledger))
    node = LiveNode.build(
        "bench",
        LiveNodeConfig(
            environment=Environment.LIVE,
            trader_id=TraderId("BENCH-001"),
            logging=LoggerConfig(stdout_level=LogLevel.ERROR),
            exec_engine=LiveExecutionEngineConfig(
                reconciliation=True,
                reconciliation_startup_delay_secs=0.1,
                submission_recovery_policy=SubmissionRecoveryPolicy.RETAIN_UNRESOLVED,
                inflight_check_retries=4_000_000_000,
            ),
            data_clients={
                "KALSHI": KalshiDataClientConfig(
                    settings=KalshiDataConfig(**urls), series=(SERIES,), tap=heard.count
                )
            },
            exec_clients={"KALSHI": KalshiClientConfig(execution)} if order_every_ns else {},
            timeout_disconnection_secs=2,
            delay_post_stop_secs=0,
        ),
        data_factories={"KALSHI": KalshiDataClientFactory},
        exec_factories={"KALSHI": execution_factory()} if order_every_ns else {},
    )
    node.add_exec_algorithm(door)
    settings = BenchSettings(series=Series(f"kalshi:{SERIES}-*"), order_every_ns=order_every_ns)
    strategy = Measured(settings, Seat(StrategyId("bench-1"), door))
    strategy.stamp(heard.stamps)
    node.add_strategy(strategy)
    return node


def resident_mb() -> float:
    """Return what this process holds in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
