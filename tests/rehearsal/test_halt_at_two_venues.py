"""A halt while one of two venues does not answer: the other is closed meanwhile, and the silent one is asked on."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from fake_nodes import DONE, QUICK, STUBBORN, stage
from polymarket_house import How
from polymarket_house import Stage as Polymarket
from test_closing import resting, standing

from simulation.wire.fault_plan import PlannedFault
from system.polymarket_closing import PolymarketCloser
from system.supervisor import Command

ROUTES = {
    "KALSHI": (
        "DELETE /portfolio/events/orders",
        "GET /portfolio/orders",
        "GET /exchange/user_data_timestamp",
    ),
    "POLYMARKET": ("DELETE /cancel-all", "DELETE /orders", "GET /data/orders"),
}


@asynccontextmanager
async def both():
    """Yield the doubles, what rests at each, and who closes them."""
    async with standing() as (kalshi, kalshi_closer), Polymarket(How()).standing() as polymarket:
        for price in ("0.30", "0.31"):
            await polymarket.crowd("BUY", price, 10)
        closer = PolymarketCloser(polymarket.other, monotonic=time.monotonic)
        for one in (kalshi_closer, closer):
            await one.open()
        doubles = {"KALSHI": kalshi, "POLYMARKET": polymarket.double}
        rests = {"KALSHI": lambda: resting(kalshi), "POLYMARKET": polymarket.double.exchange.open_orders}
        yield doubles, rests, [kalshi_closer, closer]


async def until(condition, secs=90.0):
    async with asyncio.timeout(secs):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.card("kalshi", "AR-E34")
@pytest.mark.card("polymarket", "AR-E34")
@pytest.mark.parametrize(("silent", "other"), [("KALSHI", "POLYMARKET"), ("POLYMARKET", "KALSHI")])
def test_a_halt_closes_the_venue_that_answers_and_goes_on_asking_the_silent_one(tmp_path, silent, other):
    async def main():
        async with both() as (doubles, rests, closers):
            for route in ROUTES[silent]:
                doubles[silent].faults.add(PlannedFault(kind="drop", route=route, times=0))
            house = stage(tmp_path, STUBBORN, DONE, terms=replace(QUICK, closing_secs=5.0), closers=closers)
            running = asyncio.create_task(house.supervisor.run())
            await until(lambda: house.supervisor.child and house.supervisor.child.pulse)
            house.notes.commands.append(Command(1, "halt", "a fire", 5.0))
            await until(lambda: not rests[other]())
            assert not house.notes.outcomes  # nobody waits for the silent one
            await until(lambda: house.notes.outcomes)
            assert f"{other}: no order is open" in house.notes.outcomes[1]
            assert f"{silent}: not proven closed" in house.notes.outcomes[1]
            assert rests[silent]()
            doubles[silent].end_faults()
            assert await asyncio.wait_for(running, 120) == 0
            assert not rests[silent]()
            assert house.notes.halts == ["a fire"]

    asyncio.run(asyncio.wait_for(main(), 240))
