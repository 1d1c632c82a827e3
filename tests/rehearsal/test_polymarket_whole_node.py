"""A whole node at Polymarket's double: what it books when a market ends, and a book that names outcomes by their ids."""

import asyncio
from decimal import Decimal

import pytest
from polymarket_node import PLAIN, VENUE, standing

from campaigns.polymarket.world import SERIES, make_markets
from markets.facts import MarketResolution
from markets.instruments import outcome_id

NAME = f"polymarket:{SERIES[2]}-*"
OF_SERIES = {"instruments": [NAME], "config": f'{{ series = ["{NAME}"] }}'}


def play(folder, work, **book):
    async def main():
        async with asyncio.timeout(240), standing(folder, **(book or OF_SERIES)) as scene:
            scene.offer(50, 100)
            await work(scene)

    asyncio.run(main())


@pytest.mark.card("polymarket", "AR-E15")
def test_a_void_pays_half_on_each_side_and_yes_and_no_together_one(tmp_path):
    async def work(scene):
        yes, no = scene.outcomes
        await scene.buy(yes, 10, "0.51")
        await scene.buy(no, 10, "0.50")
        await scene.until(lambda: scene.world.is_quiet)
        before, fees = scene.cash(), scene.ledger.fees_usd
        assert scene.ledger.cash_usd(VENUE) == before
        scene.exchange.resolve(scene.market, None)
        await scene.until(lambda: not scene.ledger.positions())
        scene.ledger.audit()
        assert scene.ledger.cash_usd(VENUE) == scene.cash() == before + 10
        assert scene.ledger.fees_usd == fees
        assert sorted(scene.closes()) == sorted([(yes, "0.5000"), (no, "0.5000")])
        assert scene.node._cache.positions_open() == []
        for outcome, cost in ((yes, "5.1"), (no, "5.0")):
            (closed,) = scene.node._cache.positions_closed(instrument_id=outcome)
            paid = sum((fee.as_decimal() for fee in closed.commissions()), Decimal(0))
            assert closed.realized_pnl.as_decimal() == 5 - Decimal(cost) - paid
        told = [one for one in scene.hand.heard if isinstance(one, MarketResolution)]
        assert {one.payout for one in told} == {Decimal("0.5")}
        settled = scene.node.crew.diary.settlements  # what the report is written from
        assert {(one.instrument, one.payout) for one in settled} == {
            (str(one), Decimal("0.5")) for one in (yes, no)
        }

    play(tmp_path, work)


@pytest.mark.parametrize("winner", [0, 1])
@pytest.mark.parametrize("redeems", [True, False])
def test_after_a_market_has_paid_the_next_one_is_traded_redeemed_or_not(tmp_path, redeems, winner):
    """After the first payout the client held no share to be there, and denied every buy for ever."""

    async def work(scene):
        await scene.buy(scene.outcomes[0], 10, "0.51")
        await scene.until(lambda: scene.world.is_quiet)
        before, owed = scene.cash(), 0 if winner else 10
        scene.exchange.redeems = redeems
        scene.exchange.resolve(scene.market, scene.market.tokens[winner])
        await scene.until(lambda: not scene.ledger.positions())
        assert scene.ledger.cash_usd(VENUE) == before + owed
        assert scene.cash() == before + (owed if redeems else 0)
        passes = scene.client._reconciliation.passes
        await scene.until(
            lambda: scene.client._reconciliation.passes > passes + 6
        )  # whose doubts come by the second look
        scene.turn_to(PLAIN + 1)
        await scene.buy(scene.outcomes[0], 10, "0.51")
        assert scene.client.doubts == ()
        await scene.until(lambda: scene.client._desk.cash.balance_usd == scene.cash())
        assert scene.ledger.cash_usd(VENUE) - scene.cash() == (0 if redeems else owed)
        if not redeems:
            scene.exchange.ledger.redeem(scene.world.address, scene.exchange.markets[scene.ended])
            await scene.until(lambda: scene.cash() == scene.ledger.cash_usd(VENUE))
            seen = scene.reconcilers[0].looks
            await scene.until(lambda: scene.reconcilers[0].looks > seen + 3)
            assert scene.agrees()

    play(tmp_path, work)


def test_a_book_that_names_an_outcome_by_its_id_trades_it(tmp_path):
    async def work(scene):
        await scene.buy(scene.outcomes[1], 10, "0.50")
        assert scene.shares() == [0, 10]
        (position,) = scene.ledger.positions()
        assert (position.outcome.instrument, position.quantity) == (named, 10)
        assert scene.hand.met == []  # no series was followed

    market = make_markets(0)[PLAIN]
    named = str(outcome_id(market.condition_id, VENUE, market.tokens[1]))
    play(tmp_path, work, instruments=[named], config=f'{{ outcomes = ["{named}"] }}')
