from decimal import Decimal
from math import inf, log, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.sizing import (
    Bet,
    FixedShare,
    FixedStake,
    FractionalKelly,
    expected_growth,
    kelly_share,
    stake_usd,
    to_usd,
)

inside = st.floats(0.01, 0.99)
shares = st.floats(0, 1)
bets = st.builds(Bet, inside, inside)
bankrolls = st.decimals("0.01", "1000000", places=2)
rules = st.one_of(
    st.builds(FixedStake, st.decimals("0", "1000", places=2), shares),
    st.builds(FixedShare, shares),
    st.builds(FractionalKelly, shares, shares),
)


@pytest.mark.parametrize(
    ("probability", "cost", "share"),
    [
        (0.6, 0.5, 0.2),
        (0.5, 0.5, 0.0),
        (0.4, 0.5, 0.0),
        (0.99, 0.01, 0.989898989899),
        (0.53, 0.5, 0.06),  # at decimal odds of 2.00, vendire-ludorum.blogspot.com, 26 November 2018
        (0.51, 0.5, 0.02),  # Thorp 2006, section 2: the bias of the coin, 2p - 1
        (0.55, 0.5 + 0.0175, 0.0325 / 0.4825),  # a price of 0.50 and a fee of 0.0175
    ],
)
def test_the_share_is_the_edge_over_what_can_be_won(probability, cost, share):
    assert kelly_share(probability, cost) == pytest.approx(share)


@given(inside, inside, st.floats(0, 0.99))
def test_no_other_share_has_a_higher_expected_log_wealth(probability, cost, other):
    def growth(share):
        return probability * log(1 + share * (1 - cost) / cost) + (1 - probability) * log(1 - share)

    assert growth(kelly_share(probability, cost)) >= growth(other) - 1e-9


def test_the_growth_of_a_coin_is_what_kelly_said_it_is():
    # Kelly 1956: at full Kelly the growth is ln 2 plus p ln p + q ln q.
    said = log(2) + 0.6 * log(0.6) + 0.4 * log(0.4)
    assert expected_growth(0.2, Bet(0.6, 0.5)) == pytest.approx(said)
    assert expected_growth(0.0, Bet(0.6, 0.5)) == 0


@given(rules, bets, bankrolls)
def test_without_an_edge_no_rule_stakes_anything(rule, bet, bankroll):
    if bet.edge <= 0:
        assert rule.share(bet, bankroll) == 0
        assert stake_usd(rule, bet, bankroll) == 0


@given(inside, inside, inside, shares, shares)
def test_a_larger_edge_never_gets_a_smaller_share(cost, one, other, multiplier, cap):
    rule = FractionalKelly(multiplier, cap)
    low, high = sorted((one, other))
    assert rule.share(Bet(low, cost), Decimal(100)) <= rule.share(Bet(high, cost), Decimal(100))


@given(inside, inside, inside)
def test_a_higher_cost_never_gets_a_larger_share(probability, one, other):
    low, high = sorted((one, other))
    assert kelly_share(probability, high) <= kelly_share(probability, low)


@given(bets, shares, shares, bankrolls)
def test_no_share_lies_above_its_cap(bet, multiplier, cap, bankroll):
    assert FractionalKelly(multiplier, cap).share(bet, bankroll) <= cap
    assert FixedStake(Decimal(50), cap).share(bet, bankroll) <= cap


@given(rules, bets, bankrolls)
def test_no_stake_is_negative_or_more_than_there_is(rule, bet, bankroll):
    assert 0 <= stake_usd(rule, bet, bankroll) <= bankroll


@given(bets, shares, shares)
def test_brakes_multiply_and_leave_the_cap_alone(bet, first, second):
    braked = FractionalKelly(1.0, 0.3).scaled(first).scaled(second)
    assert braked.share(bet, Decimal(1)) == pytest.approx(
        min(0.3, first * second * kelly_share(bet.probability, bet.cost))
    )


@pytest.mark.parametrize(
    ("rule", "usd"),
    [
        (FixedStake(Decimal(25)), "25.000000"),
        (FixedStake(Decimal(25), cap=0.02), "20.000000"),
        (FixedStake(Decimal(5000)), "1000.000000"),
        (FixedShare(0.03), "30.000000"),
        (FractionalKelly(), "200.000000"),
        (FractionalKelly(0.25), "50.000000"),
        (FractionalKelly(0.25, cap=0.04), "40.000000"),
        (FractionalKelly(0.0), "0.000000"),
    ],
)
def test_each_rule_says_what_it_stakes_of_a_thousand(rule, usd):
    assert stake_usd(rule, Bet(0.6, 0.5), Decimal(1000)) == Decimal(usd)


@pytest.mark.parametrize("bad", [0.0, 1.0, -0.1, 1.1, nan, inf])
def test_what_is_not_strictly_between_nothing_and_certainty_is_refused(bad):
    for make in (kelly_share, Bet):
        with pytest.raises(ValueError, match=r"probability in \(0, 1\)"):
            make(bad, 0.5)
        with pytest.raises(ValueError, match=r"cost per contract in \(0, 1\)"):
            make(0.5, bad)


@pytest.mark.parametrize("bad", [-0.1, 1.1, nan, inf])
def test_a_share_outside_its_range_is_refused(bad):
    for make in (
        FixedShare,
        FractionalKelly,
        lambda cap: FractionalKelly(1.0, cap),
        FractionalKelly().scaled,
    ):
        with pytest.raises(ValueError, match=r"in \[0, 1\]"):
            make(bad)
    with pytest.raises(ValueError, match=r"a cap in \[0, 1\]"):
        FixedStake(Decimal(1), bad)
    with pytest.raises(ValueError, match=r"a share in \[0, 1\)"):
        expected_growth(bad, Bet(0.6, 0.5))


def test_a_fixed_stake_is_an_amount():
    for bad in ("-1", "NaN", "Infinity"):
        with pytest.raises(ValueError, match="fixed stake of 0 USD or more"):
            FixedStake(Decimal(bad))


@pytest.mark.parametrize("rule", [FixedStake(Decimal(1)), FixedShare(0.1), FractionalKelly()])
def test_without_a_bankroll_there_is_nothing_to_size(rule):
    for bad in ("0", "-1", "NaN", "Infinity"):
        with pytest.raises(ValueError, match="bankroll above 0 USD"):
            rule.share(Bet(0.6, 0.5), Decimal(bad))


def test_a_computed_amount_carries_no_dust():
    assert to_usd(0.2 * 0.25 * 999.9999999999) == Decimal("50.000000")


@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_an_amount_that_is_not_finite_is_not_money(bad):
    with pytest.raises(ValueError, match="finite amount"):
        to_usd(bad)


@pytest.mark.parametrize("bad", [1.0, -0.01, 1.01])
def test_growth_is_told_only_of_a_share_that_leaves_something(bad):
    with pytest.raises(ValueError, match=r"expected a share in \[0, 1\), found"):
        expected_growth(bad, Bet(0.6, 0.5))
