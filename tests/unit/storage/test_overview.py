from decimal import Decimal

import pytest

from storage.journal.journal import Journal
from storage.journal.overview import orders
from storage.journal.records import Fill, OrderEvent, Run, Verdict
from storage.journal.scope import Scope

OF_RUN = {"run": "r-1", "at_ns": 1}
OF_ORDER = {"order_id": "O-1", "strategy": "edge-1", "instrument": "M-NO.KALSHI"}
RUN = Run(**OF_RUN, mode="rehearsal", book="b", trader="T-1", engine="rc7", hashes={}, settings={})
ASKED = Verdict(
    **OF_RUN,
    **OF_ORDER,
    kind="new",
    side="BUY",
    quantity=Decimal("2.00"),
    price=Decimal("0.6800"),
    worst_case_usd=Decimal("1.390500"),
    expected_fee_usd=Decimal("0.030500"),
    belief=None,
    belief_ns=None,
    bid=Decimal("0.6800"),
    ask=Decimal("0.6900"),
    rule=None,
    reason=None,
)
REDUCED = {"quantity": "1.00", "price": "0.7400"}
SENT = ("OrderInitialized", "OrderSubmitted", "OrderAccepted")
CHANGED = (*SENT, "OrderPendingUpdate", "OrderUpdated")


def state_after(url, kinds, traded=()):
    """Return how many contracts at which price an order is for, and the word for how it stands."""
    journal = Journal.open(url, lambda: 1)
    try:
        for record in (RUN, ASKED, *map(event, kinds), *map(fill, traded)):
            journal.note(record)
        (found,) = journal.find(
            lambda connection: orders(connection, Scope("rehearsal", "r-1"), with_closed=True)
        )
    finally:
        journal.close()
    assert found.filled == sum(map(Decimal, traded))
    assert found.is_open == (found.state in {"passed", "in flight", "resting"})
    return str(found.quantity), str(found.price), found.state


def event(kind):
    detail = REDUCED if kind == "OrderUpdated" else {}
    return OrderEvent(
        **OF_RUN, **OF_ORDER, known_ns=1, venue_order_id="v-1", kind=kind, event_id="e", detail=detail
    )


def fill(quantity):
    return Fill(
        **OF_RUN,
        **OF_ORDER,
        known_ns=1,
        venue_order_id="v-1",
        trade_id="t-1",
        outcome={},
        side="BUY",
        quantity=Decimal(quantity),
        price=Decimal("0.70"),
        fee_usd=Decimal("0.014700"),
        is_taker=True,
        evidence="S",
        correction_id=None,
    )


@pytest.mark.parametrize(
    ("kinds", "word"),
    [
        ((), "passed"),
        (SENT[:2], "in flight"),
        (SENT, "resting"),
        ((*SENT, "OrderPendingCancel"), "resting"),
        ((*SENT, "OrderPendingCancel", "OrderCanceled"), "canceled"),
        ((*SENT[:2], "OrderRejected"), "rejected"),
        ((*SENT, "OrderExpired"), "expired"),
        (("OrderInitialized", "OrderDenied"), "denied"),
        ((*SENT[:2], "NeverArrived"), "never arrived"),
    ],
)
def test_an_order_stands_as_what_was_told_of_it_last(journal_url, kinds, word):
    assert state_after(journal_url, kinds) == ("2.00", "0.6800", word)


@pytest.mark.parametrize(
    ("traded", "word"), [((), "resting"), (("0.40",), "resting"), (("0.40", "1.60"), "filled")]
)
def test_an_order_is_filled_when_its_trades_add_up_to_it(journal_url, traded, word):
    assert state_after(journal_url, SENT, traded) == ("2.00", "0.6800", word)


@pytest.mark.parametrize(
    "since", [(), ("OrderPendingCancel",), ("OrderPendingUpdate", "OrderModifyRejected")]
)
@pytest.mark.parametrize(("traded", "word"), [((), "resting"), (("1.00",), "filled")])
def test_an_order_stays_changed_whatever_is_told_of_it_since(journal_url, since, traded, word):
    # Seen in a rehearsal: halved, asked to be cancelled, filled before that; it counted as open for ever.
    assert state_after(journal_url, (*CHANGED, *since), traded) == ("1.00", "0.7400", word)
