from math import asin, nan, pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.scenarios import (
    Scenarios,
    correlated_pair,
    exclusive_scenarios,
    independent_scenarios,
    sampled_scenarios,
)

inside = st.floats(0.01, 0.99)


def chance_of(scenarios, ending):
    return float(scenarios.weights[(scenarios.payouts == ending).all(axis=1)].sum())


def matrix(correlation):
    return np.array([[1.0, correlation], [correlation, 1.0]])


@given(st.lists(inside, min_size=1, max_size=6))
def test_enumerated_bets_keep_their_probabilities(probabilities):
    scenarios = independent_scenarios(probabilities)
    assert len(scenarios.weights) == 2 ** len(probabilities)
    assert scenarios.probabilities == pytest.approx(tuple(probabilities))
    assert scenarios.seed is None


def test_independent_bets_multiply():
    assert chance_of(independent_scenarios([0.5, 0.25]), [1, 1]) == 0.125


def test_exclusive_outcomes_never_pay_together():
    scenarios = exclusive_scenarios([0.5, 0.3])
    assert scenarios.payouts.sum(axis=1).max() == 1
    assert chance_of(scenarios, [0, 0]) == pytest.approx(0.2)
    assert len(exclusive_scenarios([0.5, 0.5]).weights) == 2


def test_what_rounding_leaves_of_exclusive_outcomes_is_no_scenario():
    probabilities = [0.01, 0.29, 0.70]
    assert 0 < 1 - sum(probabilities) < 1e-15
    assert len(exclusive_scenarios(probabilities).weights) == 3


def test_exclusive_outcomes_a_little_above_one_are_brought_back_to_it():
    assert exclusive_scenarios([0.6, 0.4 + 9e-10]).weights.sum() == pytest.approx(1, abs=1e-15)


def test_as_many_bets_as_are_promised_are_written_out():
    assert len(independent_scenarios([0.5] * 12).weights) == 4096


@pytest.mark.parametrize(("correlation", "both"), [(0.0, 0.25), (1.0, 0.5), (-1.0, 0.0), (0.5, 0.375)])
def test_a_pair_of_coins_by_hand(correlation, both):
    scenarios = correlated_pair(0.5, 0.5, correlation)
    assert chance_of(scenarios, [1, 1]) == pytest.approx(both)
    assert scenarios.probabilities == pytest.approx((0.5, 0.5))


def test_unequal_bets_cannot_be_one():
    with pytest.raises(ValueError, match=r"correlation in \[-0\.654654, 0\.654654\], found 0\.9"):
        correlated_pair(0.3, 0.5, 0.9)
    with pytest.raises(ValueError, match=r"correlation in \[-0\.428571, 1\.000000\], found -0\.9"):
        correlated_pair(0.7, 0.7, -0.9)
    with pytest.raises(ValueError, match="found nan"):
        correlated_pair(0.3, 0.5, nan)


@given(st.lists(inside, min_size=2, max_size=2), st.floats(-1, 1))
def test_a_sample_gives_no_bet_an_edge(probabilities, correlation):
    scenarios = sampled_scenarios(probabilities, matrix(correlation), seed=7, draws=256)
    assert scenarios.probabilities == pytest.approx(probabilities, abs=1e-12)


@pytest.mark.parametrize("correlation", [-0.8, 0.0, 0.3, 0.9])
def test_a_sample_pays_together_as_often_as_the_normals_say(correlation):
    # Sheppard 1899: two normals of correlation r lie on the same side of 0 with 1/2 + asin(r) / pi.
    scenarios = sampled_scenarios([0.5, 0.5], matrix(correlation), seed=11)
    assert chance_of(scenarios, [1, 1]) == pytest.approx(0.25 + asin(correlation) / (2 * pi), abs=0.01)


@pytest.mark.parametrize("seed", [11, 12, 13, 14])
def test_half_of_a_sample_mirrors_the_other_half(seed):
    scenarios = sampled_scenarios([0.5] * 3, np.eye(3), seed=seed, draws=1000)
    for ending in ([1, 1, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]):
        mirrored = [1 - payout for payout in ending]
        assert chance_of(scenarios, ending) == pytest.approx(chance_of(scenarios, mirrored), abs=1e-12)


def test_the_smallest_sample_is_a_draw_and_its_mirror():
    assert sampled_scenarios([0.5], np.eye(1), seed=1, draws=2).probabilities == (0.5,)


def test_bets_on_one_cause_are_one_bet():
    scenarios = sampled_scenarios([0.6, 0.6], matrix(1.0), seed=3, draws=1000)
    assert chance_of(scenarios, [1, 1]) == pytest.approx(0.6)
    assert chance_of(scenarios, [0, 0]) == pytest.approx(0.4)


def test_the_seed_is_kept_and_repeats_the_sample():
    one, same, other = (
        sampled_scenarios([0.3, 0.6], matrix(0.4), seed=seed, draws=512) for seed in (5, 5, 6)
    )
    assert one.seed == 5
    assert np.array_equal(one.payouts, same.payouts)
    assert np.array_equal(one.weights, same.weights)
    assert not np.array_equal(one.weights, other.weights)


@pytest.mark.parametrize(
    ("correlation", "says"),
    [
        (np.array([[1.0, 0.5], [0.4, 1.0]]), "symmetric"),
        (np.array([[0.9, 0.5], [0.5, 0.9]]), "ones on its diagonal"),
        (matrix(1.5), "eigenvalue -0"),
        (matrix(nan), "finite"),
        (np.eye(3), "of 2 bets"),
    ],
)
def test_a_correlation_that_cannot_be_is_refused(correlation, says):
    with pytest.raises(ValueError, match=says):
        sampled_scenarios([0.3, 0.6], correlation, seed=1)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: independent_scenarios([]), "at least one probability"),
        (lambda: independent_scenarios([0.5] * 13), "at most 12 bets"),
        (lambda: independent_scenarios([0.5, nan]), "found nan"),
        (lambda: exclusive_scenarios([0.6, 0.5]), "1 at most"),
        (lambda: sampled_scenarios([0.5], np.eye(1), seed=1, draws=7), "even number"),
        (lambda: Scenarios(np.ones((2, 2)), np.ones(3) / 3), "a row of payouts per weight"),
        (lambda: Scenarios(np.ones((0, 2)), np.ones(0)), "a row of payouts per weight"),
        (lambda: Scenarios(np.full((1, 1), nan), np.ones(1)), "payouts in"),
        (lambda: Scenarios(np.full((1, 1), 1.5), np.ones(1)), "payouts in"),
        (lambda: Scenarios(np.ones((2, 1)), np.array([1.5, -0.5])), "weights above 0"),
        (lambda: Scenarios(np.ones((2, 1)), np.array([1.0, 0.0])), "weights above 0"),
        (lambda: Scenarios(np.ones((2, 1)), np.array([0.5, 0.4])), "add up to 1"),
        (lambda: Scenarios(np.ones((2, 1)), np.array([0.5, nan])), "weights above 0"),
    ],
)
def test_scenarios_that_cannot_be_are_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()
