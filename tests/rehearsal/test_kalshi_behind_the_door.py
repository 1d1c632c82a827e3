"""A strategy behind our door at the double: what only happens because an order passes an algorithm."""

import asyncio
from decimal import Decimal

from nautilus_trader.model import InstrumentId

from campaigns.kalshi.desk import Desk
from campaigns.kalshi.run import Running, until
from campaigns.kalshi.world import USER, World

YES = InstrumentId.from_str("KXBTC15M-A-45-YES.KALSHI")


def test_an_order_that_is_taken_back_inside_the_engine_never_reaches_the_venue():
    async def main():
        world = World(1)
        desk = Desk(await world.start(), world.environ, 1)
        try:
            async with Running(desk):
                await until(lambda: not desk.client.doubts and YES in desk.actor.outcomes, 20)
                orders = [desk.actor.buy(YES, Decimal(1), Decimal("0.40")) for _ in range(3)]
                desk.actor.cancel_all_orders(YES)
                names = [order.client_order_id for order in orders]
                await until(lambda: all(desk.cache.order(name).is_closed for name in names), 10)
                last = desk.actor.buy(YES, Decimal(1), Decimal("0.30"))
                await until(lambda: desk.cache.order(last.client_order_id).status.name == "ACCEPTED", 10)
                assert [order.status.name for order in map(desk.cache.order, names)] == ["CANCELED"] * 3
                there = [row["client_order_id"] for row in world.double.snapshot().orders[USER]]
                assert there == [last.client_order_id.value]
                assert desk.client.doubts == ()
        finally:
            await world.double.stop()

    asyncio.run(main())
