from decimal import Decimal
from math import inf, log, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.sizing import kelly_share, to_usd

inside = st.floats(0.01, 0.99)


@pytest.mark.parametrize(
    ("probability", "cost", "share"),
    [(0.6, 0.5, 0.2), (0.5, 0.5, 0.0), (0.4, 0.5, 0.0), (0.99, 0.01, 0.989898989899)],
)
def test_the_share_is_the_edge_over_what_can_be_won(probability, cost, share):
    assert kelly_share(probability, cost) == pytest.approx(share)


@given(inside, inside, st.floats(0, 0.99))
def test_no_other_share_has_a_higher_expected_log_wealth(probability, cost, other):
    def growth(share):
        return probability * log(1 + share * (1 - cost) / cost) + (1 - probability) * log(1 - share)

    assert growth(kelly_share(probability, cost)) >= growth(other) - 1e-9


@pytest.mark.parametrize("bad", [0.0, 1.0, -0.1, 1.1, nan, inf])
def test_what_is_not_strictly_between_nothing_and_certainty_is_refused(bad):
    with pytest.raises(ValueError, match=r"probability in \(0, 1\)"):
        kelly_share(bad, 0.5)
    with pytest.raises(ValueError, match=r"cost per contract in \(0, 1\)"):
        kelly_share(0.5, bad)


def test_a_computed_amount_carries_no_dust():
    assert to_usd(0.2 * 0.25 * 999.9999999999) == Decimal("50.000000")


@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_an_amount_that_is_not_finite_is_not_money(bad):
    with pytest.raises(ValueError, match="finite amount"):
        to_usd(bad)
