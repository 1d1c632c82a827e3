from hypothesis import example, given
from hypothesis import strategies as st

from research.thinning import thin


def test_a_short_series_is_drawn_whole():
    assert thin([1.0, None, 2.0], 3) == [0, 1, 2]


@example([*[None] * 7, 0.0, 0.0, None, 0.0, None], 4)
@given(st.lists(st.none() | st.floats(-5, 5), min_size=1, max_size=300), st.integers(3, 50))
def test_the_ends_and_the_extremes_survive_in_order(values, limit):
    kept = thin(values, limit)
    assert kept == sorted(set(kept))
    assert (kept[0], kept[-1]) == (0, len(values) - 1)
    assert len(kept) <= limit + 1
    known = [value for value in values if value is not None]
    if known:
        drawn = [values[at] for at in kept if values[at] is not None]
        assert (min(drawn), max(drawn)) == (min(known), max(known))
