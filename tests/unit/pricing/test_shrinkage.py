from math import inf, log, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.shrinkage import Belief, estimation_multiplier, shrink_by_counts, shrink_by_error
from pricing.sizing import Bet, kelly_share

inside = st.floats(0.01, 0.99)
counts = st.floats(0.1, 1e6)
errors = st.floats(1e-4, 10)


@pytest.mark.parametrize(
    ("own", "market", "own_trials", "market_trials", "mean"),
    [
        (0.7, 0.5, 100, 100, 0.6),
        (0.7, 0.5, 0, 50, 0.5),
        (0.7, 0.5, 50, 0, 0.7),
        (0.3, 0.5, 10, 30, 0.45),
        # Gelman et al. 2013, section 2.4: 437 girls among 980 births, prior mean 0.485 worth 100 births.
        (437 / 980, 0.485, 980, 100, 0.450),
    ],
)
def test_counts_weigh_our_belief_against_the_market(own, market, own_trials, market_trials, mean):
    found = shrink_by_counts(own, market, own_trials=own_trials, market_trials=market_trials)
    assert found == pytest.approx(mean, abs=5e-4)


def test_errors_weigh_by_their_inverse_squares():
    found = shrink_by_error(Belief(0.7, 0.1), Belief(0.5, 0.05))
    # Weights 100 and 400: (0.7 * 100 + 0.5 * 400) / 500, and 1 / sqrt(500).
    assert found.probability == pytest.approx(0.54)
    assert found.standard_error == pytest.approx(500**-0.5)


def test_an_error_of_nothing_settles_the_matter():
    assert shrink_by_error(Belief(0.7, 0.0), Belief(0.5, 0.1)) == Belief(0.7, 0.0)
    assert shrink_by_error(Belief(0.7, 0.1), Belief(0.5, 0.0)) == Belief(0.5, 0.0)
    with pytest.raises(ValueError, match="standard error above 0"):
        shrink_by_error(Belief(0.7, 0.0), Belief(0.5, 0.0))


@given(inside, inside, counts, counts)
def test_the_posterior_lies_between_market_and_belief(own, market, own_trials, market_trials):
    found = shrink_by_counts(own, market, own_trials=own_trials, market_trials=market_trials)
    assert min(own, market) <= found <= max(own, market)


@given(inside, inside, counts, counts)
def test_shrinking_does_not_care_which_side_is_called_yes(own, market, own_trials, market_trials):
    trials = {"own_trials": own_trials, "market_trials": market_trials}
    assert shrink_by_counts(own, market, **trials) == pytest.approx(
        1 - shrink_by_counts(1 - own, 1 - market, **trials)
    )


@given(inside, inside, errors, errors, errors)
def test_more_doubt_means_closer_to_the_market(own, market, one, other, market_error):
    sure, unsure = (
        shrink_by_error(Belief(own, error), Belief(market, market_error)).probability
        for error in sorted((one, other))
    )
    assert abs(unsure - market) <= abs(sure - market) + 1e-12


@given(inside, inside, errors, errors)
def test_two_opinions_are_surer_than_one(own, market, own_error, market_error):
    found = shrink_by_error(Belief(own, own_error), Belief(market, market_error))
    assert found.standard_error <= min(own_error, market_error)


@pytest.mark.parametrize(
    ("error", "multiplier"), [(0.0, 1.0), (0.1, 0.5), (0.2, 0.2), (0.05, 0.8), (10.0, 1 / 10_001)]
)
def test_an_error_as_large_as_the_edge_makes_it_half_kelly(error, multiplier):
    assert estimation_multiplier(Bet(0.6, 0.5), error) == pytest.approx(multiplier)


@given(inside, inside, errors)
def test_it_is_the_formula_of_the_paper(probability, cost, error):
    share, odds = kelly_share(probability, cost), (1 - cost) / cost
    said = share**2 / (share**2 + ((odds + 1) / odds) ** 2 * error**2) if share else 0.0
    # The paper writes a cost c as odds b = (1 - c) / c, so that (b + 1) / b is 1 / (1 - c).
    assert estimation_multiplier(Bet(probability, cost), error) == pytest.approx(said, rel=1e-6)


@given(inside, inside, errors)
def test_a_market_that_errs_by_the_edge_shrinks_kelly_alike(probability, cost, error):
    bet = Bet(probability, cost)
    if bet.edge > 1e-3:
        shrunk = shrink_by_error(Belief(probability, error), Belief(cost, bet.edge))
        assert kelly_share(shrunk.probability, cost) == pytest.approx(
            estimation_multiplier(bet, error) * kelly_share(probability, cost), abs=1e-9
        )


def test_half_kelly_grows_faster_than_full_when_the_error_is_the_edge():
    bet, error = Bet(0.55, 0.5), 0.05
    believed = np.clip(np.random.default_rng(20_261_120).normal(0.55, error, 20_000), 0.01, 0.99)

    def grown(multiplier):
        shares = multiplier * np.maximum(0, (believed - bet.cost) / (1 - bet.cost))
        return float(np.mean(0.55 * np.log1p(shares) + 0.45 * np.log1p(-shares)))

    full, half, shrunk = grown(1.0), grown(0.5), grown(estimation_multiplier(bet, error))
    assert shrunk == pytest.approx(half)
    assert half > full
    assert shrunk < log(2) + 0.55 * log(0.55) + 0.45 * log(0.45)


@pytest.mark.parametrize("bad", [nan, inf, -0.1])
def test_what_is_no_belief_is_refused(bad):
    for refused in (
        lambda: Belief(bad, 0.1),
        lambda: Belief(0.5, bad),
        lambda: estimation_multiplier(Bet(0.6, 0.5), bad),
        lambda: shrink_by_counts(bad, 0.5, own_trials=1, market_trials=1),
        lambda: shrink_by_counts(0.5, bad, own_trials=1, market_trials=1),
        lambda: shrink_by_counts(0.5, 0.5, own_trials=bad, market_trials=1),
        lambda: shrink_by_counts(0.5, 0.5, own_trials=1, market_trials=bad),
    ):
        with pytest.raises(ValueError, match="expected"):
            refused()
    with pytest.raises(ValueError, match="none of either"):
        shrink_by_counts(0.5, 0.5, own_trials=0, market_trials=0)


def test_no_edge_gets_nothing():
    assert estimation_multiplier(Bet(0.5, 0.5), 0.0) == 0
    assert estimation_multiplier(Bet(0.4, 0.5), 0.1) == 0
