"""Scenarios in figures that no two mistakes can cancel."""

from dataclasses import replace
from decimal import Decimal

from risk.contract import Outcome
from risk.lots import Lot
from risk.stress import Sight, scenarios

MARKS = {"X-YES": Decimal("0.4"), "U-YES": Decimal("0.5")}


def lot(market, side="YES", held=10, cost="5", event=None, exclusive=False, bids=(), **terms):
    outcome = Outcome(
        f"{market}-{side}", market, event or market, "KALSHI", is_yes=side == "YES", is_exclusive=exclusive
    )
    return Lot(replace(outcome, **terms), Decimal(held), Decimal(cost), list(bids))


def on_btc(market, floor, side="YES", kind="greater_or_equal", **more):
    return lot(market, side, underlying="BTC", strike_type=kind, floor_strike=floor, **more)


def losses(*own, mark=lambda _: Decimal("0.4"), spot=Decimal(102)):
    return {
        line.scenario: line.loss_usd for line in scenarios(own, Sight(mark, lambda _: spot, Decimal("0.1")))
    }


def test_each_market_of_an_underlying_pays_by_its_own_strike():
    # 10 % higher is 112.2: only the first pays; 10 % lower is 91.8: none of the first three does, the last does.
    found = losses(
        on_btc("A", "100", cost="6"),
        on_btc("B", "115", held=3, cost="1"),
        on_btc("C", "95", "NO", held=5, cost="2"),
        on_btc("D", "85", held=7, cost="4"),
    )
    assert found["BTC ends 10 % higher"] == (6 - 10) + 1 + 2 + (4 - 7)
    assert found["BTC ends 10 % lower"] == 6 + 1 + (2 - 5) + (4 - 7)


def test_a_strike_that_does_not_say_ends_as_it_hurts():
    assert losses(on_btc("A", "100", "NO", "custom", held=4, cost="2"))["BTC ends 10 % higher"] == 2
    assert losses(on_btc("A", "100", "YES", "custom", held=4, cost="2"))["BTC ends 10 % higher"] == 2


def test_what_has_another_cause_stays_at_its_own_mark():
    found = losses(on_btc("U", "100", cost="6"), lot("X", cost="5"), mark=MARKS.__getitem__)
    assert found["BTC ends 10 % higher"] == (6 - 10) + (5 - 4)
    assert found["nobody bids any more"] == (6 - Decimal("2.5")) + (5 - 2)


def test_of_a_group_every_event_ends_badly_and_not_one_for_all():
    own = [
        lot(market, "NO", held=10, cost="9", event=event, exclusive=True, underlying="BTC")
        for market, event in (("A", "E"), ("B", "E"), ("C", "F"), ("D", "F"))
    ]
    assert losses(*own)["every event of BTC ends at its worst"] == 2 * (2 * 9 - 10)


def test_a_bid_needs_no_mark():
    bid = lot("B", held=0, cost=0, bids=[(Decimal(10), Decimal(4))])
    assert losses(bid, mark={}.__getitem__)["nobody bids any more"] == 4
