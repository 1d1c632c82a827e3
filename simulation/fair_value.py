"""What a synthetic market is worth at each spot print, and what its makers believe it is worth.

Makers are late by `lag_ms` and see the spot through a slowly changing error of `noise_bps`: this is
the whole edge that a model can find here, and both are settings.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import exp, sqrt

import numpy as np
from numpy.typing import NDArray

from pricing.digital import AverageDigital, IndexView, probability_at_or_above
from simulation.bounds import require_between
from simulation.spot_path import FIXING_SECS, SECOND_NS, YEAR_SECS, SpotStretch, second_values_cents

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MakerView:
    """How well the makers see the spot: late by `lag_ms`, wrong by `noise_bps` (standard deviation)."""

    lag_ms: float = 250.0
    noise_bps: float = 0.5
    noise_memory_secs: float = 20.0

    def __post_init__(self) -> None:
        """Refuse a view so poor that the market would be absurd."""
        require_between("maker lag_ms", self.lag_ms, 0.0, 10_000.0)
        require_between("noise_bps", self.noise_bps, 0.0, 20.0)
        require_between("noise_memory_secs", self.noise_memory_secs, 1.0, 3_600.0)


@dataclass(frozen=True, slots=True)
class MarketWindow:
    """When one market trades, and the fixing in cents that its own fixing has to reach."""

    opens_ns: int
    closes_ns: int
    strike_cents: int


@dataclass(frozen=True, slots=True)
class FairValues:
    """Probabilities of YES, one a spot print: the exact one and the one that makers quote around."""

    times_ns: NDArray[np.int64]
    exact: Floats
    believed: Floats


def fair_values(
    prints: SpotStretch, window: MarketWindow, view: MakerView, rng: np.random.Generator
) -> FairValues:
    """Return what the market of `window` is worth at each print, by `pricing.digital`.

    `prints` start at least a minute before the opening and end at the close.
    """
    known = list(_what_is_known(prints, window))
    error = _slow_noise(prints.times_ns, view, rng).tolist()
    # The fixing is rounded to the cent before it is compared: half a cent below the strike is enough.
    contract = AverageDigital(window.strike_cents - 0.5, FIXING_SECS)
    exact = [probability_at_or_above(contract, seen) for seen in known]
    believed = [
        probability_at_or_above(contract, replace(seen, spot=seen.spot * (1.0 + share)))
        for seen, share in zip(known, error, strict=True)
    ]
    return FairValues(prints.times_ns, np.asarray(exact), np.asarray(believed))


def _what_is_known(prints: SpotStretch, window: MarketWindow) -> Iterator[IndexView]:
    seconds_ns = window.closes_ns - np.arange(FIXING_SECS, 0, -1, dtype=np.int64) * SECOND_NS
    running_sum = np.cumsum(second_values_cents(prints, window.closes_ns, FIXING_SECS))
    observed = np.searchsorted(seconds_ns, prints.times_ns, side="right")
    secs_left = (window.closes_ns - prints.times_ns) / SECOND_NS
    sigma = prints.volatility / sqrt(YEAR_SECS)
    columns = (prints.cents.tolist(), sigma.tolist(), secs_left.tolist(), observed.tolist())
    for spot, sigma_per_sqrt_sec, secs, count in zip(*columns, strict=True):
        if not count:
            yield IndexView(spot, sigma_per_sqrt_sec, secs)
            continue
        # Inside the window the values still to come are counted, not the seconds: one is taken a second,
        # and with the last of them the outcome is certain though the close is most of a second away.
        mean = float(running_sum[count - 1]) / count
        yield IndexView(spot, sigma_per_sqrt_sec, FIXING_SECS - count, mean)


def _slow_noise(times_ns: NDArray[np.int64], view: MakerView, rng: np.random.Generator) -> Floats:
    first_ns, last_ns = int(times_ns[0]), int(times_ns[-1])
    count = (last_ns - first_ns) // SECOND_NS + 2
    keep = exp(-1.0 / view.noise_memory_secs)
    fresh = sqrt(1.0 - keep * keep)
    shocks = rng.standard_normal(count).tolist()
    knots = shocks[:1]
    for shock in shocks[1:]:
        knots.append(keep * knots[-1] + fresh * shock)
    at_secs = (times_ns - first_ns) / SECOND_NS
    return np.asarray(np.interp(at_secs, np.arange(count), np.asarray(knots)) * view.noise_bps * 1e-4)
