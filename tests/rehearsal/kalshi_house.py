"""The whole house against Kalshi's double: both clients as their factories make them, our strategy, door and books."""

import asyncio
import os
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from kalshi_hand import SERIES, Hand, HandConfig
from nautilus_trader.common import Environment, LoggerConfig, LogLevel
from nautilus_trader.live import LiveExecutionEngineConfig, LiveNode, LiveNodeConfig, SubmissionRecoveryPolicy
from nautilus_trader.model import (
    InstrumentId,
    StrategyId,
    TraderId,
    Venue,
)
from wire_between import Wire

from adapters.kalshi.config import KalshiDataConfig, KalshiExecutionConfig
from adapters.kalshi.data.client import KalshiDataClient
from adapters.kalshi.data.watch import Pace
from adapters.kalshi.execution.client import KalshiClientConfig, KalshiExecutionClient
from adapters.kalshi.factories.data import KalshiDataClientConfig
from adapters.kalshi.factories.execution import KalshiTradingDataClientFactory, execution_factory
from engine import Door, Seat
from markets.live.outlet import note_nothing
from markets.names import Series
from risk.guardian import Guardian
from risk.ledger import Ledger
from risk.rules.evidence import ClockSkew, CrossedBook
from risk.rules.exposure import MaxDeployed
from risk.rules.sanity import StalePrice, SufficientBalance
from simulation.wire.kalshi import KalshiDouble
from simulation.wire.kalshi_control import Listing
from simulation.wire.kalshi_settings import KalshiSettings
from system.catching_up import catch_up

SHARD, KALSHI = 2, Venue("KALSHI")
SECOND = 10**9
START_USD = Decimal(1000)
CREATE, CANCEL = "POST /portfolio/events/orders", "DELETE /portfolio/events/orders"
PACE = Pace(discovery_secs=0.3, settlement_secs=0.4, stale_list_secs=0.0)
WIDE = (
    MaxDeployed(limit=Decimal(100_000)),
    SufficientBalance(),
    CrossedBook(),
    StalePrice(max_age_secs=60.0),
    ClockSkew(limit_secs=20.0),
)
QUICK = {"reconnect_first_secs": 0.05, "request_timeout_secs": 2.0}


def wall_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def side(market: str, outcome: str = "YES") -> InstrumentId:
    return InstrumentId.from_str(f"{market}-{outcome}.KALSHI")


@dataclass(kw_only=True)
class Plan:
    """How a house is built: settings of the double and of the clients, the rules, and how far its clock is ahead."""

    double: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    execution: dict[str, Any] = field(default_factory=dict)
    rules: tuple[Any, ...] = WIDE
    ahead_ns: int = 0
    pace: Pace = PACE
    tap: Any = None
    note: Any = note_nothing
    has_wire: bool = True


