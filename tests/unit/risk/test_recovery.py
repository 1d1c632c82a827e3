from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.marks import DAY_NS
from risk.recovery import Recovery

STEPS = tuple((Decimal(a), Decimal(b)) for a, b in (("0.1", "0.75"), ("0.15", "0.5"), ("0.2", "0")))
CAPITAL = Decimal(1000)
MONDAY = 20_003 * DAY_NS  # 2024-10-07


def walk(recovery, *profits, start=0):
    for day, profit in enumerate(profits, start):
        recovery.look(Decimal(profit), CAPITAL, STEPS, MONDAY + day * DAY_NS)
    return recovery


@pytest.mark.parametrize(
    ("profit", "scale"),
    [(0, 1), (-99, 1), (-100, "0.75"), (-149, "0.75"), (-150, "0.5"), (-199, "0.5"), (-200, 0)],
)
def test_the_scale_falls_at_each_step(profit, scale):
    assert walk(Recovery(), 0, profit).scale == Decimal(scale)


def test_a_quick_recovery_gives_nothing_back():
    assert walk(Recovery(), 0, -120, 0, 0).scale == Decimal("0.75")


def test_after_ten_good_days_it_rises_by_a_tenth_a_week():
    recovery = walk(Recovery(), 0, -150)
    seen = []
    for day in range(2, 40):
        walk(recovery, -150 + 5 * (day - 1), start=day)
        seen.append(recovery.scale)
    raises = [day for day, (a, b) in enumerate(pairwise(seen), 3) if b > a]
    assert seen[8] == Decimal("0.5")
    assert [seen[day - 2] - seen[day - 3] for day in raises[:3]] == [Decimal("0.1")] * 3
    assert raises[0] >= 11
    assert raises[1] % 7 == 0
    assert all(later - earlier == 7 for earlier, later in pairwise(raises[1:]))
    assert seen[-1] <= 1


def test_ten_days_that_ended_with_a_profit_are_enough_however_often_one_looks():
    recovery, seen = walk(Recovery(), 0, -190), []
    for day in range(2, 14):
        for hour in (1, 13):
            recovery.look(
                Decimal(-192 + day + hour), CAPITAL, STEPS, MONDAY + day * DAY_NS + hour * DAY_NS // 24
            )
        seen.append(recovery.scale)
    assert set(seen) == {Decimal("0.5")}
    assert recovery.good_days == 11
    recovery.look(Decimal(0), CAPITAL, STEPS, MONDAY + 13 * DAY_NS + DAY_NS // 2)
    assert recovery.scale == Decimal("0.6")


@pytest.mark.parametrize(("days", "scale"), [(9, "0.5"), (10, "0.6")])
def test_not_before_the_tenth_day_has_ended(days, scale):
    recovery = walk(Recovery(), 0, -150, *range(-149, -149 + days))
    assert walk(recovery, 0, start=2 + days).scale == Decimal(scale)


@pytest.mark.parametrize("change", [0, -1])
def test_days_without_a_profit_do_not_count(change):
    recovery = walk(Recovery(), 0, -150, *(-150 + change * day for day in range(1, 20)))
    assert recovery.good_days == 0
    assert walk(recovery, 0, start=21).scale == Decimal("0.5")


def test_the_first_day_counts_from_its_first_look():
    assert walk(Recovery(), -50, start=0).day_start_usd == -50
    recovery = Recovery()
    for hour, profit in enumerate((-50, -40)):
        recovery.look(Decimal(profit), CAPITAL, STEPS, MONDAY + hour)
    assert walk(recovery, -40, start=1).good_days == 1


def test_a_recovery_that_has_seen_nothing_as_plain_data():
    assert Recovery().as_plain() == {
        "scale": "1", "high_usd": None, "day": None, "day_start_usd": "0", "last_usd": "0", "good_days": 0,
        "raised_week": None,
    }  # fmt: skip


def test_a_resume_begins_to_count_anew_and_without_other_steps_at_full_size():
    recovery = walk(Recovery(), 0, -200)
    recovery.resume(((Decimal("0.2"), Decimal(0)),))
    assert (recovery.scale, recovery.good_days) == (1, 0)


def test_at_nothing_it_stays_until_an_operator_resumes():
    recovery = walk(Recovery(), 0, -200, *range(0, 300, 10))
    assert recovery.scale == 0
    recovery.resume(STEPS)
    assert recovery.scale == Decimal("0.5")
    assert walk(recovery, 290, 285, start=40).scale == Decimal("0.5")


def test_a_resume_without_a_halt_changes_nothing():
    recovery = walk(Recovery(), 0, -120)
    recovery.resume(STEPS)
    assert recovery.scale == Decimal("0.75")


@given(st.lists(st.integers(-900, 900), max_size=40))
def test_the_scale_is_never_above_what_the_drawdown_allows_and_survives_a_restart(profits):
    recovery, high = Recovery(), Decimal(-1000)
    for day, profit in enumerate(profits):
        before = recovery.scale
        walk(recovery, profit, start=day)
        high = max(high, Decimal(profit))
        below = (high - profit) / (CAPITAL + high)
        assert recovery.scale <= min([factor for at, factor in STEPS if below >= at], default=1)
        assert recovery.scale - before <= Decimal("0.1")
        recovery = Recovery.from_plain(recovery.as_plain())
