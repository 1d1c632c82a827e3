from math import log, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.volatility import EwmaVolatility, RealizedVolatility

SECOND = 1_000_000_000
SIGMA = 1e-4


def brownian(ticks, sigma=SIGMA, mean_gap_secs=0.5, seed=1, noise=0.0):
    """Return irregular times in nanoseconds and the prices of a driftless Brownian log price seen at them."""
    random = np.random.default_rng(seed)
    gaps = random.exponential(mean_gap_secs, ticks)
    times = np.cumsum(np.maximum(1, gaps * SECOND).astype(np.int64))
    logs = np.cumsum(random.normal(0, 1, ticks) * np.broadcast_to(sigma, ticks) * np.sqrt(gaps))
    return list(
        zip(times.tolist(), (1000 * np.exp(logs + random.normal(0, noise, ticks))).tolist(), strict=True)
    )


def sigma_of(measure, ticks):
    for ts_ns, price in ticks:
        measure.update(ts_ns, price)
    return measure.sigma_per_sqrt_sec


@pytest.mark.parametrize("min_spacing_secs", [0.001, 1.0, 5.0])
@pytest.mark.parametrize("mean_gap_secs", [0.1, 2.0])
def test_realized_volatility_finds_that_of_the_path(min_spacing_secs, mean_gap_secs):
    ticks = brownian(10_000, mean_gap_secs=mean_gap_secs)
    found = sigma_of(RealizedVolatility(10**6, min_spacing_secs), ticks)
    moves = 10_000 * mean_gap_secs / (mean_gap_secs + min_spacing_secs)
    assert found == pytest.approx(SIGMA, rel=3 / sqrt(2 * moves))


def test_ewma_volatility_is_unbiased_and_as_exact_as_it_says():
    half_life_secs, spacing = 120, 1.0
    found = [
        sigma_of(EwmaVolatility(half_life_secs, spacing), brownian(1_500, mean_gap_secs=0.5, seed=seed))
        for seed in range(60)
    ]
    moves = half_life_secs / (spacing + 0.5)
    error = sqrt(log(2) / (4 * moves))
    assert np.mean(found) == pytest.approx(SIGMA, rel=3 * error / sqrt(len(found)))
    assert np.std(found) / SIGMA == pytest.approx(error, rel=0.35)


@pytest.mark.parametrize("measure", [EwmaVolatility(60), RealizedVolatility(180)], ids=["ewma", "realized"])
def test_a_change_of_volatility_is_followed(measure):
    sigma = np.where(np.arange(6_000) < 3_000, SIGMA, 4 * SIGMA)
    assert sigma_of(measure, brownian(6_000, sigma)) == pytest.approx(4 * SIGMA, rel=0.3)


def test_wider_spacing_takes_out_the_noise_of_quotes():
    ticks = brownian(20_000, mean_gap_secs=0.1, noise=2e-4)
    dense = sigma_of(RealizedVolatility(10**6, 0.001), ticks)
    sparse = sigma_of(RealizedVolatility(10**6, 20.0), ticks)
    assert dense > 5 * SIGMA
    expected = sqrt(SIGMA**2 + 2 * 2e-4**2 / 20)
    assert sparse == pytest.approx(expected, rel=3 / sqrt(2 * 100))


def test_a_move_across_a_gap_weighs_by_its_time_not_by_its_count():
    before = [(second * SECOND, 100 + second % 2) for second in range(60)]
    after_gap = [(10_000 * SECOND, 100.0), (10_001 * SECOND, 101.0)]
    calm = EwmaVolatility(30)
    assert sigma_of(calm, before) == pytest.approx(log(1.01))
    assert sigma_of(calm, after_gap) < log(1.01) / 50


def measures():
    return [RealizedVolatility(30, 1.0, 3), EwmaVolatility(10, 1.0, 3)]


def test_there_is_no_answer_before_there_are_enough_moves():
    for measure in measures():
        answers = []
        for second in range(5):
            measure.update(second * SECOND, 100.0 + second)
            answers.append(measure.sigma_per_sqrt_sec is not None)
        assert answers == [False, False, False, False, True]


def test_a_window_that_has_emptied_gives_no_answer():
    measure = RealizedVolatility(30, 1.0, 3)
    assert sigma_of(measure, [(second * SECOND, 100.0 + second) for second in range(6)]) is not None
    assert sigma_of(measure, [(1_000 * SECOND, 100.0), (1_001 * SECOND, 101.0)]) is None


def test_a_price_that_stands_still_has_no_volatility():
    for measure in measures():
        assert sigma_of(measure, [(second * SECOND, 100.0) for second in range(10)]) == 0


@given(st.lists(st.tuples(st.sampled_from([-2, 0, 1, 1, 2]), st.floats(50, 150)), min_size=20, max_size=60))
def test_older_ticks_are_ignored_and_equal_times_replace(steps):
    ticks, kept = [], {0: 100.0}
    for step, price in steps:
        second = max(kept) + step
        ticks.append((second * SECOND, price))
        if step >= 0:
            kept[second] = price
    for messy, clean in zip(measures(), measures(), strict=True):
        found = sigma_of(messy, [(0, 100.0), *ticks])
        assert found == sigma_of(clean, [(second * SECOND, price) for second, price in kept.items()])


def test_the_last_of_several_prices_at_one_time_is_the_one_that_counts():
    ticks = [(0, 100.0), (SECOND, 500.0), (SECOND, 101.0), (0, 900.0), (2 * SECOND, 101.0), (3 * SECOND, 1.0)]
    found = sigma_of(RealizedVolatility(30, 1.0, 2), ticks)
    assert found == pytest.approx(log(1.01) / sqrt(2))


@pytest.mark.parametrize("price", [0.0, -1.0, nan, float("inf")])
def test_a_price_that_cannot_be_is_refused_even_when_it_is_old(price):
    for measure in measures():
        measure.update(10, 100.0)
        with pytest.raises(ValueError, match="price"):
            measure.update(5, price)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: EwmaVolatility(0), "half_life_secs"),
        (lambda: EwmaVolatility(60, nan), "min_spacing_secs"),
        (lambda: EwmaVolatility(60, 1, 0), "min_moves"),
        (lambda: RealizedVolatility(-1), "window_secs"),
        (lambda: RealizedVolatility(60, 10, 30), "30 moves"),
    ],
)
def test_settings_that_could_never_answer_are_refused(make, named):
    with pytest.raises(ValueError, match=named):
        make()
