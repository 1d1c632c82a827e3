from decimal import Decimal

import pytest

from research.bootstrap import Estimate
from research.wording import bounds, cents, count, exact, interval, iso_time, percent


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("12.345678", "12.345678"),
        ("12.3400", "12.34"),
        ("100", "100"),
        ("1E+3", "1000"),
        ("1E-9", "0.000000001"),
        ("-0.00", "0"),
        ("1234567890123456789012345678901234567.5", "1234567890123456789012345678901234567.5"),
    ],
)
def test_money_is_written_to_the_last_digit(value, text):
    assert exact(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"), [("1234.5", "+1,234.50"), ("-0.004", "0.00"), ("-0.006", "-0.01"), ("0", "0.00")]
)
def test_money_for_people_has_a_sign_and_two_digits(value, text):
    assert cents(Decimal(value)) == text


@pytest.mark.parametrize(
    ("ts_ns", "text"),
    [
        (1_790_000_000_000_000_000, "2026-09-21T14:13:20Z"),
        (1_790_000_000_000_000_001, "2026-09-21T14:13:20.000000001Z"),
        (1_790_000_000_500_000_000, "2026-09-21T14:13:20.5Z"),
        (0, "1970-01-01T00:00:00Z"),
    ],
)
def test_a_time_keeps_its_nanoseconds(ts_ns, text):
    assert iso_time(ts_ns) == text


def test_what_could_not_be_computed_is_said_to_be_missing():
    alone = Estimate(1.0, None, None, 1, 0.95)
    assert interval(None, 2) == "n/a"
    assert interval(alone, 2) == "+1.00 [no interval]"
    assert bounds(alone, 2) == "no interval"


def test_intervals_counts_and_shares_read_as_words():
    assert bounds(Estimate(1.0, -0.5, 2.5, 9, 0.95), 1) == "95 % interval -0.5 to +2.5"
    assert (count(1, "event"), count(1200, "event")) == ("1 event", "1,200 events")
    assert percent(0.59) == "59 %"
