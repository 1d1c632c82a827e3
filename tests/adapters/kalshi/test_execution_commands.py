"""What a command does before anything is sent."""

import asyncio
from types import SimpleNamespace

from nautilus_trader.model import ClientOrderId

from adapters.kalshi.execution.commands import Submission


def test_an_order_that_the_engine_closed_before_its_submit_came_is_not_sent():
    # Seen on rc7 with an order routed through an algorithm: a cancel-all closes it while it is INITIALIZED,
    # and the submit arrives all the same; the venue then held an order that the engine had ended.
    sent = []

    async def create_order(request):
        sent.append(request)

    desk = SimpleNamespace(http=SimpleNamespace(create_order=create_order), teller=None)
    order = SimpleNamespace(is_closed=True, client_order_id=ClientOrderId("O-1"))
    asyncio.run(Submission(desk).submit(order))
    assert sent == []
