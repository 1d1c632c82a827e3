"""When somebody acts in a synthetic market, and what makers and takers know at that moment."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulation.fair_value import FairValues, Floats, MarketWindow
from simulation.spot_path import SECOND_NS

_OPENING_NS: Final = 150_000_000
_QUIET_END_NS: Final = 5_000_000
_HURRY_NS: Final = 120 * SECOND_NS


class Moment(NamedTuple):
    """When somebody acts, the levels at which makers then want the touch, and the exact value."""

    time_ns: int
    bid: int
    ask: int
    exact: float


def moments(
    times_ns: NDArray[np.int64], fair: FairValues, window: MarketWindow, prices: Floats, lag_ns: int
) -> Iterator[Moment]:
    """Yield what people know at each of `times_ns`; makers know the prints of `lag_ns` ago.

    The spread is one to three ticks: wider while the outcome is open, and in the last two minutes.
    """
    late = np.maximum(np.searchsorted(fair.times_ns, times_ns - lag_ns, side="right") - 1, 0)
    exact = fair.exact[np.maximum(np.searchsorted(fair.times_ns, times_ns, side="right") - 1, 0)]
    believed = fair.believed[late]
    hurry = np.clip(1.0 - (window.closes_ns - times_ns) / _HURRY_NS, 0.0, 1.0)
    width = np.clip(np.floor(1.5 + 2.8 * believed * (1.0 - believed) + hurry), 1, 3).astype(np.int64)
    below = np.searchsorted(prices, believed, side="right") - 1
    edges = np.concatenate(([0.0], prices, [1.0]))
    is_low = believed - edges[below + 1] < (edges[below + 2] - edges[below + 1]) / 2
    bid = np.maximum(below - ((width == 3) | ((width == 2) & is_low)), -1)
    ask = np.minimum(np.maximum(bid + width, below + 1), len(prices))
    columns = (times_ns.tolist(), bid.tolist(), ask.tolist(), exact.tolist())
    return map(Moment._make, zip(*columns, strict=True))


def action_times(window: MarketWindow, per_second: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return when somebody acts: a Poisson process, and the opening as its first element."""
    opens_ns, closes_ns = window.opens_ns + _OPENING_NS, window.closes_ns - _QUIET_END_NS
    count = int(rng.poisson(per_second * (closes_ns - opens_ns) / SECOND_NS))
    return np.concatenate(([opens_ns], np.sort(rng.integers(opens_ns + 1, closes_ns, count))))
