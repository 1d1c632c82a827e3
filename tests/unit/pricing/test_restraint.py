from decimal import Decimal
from math import inf, nan, nextafter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.restraint import (
    DrawdownLimit,
    DrawdownSteps,
    drawdown_multiplier,
    drawdown_safe_share,
    drawdown_share,
    probability_of_fall,
    volatility_multiplier,
)
from pricing.sizing import Bet, kelly_share

STEPS = DrawdownSteps(((0.10, 0.75), (0.15, 0.50), (0.20, 0.0)))

inside = st.floats(0.01, 0.99)
limits = st.builds(DrawdownLimit, inside, inside)
bets = st.builds(Bet, inside, inside)


@pytest.mark.parametrize(
    ("floor", "multiplier", "probability"),
    [
        (
            0.5,
            1.0,
            1 / 2,
        ),  # Thorp 2006, section 7.3: full Kelly halves some day with 1/2, half Kelly with 1/8
        (0.5, 0.5, 1 / 8),
        (0.1, 0.5, 1 / 1000),
        (0.5, 0.25, 1 / 128),
        (0.9, 1.0, 0.9),
        (0.5, 2.0, 1.0),
        (0.5, 2.5, 1.0),
        (0.5, 3.0, 1.0),
        (0.5, 0.0, 0.0),
    ],
)
def test_the_chance_of_a_fall_is_a_power_of_its_floor(floor, multiplier, probability):
    assert probability_of_fall(floor, multiplier) == pytest.approx(probability)


@given(limits)
def test_the_multiplier_keeps_the_limit_and_wastes_nothing(limit):
    multiplier = drawdown_multiplier(limit)
    chance = probability_of_fall(limit.floor_share, multiplier)
    assert 0 < multiplier <= 1
    assert chance <= limit.probability * (1 + 1e-9)
    assert multiplier == 1 or chance == pytest.approx(limit.probability)


def test_a_fall_by_a_fifth_in_one_of_twenty_lives_leaves_an_eighth_of_kelly():
    assert drawdown_multiplier(DrawdownLimit(0.8, 0.05)) == pytest.approx(0.1386, abs=1e-4)


@given(bets, limits)
def test_the_safe_share_is_never_above_kelly_and_never_breaks_its_bound(bet, limit):
    share = drawdown_safe_share(bet, limit)
    assert 0 <= share <= kelly_share(bet.probability, bet.cost)
    if share > 0:
        power = -limit.exponent
        won, lost = 1 + share * (1 - bet.cost) / bet.cost, 1 - share
        assert (
            bet.probability * np.float64(won) ** power + (1 - bet.probability) * np.float64(lost) ** power
            <= 1 + 1e-9
        )


def test_for_small_bets_the_safe_share_is_the_multiplier_times_kelly():
    bet, limit = Bet(0.5005, 0.5), DrawdownLimit(0.8, 0.05)
    assert drawdown_safe_share(bet, limit) == pytest.approx(
        drawdown_multiplier(limit) * kelly_share(bet.probability, bet.cost), rel=1e-3
    )


def test_the_safe_share_keeps_its_limit_in_a_simulation():
    bet, limit = Bet(0.6, 0.5), DrawdownLimit(0.7, 0.1)
    share = drawdown_safe_share(bet, limit)
    won = np.random.default_rng(20_261_120).random((2_000, 1_000)) < bet.probability
    paths = np.where(won, np.log1p(share), np.log1p(-share)).cumsum(axis=1)
    fell = float((paths.min(axis=1) <= np.log(limit.floor_share)).mean())
    assert 0.05 < fell < 0.1


def test_a_bet_that_is_all_but_sure_has_a_safe_share_below_everything():
    bet = Bet(nextafter(1, 0), 0.3)
    assert kelly_share(bet.probability, bet.cost) == 1
    assert 0 < drawdown_safe_share(bet, DrawdownLimit(0.5, 0.5)) < 1


@given(limits)
def test_a_bet_without_an_edge_has_no_safe_share(limit):
    assert drawdown_safe_share(Bet(0.4, 0.5), limit) == 0


@pytest.mark.parametrize(
    ("drawdown", "multiplier"),
    [(0.0, 1), (0.0999, 1), (0.10, 0.75), (0.1499, 0.75), (0.15, 0.5), (0.1999, 0.5), (0.20, 0), (1.0, 0)],
)
def test_stakes_step_down_as_the_account_falls(drawdown, multiplier):
    assert STEPS.multiplier(drawdown) == multiplier


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_deeper_fall_never_allows_a_larger_stake(one, other):
    low, high = sorted((one, other))
    assert STEPS.multiplier(high) <= STEPS.multiplier(low)


def test_a_step_may_lie_at_the_loss_of_everything():
    assert DrawdownSteps(((1.0, 0.0),)).multiplier(1.0) == 0


def test_a_deeper_step_may_leave_as_much_as_the_one_before():
    assert DrawdownSteps(((0.1, 0.5), (0.2, 0.5))).multiplier(0.3) == 0.5


def test_without_steps_nothing_is_braked():
    assert DrawdownSteps(()).multiplier(0.9) == 1


@pytest.mark.parametrize(
    "steps",
    [((0.2, 0.5), (0.1, 0.2)), ((0.1, 0.5), (0.2, 0.6)), ((0.0, 0.5),), ((0.1, 1.5),), ((1.5, 0.5),), ((nan, 0.5),), ((0.1, nan),)],
)  # fmt: skip
def test_steps_that_do_not_step_down_are_refused(steps):
    with pytest.raises(ValueError, match=r"step by step|multiplier in"):
        DrawdownSteps(steps)


@pytest.mark.parametrize(
    ("equity", "best", "fallen"),
    [("90", "100", 0.1), ("110", "100", 0), ("-5", "100", 1), ("0", "100", 1), ("0.2", "0.5", 0.6)],
)
def test_a_fall_is_a_share_of_the_best(equity, best, fallen):
    assert drawdown_share(Decimal(equity), Decimal(best)) == pytest.approx(fallen)


@pytest.mark.parametrize(
    ("target", "realised", "multiplier"), [(1.0, 2.0, 0.5), (1.0, 1.0, 1), (1.0, 0.5, 1), (1.0, 0.0, 1)]
)
def test_wild_markets_shrink_stakes_and_calm_ones_do_not_swell_them(target, realised, multiplier):
    assert volatility_multiplier(target, realised) == multiplier


@pytest.mark.parametrize("bad", [nan, inf, -1.0])
def test_what_cannot_be_is_refused(bad):
    for refused in (
        lambda: volatility_multiplier(bad, 1.0),
        lambda: volatility_multiplier(1.0, bad),
        lambda: probability_of_fall(bad, 1.0),
        lambda: probability_of_fall(0.5, bad),
        lambda: DrawdownLimit(bad, 0.5),
        lambda: DrawdownLimit(0.5, bad),
        lambda: STEPS.multiplier(bad),
    ):
        with pytest.raises(ValueError, match="expected"):
            refused()
    for best in ("NaN", "0"):
        with pytest.raises(ValueError, match="best above 0"):
            drawdown_share(Decimal(1), Decimal(best))
    with pytest.raises(ValueError, match="target volatility above 0"):
        volatility_multiplier(0.0, 1.0)
