"""A node that trades at Polymarket's double: its market, who trades there, and what a test holds."""

import asyncio
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any
from unittest.mock import patch

from nautilus_trader.common import Environment, LoggerConfig, LogLevel
from nautilus_trader.config import DataClientConfig
from nautilus_trader.live import LiveExecutionEngineConfig, LiveNode, LiveNodeConfig, SubmissionRecoveryPolicy
from nautilus_trader.live.clients import DataClientFactory, MarketDataClient
from nautilus_trader.model import (
    InstrumentId,
    OrderFilled,
    OrderFillVoided,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
    TimeInForce,
    TraderId,
    Venue,
)
from nautilus_trader.trading import Strategy, StrategyConfig  # noqa: TID251  the client is tested below our engine
from polymarket_posts import post, wall_ns

from adapters.polymarket.config import PolymarketExecutionConfig
from adapters.polymarket.execution.client import PolymarketClientConfig
from adapters.polymarket.factories.execution import execution_factory, make_http
from markets.instruments import MarketTerms, PriceRange, make_pair
from network.outcomes import Done
from risk.guardian import Guardian
from risk.ledger import Ledger
from risk.rules.exposure import MaxDeployed, MaxStakePerOutcome
from simulation.wire.polymarket import PolymarketDouble, PolymarketSettings
from simulation.wire.polymarket_orders import Market

VENUE = "POLYMARKET"
CONDITION = "0x" + "ab" * 32
TOKENS = ("7" * 70 + "1", "8" * 70 + "2")
YES, NO = (InstrumentId.from_str(f"{CONDITION}-{token}.{VENUE}") for token in TOKENS)
ONE = 1_000_000
START_USD = 1_000
OURS, THEIRS = "1" * 64, "2" * 64
POST, CANCEL = "POST /order", "DELETE /order"
QUICK = {"reconnect_first_secs": 0.05, "request_timeout_secs": 2.0, "reconcile_secs": 2.0, "ping_secs": 0.5}
WIDE = Decimal(1_000_000)


def instruments(**terms):
    known = {
        "market": CONDITION,
        "venue": VENUE,
        "series": "made-up",
        "event": "made-up",
        "title": "made up",
        "opens_ns": 0,
        "closes_ns": wall_ns() + 86_400 * 10**9,
        "known_ns": wall_ns(),
        "price_ranges": (PriceRange(Decimal(0), Decimal(1), Decimal("0.01")),),
        "fees": (
            {
                "since_ns": 0,
                "taker_rate": "0.07",
                "maker_rate": "0",
                "exponent": 1,
                "fee_unit": "0.00001",
                "rounding": "half_up",
            },
        ),
        "tokens": TOKENS,
        "currency": "pUSD",
        "size_digits": 6,
        "min_size": Decimal(5),
        "takers_spend": True,
    }
    return make_pair(MarketTerms(**(known | terms)))


class Trader(Strategy):
    """Keeps what happens to its orders; a test tells it what to do."""

    def __new__(cls, *_args, claims=()):
        return super().__new__(cls, StrategyConfig(external_order_instrument_ids=list(claims) or None))

    def __init__(self, started, claims=()):
        super().__init__()
        self.happened, self.started, self.on_event = [], started, lambda _event: None

    def on_start(self):
        self.started.set()

    def on_order_event(self, event):
        self.happened.append(event)
        self.on_event(event)


@dataclass(kw_only=True)
class How:
    """How a node is run: settings of the client and the double, the terms and flags of the market."""

    settings: dict[str, Any] = field(default_factory=dict)
    double: dict[str, Any] = field(default_factory=dict)
    market: dict[str, Any] = field(default_factory=dict)
    terms: dict[str, Any] = field(default_factory=dict)
    memory: Any = None
    guard: Any = None
    expects_unresolved: bool = False
    claims: tuple[Any, ...] = (YES, NO)
    seconds: float = 150.0


