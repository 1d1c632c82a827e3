import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.bootstrap import estimate_mean, widen


def test_nothing_has_no_mean():
    assert estimate_mean([]) is None


def test_one_event_has_a_mean_and_no_interval():
    estimate = estimate_mean([3.0])
    assert (estimate.mean, estimate.low, estimate.high, estimate.events) == (3.0, None, None, 1)


def test_a_value_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="expected finite values"):
        estimate_mean([1.0, math.nan])


def test_the_same_values_give_the_same_interval():
    values = [math.sin(number) for number in range(300)]
    assert estimate_mean(values) == estimate_mean(values)


def test_the_interval_of_many_events_is_the_normal_one():
    values = [1.0, -1.0] * 800  # standard error 1 / 40
    estimate = estimate_mean(values)
    assert estimate.low == pytest.approx(-1.96 / 40, rel=0.08)
    assert estimate.high == pytest.approx(1.96 / 40, rel=0.08)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_the_interval_lies_between_the_smallest_and_the_largest_event(values):
    estimate = estimate_mean(values)
    slack = 1e-6 * (1 + max(map(abs, values)))
    assert min(values) - slack <= estimate.low <= estimate.high <= max(values) + slack


def test_earlier_trials_widen_the_interval_as_bonferroni_says():
    estimate = estimate_mean([1.0, -1.0] * 50)
    wider = widen(estimate, 4)  # 0.05 / 5 = 0.01: 2.576 standard errors in place of 1.960
    assert (wider.low - wider.mean) / (estimate.low - estimate.mean) == pytest.approx(
        2.5758 / 1.9600, abs=1e-4
    )
    assert wider.confidence == pytest.approx(0.99)


def test_without_earlier_trials_nothing_is_widened():
    estimate = estimate_mean([1.0, 2.0])
    assert widen(estimate, 0) == estimate
    assert widen(None, 5) is None
