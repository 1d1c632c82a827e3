from decimal import Decimal

from nautilus_trader.model import ClientOrderId, InstrumentId

from orders.doubts import Doubts
from orders.tickets import Ending, Ticket, Tickets

QUARTER_OF_AN_HOUR_NS = 900 * 10**9


def ticket(name="O-1", **known):
    instrument_id = InstrumentId.from_str("A-YES.KALSHI")
    return Ticket(
        client_order_id=ClientOrderId(name), instrument_id=instrument_id, contracts=Decimal(10), **known
    )


def test_a_ticket_is_found_by_our_id_by_the_venues_and_by_one_that_is_known_before_it_arrives():
    tickets = Tickets()
    first, second = tickets.add(ticket("O-1")), tickets.add(ticket("O-2"), expected_id="V-2")
    tickets.name(first, "V-1")
    assert [tickets.find("O-1"), tickets.find(None, "V-1"), tickets.find(None, "V-2")] == [
        first,
        first,
        second,
    ]
    assert second.order_id is None
    assert not second.known.is_set()


def test_a_late_message_finds_an_order_that_ended_a_while_ago_and_none_that_ended_long_ago():
    tickets = Tickets()
    tickets.add(ticket("O-1", order_id="V-1", is_closed=True, closed_ns=1))
    tickets.forget(QUARTER_OF_AN_HOUR_NS)
    assert tickets.find(None, "V-1") is not None
    tickets.forget(QUARTER_OF_AN_HOUR_NS + 2)
    assert tickets.find(None, "V-1") is None


def test_what_is_unknown_of_a_cancel_is_unknown_of_its_order():
    one = ticket()
    assert one.unknown is None
    one.cancel_doubt = "no answer"
    assert one.unknown == "no answer"


def test_fills_are_missing_while_an_end_counts_more_than_was_told():
    one = ticket(told=Decimal(3))
    one.ending = Ending("canceled", Decimal(4), 1)
    assert one.misses_fills
    one.told = Decimal(4)
    assert not one.misses_fills


def test_the_oldest_doubt_is_named_first_and_a_cleared_one_no_more():
    doubts = Doubts([("stream", "down")])
    doubts.raise_("rest", "silent")
    assert doubts.first == "down"
    doubts.clear("stream")
    assert doubts.all == ("silent",)
