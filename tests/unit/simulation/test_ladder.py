from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.instruments import PriceRange
from markets.ticks import PriceGrid
from simulation.ladder import Change, Ladder, tick_prices

LEVELS = 12
RANGES = (
    PriceRange(Decimal(0), Decimal("0.1"), Decimal("0.001")),
    PriceRange(Decimal("0.1"), Decimal("0.9"), Decimal("0.01")),
    PriceRange(Decimal("0.9"), Decimal(1), Decimal("0.001")),
)
PUTS = st.lists(st.tuples(st.booleans(), st.integers(0, LEVELS - 1), st.integers(0, 3)), max_size=60)


def test_the_ladder_has_every_price_of_the_grid_and_no_other():
    grid = PriceGrid(RANGES)
    every = [Decimal(thousandths) / 1000 for thousandths in range(1001)]
    assert list(tick_prices(RANGES)) == [price for price in every if grid.holds(price)]


@given(PUTS)
def test_a_ladder_is_never_crossed_and_its_best_levels_are_those_of_a_plain_search(puts):
    ladder = Ladder(LEVELS)
    for put in puts:
        try:
            ladder.put(*put)
        except ValueError:
            continue
        bids = [level for level, size in enumerate(ladder.bids) if size]
        asks = [level for level, size in enumerate(ladder.asks) if size]
        assert ladder.best_bid == max(bids, default=-1)
        assert ladder.best_ask == min(asks, default=LEVELS)
        assert ladder.best_bid < ladder.best_ask


@given(PUTS)
def test_a_book_rebuilt_from_its_occupied_levels_is_the_same_book(puts):
    ladder, copy = Ladder(LEVELS), Ladder(LEVELS)
    for put in puts:
        try:
            ladder.put(*put)
        except ValueError:
            continue
    for change in ladder.occupied():
        copy.put(*change)
    assert (copy.bids, copy.asks) == (ladder.bids, ladder.asks)


def test_what_would_cross_the_book_is_refused_and_changes_nothing():
    ladder = Ladder(LEVELS)
    assert ladder.put(True, 5, 100) == Change(is_bid=True, level=5, hundredths=100)
    with pytest.raises(ValueError, match="expected an ask above bid level 5, found one at 5"):
        ladder.put(False, 5, 1)
    ladder.put(False, 7, 1)
    with pytest.raises(ValueError, match="expected a bid below ask level 7, found one at 8"):
        ladder.put(True, 8, 1)
    assert (ladder.best_bid, ladder.best_ask) == (5, 7)


@pytest.mark.parametrize(("level", "hundredths"), [(-1, 1), (LEVELS, 1), (0, -1)])
def test_a_level_off_the_ladder_and_a_negative_size_are_refused(level, hundredths):
    with pytest.raises(ValueError, match="expected a size from 0 and a level of the ladder"):
        Ladder(LEVELS).put(True, level, hundredths)
