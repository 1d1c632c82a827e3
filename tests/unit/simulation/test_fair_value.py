import numpy as np
import pytest

from simulation.fair_value import MakerView, MarketWindow, fair_values
from simulation.spot_path import SECOND_NS, SpotStretch

OPENS_NS = 1_788_220_800 * SECOND_NS
CLOSES_NS = OPENS_NS + 900 * SECOND_NS
SEEING_WELL = MakerView(lag_ms=0.0, noise_bps=0.0)


def flat_prints(cents, last_cents=None):
    """One print a second from a minute before the opening; the last minute may stand elsewhere."""
    times_ns = OPENS_NS + np.arange(-60, 900) * SECOND_NS
    prices = np.full(960, cents)
    if last_cents is not None:
        prices[-60:] = last_cents
    return SpotStretch(times_ns, prices, np.full(960, 0.5))


def fair(prints, strike_cents, view=SEEING_WELL):
    window = MarketWindow(OPENS_NS, CLOSES_NS, strike_cents)
    return fair_values(prints, window, view, np.random.default_rng(3))


def test_a_market_at_the_strike_is_worth_half_until_the_last_print_decides_it():
    values = fair(flat_prints(6_800_000), 6_800_000)
    assert np.allclose(values.exact[:900], 0.5, atol=0.001)
    assert values.exact[-1] == 1.0, "a tie is YES"


def test_the_outcome_is_certain_with_the_last_of_the_sixty_prices():
    assert fair(flat_prints(6_800_000), 6_800_001).exact[-1] == 0.0
    assert fair(flat_prints(6_800_000, 6_800_001), 6_800_001).exact[-1] == 1.0


def test_value_moves_away_from_half_as_the_close_comes_nearer():
    exact = fair(flat_prints(6_801_000), 6_800_000).exact
    assert (np.diff(exact[60:]) > -1e-12).all()
    assert 0.5 < exact[60] < exact[-120] < exact[-1] == 1.0


def test_makers_who_see_well_believe_the_exact_value_and_others_err_on_both_sides():
    prints = flat_prints(6_800_000)
    seeing_well = fair(prints, 6_800_000)
    assert (seeing_well.exact == seeing_well.believed).all()
    blurred = fair(prints, 6_800_000, MakerView(noise_bps=1.0, noise_memory_secs=5.0))
    assert (blurred.exact == seeing_well.exact).all()
    errors = (blurred.believed - blurred.exact)[60:840]
    assert errors.min() < -0.02 < 0.02 < errors.max()
    assert abs(errors.mean()) < 0.03


@pytest.mark.parametrize(
    ("name", "value"), [("lag_ms", -1.0), ("noise_bps", float("nan")), ("noise_memory_secs", 0.0)]
)
def test_a_view_out_of_bounds_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"expected .*{name} between"):
        MakerView(**{name: value})