class Stage:
    """The double with a market of pairs for both wallets; `other` trades there with a key of its own."""

    def __init__(self, how):
        self.how = how
        quick = {"mined_ms": 20, "confirmed_ms": 20, "tick_ms": 5.0}
        self.ahead_ns = 0  # how far the venue's clock is moved
        settings = PolymarketSettings(**(quick | how.double))
        self.double = PolymarketDouble(settings, seed=7, now_ns=lambda: wall_ns() + self.ahead_ns)
        self.market = Market(CONDITION, TOKENS, fee_rate=Fraction(7, 100), **how.market)
        self.base = ""
        self.other = self.wallet = None

    @asynccontextmanager
    async def standing(self):
        self.base = await self.double.start()
        self.double.exchange.list_market(self.market)
        self.other, self.theirs = make_http(self.config(), {"POLYMARKET_PRIVATE_KEY": THEIRS}, wall_ns)
        _, self.ours = make_http(self.config(), {"POLYMARKET_PRIVATE_KEY": OURS}, wall_ns)
        ledger = self.double.exchange.ledger
        for wallet in (self.ours, self.theirs):
            ledger.deposit(wallet.funder, 2 * START_USD * ONE)
            ledger.split(wallet.funder, self.market, START_USD * ONE)
        try:
            await self.other.log_in()
            yield self
        finally:
            await self.other.close()
            await self.double.stop()

    def config(self, **settings):
        urls = {
            "rest_url": self.base,
            "gamma_url": f"{self.base}/gamma",
            "data_url": f"{self.base}/data-api",
            "socket_url": self.base.replace("http", "ws"),
            "site_url": self.base,
        }
        return PolymarketExecutionConfig(**(urls | QUICK | settings))

    async def crowd(self, side, price, size, token=TOKENS[0], kind="GTC"):
        """Let the other wallet send an order; return its hash."""
        order_id, outcome = await post(self.other, self.theirs, token, side, price, size, kind)
        assert isinstance(outcome, Done), outcome
        return order_id


