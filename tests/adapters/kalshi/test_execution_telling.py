from decimal import Decimal
from types import SimpleNamespace

import pytest
from kalshi_orders import NOW_NS, TICKER, contract, fill, make_ticket

from adapters.kalshi.execution.settlements import difference_of
from adapters.kalshi.execution.statements import OrderStatement
from adapters.kalshi.execution.telling import Teller
from adapters.kalshi.messages.orders import CreatedOrder
from adapters.kalshi.messages.portfolio import Settlement
from orders.telling import Ears
from orders.tickets import Ending, Tickets


class Engine:
    """Records what it is told, as (event, what matters)."""

    def __init__(self):
        self.told, self.has_ended = [], False
        self.cache = SimpleNamespace(order=lambda _id: SimpleNamespace(is_closed=self.has_ended))
        self.clock = SimpleNamespace(timestamp_ns=lambda: NOW_NS)

    def __getattr__(self, name):
        if not name.startswith("generate_order_"):
            raise AttributeError(name)
        return lambda *args: self.told.append((name.removeprefix("generate_order_"), args))

    @property
    def events(self):
        return [name for name, _ in self.told]


class Scene:
    def __init__(self, **ticket):
        self.engine, self.tickets, self.missing, self.unwanted = Engine(), Tickets(), [], []
        ears = Ears(self.missing.append, self.unwanted.append)
        self.teller = Teller(self.engine, self.tickets, ears, lambda fill: None)
        plain = {"is_post_only": False, "is_immediate": False} | ticket
        self.ticket = self.tickets.add(make_ticket(contract(), "O-1", "bid", "0.4", 10, **plain))

    def created(self, filled, remaining):
        answer = CreatedOrder(
            order_id="V-1", fill_count=Decimal(filled), remaining_count=Decimal(remaining), ts_ms=5
        )
        self.teller.take_created(self.ticket, answer)

    def fill(self, number, contracts):
        self.teller.take_fill(self.ticket, fill(number, "bid", contracts))

    def stated(self, end=None, filled=0, size=10, price="0.4", at_ns=7, reason=""):
        self.teller.take_order(
            self.ticket,
            OrderStatement(
                order_id="V-1",
                client_order_id="O-1",
                ticker=TICKER,
                side="bid",
                yes_price=Decimal(price),
                initial=Decimal(10),
                filled=Decimal(filled),
                remaining=Decimal(size) - Decimal(filled) if end is None else Decimal(0),
                end=end,
                reason=reason,
                at_ns=at_ns,
                created_ns=1,
            ),
        )


def test_an_order_that_the_engine_ended_while_it_left_is_taken_back_and_its_fills_still_count():
    # Seen on rc7: a cancel of an order that is not marked submitted yet ends it inside the engine alone.
    scene = Scene()
    scene.engine.has_ended = True
    scene.created(0, 10)
    assert scene.unwanted == [scene.ticket]
    scene.fill(1, 4)
    scene.stated("canceled", filled=4)
    assert scene.engine.events == ["filled"]
    assert scene.unwanted == [scene.ticket]
    assert scene.ticket.is_closed


def test_an_order_that_fills_while_it_is_to_grow_is_not_over_until_the_venue_says_so():
    # The answer to the change was lost, its old size filled, and new risk was opened (campaign, seed 50).
    scene = Scene()
    scene.created(0, 10)
    scene.ticket.wanted = Decimal("0.4"), Decimal(15)
    scene.ticket.change_doubt = "no answer"
    scene.fill(1, 10)
    assert scene.engine.events == ["accepted", "updated", "filled"]
    assert not scene.ticket.is_closed
    assert scene.ticket.unknown == "no answer"
    scene.stated("executed", filled=10)
    assert scene.engine.events[3:] == ["canceled"]
    assert scene.ticket.is_closed


def test_a_fill_before_the_answer_accepts_first_and_the_answer_adds_nothing():
    scene = Scene()
    scene.fill(1, 10)
    scene.created(10, 0)
    assert scene.engine.events == ["accepted", "filled"]
    assert scene.ticket.is_closed


def test_a_trade_that_is_told_twice_counts_once():
    scene = Scene()
    scene.created(0, 10)
    for _ in range(3):
        scene.fill(1, 4)
    assert scene.engine.events == ["accepted", "filled"]
    assert scene.ticket.told == 4


