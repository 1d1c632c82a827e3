from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy import market

from markets.instruments import PriceRange
from markets.ticks import PriceGrid, ceil_to_step, floor_to_step, grid_of

TICKS = (Decimal("0.01"), Decimal("0.001"), Decimal("0.0001"))
TAPERED = (
    PriceRange(Decimal(0), Decimal("0.1"), Decimal("0.001")),
    PriceRange(Decimal("0.1"), Decimal("0.9"), Decimal("0.01")),
    PriceRange(Decimal("0.9"), Decimal(1), Decimal("0.001")),
)
PRICES = st.decimals("-0.5", "1.5", places=6)


@st.composite
def scales(draw):
    """Return touching price ranges with ends on full cents, from somewhere near 0 to somewhere near 1."""
    ends = sorted(draw(st.sets(st.integers(0, 100), min_size=2, max_size=5)))
    steps = draw(st.lists(st.sampled_from(TICKS), min_size=len(ends) - 1, max_size=len(ends) - 1))
    return tuple(
        PriceRange(Decimal(start) / 100, Decimal(end) / 100, step)
        for start, end, step in zip(ends, ends[1:], steps, strict=False)
    )


def every_price_of(ranges):
    """Return by plain enumeration what the grid must accept."""
    thousandths = (Decimal(n) / 10_000 for n in range(1, 10_000))
    return [
        price
        for price in thousandths
        if any(part.start <= price <= part.end and (price - part.start) % part.step == 0 for part in ranges)
    ]


@given(scales(), PRICES)
def test_a_price_lies_between_its_floor_and_its_ceiling_and_both_are_on_the_grid(ranges, price):
    grid = PriceGrid(ranges)
    floor, ceil = grid.floor(price), grid.ceil(price)
    assert floor is None or (floor <= price and grid.holds(floor))
    assert ceil is None or (ceil >= price and grid.holds(ceil))


@given(scales(), PRICES)
def test_floor_and_ceiling_leave_out_no_nearer_price(ranges, price):
    grid, every = PriceGrid(ranges), every_price_of(ranges)
    assert grid.floor(price) == max((one for one in every if one <= price), default=None)
    assert grid.ceil(price) == min((one for one in every if one >= price), default=None)


@given(scales(), PRICES)
def test_a_price_on_the_grid_is_its_own_floor_and_ceiling(ranges, price):
    grid = PriceGrid(ranges)
    for tick in (grid.floor(price), grid.ceil(price)):
        assert tick is None or grid.floor(tick) == grid.ceil(tick) == tick


@given(scales(), PRICES)
def test_the_floor_of_yes_is_the_ceiling_of_no(ranges, price):
    pair = market(price_ranges=ranges)
    yes, no = grid_of(pair.yes), grid_of(pair.no)
    floor, mirrored = yes.floor(price), no.ceil(1 - price)
    assert floor == (None if mirrored is None else 1 - mirrored)
    assert yes.holds(price) == no.holds(1 - price)


@pytest.mark.parametrize(
    ("price", "floor", "ceil"),
    [
        ("0.0994", "0.099", "0.1"),
        ("0.1", "0.1", "0.1"),
        ("0.101", "0.1", "0.11"),
        ("0.555", "0.55", "0.56"),
        ("0.899", "0.89", "0.9"),
        ("0.9", "0.9", "0.9"),
        ("0.9001", "0.9", "0.901"),
        ("0.0004", None, "0.001"),
        ("0.9996", "0.999", None),
        ("0", None, "0.001"),
        ("1", "0.999", None),
        ("-3", None, "0.001"),
        ("57", "0.999", None),
    ],
)
def test_a_tapered_scale_is_finer_at_its_ends(price, floor, ceil):
    grid = PriceGrid(TAPERED)
    assert grid.floor(Decimal(price)) == (floor and Decimal(floor))
    assert grid.ceil(Decimal(price)) == (ceil and Decimal(ceil))


@pytest.mark.parametrize("price", ["0", "1", "-0.01", "1.01", "0.105", "0.0005"])
def test_what_the_market_cannot_trade_at_is_not_on_the_grid(price):
    assert not PriceGrid(TAPERED).holds(Decimal(price))


def test_a_market_without_ticks_is_refused():
    with pytest.raises(ValueError, match="expected at least one price range, found none"):
        PriceGrid([])


@given(st.decimals("-100", "100", places=5), st.sampled_from([*TICKS, Decimal("0.03"), Decimal(1)]))
def test_multiples_of_a_step_enclose_every_value(value, step):
    low, high = floor_to_step(value, step), ceil_to_step(value, step)
    assert low <= value <= high
    assert low % step == high % step == 0
    assert high - low == (0 if value % step == 0 else step)


def test_a_grid_counts_its_ticks_from_its_own_start():
    grid = PriceGrid([PriceRange(Decimal("0.003"), Decimal("0.993"), Decimal("0.01"))])
    assert grid.holds(Decimal("0.013"))
    assert not grid.holds(Decimal("0.017"))