class Desk:
    """What a test holds: the double, the strategy, the client, the node's cache, our books."""

    def __init__(self, stage, trader, made, cache):
        self.stage, self.double, self.trader, self.cache = stage, stage.double, trader, cache
        self.client, self.feed = made.client, made.feed
        self.differences, self.conditions = made.differences, made.conditions
        self.ledger = Ledger()
        self.guardian = Guardian([MaxStakePerOutcome(limit=WIDE), MaxDeployed(limit=WIDE)], self.ledger)
        self.begin_shares = {token: self.shares_there(token) for token in TOKENS}
        self.begin_cash = self.cash_there()
        before = [e for order in cache.orders() for e in order.events() if isinstance(e, OrderFilled)]
        paid = sum((_cost(event) for event in before), Decimal(0))
        self.ledger.deposit(VENUE, self.begin_cash + paid, wall_ns())
        for event in before:
            self.guardian.hear(event, self)
        for order in cache.orders_open():
            self.guardian.adopt(order, self)
        trader.on_event = lambda event: self.guardian.hear(event, self)
        own = made.guard
        # The guard wants sizes in contracts; what a market buy in money does is the client's to show.
        made.guard = lambda order, *more: (
            None if order.is_quote_quantity else self.guardian.refuse(order, *more, self) or own(order, *more)
        )

    # What the guard looks at

    def now_ns(self):
        return wall_ns()

    def instrument(self, instrument_id):
        return self.cache.instrument(instrument_id)

    def quote(self, instrument_id):
        return self.cache.quote(instrument_id)

    def mark(self, _instrument_id):
        return None

    def belief(self, _strategy_id, _instrument_id):
        return None

    def free_cash(self, _venue):
        return None

    # What the venue says

    def cash_there(self):
        return Decimal(self.double.exchange.ledger.wallet(self.stage.ours.funder).cash) / ONE

    def shares_there(self, token):
        return Decimal(self.double.exchange.ledger.wallet(self.stage.ours.funder).tokens.get(token, 0)) / ONE

    def open_there(self):
        return {
            order.ask.order_id for order in self.double.exchange.open_orders(self.stage.ours.funder.lower())
        }

    # What a test does

    def limit(self, side, size, price, on=YES, **more):
        more = {"time_in_force": TimeInForce.GTC} | more
        quantity, limit = Quantity.from_str(f"{Decimal(size):.6f}"), Price.from_str(f"{Decimal(price):.4f}")
        return self.trader.order_factory.limit(on, getattr(OrderSide, side), quantity, limit, **more)

    def send(self, side, size, price, on=YES, params=None, **more):
        order = self.limit(side, size, price, on, **more)
        self.trader.submit_order(order, params=params)
        return order.client_order_id

    def market(self, side, size, on=YES, kind=TimeInForce.IOC, params=None):
        quantity = Quantity.from_str(f"{Decimal(size):.6f}")
        order = self.trader.order_factory.market(
            on, getattr(OrderSide, side), quantity, kind, quote_quantity=side == "BUY"
        )
        self.trader.submit_order(order, params=params)
        return order.client_order_id

    async def show(self, bid, ask, on=YES):
        now_ns, many = wall_ns(), Quantity.from_str("100.000000")
        prices = (Price.from_str(f"{Decimal(one):.4f}") for one in (bid, ask))
        self.feed._handle_data(QuoteTick(on, *prices, many, many, now_ns, now_ns))
        await self.until(lambda: self.cache.quote(on) is not None)

    def cancel(self, client_order_id):
        self.trader.cancel_order(self.cache.order(client_order_id).client_order_id)

    def order(self, client_order_id):
        return self.cache.order(client_order_id)

    def hash_of(self, client_order_id):
        return self.client._desk.tickets.find(client_order_id.value).hash

    def status(self, client_order_id):
        return self.order(client_order_id).status.name

    def filled(self, client_order_id):
        return self.order(client_order_id).filled_qty.as_decimal()

    def events(self, client_order_id=None):
        names = [(e.client_order_id, type(e).__name__.removeprefix("Order")) for e in self.trader.happened]
        wanted = [name for cid, name in names if client_order_id in (None, cid)]
        return [name for name in wanted if name not in ("Initialized", "Submitted")]

    def last(self, client_order_id, kind):
        found = [e for e in self.trader.happened if e.client_order_id == client_order_id]
        found = [e for e in found if type(e).__name__ == f"Order{kind}"]
        return found[-1] if found else None

    async def until(self, condition, secs=30.0, what=""):
        deadline = asyncio.get_running_loop().time() + secs
        while not condition():
            if asyncio.get_running_loop().time() > deadline:
                found = what() if callable(what) else what
                raise AssertionError(
                    f"never happened: {found or condition}; events {self.events()}, doubts {self.client.doubts}, "
                    f"reasons {[getattr(e, 'reason', '') for e in self.trader.happened]}, strays {self.double.strays}"
                )
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.005)  # what is told together is heard one after another

    async def has(self, client_order_id, *names):
        await self.until(lambda: set(names) <= set(self.events(client_order_id)), what=str(names))

    # Whether all say the same

    async def must_agree(self):
        """Wait until venue, cache, guard and ledger agree; say what differs when they never do."""
        await self.until(lambda: not self.disagreements(), what=self.disagreements)

    def disagreements(self):
        return [*self._of_orders(), *self._of_shares(), *self._of_money(), *self.double.audit()]

    def _of_orders(self):
        ours = {order.venue_order_id.value for order in self.cache.orders_open() if order.venue_order_id}
        if ours != self.open_there():
            yield f"open orders: the venue has {self.open_there()}, the cache {ours}"
        if self.cache.orders_inflight():
            yield f"orders in flight: {[one.client_order_id.value for one in self.cache.orders_inflight()]}"
        if self.client.doubts:
            yield f"doubts: {self.client.doubts}"
        if self.guardian.exposure.live_count() != len(self.cache.orders_open()):
            yield f"reservations: {self.guardian.exposure.live_count()}"

    def _of_shares(self):
        for on, token in ((YES, TOKENS[0]), (NO, TOKENS[1])):
            moved = sum((_signed(e) for e in self._fills() if e.instrument_id == on), Decimal(0))
            there = self.shares_there(token) - self.begin_shares[token]
            counted = self.client._desk.holdings.of(token) - self.begin_shares[token]
            if not moved == there == counted:
                yield f"shares of {token[-1]}: the venue moved {there}, the engine {moved}, the desk {counted}"

    def _of_money(self):
        paid = sum((_cost(event) for event in self._fills()), Decimal(0))
        if self.begin_cash - paid != self.cash_there():
            yield f"cash: the venue has {self.cash_there()}, our fills say {self.begin_cash - paid}"
        self.ledger.audit()
        if self.ledger.cash_usd(VENUE) != self.cash_there():
            yield f"cash: the venue has {self.cash_there()}, the ledger {self.ledger.cash_usd(VENUE)}"

    def _fills(self):
        return [e for e in self.trader.happened if isinstance(e, OrderFilled | OrderFillVoided)]


