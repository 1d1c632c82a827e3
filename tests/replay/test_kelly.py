from decimal import Decimal

from nautilus_trader.model import Venue
from toy import YES, Nobody, book, replay, seat

from engine import Door, Usd
from markets.currencies import USD
from strategies.kelly import Kelly, KellyConfig

BELIEF = KellyConfig(instrument_id=YES.id, probability=0.6, bankroll=Usd(1000))


def test_an_ask_below_our_belief_is_bought_for_a_quarter_of_the_kelly_stake():
    door = Door(guard := Nobody())
    engine = replay(
        [Kelly(BELIEF, seat(door))], door, book(0.49, 0.65, 0) + book(0.48, 0.50, 1) + book(0.48, 0.5, 2)
    )
    assert guard.asked == ["BUY 87.55 @ 0.5000"]
    assert engine.portfolio.account(Venue("KALSHI")).balance_total(USD).as_decimal() == Decimal("956.225")
    assert door.faults == {}
    engine.dispose()


def test_an_edge_that_the_fee_eats_is_left_alone():
    door = Door(guard := Nobody())
    replay([Kelly(BELIEF, seat(door))], door, book(0.49, 0.65, 0) + book(0.48, 0.59, 1)).dispose()
    assert guard.asked == []
