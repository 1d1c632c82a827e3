"""The Polymarket of the campaigns: every kind of fault can be drawn, its books are those of our wallet."""

import asyncio

import aiohttp

from campaigns.plans import draw_plan, name_of
from campaigns.polymarket.world import CASH_USD, World, make_markets, terrain, wall_ns
from simulation.wire.faults import Injected
from simulation.wire.polymarket_orders import OrderAsk
from simulation.wire.polymarket_units import ONE


def test_every_kind_of_fault_is_drawn_by_some_seed_and_taken_by_the_double():
    ground = terrain(2.0, 3.0)
    drawn = set()
    for seed in range(400):
        plan = draw_plan(seed, ground)
        World(seed, plan)
        drawn |= {name_of(Injected(0, "", 1, fault)) for fault in plan.faults}
    assert drawn == set(ground.every_fault())


def test_its_markets_are_of_three_kinds_and_the_same_for_every_run():
    markets = make_markets(wall_ns())
    assert [market.condition_id for market in markets] == [market.condition_id for market in make_markets(0)]
    assert [(market.is_delayed, market.neg_risk) for market in markets[::2]] == [
        (True, False), (False, True), (False, False),
    ]  # fmt: skip


def test_its_books_count_our_fills_by_market_and_leave_out_what_was_reverted():
    async def main():
        world = World(7)
        base = await world.start()
        exchange = world.double.exchange
        market = make_markets(0)[4]
        yes, no = market.tokens
        exchange.ledger.deposit("others", 100 * ONE)
        world.double.settlement.fates.append("fail")
        for number in (1, 2):
            for wallet, token, price in ((world.address, no, 4_000), ("others", yes, 6_000)):
                order_id = f"0x{number}{token}"
                exchange.place(OrderAsk(order_id, wallet, "us" if wallet != "others" else "them", token, True, price,
                                        10 * ONE, "GTC"))  # fmt: skip
        async with asyncio.timeout(30):
            while not world.is_quiet:
                await asyncio.sleep(0.01)
        books = world.books({f"0x{number}{no}": f"O-{number}" for number in (1, 2)})
        assert [order.client_order_id for order in books.orders] == ["O-1", "O-2"]
        [fill] = books.fills
        assert (fill.signed, fill.fee_usd, books.cash_usd) == (-10, 0, CASH_USD - 4)
        assert books.positions == {market.condition_id: -10}
        assert (len(world.reverted), books.faults) == (1, ())
        async with aiohttp.ClientSession() as session, session.get(f"{base}/time") as answer:
            assert answer.status == 200
        await world.double.stop()

    asyncio.run(main())