class House:
    """A double with an account of 1,000 USD on shard 2, and a node that trades there."""

    def __init__(self, plan: Plan | None = None) -> None:
        self.plan = plan or Plan()
        self.double = KalshiDouble(
            KalshiSettings(**({"tier": "premier", "ping_secs": 0.5} | self.plan.double)),
            seed=7,
            now_ns=lambda: wall_ns() + self.plan.ahead_ns,
        )
        self.ledger = Ledger()
        self.differences: list[str] = []
        self.routes: list[str] = []
        self.clients: list[Any] = []
        self._numbers = count(1)
        self._stack = AsyncExitStack()

    async def __aenter__(self):
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_):
        await self._stack.aclose()

    async def _open(self) -> None:
        urls = await self.double.start()
        judge = self.double.faults.on_request
        self.double.faults.on_request = lambda route: self.routes.append(route) or judge(route)
        self._stack.push_async_callback(self.double.stop)
        self.wire = await self._stack.enter_async_context(Wire(urls.socket).laid())
        self.double.control.fund("alice", str(START_USD), exchange_index=SHARD)
        self.ledger.deposit("KALSHI", START_USD, wall_ns())
        for trusted in ("crowd", "taker"):
            self.double.control.make_trusted(trusted, SHARD)
        self.key = self.double.add_key("alice", "ed25519")
        self.urls = {
            "rest_url": urls.rest,
            "socket_url": self.wire.url if self.plan.has_wire else urls.socket,
        }
        self.announce("KXBTC15M-HOME-00")
        await self.enter()
        self._stack.push_async_callback(self.leave)

    async def enter(self, *claims: InstrumentId) -> None:
        """Start a node whose strategy claims what it had before; after `leave` there may be another."""
        pem = self.key.private_pem
        keys = {"KALSHI_API_KEY": self.key.key_id}
        keys["KALSHI_PRIVATE_KEY"] = pem if isinstance(pem, str) else pem.decode()
        self.clients.clear()
        self.guardian = Guardian(self.plan.rules, self.ledger)
        self.door = Door(self.guardian)
        seat = Seat(StrategyId("hand-1"), self.door, claims)
        self.hand = Hand(HandConfig(series=[Series(f"kalshi:{SERIES}-*")]), seat)
        self.hand.is_started = False
        with patch.dict(os.environ, keys):
            # No name but `self` may hold the node: a failure keeps this frame, and a thread has one node.
            self._node = self._build()
            self._node.add_exec_algorithm(self.door)
            self._node.add_strategy(self.hand)
            self._handle, self.cache = self._node.handle(), self._node.cache
            self._running = asyncio.create_task(self._node.run_async())
            try:
                await self.until(lambda: self.hand.is_started or self._running.done(), secs=40)
            except BaseException:
                await self.leave()
                raise
        if self._running.done():
            self._running.result()
        await self.until(lambda: not self.execution.doubts)
        crew = SimpleNamespace(ledger=self.ledger, guardian=self.guardian, door=self.door, diary=self)
        catch_up(crew, self.cache.orders())

    def knows(self, _side: InstrumentId) -> bool:
        """Say, as the diary of a crew would, that we have met a side's market."""
        return True

    async def leave(self, *, expects_unresolved: bool = False) -> None:
        """Stop the node as an operator would."""
        if self._node is None:
            return
        node, self._node = self._node, None
        self._handle.stop()
        try:
            await self._running
        except RuntimeError as error:
            if not (expects_unresolved and "unresolved" in str(error).lower()):
                raise
        finally:
            node.dispose()
            # A thread has one node: nothing of it may outlive the house.
            del node, self._handle, self.cache, self._running, self.door, self.hand
            self.clients.clear()

    def _build(self) -> LiveNode:
        kept = self.clients

        class Data(KalshiTradingDataClientFactory):
            @staticmethod
            def create(**context):
                kept.append(KalshiTradingDataClientFactory.create(**context))
                return kept[-1]

        trading = execution_factory(on_difference=self.differences.append)

        class Execution(trading):
            @staticmethod
            def create(**context):
                kept.append(trading.create(**context))
                return kept[-1]

        data = KalshiDataConfig(**(self.urls | QUICK | self.plan.data))
        execution = {"funded_shards": (SHARD,), "reconcile_secs": 2.0, "order_group_limit_contracts": 100_000}
        execution = KalshiExecutionConfig(**(self.urls | QUICK | execution | self.plan.execution))
        config = LiveNodeConfig(
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
            data_clients={
                "KALSHI": KalshiDataClientConfig(
                    settings=data,
                    series=(SERIES,),
                    pace=self.plan.pace,
                    tap=self.plan.tap,
                    note=self.plan.note,
                )
            },
            exec_clients={"KALSHI": KalshiClientConfig(execution)},
            timeout_disconnection_secs=2,
            delay_post_stop_secs=0,
        )
        return LiveNode.build(
            "house", config, data_factories={"KALSHI": Data}, exec_factories={"KALSHI": Execution}
        )

    # What the venue does

    def announce(
        self,
        ticker: str,
        *,
        lasts_secs: float = 3600.0,
        opens_in_secs: float = -1.0,
        structure: str = "tapered_deci_cent",
        timer_secs: int = 1,
        **facts: Any,
    ) -> None:
        """List a market of the series; a fact that is None is left out."""
        known = {"strike_type": "greater_or_equal", "floor_strike": 68000.0} | facts
        opens_ns = wall_ns() + self.plan.ahead_ns + round(opens_in_secs * SECOND)
        listing = Listing(
            ticker,
            ticker.rpartition("-")[0],
            ticker.partition("-")[0],
            opens_ns,
            opens_ns + round(lasts_secs * SECOND),
            structure,
            timer_secs,
            exchange_index=SHARD,
            facts={name: fact for name, fact in known.items() if fact is not None},
        )
        self.double.control.list_market(listing)

    async def market(
        self, *, bid: str | None = "0.40", ask: str | None = "0.60", size: str = "100", **listing
    ):
        """List a market with a small book, and return its ticker when the strategy has the books of both sides."""
        ticker = f"{SERIES}-T{next(self._numbers):02}-00"
        self.announce(ticker, **listing)
        if bid:
            self.rest(ticker, "bid", bid, size)
        if ask:
            self.rest(ticker, "ask", ask, size)
        await self.until(lambda: ticker in self.hand.met)
        kinds = ("OrderBookDeltas", "QuoteTick") if bid or ask else ("OrderBookDeltas",)
        await self.until(lambda: all(self.of(kind, ticker, one) for kind in kinds for one in ("YES", "NO")))
        return ticker

    def gone_by(self, secs: float):
        """Let the venue's clock stand in the past while the context lasts: for what has happened before."""
        return patch.object(self.plan, "ahead_ns", self.plan.ahead_ns - round(secs * SECOND))

    def rest(self, ticker: str, book_side: str, price: str, size: str) -> None:
        """Let the crowd rest an order, or meet one of ours."""
        self.double.control.trade_as("crowd", ticker, book_side, price, size)

    def take(self, ticker: str, book_side: str, price: str, size: str) -> None:
        """Let somebody take what the crowd rests."""
        self.double.control.trade_as("taker", ticker, book_side, price, size)

    async def end(self, ticker: str, result: str, value: int | None = None) -> None:
        """Let a market close now and be determined; `value` is in units of 0.0001 dollars, for a void."""
        self.double.life.move_close(ticker, wall_ns() + self.plan.ahead_ns)
        await self.until(lambda: self._phases(ticker)[-1] == "CLOSED")
        await self.until(lambda: self._has_determined(ticker, result, value))

    def _has_determined(self, ticker: str, result: str, value: int | None) -> bool:
        try:
            self.double.life.determine(ticker, result, value)
        except ValueError:
            return False  # the venue has not closed it yet
        return True

    def _phases(self, ticker: str) -> list[str]:
        return [one.phase.name for one in self.of("MarketPhase", ticker)]

    # What the strategy hears and does

    @property
    def data(self):
        return next(one for one in self.clients if isinstance(one, KalshiDataClient))

    @property
    def execution(self):
        return next(one for one in self.clients if isinstance(one, KalshiExecutionClient))

    def of(self, kind: str, ticker: str | None = None, outcome: str | None = None) -> list[Any]:
        """Return what was heard of one kind, by the name of its class, of one market or one side of it."""
        return [
            one for one in self.hand.heard if type(one).__name__ == kind and _is_about(one, ticker, outcome)
        ]

    def levels(self, ticker: str, outcome: str = "YES") -> list[list[tuple[str, str]]]:
        """Return bids and asks of a book as the strategy keeps it."""
        book = self.hand.books[side(ticker, outcome)]
        return [
            [(str(one.price), f"{one.size():.2f}") for one in part] for part in (book.bids(), book.asks())
        ]

    def send(self, ticker: str, outcome: str, way: str, size: str, price: str, **terms: Any):
        """Let the strategy send a limit order."""
        return self.hand.send(side(ticker, outcome), way, size, price, **terms)

    def events(self, client_order_id=None) -> list[str]:
        """Return what happened to an order, or to all, without what precedes the venue's answer."""
        names = [
            type(one).__name__.removeprefix("Order")
            for one in self.hand.happened
            if client_order_id in (None, one.client_order_id)
        ]
        return [name for name in names if name not in ("Initialized", "Submitted")]

    def last(self, client_order_id, kind: str) -> Any:
        """Return the last event of a kind of an order."""
        found = [
            one
            for one in self.hand.happened
            if one.client_order_id == client_order_id and type(one).__name__ == f"Order{kind}"
        ]
        return found[-1] if found else None

    def status(self, client_order_id) -> str:
        return self.cache.order(client_order_id).status.name

    async def has(self, client_order_id, *names: str, secs: float = 20.0) -> None:
        """Wait until all of these happened to an order."""
        await self.until(lambda: set(names) <= set(self.events(client_order_id)), secs)

    async def until(self, condition, secs: float = 20.0) -> None:
        """Wait for a condition; say what is known when it never comes."""
        try:
            async with asyncio.timeout(secs):
                while not condition():
                    await asyncio.sleep(0.005)
                await asyncio.sleep(0.005)  # what is told together is heard one after another
        except TimeoutError:
            raise AssertionError(f"it never happened: {self._say()}") from None

    def _say(self) -> str:
        if not self.clients or not self.hand.is_started:
            return "the node did not start"
        kinds = Counter(type(one).__name__ for one in self.hand.heard)
        reasons = [one.reason for one in self.hand.happened if getattr(one, "reason", None)]
        return (
            f"heard {dict(kinds)}; counted {dict(self.data.counts)}; doubts {self.execution.doubts}; "
            f"events {self.events()}; reasons {reasons}; differences {self.differences}; "
            f"faults {self.door.faults}, {self.door.broken!r}; injected {self.double.faults.kinds()}"
        )

    def at_venue(self, ticker: str) -> list[dict[str, Any]]:
        """Return every order that we ever had at the venue in a market, as the venue has it."""
        return [one for one in self.double.snapshot().orders.get("alice", []) if one["ticker"] == ticker]

    def cash(self) -> Decimal:
        """Return what the venue holds for us."""
        return Decimal(self.double.snapshot().cash["alice", SHARD, 0])

    # What must be true after every card

    def disagreements(self) -> list[str]:
        """Return where venue, engine and ledger say different things, in words; none, when all is told."""
        venue = self.double.snapshot()
        theirs = {
            one["client_order_id"]: Decimal(one["remaining_count_fp"])
            for one in venue.orders.get("alice", [])
            if one["status"] == "resting"
        }
        orders = [*self.cache.orders_open(), *self.cache.orders_inflight()]
        ours = {one.client_order_id.value: one.leaves_qty.as_decimal() for one in orders}
        pocket = ("alice", SHARD, 0)
        held = {ticker: Decimal(size) for ticker, size in venue.positions.get(pocket, {}).items()}
        books = self._net(
            {str(p.instrument_id): p.quantity.as_decimal() for p in self.cache.positions_open()}
        )
        ledger = self._net({p.outcome.instrument: p.quantity for p in self.ledger.positions()})
        found = []
        for what, expected, actual in (
            ("open orders of the engine", theirs, ours),
            ("positions of the engine", held, books),
            ("positions of the ledger", held, ledger),
            (
                "cash of the ledger",
                Decimal(venue.cash[pocket]),
                self.ledger.cash_usd("KALSHI") + self.netted_usd(),
            ),
            ("cash of the account", Decimal(venue.cash[pocket]), self.door.total_cash(KALSHI)),
            ("reservations of the guard", len(theirs), self.guardian.exposure.live_count()),
            ("doubts", (), self.execution.doubts),
            ("modes", None, self.execution._desk.modes.problem_of(SHARD)),
            ("differences", [], self.differences),
        ):
            if expected != actual:
                found.append(f"{what}: expected {expected} as the venue has it, found {actual}")
        return found

    def _net(self, contracts: dict[str, Decimal]) -> dict[str, Decimal]:
        net: dict[str, Decimal] = {}
        for instrument, size in contracts.items():
            ticker, _, outcome = instrument.removesuffix(".KALSHI").rpartition("-")
            net[ticker] = net.get(ticker, Decimal(0)) + (size if outcome == "YES" else -size)
        return {ticker: size for ticker, size in net.items() if size}

    def netted_usd(self) -> Decimal:
        """Return what the venue gave back already for contracts that we hold on both sides."""
        held = {one.outcome.instrument: one.quantity for one in self.ledger.positions()}
        return sum(
            (
                min(size, held.get(name.replace("-YES.", "-NO."), Decimal(0)))
                for name, size in held.items()
                if "-YES." in name
            ),
            Decimal(0),
        )

    async def agree(self) -> None:
        """Wait until venue, engine and ledger agree; then the books must be whole as well (rule 6 of the cards)."""
        try:
            await self.until(lambda: not self.disagreements())
        except AssertionError as error:
            raise AssertionError("; ".join(self.disagreements())) from error
        self.ledger.audit()
        assert self.door.faults == {}
        assert self.door.broken is None
        assert self.double.audit() == []
        assert self.double.errors == []


def _is_about(one: Any, ticker: str | None, outcome: str | None) -> bool:
    if ticker is None:
        return True
    instrument = getattr(one, "instrument_id", None)
    if instrument is None:
        return getattr(one, "market", None) == ticker
    name = instrument if isinstance(instrument, str) else instrument.symbol.value
    market, _, leg = name.removesuffix(".KALSHI").rpartition("-")
    return market == ticker and outcome in (None, leg)
