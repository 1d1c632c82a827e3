from datetime import UTC, datetime
from decimal import Decimal

import pytest

from risk.marks import DAY_NS, Marks, week_ends_ns


def looked(*profits):
    marks = Marks()
    for hour, profit in enumerate(profits):
        marks.look(Decimal(profit), 20_000 * DAY_NS + hour * DAY_NS // 24)
    return marks


def test_the_day_remembers_its_start_and_its_worst_moment():
    marks = looked(5, 20, -7, 3)
    assert (marks.day_start_usd, marks.day_low_usd, marks.high_usd) == (5, -7, 20)


def test_a_new_day_starts_at_its_first_look_and_the_high_stays():
    marks = looked(5, 20, -7, 3)
    marks.look(Decimal(1), 20_001 * DAY_NS)
    assert (marks.day, marks.day_start_usd, marks.day_low_usd, marks.high_usd) == (20_001, 1, 1, 20)


def test_a_day_lasts_from_midnight_to_midnight_utc_and_a_week_from_monday():
    monday = datetime(2026, 11, 30, tzinfo=UTC)
    midnight_ns = round(monday.timestamp()) * 1_000_000_000
    marks = Marks()
    marks.look(Decimal(9), midnight_ns - 1)
    before = marks.day, marks.week
    marks.look(Decimal(5), midnight_ns)
    assert (marks.day, marks.week) == (before[0] + 1, before[1] + 1)
    assert (marks.day_start_usd, marks.week_start_usd) == (5, 5)
    assert week_ends_ns(midnight_ns - 1) == midnight_ns


def test_before_the_first_look_nothing_is_known():
    assert set(Marks().as_plain().values()) == {None}


def test_the_high_only_goes_up():
    marks, high = Marks(), Decimal(-100)
    for profit in (-50, -60, 10, 9, 12, -200):
        marks.look(Decimal(profit), 1)
        assert marks.high_usd >= high
        high = marks.high_usd
    assert high == 12


def test_a_clock_that_runs_back_a_day_is_an_error():
    marks = looked(5)
    with pytest.raises(ValueError, match="expected a time on or after UTC day 20000, found day 19999"):
        marks.look(Decimal(5), 20_000 * DAY_NS - 1)


def test_a_profit_that_is_no_number_is_an_error():
    with pytest.raises(ValueError, match="expected a finite profit, found NaN"):
        looked("NaN")


def test_a_restart_forgets_nothing():
    for marks in (looked(5, 20, -7, 3), Marks()):
        assert Marks.from_plain(marks.as_plain()) == marks
