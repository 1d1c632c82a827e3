"""The supervisor's way to end our orders at Polymarket: without a node, by the venue's own list."""

import asyncio
import time

from polymarket_house import How, Stage

from simulation.wire.fault_plan import PlannedFault
from system.polymarket_closing import PolymarketCloser


def close(work):
    async def main():
        async with asyncio.timeout(120), Stage(How()).standing() as stage:
            closer = PolymarketCloser(stage.other, monotonic=time.monotonic)
            await closer.open()
            await work(stage, closer)

    asyncio.run(main())


def test_all_orders_are_cancelled_and_the_list_proves_it():
    async def work(stage, closer):
        for price in ("0.30", "0.31", "0.32"):
            await stage.crowd("BUY", price, 10)
        assert not (await closer.look(0.0)).is_closed
        closing = await closer.close(60.0)
        assert closing.is_closed, closing.text
        assert stage.double.exchange.open_orders() == []

    close(work)


def test_a_list_that_cannot_be_read_proves_nothing():
    async def work(stage, closer):
        stage.double.faults.add(PlannedFault(kind="status", route="GET /data/orders", times=0))
        closing = await closer.close(3.0)
        assert not closing.is_closed
        assert "could not be read" in closing.text or "nobody could look" in closing.text

    close(work)


def test_a_cancel_of_all_whose_answer_is_lost_is_sent_again():
    async def work(stage, closer):
        await stage.crowd("BUY", "0.30", 10)
        stage.double.faults.add(PlannedFault(kind="drop", route="DELETE /cancel-all"))
        closing = await closer.close(60.0)
        assert closing.is_closed, closing.text
        assert stage.double.exchange.open_orders() == []

    close(work)
