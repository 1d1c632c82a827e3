import numpy as np
import pytest

from simulation.fair_value import FairValues, MarketWindow
from simulation.ladder import tick_prices
from simulation.moments import action_times, moments
from simulation.spot_path import SECOND_NS
from simulation.synthetic_market import TAPERED

OPENS_NS = 1_788_220_800 * SECOND_NS
CLOSES_NS = OPENS_NS + 900 * SECOND_NS
WINDOW = MarketWindow(OPENS_NS, CLOSES_NS, 6_800_000)
PRICES = np.asarray([float(price) for price in tick_prices(TAPERED)])


def known(times_ns, believed, lag_ns=0, exact=None):
    at_ns = np.asarray([OPENS_NS - 60 * SECOND_NS, OPENS_NS + 100 * SECOND_NS])
    fair = FairValues(at_ns, np.asarray(exact or believed), np.asarray(believed))
    return list(moments(np.asarray(times_ns), fair, WINDOW, PRICES, lag_ns))


def test_makers_learn_of_a_print_only_after_their_lag_and_takers_at_once():
    print_ns = OPENS_NS + 100 * SECOND_NS
    before, late, after = known(
        (print_ns - 1, print_ns, print_ns + SECOND_NS), [0.305, 0.605], SECOND_NS, [0.3, 0.6]
    )
    assert [before.exact, late.exact, after.exact] == [0.3, 0.6, 0.6]
    assert (late.bid, late.ask) == (before.bid, before.ask)
    assert after.bid > before.ask


@pytest.mark.parametrize("value", [0.0, 0.0004, 0.05, 0.0999, 0.1, 0.333, 0.5, 0.77, 0.9, 0.9996, 1.0])
def test_the_wished_touch_holds_the_value_between_one_and_three_ticks_apart(value):
    for time_ns in (OPENS_NS + SECOND_NS, CLOSES_NS - SECOND_NS):
        moment = known([time_ns], [value, value])[0]
        edges = [0.0, *PRICES.tolist(), 1.0]
        assert edges[moment.bid + 1] <= value <= edges[moment.ask + 1]
        assert 1 <= moment.ask - moment.bid <= 3
        assert -1 <= moment.bid < moment.ask <= len(PRICES)


def test_the_spread_widens_where_the_outcome_is_open_and_towards_the_close():
    def width(value, secs_left):
        moment = known([CLOSES_NS - secs_left * SECOND_NS], [value, value])[0]
        return moment.ask - moment.bid

    assert [width(0.05, 600), width(0.5, 600), width(0.5, 10)] == [1, 2, 3]


def test_actions_ascend_inside_the_market_at_the_wished_rate():
    times_ns = action_times(WINDOW, 20.0, np.random.default_rng(5))
    assert times_ns[0] > OPENS_NS
    assert times_ns[-1] < CLOSES_NS
    assert (np.diff(times_ns) >= 0).all()
    assert len(times_ns) == pytest.approx(18_000, rel=0.05)
