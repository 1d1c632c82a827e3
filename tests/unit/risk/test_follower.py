"""What the books are told of an event: by whom, of what, when, and under which names."""

from decimal import Decimal

import pytest
from nautilus_trader.core import UUID4
from nautilus_trader.model import (
    AccountId,
    LiquiditySide,
    OrderFilled,
    OrderSide,
    OrderType,
    PositionId,
    Price,
    Quantity,
    TradeId,
    VenueOrderId,
)

from markets.currencies import USD
from risk.errors import ImpossiblePosting
from risk.trades import Fill

YES = "KXFED-27JAN-C-YES.KALSHI"


@pytest.fixture
def told(table, toy):
    """A table whose ledger writes down what it books; `hold` is what a ledger knows after a restart."""
    t = table()
    t.facts = []
    t.ledger.on_post = lambda _, fact: t.facts.append(fact)

    def hold(strategy="toy-1", trade="T-0"):
        t.ledger.post_fill(
            Fill(strategy, toy.outcome, True, Decimal(10), Decimal("0.4"), Decimal(0), "V-O-0", trade, 1)
        )
        t.facts.clear()

    t.hold = hold
    return t


def settles(t, fee="0"):
    """Return how a simulated venue settles: a fill of an order of its own."""
    order = t.order("EXPIRATION-1", "sell", "10.00", "1.0000")
    return t.filled(order, "10.00", "1.0000", fee)


def test_a_trade_is_booked_under_the_names_and_at_the_time_of_its_venue(told):
    order = told.order("O-1", "buy", "10.00", "0.4000")
    told.ask(order)
    told.fill(order, "10.00", "0.4000", "0.17", trade_id="T-1")
    (fact,) = told.facts
    assert (fact.strategy, fact.order_id, fact.trade_id, fact.now_ns) == (
        "toy-1",
        "V-O-1",
        "T-1",
        told.desk.now,
    )
    assert fact.fee_usd == Decimal("0.17")


def test_a_trade_about_whose_commission_nothing_is_said_is_free(told):
    order = told.order("O-1", "buy", "10.00", "0.4000")
    told.ask(order)
    event = OrderFilled(
        *told.ids(order), VenueOrderId("V-1"), AccountId("KALSHI-001"), TradeId("T-1"), OrderSide.BUY,
        OrderType.LIMIT, Quantity.from_str("10.00"), Price.from_str("0.4000"), USD, LiquiditySide.MAKER, UUID4(),
        told.desk.now, told.desk.now, reconciliation=False, commission=None, position_id=PositionId("P-1"),
    )  # fmt: skip
    told.guard.hear(event, told.desk)
    assert told.ledger.fees_usd == 0
    assert told.ledger.cash_usd() == 996


@pytest.mark.parametrize("how", ["fill", "position"])
def test_a_payout_after_a_restart_is_booked_once_as_what_it_is(how, told):
    told.hold()
    if how == "fill":
        told.guard.hear(settles(told), told.desk)
        name = "P-EXPIRATION-1"
    else:
        told.position_closed(told.order("O-0", "buy", "10.00", "0.4000"), "10.00", "1.0000")
        name = "P-O-0"
    (fact,) = told.facts
    assert (fact.strategy, fact.outcome.instrument, fact.quantity) == ("toy-1", YES, 10)
    assert (fact.payout, fact.reference, fact.now_ns) == (1, name, told.desk.now)
    assert told.ledger.positions() == ()


def test_only_what_its_own_strategy_held_is_settled_with_a_position(told):
    told.hold()
    told.hold("toy-2", "T-9")
    told.position_closed(told.order("O-0", "buy", "10.00", "0.4000"), "10.00", "1.0000")
    assert [(one.strategy, one.quantity) for one in told.ledger.positions()] == [("toy-2", 10)]


def test_a_payout_that_costs_a_fee_is_an_error_with_the_figure(told):
    told.hold()
    with pytest.raises(ImpossiblePosting, match=rf"expected no fee on the settlement of {YES}, found 0\.01"):
        told.guard.hear(settles(told, fee="0.01"), told.desk)
    assert "the books missed an event" in told.ask(told.order("O-1", "buy", "1.00", "0.4000"))


def test_a_trade_taken_back_after_a_restart_leaves_the_books(told):
    told.hold()
    told.void(told.order("O-0", "buy", "10.00", "0.4000"), "T-0", "10.00", "0.4000")
    assert (told.ledger.positions(), told.ledger.cash_usd()) == ((), 1000)


def test_an_order_that_lives_again_is_its_strategys_and_pays_as_a_taker(told):
    order = told.order("O-1", "buy", "10.00", "0.4000")
    told.ask(order)
    told.fill(order, "10.00", "0.4000", trade_id="T-1")
    told.void(order, "T-1", "10.00", "0.4000", is_reopened=True)
    live = told.guard.exposure.of(order.client_order_id)
    assert (live.strategy, told.guard.exposure.owners(YES)) == ("toy-1", ("toy-1",))
    told.updated(order, "10.00", "0.4000")
    assert told.reserved() == Decimal("4.168")  # 10 x 0.4, and 0.07 x 10 x 0.24 of fees
    told.done(order)
    assert (told.reserved(), told.guard.exposure.live_count()) == (0, 0)
    assert told.guard.memory.tally.failures == {}  # it rested: that it ends unfilled is no failure


def test_a_change_that_its_venue_rejects_is_forgotten_for_its_order_alone(told):
    for name in ("O-1", "O-2"):
        order = told.order(name, "buy", "10.00", "0.4000")
        told.ask(order)
        told.ask(order, quantity="20.00")
    told.modify_rejected(order, "the venue says no")
    assert told.reserved() == Decimal("4.168") * 3