def test_an_end_that_overtakes_its_fills_waits_for_them():
    scene = Scene(is_immediate=True)
    scene.created(6, 0)
    assert scene.engine.events == ["accepted"]
    assert scene.missing == [scene.ticket]
    scene.fill(1, 4)
    scene.stated("canceled", filled=6)
    assert "canceled" not in scene.engine.events
    scene.fill(2, 2)
    assert scene.engine.events == ["accepted", "filled", "filled", "canceled"]


def test_an_older_count_does_not_end_an_order_early():
    scene = Scene()
    scene.created(0, 10)
    scene.teller.end(scene.ticket, Ending("executed", Decimal(10), 9))
    scene.stated("canceled", filled=4)
    assert scene.ticket.ending.filled == 10


@pytest.mark.parametrize(("end", "event"), [("canceled", "canceled"), ("expired", "expired")])
def test_an_end_is_told_by_its_name_and_once(end, event):
    scene = Scene()
    scene.created(0, 10)
    scene.stated(end)
    scene.stated(end)
    assert scene.engine.events == ["accepted", event]


def test_a_post_only_order_that_was_never_accepted_is_rejected_for_it_and_an_accepted_one_cancelled():
    for before, events in ((False, ["rejected"]), (True, ["accepted", "canceled"])):
        scene = Scene(is_post_only=True)
        if before:
            scene.stated()
        scene.stated("canceled", reason="PostOnlyCrossCancel")
        assert scene.engine.events == events
        scene.created(0, 0)
        assert scene.engine.events == events
    scene = Scene(is_post_only=True)
    scene.created(0, 0)
    scene.stated("canceled", reason="PostOnlyCrossCancel")
    assert scene.engine.events == ["rejected"]
    assert scene.engine.told[0][1][3] is True


def test_a_change_is_told_once_and_an_older_statement_changes_nothing():
    scene = Scene()
    scene.created(0, 10)
    scene.stated(price="0.45", at_ns=20)
    scene.stated(price="0.45", at_ns=21)
    scene.stated(price="0.4", at_ns=10)
    assert scene.engine.events == ["accepted", "updated"]
    assert scene.ticket.yes_price == Decimal("0.45")


def test_a_fill_of_another_side_is_refused():
    scene = Scene()
    with pytest.raises(ValueError, match="expected fill T-1"):
        scene.teller.take_fill(scene.ticket, fill(1, "ask", 1))


@pytest.mark.parametrize(
    ("result", "value", "revenue", "held", "fits"),
    [
        ("yes", None, 500, "5.00", True),
        ("yes", 100, 500, "5.00", True),
        ("no", None, 0, "5.00", True),
        ("scalar", 37, 185, "5.00", True),
        ("scalar", 43, 216, "5.00", True),  # 0.4321 each, of which the row can say 43 cents
        ("scalar", 43, 300, "5.00", False),
        ("yes", None, 400, "5.00", False),
        ("yes", None, 500, "4.00", False),
        ("scalar", None, 185, "5.00", False),
    ],
)
def test_a_settlement_is_compared_with_what_was_held(result, value, revenue, held, fits):
    row = Settlement(
        ticker=TICKER,
        event_ticker="E",
        market_result=result,
        yes_count_fp=Decimal(5),
        yes_total_cost_dollars=Decimal(2),
        no_count_fp=Decimal(0),
        no_total_cost_dollars=Decimal(0),
        revenue=revenue,
        settled_time="2026-10-03T17:45:12Z",
        fee_cost=Decimal(0),
        value=value,
    )
    assert (difference_of(row, Decimal(held)) is None) == fits


def test_pairs_that_met_before_the_settlement_are_not_paid_again():
    # The counts of a row recorded in January 2026: 37 of each side bought, revenue 0.
    row = Settlement(
        ticker=TICKER,
        event_ticker="E",
        market_result="yes",
        yes_count_fp=Decimal(37),
        yes_total_cost_dollars=Decimal("42.86"),
        no_count_fp=Decimal(37),
        no_total_cost_dollars=Decimal("491.95"),
        revenue=0,
        settled_time="2026-01-10T04:50:31.435826Z",
        fee_cost=Decimal("0.73"),
        value=None,
    )
    assert difference_of(row, Decimal(0)) is None
