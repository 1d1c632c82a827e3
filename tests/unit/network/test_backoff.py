import pytest
from hypothesis import given
from hypothesis import strategies as some

from network.backoff import Backoff, RetryPolicy


@given(some.integers(0, 10_000), some.floats(0, 1, exclude_max=True), some.floats(0, 1))
def test_a_wait_lies_between_its_jitter_and_its_full_length(tries, chance, jitter):
    backoff = Backoff(first_secs=0.5, factor=2, most_secs=20, jitter=jitter)
    full = min(20, 0.5 * 2 ** min(tries, 10))
    delay = backoff.delay_secs(tries, lambda: chance)
    assert full * (1 - jitter) - 1e-12 <= delay <= full


def test_without_chance_waits_double_up_to_the_longest():
    backoff = Backoff(first_secs=1, factor=2, most_secs=5, jitter=0)
    assert [backoff.delay_secs(tries, lambda: 0.9) for tries in range(4)] == [1, 2, 4, 5]


@pytest.mark.parametrize(
    "wrong", [{"first_secs": 0}, {"first_secs": 40}, {"factor": 0.5}, {"jitter": 2}, {"jitter": float("nan")}]
)
def test_a_backoff_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        Backoff(**wrong)


def test_no_attempt_at_all_is_refused():
    with pytest.raises(ValueError, match="at least 1 attempt"):
        RetryPolicy(attempts=0)
