"""A cancel is followed once, and what nobody knows of it stays unknown until it ends."""

import asyncio
from decimal import Decimal
from types import SimpleNamespace

from nautilus_trader.model import ClientOrderId, InstrumentId

from network.outcomes import Done, Refused, Unknown
from network.tasks import Tasks
from orders.ending import Cancelling
from orders.tickets import Ticket


class Venue(Cancelling):
    """Answers cancels when and as the test says; an order rests until a cancel is done."""

    def __init__(self):
        self.failed = []
        self.tasks = Tasks(lambda name, error: self.failed.append((name, error)))
        self.rejected = []
        client = SimpleNamespace(generate_order_cancel_rejected=lambda *facts: self.rejected.append(facts))
        desk = SimpleNamespace(tasks=self.tasks, client=client, now_ns=1)
        super().__init__(
            desk, SimpleNamespace(order=lambda ticket: ticket), 10, sleep=lambda _secs: asyncio.sleep(0)
        )
        self.asked = []

    async def send(self, ticket):
        self.asked.append(asyncio.get_running_loop().create_future())
        return await self.asked[-1]

    async def send_together(self, tickets):
        answer = await self.send(tickets[0])
        if isinstance(answer, Exception):
            raise answer
        return [answer] * len(tickets)

    async def problem(self, ticket, outcome):
        if isinstance(outcome, Done):
            ticket.is_closed = True
            return None
        await asyncio.sleep(0)
        return "it rests"


def resting():
    ticket = Ticket(
        client_order_id=ClientOrderId("O-1"),
        instrument_id=InstrumentId.from_str("A-YES.KALSHI"),
        contracts=Decimal(1),
        order_id="V-1",
    )
    ticket.known.set()
    return ticket


async def turns(number=20):
    for _ in range(number):
        await asyncio.sleep(0)


def test_an_order_that_is_cancelled_again_meanwhile_stays_in_doubt_until_the_first_cancel_has_ended():
    async def main():
        venue, ticket = Venue(), resting()
        venue.tasks.start("first", venue.cancel(ticket))
        await turns()
        venue.asked[0].set_result(Unknown("no answer", "timeout"))
        await turns()
        assert ticket.unknown == "no answer"
        await venue.cancel(ticket)
        await venue.cancel_many([ticket])
        assert len(venue.asked) == 2
        assert ticket.unknown == "no answer"
        venue.asked[1].set_result(Refused(429, "", "too many requests"))
        await turns()
        assert ticket.unknown == "no answer"
        venue.asked[2].set_result(Done(None, 200))
        await turns()
        assert (ticket.is_closed, ticket.unknown) == (True, None)
        assert (venue.failed, venue.rejected) == ([], [])

    asyncio.run(main())


def test_what_ended_badly_can_be_cancelled_again():
    async def main():
        venue, ticket = Venue(), resting()
        venue.tasks.start("refused", venue.cancel(ticket))
        await turns()
        venue.asked[0].set_result(Refused(0, "not_sent", "no connection"))
        await turns()
        assert len(venue.rejected) == 1
        venue.tasks.start("broken", venue.cancel_many([ticket]))
        await turns()
        venue.asked[1].set_result(ConnectionError("a bug"))
        await turns()
        assert [str(error) for _, error in venue.failed] == ["a bug"]
        venue.tasks.start("done", venue.cancel_many([ticket]))
        await turns()
        venue.asked[2].set_result(Done(None, 200))
        await turns()
        assert ticket.is_closed

    asyncio.run(main())
