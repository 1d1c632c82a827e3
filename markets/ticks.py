"""Round a wished price or size to one that the market can express."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from markets.instruments import Instrument, PriceRange, info_of

ONE_DOLLAR = Decimal(1)


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of `step` that is not above `value`."""
    return (value / step).to_integral_value(ROUND_FLOOR) * step


def ceil_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Return the smallest multiple of `step` that is not below `value`."""
    return (value / step).to_integral_value(ROUND_CEILING) * step


class PriceGrid:
    """The prices at which one market can trade: ticks may be finer near 0 and 1 than in between."""

    def __init__(self, ranges: Sequence[PriceRange]) -> None:
        """`ranges` are in ascending order and touch; a shared end belongs to both grids."""
        if not ranges:
            raise ValueError("expected at least one price range, found none")
        self._ranges = tuple(ranges)

    def holds(self, price: Decimal) -> bool:
        """Return whether the market accepts `price`: strictly between 0 and 1, and on a tick."""
        return 0 < price < ONE_DOLLAR and any(
            (price - part.start) % part.step == 0 for part in self._ranges if part.start <= price <= part.end
        )

    def floor(self, price: Decimal) -> Decimal | None:
        """Return the highest price of the grid that is not above `price`, or None when there is none."""
        for part in reversed(self._ranges):
            if price < part.start:
                continue
            inside = min(price, part.end)
            tick = part.start + floor_to_step(inside - part.start, part.step)
            if tick >= ONE_DOLLAR:
                tick -= part.step
            return tick if tick > 0 else None
        return None

    def ceil(self, price: Decimal) -> Decimal | None:
        """Return the lowest price of the grid that is not below `price`, or None when there is none."""
        for part in self._ranges:
            if price > part.end:
                continue
            inside = max(price, part.start)
            tick = min(part.start + ceil_to_step(inside - part.start, part.step), part.end)
            if tick <= 0:
                tick += part.step
            return tick if tick < ONE_DOLLAR else None
        return None


def grid_of(instrument: Instrument) -> PriceGrid:
    """Return the grid that the venue states for `instrument` now."""
    return PriceGrid(
        [
            PriceRange(Decimal(part["start"]), Decimal(part["end"]), Decimal(part["step"]))
            for part in info_of(instrument)["price_ranges"]
        ]
    )
