from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.digital import AverageDigital, IndexView, probability_at_or_above
from pricing.index import AverageSoFar, DigitalFair, IndexTracker

SECOND = 1_000_000_000
CLOSES = 1_790_000_000 * SECOND
WINDOW = 60
STARTS = CLOSES - WINDOW * SECOND
CONTRACT = AverageDigital(strike=100.0, window_secs=WINDOW)


def tracker(until_ns, price=100.0, wobble=0.02, basis_bps=0.0):
    """Return a tracker that saw a price a second for two minutes, the last one at `until_ns`."""
    index = IndexTracker(half_life_secs=60, basis_bps=basis_bps)
    for secs in range(120, 0, -1):
        index.update(until_ns - secs * SECOND, price + wobble * (-1) ** secs)
    index.update(until_ns, price)
    return index


# The index


def test_nothing_is_known_before_the_first_tick():
    index = IndexTracker(half_life_secs=60)
    assert (index.spot(CLOSES), index.sigma_per_sqrt_sec) == (None, None)


def test_the_index_lies_above_its_source_by_the_basis():
    index = IndexTracker(half_life_secs=60, basis_bps=25)
    index.update(0, 40_000.0)
    assert index.spot(0) == pytest.approx(40_100.0)


def test_the_index_is_unknown_when_its_source_has_been_silent_for_more_than_ten_seconds():
    index = IndexTracker(half_life_secs=60)
    index.update(5, 100.0)
    assert index.spot(5 + 10 * SECOND) == 100.0
    assert index.spot(5 + 10 * SECOND + 1) is None
    index.update(5 + 11 * SECOND, 101.0)
    assert index.spot(5 + 11 * SECOND) == 101.0


def test_an_older_tick_is_ignored_and_one_of_equal_time_replaces():
    index = IndexTracker(half_life_secs=60)
    for at, price in ((10, 100.0), (9, 50.0), (10, 101.0)):
        index.update(at * SECOND, price)
    assert index.spot(10 * SECOND) == 101.0


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf")])
def test_what_cannot_be_a_price_is_refused(price):
    index = IndexTracker(half_life_secs=60)
    with pytest.raises(ValueError, match="expected price to be finite and above 0"):
        index.update(0, price)


def test_volatility_is_that_of_the_log_so_a_basis_does_not_change_it():
    plain, shifted = tracker(CLOSES), tracker(CLOSES, basis_bps=40)
    assert plain.sigma_per_sqrt_sec == shifted.sigma_per_sqrt_sec == pytest.approx(0.0004, rel=0.05)


# The mean so far


TICKS = st.lists(
    st.tuples(st.integers(-100, 400), st.floats(1.0, 1_000.0, allow_nan=False)), min_size=1, max_size=20
)


def naive_mean(ticks, start, now):
    """Return the mean of [start, now] by adding up its nanoseconds; ticks later than `now` do not exist."""
    heard = []
    for at, price in ticks:
        if not heard or at >= heard[-1][0]:
            heard.append((at, price))
    total = 0.0
    for moment in range(start, now):
        before = [price for at, price in heard if at <= moment]
        total += before[-1] if before else heard[0][1]
    return total / (now - start)


@given(TICKS, st.integers(1, 300))
def test_the_mean_is_the_integral_over_the_time_since_the_start(ticks, span):
    start, now = 50, 50 + span
    ticks = [(at, price) for at, price in ticks if at <= now]
    average = AverageSoFar(start)
    for at, price in ticks:
        average.update(at, price)
    if ticks:
        assert average.mean(now) == pytest.approx(naive_mean(ticks, start, now), rel=1e-12)
    else:
        assert average.mean(now) is None


@given(TICKS, st.integers(1, 300))
def test_the_mean_lies_between_the_lowest_and_the_highest_price(ticks, span):
    average = AverageSoFar(0)
    for at, price in sorted(ticks):
        average.update(at, price)
    prices = [price for _, price in ticks]
    assert min(prices) * (1 - 1e-12) <= average.mean(500 + span) <= max(prices) * (1 + 1e-12)


def test_each_price_weighs_as_long_as_it_stood():
    average = AverageSoFar(100)
    for at, price in ((90, 10.0), (110, 20.0), (140, 40.0)):
        average.update(at, price)
    assert average.mean(150) == (10 * 10 + 20 * 30 + 40 * 10) / 50


def test_a_first_tick_after_the_start_stands_for_the_time_before_it():
    average = AverageSoFar(100)
    average.update(140, 20.0)
    average.update(150, 40.0)
    assert average.mean(160) == (20 * 50 + 40 * 10) / 60


@pytest.mark.parametrize(
    ("last", "older"), [(150, 149), (150, 101), (150, 50), (90, 80), (100, 99), (101, 100)]
)
def test_a_tick_older_than_the_last_is_ignored_on_either_side_of_the_start(last, older):
    average = AverageSoFar(100)
    average.update(last, 10.0)
    average.update(older, 99.0)
    assert average.mean(200) == 10.0


