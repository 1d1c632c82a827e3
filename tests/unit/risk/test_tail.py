"""The tail of binary bets, against what can be worked out without it."""

from decimal import Decimal
from math import asin, pi

import pytest

from risk import tail
from risk.contract import Outcome
from risk.lots import Lot
from risk.tail import Bet, bets_of, tail_of


def coin(group="G", chance=0.5, bad=1.0, good=0.0):
    return Bet(group, chance, bad, good)


def lot(market, side="YES", group=None):
    outcome = Outcome(f"{market}-{side}", market, "E", "V", underlying=group, is_yes=side == "YES")
    return Lot(outcome, Decimal(10), Decimal(4))


def test_each_market_is_a_bet_with_its_group_its_chance_and_both_ends():
    found = bets_of([lot("A"), lot("B", "NO", "BTC")], lambda _: Decimal("0.25"))
    assert found == [Bet("E", 0.75, 4.0, -6.0), Bet("BTC", 0.75, 4.0, -6.0)]


@pytest.mark.parametrize(
    ("confidence", "correlation"),
    [(0.0, 0.5), (1.0, 0.5), (1.5, 0.5), (0.95, 1.0), (0.95, 1.5), (0.95, -0.1)],
)
def test_a_confidence_or_a_correlation_that_cannot_be_is_refused(confidence, correlation):
    with pytest.raises(
        ValueError, match=rf"expected a confidence in .* found {confidence} and {correlation}"
    ):
        tail_of([coin()], confidence, correlation, 1)


def test_what_is_sure_may_be_bet_on():
    assert tail_of([coin(chance=0.0)], 0.95, 0.5, 1).value_at_risk_usd == 0
    assert tail_of([coin(chance=1.0)], 0.95, 0.5, 1).value_at_risk_usd == 1


def test_two_coins_of_a_group_fall_together_as_often_as_two_normals():
    # Sheppard 1899: both below their medians with 1/4 + asin(r) / (2 pi).
    both = 0.25 + asin(0.5) / (2 * pi)
    found = tail_of([coin(), coin()], 0.5, 0.5, 1)
    assert found.expected_shortfall_usd == pytest.approx((2 * both + (0.5 - both)) / 0.5, abs=1e-3)


def test_groups_know_nothing_of_each_other():
    found = tail_of([coin("A"), coin("B")], 0.6, 0.9, 1)
    assert found.expected_shortfall_usd == pytest.approx((2 * 0.25 + 0.15) / 0.4)


def test_a_chance_that_is_reached_exactly_is_within_the_confidence():
    assert tail_of([coin(str(n)) for n in range(4)], 15 / 16, 0.0, 1).value_at_risk_usd == 3


@pytest.mark.parametrize(("bets", "is_exact", "binomial"), [(16, True, 11), (17, False, 12)])
def test_as_many_cases_are_enumerated_as_are_promised(bets, is_exact, binomial):
    found = tail_of([coin(str(n)) for n in range(bets)], 0.95, 0.5, 1)
    assert found.is_exact == is_exact
    assert found.value_at_risk_usd == binomial


def test_groups_of_markets_are_drawn_apart_and_added_up():
    found = tail_of([coin("A") for _ in range(9)] + [coin("B", bad=100.0)], 0.5, 0.0, 1)
    assert 104 < found.expected_shortfall_usd < 105


def test_the_points_of_a_shared_factor_weigh_as_a_normal_does():
    points, weights = tail._factor.__wrapped__()  # computed anew: it is kept once it is known
    moments = [float(weights @ points**power) for power in range(5)]
    assert moments == pytest.approx([1, 0, 1, 0, 3], abs=1e-9)
