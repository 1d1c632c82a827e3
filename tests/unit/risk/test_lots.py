"""What is held and what is on order, in one place; and that no end of an event costs more than was said."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nautilus_trader.model import ClientOrderId

from pricing.fees import FeeSchedule, OrderFees
from risk.contract import Outcome
from risk.exposure import Ask, Exposure, Reservation
from risk.ledger import Ledger
from risk.lots import Lot, lots_of
from risk.netting import gross_usd, with_proposal, worst_loss_usd
from risk.trades import Fill

FEES = {"since_ns": 0, "taker_rate": "0.07", "maker_rate": "0.0175", "exponent": 1,
        "fee_unit": "0.000001", "cash_unit": "0.0001"}  # fmt: skip
TERMS = FeeSchedule.from_info({"fees": [FEES]}).at(1)
FREE = replace(TERMS, taker_rate=Decimal(0), maker_rate=Decimal(0))


def outcome(market="A", side="YES", exclusive=False, event="E"):
    return Outcome(
        f"{market}-{side}.KALSHI",
        f"{market}.KALSHI",
        f"{event}.KALSHI",
        "KALSHI",
        "",
        None,
        side == "YES",
        exclusive,
    )


YES, NO, OTHER = outcome(), outcome(side="NO"), outcome("B")


class Book:
    def __init__(self):
        self.ledger, self.exposure, self.number = Ledger(), Exposure(), 0
        self.ledger.deposit("KALSHI", Decimal(10_000), 1)

    def hold(self, what, quantity, price, fee="0", strategy="s"):
        self.number += 1
        figures = Decimal(quantity), Decimal(price), Decimal(fee)
        self.ledger.post_fill(Fill(strategy, what, True, *figures, "V", str(self.number), 5))

    def rest(self, what, quantity, price, is_buy=True, terms=FREE, strategy="s"):
        self.number += 1
        ask = Ask(Decimal(quantity), None if price is None else Decimal(price))
        order_id = ClientOrderId(f"O-{self.number}")
        self.exposure.open(order_id, Reservation(strategy, what, is_buy, True, terms, [ask]))
        return order_id

    def lots(self):
        return lots_of(self.ledger, self.exposure)


def test_all_strategies_and_all_orders_of_an_outcome_are_one_lot():
    book = Book()
    book.hold(YES, "10", "0.40")
    book.hold(YES, "5", "0.60", strategy="t")
    book.rest(YES, "20", "0.30")
    book.rest(YES, "4", None, strategy="t")
    book.rest(YES, "8", "0.70", is_buy=False)
    book.rest(NO, "2", "0.50")
    yes, no = book.lots()[YES.instrument], book.lots()[NO.instrument]
    assert (yes.outcome, yes.held, yes.cost_usd) == (YES, 15, 7)
    assert yes.bids == [(20, 6), (4, 4)]
    assert yes.offers == [(8, Decimal("0.70"))]
    assert (no.outcome, no.held, no.cost_usd, no.bids, no.offers) == (NO, 0, 0, [(2, 1)], [])
    assert (yes.stake_usd, no.stake_usd) == (17, 1)
    assert gross_usd(book.lots().values()) == 18


def test_while_a_change_is_in_flight_the_worst_of_both_counts():
    book = Book()
    bid = book.rest(YES, "20", "0.30")
    offer = book.rest(YES, "8", "0.70", is_buy=False)
    market_offer = book.rest(NO, "8", None, is_buy=False)
    book.exposure.ask_change(bid, Ask(Decimal(10), Decimal("0.90")))
    book.exposure.ask_change(offer, Ask(Decimal(9), Decimal("0.60")))
    book.exposure.ask_change(market_offer, Ask(Decimal(8), Decimal("0.60")))
    lots = book.lots()
    assert lots[YES.instrument].bids == [(10, 9)]
    assert lots[YES.instrument].offers == [(9, Decimal("0.60"))]
    assert lots[NO.instrument].offers == [(8, 0)]


@pytest.mark.parametrize(
    ("payout", "loss"),
    [
        ("0", "4"),  # 4 of cost; the bid of 6 fills, the offer is good luck: 4 + 6 - 0
        (
            "1",
            "-6",
        ),  # 10 held pay 10; the bid would pay 20 for 6, so it does not count; the offer sells 8 at 0.70
    ],
)
def test_what_a_lot_loses_is_the_worse_of_filled_and_not(payout, loss):
    held = Lot(YES, Decimal(10), Decimal(4))
    assert held.loss_usd(Decimal(payout)) == Decimal(loss)
    bidding = Lot(YES, Decimal(10), Decimal(4), bids=[(Decimal(20), Decimal(6))])
    assert bidding.loss_usd(Decimal(payout)) == Decimal(loss) + (6 if payout == "0" else 0)
    offering = Lot(YES, Decimal(10), Decimal(4), offers=[(Decimal(8), Decimal("0.70"))])
    assert offering.loss_usd(Decimal(payout)) == Decimal(loss) + (Decimal("2.4") if payout == "1" else 0)


def test_a_proposal_counts_as_if_it_were_live(proposal):
    new, change = proposal(), proposal(is_change=True)
    sale = proposal(is_reducing=True)
    assert with_proposal([], new)[0].bids == [(new.quantity, new.worst_case_usd)]
    assert with_proposal([], change)[0].bids == [(0, change.worst_case_usd)]
    assert with_proposal([], sale)[0].bids == []
    assert with_proposal([Lot(OTHER)], new)[0].outcome == OTHER


cents = st.integers(1, 99).map(lambda n: Decimal(n) / 100)
sizes = st.integers(1, 5000).map(lambda n: Decimal(n) / 100)
sides = st.tuples(st.sampled_from("ABC"), st.sampled_from(["YES", "NO"]))


@settings(deadline=None, max_examples=150)
@given(
    held=st.lists(st.tuples(sides, sizes, cents), max_size=4),
    bids=st.lists(st.tuples(sides, sizes, cents, st.booleans(), st.integers(0, 98)), max_size=4),
    winner=st.sampled_from([None, "A", "B", "C"]),
    alone=st.lists(st.booleans(), min_size=3, max_size=3),
    exclusive=st.booleans(),
)
def test_no_end_of_an_event_costs_more_than_its_worst_loss(held, bids, winner, alone, exclusive):
    book = Book()
    for (name, side), size, price in held:
        book.hold(outcome(name, side, exclusive), size, price)
    for (name, side), size, price, _, _ in bids:
        book.rest(outcome(name, side, exclusive), size, price, terms=TERMS)
    assume(held or bids)
    worst = worst_loss_usd(book.lots().values())
    spent = book.ledger.cost_usd()
    for number, ((name, side), size, price, fills, better) in enumerate(bids):
        if fills:  # at the limit or at any better price
            paid = max(price - Decimal(better) / 100, Decimal("0.01"))
            fee = OrderFees(TERMS).charge(size, paid, -size * paid, is_taker=True)
            book.ledger.post_fill(
                Fill("s", outcome(name, side, exclusive), True, size, paid, fee, "W", str(number), 6)
            )
            spent += size * paid + fee
    wins = {name: winner == name for name in "ABC"} if exclusive else dict(zip("ABC", alone, strict=True))
    paid_out = sum(
        (
            one.quantity
            for one in book.ledger.positions()
            if one.outcome.is_yes == wins[one.outcome.market[0]]
        ),
        Decimal(0),
    )
    assert spent - paid_out <= worst
