"""A person trades on the account of a running book: the books follow, and our strategies' figures stay theirs."""

import asyncio
import os
from decimal import Decimal

import pytest
from nautilus_trader.model import InstrumentId
from polymarket_node import standing
from polymarket_posts import post, wall_ns

from adapters.kalshi.messages.orders import AmendOrder, CancelOrder
from adapters.polymarket.factories.execution import make_http
from campaigns.kalshi.desk import Parts, in_place
from campaigns.kalshi.victim import write_book
from campaigns.kalshi.world import MARKETS, USER, World
from campaigns.polymarket.world import SERIES
from campaigns.whole_node import actor_of, whole_node
from network.outcomes import Done
from risk.state import State
from system.reconciliation import Pace, Reconciler

(TICKER, _, SHARD), (OTHER, _, _) = MARKETS[:2]
YES, OTHER_YES = (InstrumentId.from_str(f"{ticker}-YES.KALSHI") for ticker in (TICKER, OTHER))
HANDS = "EXTERNAL"


class Scene:
    """A whole node at Kalshi's double; `agrees` is whether all books were compared lately and nothing differs."""

    def __init__(self, world, node, parts, reconcilers):
        self.world, self.node, self.control = world, node, world.double.control
        self.actor, self.ledger = actor_of(node), node.crew.ledger
        self.client = parts.clients[-1]
        self.http = self.client._desk.http
        self.reconcilers = reconcilers
        self.control.make_trusted("bob", SHARD)

    async def agrees(self):
        looks = self.reconcilers[0].looks
        await self.until(lambda: self.reconcilers[0].looks > looks + 1 and not self.node.guardian.doubts)

    def by_hand(self, ticker, side, price, count):
        """Trade as a person of our account, against somebody who wants the contrary."""
        self.control.trade_as("bob", ticker, {"bid": "ask", "ask": "bid"}[side], price, count)
        self.control.trade_as(USER, ticker, side, price, count)

    def cash(self):
        return self.world.books().cash_usd

    def status(self, sent):
        found = self.node._cache.order(sent.client_order_id)
        return None if found is None else found.status.name

    async def until(self, condition, secs=40.0):
        deadline = asyncio.get_running_loop().time() + secs
        while not condition():
            assert asyncio.get_running_loop().time() < deadline, (
                self.node.guardian.doubts,
                self.actor.happened,
            )
            await asyncio.sleep(0.02)


@pytest.fixture
def play(monkeypatch):
    def playing(work):
        async def main():
            world, parts, reconcilers = World(1), Parts(), []
            for name, text in (await world.open()).items():
                monkeypatch.setenv(name, text)

            def compare(*asked):
                reconcilers.append(
                    Reconciler(*asked, pace=Pace(every_secs=0.3, confirm_secs=0.2, patience_secs=1.5))
                )
                return reconcilers[-1]

            monkeypatch.setattr("system.venue_audit.Reconciler", compare)
            try:
                async with (
                    asyncio.timeout(240),
                    whole_node(lambda folder: write_book(folder, 1), in_place(parts)) as node,
                ):
                    while node.phase != "running" or {YES, OTHER_YES} - set(actor_of(node).outcomes):
                        await asyncio.sleep(0.02)
                    scene = Scene(world, node, parts, reconcilers)
                    await scene.agrees()
                    await work(scene)
            finally:
                await world.close()

        asyncio.run(main())

    return playing


@pytest.mark.card("kalshi", "AR-E36")
def test_what_a_person_buys_is_booked_as_nobodys_and_the_book_trades_on(play):
    async def work(scene):
        scene.by_hand(TICKER, "bid", "0.60", "5")
        await scene.until(lambda: scene.ledger.quantity(HANDS, str(YES)) == 5)
        await scene.agrees()
        assert scene.ledger.quantity("actor-001", str(YES)) == 0
        assert scene.actor.happened == []
        assert scene.ledger.cash_usd("KALSHI") == scene.cash()
        ours = scene.actor.buy(OTHER_YES, Decimal(1), Decimal("0.30"))
        await scene.until(lambda: scene.status(ours) == "ACCEPTED")
        scene.ledger.audit()

    play(work)


def test_a_strategy_may_sell_what_it_holds_beside_a_person(play):
    async def work(scene):
        scene.control.trade_as("bob", TICKER, "ask", "0.40", "5")
        ours = scene.actor.buy(YES, Decimal(5), Decimal("0.40"))
        await scene.until(lambda: scene.status(ours) == "FILLED")
        scene.by_hand(TICKER, "bid", "0.41", "3")
        await scene.until(lambda: scene.ledger.quantity(HANDS, str(YES)) == 3)
        await scene.agrees()
        scene.control.trade_as("bob", TICKER, "bid", "0.39", "5")
        sold = scene.actor.sell(YES, Decimal(5), Decimal("0.39"))
        await scene.until(lambda: scene.status(sold) == "FILLED")
        await scene.agrees()
        assert scene.ledger.quantity(None, str(YES)) == 3
        assert scene.ledger.cash_usd("KALSHI") == scene.cash()

    play(work)