def test_a_source_whose_clock_runs_ahead_of_ours_does_not_inflate_the_mean():
    average = AverageSoFar(100)
    for at, price in ((90, 10.0), (150, 10.0)):
        average.update(at, price)
    assert [average.mean(now) for now in (100, 110, 150, 160)] == [None, 10.0, 10.0, 10.0]


def test_there_is_no_mean_before_the_start_nor_without_a_price():
    average = AverageSoFar(100)
    assert average.mean(200) is None
    average.update(50, 10.0)
    assert average.mean(99) is None
    assert average.mean(100) is None
    assert average.mean(101) == 10.0


# The contract


def test_a_contract_has_no_worth_while_anything_is_unknown():
    fair, index = DigitalFair(CONTRACT, CLOSES), tracker(CLOSES - 100 * SECOND)
    young = IndexTracker(half_life_secs=60)
    young.update(CLOSES - 100 * SECOND, 100.0)
    now = CLOSES - 100 * SECOND
    assert fair.probability(index, now) == pytest.approx(0.5)
    assert fair.probability(IndexTracker(half_life_secs=60), now) is None  # no price at all
    assert fair.probability(young, now) is None  # no volatility yet
    assert fair.probability(index, now + 11 * SECOND) is None  # the source is silent
    assert fair.probability(tracker(STARTS + 1), STARTS + 1) is None  # in the window, and nothing observed


@pytest.mark.parametrize("late_ns", [0, 1, 3600 * SECOND])
def test_a_closed_contract_has_no_worth(late_ns):
    fair, index = DigitalFair(CONTRACT, CLOSES), tracker(CLOSES + late_ns)
    fair.update(CLOSES - 120 * SECOND, 100.0)
    assert fair.probability(index, CLOSES + late_ns) is None


@pytest.mark.parametrize("spot", [99.97, 100.0, 100.02])
def test_the_probability_does_not_jump_when_the_window_begins(spot):
    fair = DigitalFair(CONTRACT, CLOSES)
    fair.update(STARTS - 120 * SECOND, spot)
    index = tracker(STARTS, spot)
    before, at, after = (fair.probability(index, STARTS + ns) for ns in (-1, 0, 1))
    assert before == pytest.approx(at, abs=1e-6)
    assert after == pytest.approx(at, abs=1e-6)


def test_before_the_window_the_worth_is_the_models():
    fair, now = DigitalFair(CONTRACT, CLOSES), CLOSES - 300 * SECOND
    index = tracker(now, 100.005)
    fair.update(now, 100.005)
    view = IndexView(100.005, index.sigma_per_sqrt_sec, 300.0)
    assert fair.probability(index, now) == probability_at_or_above(CONTRACT, view)
    assert 0.5 < fair.probability(index, now) < 1


def test_inside_the_window_what_was_observed_counts():
    rich, poor = DigitalFair(CONTRACT, CLOSES), DigitalFair(CONTRACT, CLOSES)
    now = STARTS + 30 * SECOND
    for fair, price in ((rich, 100.01), (poor, 99.99)):
        fair.update(STARTS - SECOND, price)
        fair.update(now, 100.0)
    index = tracker(now)
    assert rich.probability(index, now) + poor.probability(index, now) == pytest.approx(1, abs=1e-9)
    view = IndexView(100.0, index.sigma_per_sqrt_sec, 30.0, 100.01)
    assert rich.probability(index, now) == pytest.approx(probability_at_or_above(CONTRACT, view))
    assert rich.probability(index, now) > 0.5


@pytest.mark.parametrize(("spot", "bound"), [(200.0, 0.999), (50.0, 0.001)])
@pytest.mark.parametrize("now_ns", [CLOSES - 300 * SECOND, STARTS + SECOND, CLOSES - 1])
def test_no_belief_is_surer_than_one_in_a_thousand(spot, bound, now_ns):
    fair = DigitalFair(CONTRACT, CLOSES)
    fair.update(STARTS - 500 * SECOND, spot)
    assert fair.probability(tracker(now_ns, spot), now_ns) == bound


@given(st.floats(99.0, 101.0), st.integers(1, 400 * SECOND), st.floats(99.0, 101.0))
def test_the_worth_is_a_probability_at_every_moment(spot, left_ns, seen):
    fair, now = DigitalFair(CONTRACT, CLOSES), CLOSES - left_ns
    fair.update(CLOSES - 500 * SECOND, seen)
    assert 0.001 <= fair.probability(tracker(now, spot), now) <= 0.999


def test_a_contract_on_the_last_value_alone_needs_no_mean():
    fair, now = DigitalFair(AverageDigital(100.0, 0), CLOSES), CLOSES - SECOND
    index = tracker(now, 100.01)
    view = IndexView(100.01, index.sigma_per_sqrt_sec, 1.0)
    assert fair.probability(index, now) == probability_at_or_above(AverageDigital(100.0, 0), view)


def test_the_tracker_measures_the_volatility_of_a_steady_wobble():
    index = tracker(CLOSES, wobble=0.05)
    assert index.sigma_per_sqrt_sec == pytest.approx(0.1 / 100 / sqrt(1), rel=0.05)
