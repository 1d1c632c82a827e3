from dataclasses import replace

import numpy as np
import pytest

from simulation.spot_path import (
    SECOND_NS,
    YEAR_SECS,
    SpotModel,
    SpotPath,
    SpotStretch,
    fixing_cents,
    second_values_cents,
)

START_NS = 1_788_220_800 * SECOND_NS
HOUR_NS = 3_600 * SECOND_NS
CALM = SpotModel(volatility_wander=0.0, jumps_per_day=0.0)


def path(model=CALM, seed=1):
    return SpotPath(model, np.random.default_rng(seed), START_NS)


def stretch(times_secs, cents):
    times_ns = np.asarray([START_NS + round(at * SECOND_NS) for at in times_secs])
    return SpotStretch(times_ns, np.asarray(cents), np.full(len(cents), 0.5))


def test_the_first_print_falls_on_the_start_and_times_ascend_across_stretches():
    walk = path()
    first, second = walk.advance(START_NS + 60 * SECOND_NS), walk.advance(START_NS + 960 * SECOND_NS)
    times_ns = first.followed_by(second).times_ns
    assert times_ns[0] == START_NS
    assert (np.diff(times_ns) > 0).all()
    assert first.times_ns[-1] < START_NS + 60 * SECOND_NS <= second.times_ns[0]


def test_prints_arrive_irregularly_at_the_wished_rate():
    gaps_secs = np.diff(path().advance(START_NS + 4 * HOUR_NS).times_ns) / SECOND_NS
    assert 1 / gaps_secs.mean() == pytest.approx(CALM.ticks_per_second, rel=0.05)
    assert gaps_secs.std() == pytest.approx(gaps_secs.mean(), rel=0.05), "a Poisson process"


def test_the_moves_have_the_volatility_of_the_model():
    prints = path().advance(START_NS + 24 * HOUR_NS)
    moves = np.diff(np.log(prints.cents)) / np.sqrt(np.diff(prints.times_ns) / SECOND_NS / YEAR_SECS)
    # Only gaps over a quarter of a second: over shorter ones the rounding to cents shows.
    assert moves[np.diff(prints.times_ns) > SECOND_NS // 4].std() == pytest.approx(0.5, rel=0.02)


def test_volatility_wanders_slowly_around_its_mean():
    prints = path(replace(CALM, volatility_wander=0.3)).advance(START_NS + 96 * HOUR_NS)
    logs = np.log(prints.volatility / 0.5)
    assert logs.std() == pytest.approx(0.3, rel=0.35)
    assert np.abs(np.diff(logs)).max() < 0.1


def test_jumps_are_rare_and_stand_out():
    model = replace(CALM, jumps_per_day=20.0, jump_bps=100.0)
    prints = path(model).advance(START_NS + 24 * HOUR_NS)
    spread = 0.5 * np.sqrt(np.diff(prints.times_ns) / SECOND_NS / YEAR_SECS)
    assert 5 <= (np.abs(np.diff(np.log(prints.cents))) > 8 * spread + 1e-6).sum() <= 40


def test_the_same_generator_walks_the_same_path_and_another_does_not():
    walks = [path(SpotModel(), seed).advance(START_NS + HOUR_NS) for seed in (1, 1, 2)]
    assert (walks[0].times_ns == walks[1].times_ns).all()
    assert (walks[0].cents == walks[1].cents).all()
    assert walks[0].cents[-1] != walks[2].cents[-1]


def test_the_price_of_a_second_is_the_last_print_at_or_before_it():
    prints = stretch((0, 0.4, 1.0, 2.999, 3.5), (100, 110, 120, 130, 140))
    values = second_values_cents(prints, START_NS + 4 * SECOND_NS, window_secs=4)
    assert values.tolist() == [100, 120, 120, 130]


def test_a_fixing_without_a_print_for_its_first_second_is_refused():
    with pytest.raises(ValueError, match="expected a print at or before"):
        second_values_cents(stretch((0.5, 1), (100, 101)), START_NS + 4 * SECOND_NS, window_secs=4)


@pytest.mark.parametrize(
    ("high_seconds", "fixing"), [(0, 100), (29, 100), (30, 101), (31, 101), (60, 101)], ids=str
)
def test_the_fixing_is_the_mean_rounded_to_the_cent_with_halves_up(high_seconds, fixing):
    cents = [101] * high_seconds + [100] * (60 - high_seconds)
    assert fixing_cents(stretch(range(60), cents), START_NS + 60 * SECOND_NS) == fixing


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("start_price_usd", 0.0),
        ("annual_volatility", float("nan")),
        ("volatility_wander", -0.1),
        ("ticks_per_second", 0.2),
        ("jump_bps", 1e4),
        ("jumps_per_day", -1.0),
        ("volatility_memory_secs", 1.0),
    ],
)
def test_a_setting_out_of_bounds_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"expected {name} between"):
        SpotModel(**{name: value})