def _signed(event):
    size = event.last_qty.as_decimal() if isinstance(event, OrderFilled) else -event.voided_qty.as_decimal()
    return size if event.order_side == OrderSide.BUY else -size


def _cost(event):
    fee = event.commission if isinstance(event, OrderFilled) else event.commission_voided
    charged = Decimal(0) if fee is None else fee.as_decimal()
    paid = charged if isinstance(event, OrderFilled) else -charged
    return (_signed(event) * event.last_px.as_decimal()).quantize(Decimal("0.000001")) + paid


class Made:
    """What the node's factories make, and what the client tells."""

    def __init__(self, stage, how):
        self.differences, self.conditions, made = [], [], self
        self.guard = how.guard or (lambda *_: None)

        class Feed(MarketDataClient):
            async def _connect(self):
                pair = instruments(**how.terms)
                for instrument in (pair.yes, pair.no):
                    self._handle_instrument(instrument)

            async def _disconnect(self): ...

        class Feeds(DataClientFactory):
            @staticmethod
            def create(*, name, config, cache, clock):
                made.feed = Feed(name=name, config=config, cache=cache, clock=clock, venue=Venue(VENUE))
                return made.feed

        trading = execution_factory(
            lambda *asked: made.guard(*asked),
            self.differences.append,
            lambda condition, _detail: self.conditions.append(condition),
            how.memory,
        )

        class Desks(trading):
            @staticmethod
            def create(**context):
                made.client = trading.create(**context)
                return made.client

        self.factories = {"data_factories": {VENUE: Feeds}, "exec_factories": {VENUE: Desks}}


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
        data_clients={VENUE: DataClientConfig()},
        exec_clients={VENUE: PolymarketClientConfig(stage.config(**how.settings))},
        timeout_disconnection_secs=2,
        delay_post_stop_secs=0,
    )


@asynccontextmanager
async def desk_in_node(stage, how):
    """Run a live node while the caller holds its desk."""
    started, desk = asyncio.Event(), None
    made = Made(stage, how)
    with patch.dict(os.environ, {"POLYMARKET_PRIVATE_KEY": OURS}):
        node = LiveNode.build("node", node_config(stage, how), **made.factories)
    trader = Trader(started, claims=how.claims)
    node.add_strategy(trader)
    cache, handle = node.cache, node.handle()
    running = asyncio.ensure_future(node.run_async())
    try:
        waiting = asyncio.ensure_future(started.wait())
        await asyncio.wait([waiting, running], return_when=asyncio.FIRST_COMPLETED)
        desk = Desk(stage, trader, made, cache)
        await desk.until(lambda: not desk.client.doubts)
        yield desk
    finally:
        handle.stop()
        try:
            await _ended(running, how.expects_unresolved)
        finally:
            node.dispose()
            # A failure keeps this frame, and a thread has one node: let go of it, or the next test fails too.
            node = handle = cache = running = trader = desk = made = None


async def _ended(running, expects_unresolved):
    try:
        await running
    except RuntimeError as error:
        if not (expects_unresolved and "unresolved" in str(error).lower()):
            raise


def rehearse(*works, agrees=True, between=None, **how):
    """Run each `work(desk)` inside a live node of its own, all against one double; afterwards all must agree."""
    plan = How(**how)

    async def main():
        async with asyncio.timeout(plan.seconds), Stage(plan).standing() as stage:
            for number, work in enumerate(works):
                if number:  # ids name their second and count from 1: a book's node leaves that second too
                    await asyncio.sleep(1.0 - wall_ns() % 10**9 / 10**9)
                if number and between is not None:
                    await between(stage)
                async with desk_in_node(stage, plan) as desk:
                    await work(desk)
                    if agrees:
                        await desk.must_agree()

    asyncio.run(main())