def test_an_order_of_a_person_is_set_aside_for_as_it_changes_and_until_it_is_gone(play):
    async def work(scene):
        order, _ = scene.control.trade_as(USER, TICKER, "bid", "0.30", "5")
        live = scene.node.guardian.exposure

        def sizes():
            return [str(ask.quantity) for one in live.live() for ask in one.asks if one.strategy == HANDS]

        await scene.until(lambda: sizes() == ["5.00"])
        await scene.agrees()
        amend = AmendOrder(ticker=TICKER, side="bid", price="0.3100", count="8.00", exchange_index=SHARD)
        await scene.http.amend_order(order.order_id, amend)
        await scene.until(lambda: sizes() == ["8.00"])
        scene.control.trade_as("bob", TICKER, "ask", "0.31", "3")
        await scene.until(lambda: scene.ledger.quantity(HANDS, str(YES)) == 3)
        await scene.agrees()
        cancel = CancelOrder(order_id=order.order_id, market_ticker=TICKER, exchange_index=SHARD)
        await scene.http.cancel_order(cancel)
        await scene.until(lambda: not live.live())
        assert scene.node.guardian.state == State.ACTIVE
        await scene.agrees()
        assert scene.ledger.cash_usd("KALSHI") == scene.cash()

    play(work)


def test_what_a_person_holds_is_paid_in_the_ledger_when_its_market_pays(play):
    async def work(scene):
        scene.by_hand(TICKER, "bid", "0.60", "5")
        await scene.until(lambda: scene.ledger.quantity(HANDS, str(YES)) == 5)
        life, market = scene.world.double.life, scene.world.double.exchange.markets[TICKER]
        life.move_close(TICKER, scene.world.double.exchange.now_ns() + 50_000_000)
        await scene.until(lambda: market.status == "closed")
        life.determine(TICKER, "yes")
        await scene.until(lambda: scene.ledger.quantity(HANDS, str(YES)) == 0)
        await scene.agrees()
        assert scene.ledger.cash_usd("KALSHI") == scene.cash()

    play(work)


def test_what_a_person_sells_of_a_strategy_s_contracts_stays_a_difference_and_bars_new_risk(play, caplog):
    async def work(scene):
        scene.control.trade_as("bob", TICKER, "ask", "0.40", "5")
        ours = scene.actor.buy(YES, Decimal(5), Decimal("0.40"))
        await scene.until(lambda: scene.status(ours) == "FILLED")
        await scene.agrees()
        scene.by_hand(TICKER, "ask", "0.40", "2")
        await scene.until(lambda: f"position {TICKER}" in str(scene.node.guardian.doubts))
        assert scene.ledger.quantity("actor-001", str(YES)) == 5
        more = scene.actor.buy(OTHER_YES, Decimal(1), Decimal("0.30"))
        await scene.until(lambda: scene.status(more) == "DENIED")
        assert scene.node.phase == "running"
        assert "it sold 2.00 contracts that others hold" in caplog.text

    play(work)


@pytest.mark.card("polymarket", "AR-E36")
def test_at_polymarket_a_person_s_order_and_its_trade_are_booked_as_nobodys(tmp_path):
    name = f"polymarket:{SERIES[2]}-*"

    async def work(scene):
        scene.offer(50, 100)
        yes, token = scene.outcomes[0], scene.market.tokens[0]
        await scene.until(scene.agrees)
        http = scene.client._desk.http
        _, wallet = make_http(scene.client._desk.settings, os.environ, wall_ns)
        _, outcome = await post(http, wallet, token, "BUY", "0.51", 7)
        assert isinstance(outcome, Done)
        await scene.until(lambda: scene.ledger.quantity(HANDS, str(yes)) == 7)
        await scene.until(lambda: scene.world.is_quiet and scene.agrees())
        assert scene.ledger.quantity("hand-1", str(yes)) == 0
        assert scene.hand.heard == []
        assert scene.ledger.cash_usd("POLYMARKET") == scene.cash()

    async def main():
        async with (
            asyncio.timeout(240),
            standing(tmp_path, instruments=[name], config=f'{{ series = ["{name}"] }}') as scene,
        ):
            await work(scene)

    asyncio.run(main())
