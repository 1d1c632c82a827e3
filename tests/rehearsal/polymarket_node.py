"""A whole node, as `run_live.py` builds it, at the Polymarket of the campaigns; a hand trades when a test says so."""

import asyncio
import os
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import override
from unittest.mock import patch

from nautilus_trader.common import LogLevel
from nautilus_trader.model import InstrumentClose, InstrumentId, TimeInForce

from campaigns.polymarket.desk import Parts, in_place
from campaigns.polymarket.world import World, make_markets
from engine import Strategy, StrategyConfig
from markets.instruments import outcome_id
from markets.names import Series
from simulation.wire.polymarket_orders import CROWD, OrderAsk
from simulation.wire.polymarket_units import ONE
from storage.journal.journal import Journal
from system.crew import RunFailed
from system.event_log import EventLog
from system.node import BookNode, now_ns
from system.node_plan import NodePlan
from system.node_process import make_plan
from system.reconciliation import Pace, Reconciler
from system.run_journal import RunJournal

QUICK = Pace(every_secs=0.5, confirm_secs=0.2, patience_secs=3.0)
VENUE = "POLYMARKET"
PLAIN = 4  # of the campaign's markets, the one without a delay and without an event of many


class HandConfig(StrategyConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`series` are followed, `outcomes` are instrument ids."""

    series: tuple[Series, ...] = ()
    outcomes: tuple[str, ...] = ()


class Hand(Strategy[HandConfig]):
    """Trades what a test asks for, and keeps what it heard."""

    @override
    def on_start(self):
        self.met, self.heard, self.quoted = [], [], set()
        for series in self.config.series:
            self.follow(series)
        for outcome in self.config.outcomes:
            self._look_at(InstrumentId.from_str(outcome))

    @override
    def on_market(self, market):
        self.met.append(market)
        for side in (market.yes, market.no):
            self._look_at(side.id)

    def _look_at(self, instrument_id):
        self.subscribe_quotes(instrument_id)
        self.subscribe_instrument_close(instrument_id)

    @override
    def on_quote(self, quote):
        self.quoted.add(quote.instrument_id)

    @override
    def on_resolution(self, resolution):
        self.heard.append(resolution)

    @override
    def on_instrument_close(self, close):
        self.heard.append(close)

    @override
    def on_order_event(self, event):
        self.heard.append(event)


class Scene:
    """The double's world, the node, and the hand in it; `reconcilers` are those that compare its books."""

    def __init__(self, world, node, reconcilers, client):
        self.world, self.node, self.exchange = world, node, world.double.exchange
        self.reconcilers, self.client = reconcilers, client
        self.hand, self.ledger = node._strategies[0], node.crew.ledger
        self.market = self.exchange.markets[make_markets(0)[PLAIN].condition_id]

    @property
    def outcomes(self):
        return [outcome_id(self.market.condition_id, VENUE, token) for token in self.market.tokens]

    def offer(self, cents, shares):
        """Let others sell the first outcome a cent above `cents`, and the second at what `cents` leave of a dollar."""
        self.exchange.ledger.deposit("others", 2 * shares * ONE)
        for token, price in zip(self.market.tokens, (cents, 100 - cents + 1), strict=True):
            number = len(self.exchange.orders)
            ask = OrderAsk(
                f"0x{number:064x}", "others", CROWD, token, True, (100 - price) * 100, shares * ONE, "GTC"
            )
            self.exchange.place(ask)

    async def buy(self, outcome, shares, price):
        """Take what is offered, as soon as that may be."""
        await self.until(lambda: outcome in self.hand.quoted and self.agrees())
        sent = self.hand.buy(outcome, Decimal(shares), Decimal(price), time_in_force=TimeInForce.IOC)
        await self.until(lambda: self.status(sent) == "FILLED")

    def agrees(self):
        """Whether all books were compared, and nothing differs."""
        compared = any(one.looks for one in self.reconcilers)
        return compared and not self.node.guardian.doubts

    def closes(self):
        """What each outcome was told to pay."""
        return [
            (one.instrument_id, str(one.close_price))
            for one in self.hand.heard
            if isinstance(one, InstrumentClose)
        ]

    def turn_to(self, place):
        """Look at another of the campaign's markets from now on, and let others trade there."""
        self.ended = self.market.condition_id
        self.market = self.exchange.markets[make_markets(0)[place].condition_id]
        self.offer(50, 100)

    def cash(self):
        return Decimal(self.exchange.ledger.wallet(self.world.address).cash) / ONE

    def shares(self):
        wallet = self.exchange.ledger.wallet(self.world.address)
        return [Decimal(wallet.holds(token)) / ONE for token in self.market.tokens]

    def status(self, order):
        found = self.node._cache.order(order.client_order_id)
        return None if found is None else found.status.name

    async def until(self, condition, secs=90.0):
        deadline = asyncio.get_running_loop().time() + secs
        while not condition():
            heard = [(type(one).__name__, getattr(one, "reason", "")) for one in self.hand.heard]
            assert asyncio.get_running_loop().time() < deadline, (heard, self.node.guardian.doubts)
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.005)  # what is told together is heard one after another


@asynccontextmanager
async def standing(folder, *, instruments, config, seed=7):
    """Yield a scene while the node runs; both are over afterwards."""
    world = World(seed)
    kept = dict(os.environ)
    os.environ.update(await world.open())
    file = folder / "book.toml"
    file.write_text(f"""name = "hand"
instruments = {list(instruments)}
risk = [{{ rule = "risk.rules.exposure:MaxDeployed", config = {{ limit = 1000 }} }}]
[[strategies]]
strategy = "polymarket_node:Hand"
id = "hand-1"
config = {config}
[live]
venues = ["{VENUE}"]
[live.settings.{VENUE}]
reconcile_secs = 1.0
""")
    try:
        plan = await asyncio.to_thread(make_plan, file, "rehearsal", os.environ)
        journal = RunJournal(
            Journal.open(str(folder / "journal.sqlite"), now_ns), "hand", plan.mode, plan.book.name, now_ns
        )
        journal.begin(plan.trader_id, "test", plan.identity)
        reconcilers, parts = [], Parts()

        def compare(*asked):
            reconcilers.append(Reconciler(*asked, pace=QUICK))
            return reconcilers[-1]

        with (
            patch("system.venue_audit.Reconciler", compare),
            in_place(parts),
            EventLog(folder / "events.jsonl", keeps_up=True) as log,
        ):
            book = NodePlan(
                book=plan.book, mode=plan.mode, environ=plan.environ, journal=journal, log_level=LogLevel.OFF
            )
            node = BookNode(book, log)
            running = asyncio.ensure_future(node.run())
            try:
                async with asyncio.timeout(90):
                    while node.phase != "running":
                        assert not running.done()
                        await asyncio.sleep(0.02)
                yield Scene(world, node, reconcilers, parts.clients[-1])
            finally:
                node.stop()
                with suppress(RunFailed):
                    await running
    finally:
        await world.close()
        os.environ.clear()
        os.environ.update(kept)
