from math import inf, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.digital import AverageDigital, IndexView, forecast_average, probability_at_or_above

SIGMA = 1e-4  # per square root of a second: 56 % a year
SPOT = 79_000.0


def simulated(contract, view, paths=20_000, steps=120):
    """Return the final mean of simulated lognormal paths, by the trapezoid rule over the window."""
    random = np.random.default_rng(20261120)
    ahead = min(view.secs_to_close, contract.window_secs)
    logs = random.normal(0.0, sqrt(view.secs_to_close - ahead), (paths, 1))
    moves = random.normal(0.0, sqrt(ahead / steps), (paths, steps))
    logs = np.hstack([logs, logs + np.cumsum(moves, axis=1)])
    still = np.trapezoid(view.spot * np.exp(view.sigma_per_sqrt_sec * logs), axis=1) / steps
    weight = ahead / contract.window_secs
    return weight * still + (1 - weight) * (view.observed_mean or 0.0)


@pytest.mark.parametrize(
    ("secs_to_close", "observed_mean"),
    [(900, None), (120, None), (60, None), (45, SPOT + 20), (20, SPOT - 3), (3, SPOT + 1)],
)
@pytest.mark.parametrize("deviations_away", [-1.2, 0.0, 0.6])
def test_simulated_paths_agree_within_three_standard_errors(secs_to_close, observed_mean, deviations_away):
    view = IndexView(SPOT, SIGMA, secs_to_close, observed_mean)
    forecast = forecast_average(AverageDigital(SPOT, 60), view)
    contract = AverageDigital(forecast.expected + deviations_away * forecast.deviation, 60)
    probability = probability_at_or_above(contract, view)
    ends = simulated(contract, view)
    standard_error = sqrt(probability * (1 - probability) / len(ends))
    assert abs(np.mean(ends >= contract.strike) - probability) < 3 * standard_error


@pytest.mark.parametrize("secs_to_close", [900, 61, 60, 59, 30, 1])
def test_the_variance_is_that_of_a_mean_of_correlated_values(secs_to_close):
    values, window = 2_000, 60
    ahead = min(secs_to_close, window)
    times = secs_to_close - ahead + (np.arange(values) + 0.5) * ahead / values
    variance = np.minimum.outer(times, times).mean() * (ahead / window) ** 2
    observed = SPOT if secs_to_close < window else None
    view = IndexView(SPOT, SIGMA, secs_to_close, observed)
    deviation = forecast_average(AverageDigital(SPOT, window), view).deviation
    assert deviation == pytest.approx(SPOT * SIGMA * sqrt(variance), rel=1e-3)


@given(st.floats(0.5, 2), st.floats(1e-6, 1e-2), st.floats(1, 3600), st.floats(0.5, 2))
def test_the_two_views_meet_where_the_window_begins(spot, sigma, window, observed):
    contract = AverageDigital(1.0, window)
    before = forecast_average(contract, IndexView(spot, sigma, window))
    inside = forecast_average(contract, IndexView(spot, sigma, window * (1 - 1e-12), observed))
    assert inside.expected == pytest.approx(before.expected)
    assert inside.deviation == pytest.approx(before.deviation)
    assert before.deviation == pytest.approx(spot * sigma * sqrt(window / 3))


@pytest.mark.parametrize(
    ("window_secs", "spot", "observed_mean", "probability"),
    [(60, 5.0, 100.0, 1.0), (60, 500.0, 99.99, 0.0), (0, 100.0, None, 1.0), (0, 99.99, None, 0.0)],
)
def test_at_the_close_the_outcome_is_known_and_a_tie_is_yes(window_secs, spot, observed_mean, probability):
    view = IndexView(spot, SIGMA, 0, observed_mean)
    assert probability_at_or_above(AverageDigital(100.0, window_secs), view) == probability


def test_an_index_that_does_not_move_leaves_nothing_to_chance():
    assert probability_at_or_above(AverageDigital(100.0, 60), IndexView(100.0, 0.0, 600)) == 1.0
    assert probability_at_or_above(AverageDigital(100.1, 60), IndexView(100.0, 0.0, 600)) == 0.0


def test_at_the_money_it_is_even():
    assert probability_at_or_above(AverageDigital(SPOT, 60), IndexView(SPOT, SIGMA, 600)) == 0.5


@given(st.floats(90, 110), st.floats(90, 110), st.floats(0, 59), st.floats(90, 110), st.floats(0, 1e-2))
def test_a_probability_lies_between_nothing_and_certainty_and_falls_with_the_strike(
    spot, observed, tau, strike, sigma
):
    view = IndexView(spot, sigma, tau, observed)
    here = probability_at_or_above(AverageDigital(strike, 60), view)
    higher = probability_at_or_above(AverageDigital(strike + 1, 60), view)
    assert 0 <= higher <= here <= 1


def test_what_has_been_observed_must_fit_the_time():
    contract = AverageDigital(100.0, 60)
    with pytest.raises(ValueError, match="mean observed so far"):
        forecast_average(contract, IndexView(100.0, SIGMA, 59))
    with pytest.raises(ValueError, match="nothing observed"):
        forecast_average(contract, IndexView(100.0, SIGMA, 61, 100.0))


@pytest.mark.parametrize("bad", [nan, inf, -1.0])
def test_what_cannot_be_true_is_refused(bad):
    for make in (
        lambda: AverageDigital(bad, 60),
        lambda: AverageDigital(100.0, bad),
        lambda: IndexView(bad, SIGMA, 60),
        lambda: IndexView(100.0, bad, 60),
        lambda: IndexView(100.0, SIGMA, bad),
        lambda: IndexView(100.0, SIGMA, 30, bad),
    ):
        with pytest.raises(ValueError, match=r"expected .* to be finite"):
            make()
