"""A made-up spot price: geometric Brownian, with a volatility that wanders and rare jumps.

Everything here is evidence class S (design, section 8): it shows that the machinery works and says
nothing about money. Prices leave as whole cents, since that is what a source prints.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulation.bounds import require_between

SECOND_NS: Final = 1_000_000_000
FIXING_SECS: Final = 60
"""Length of the mean that decides a market: KXBTC15M's rule (Kalshi contract terms, Oct 2026)."""

YEAR_SECS: Final = 365 * 86_400
_DAY_SECS = 86_400
_KNOT_SECS = 60


@dataclass(frozen=True, slots=True)
class SpotModel:
    """How the price moves.

    `annual_volatility` is a share per square root of a year of 365 days, its logarithm wanders around
    it with standard deviation `volatility_wander` and forgets over `volatility_memory_secs`. Jumps
    have mean 0 and standard deviation `jump_bps`. Prints arrive as a Poisson process.
    """

    start_price_usd: float = 68_000.0
    annual_volatility: float = 0.5
    volatility_wander: float = 0.3
    volatility_memory_secs: float = 3_600.0
    jumps_per_day: float = 8.0
    jump_bps: float = 12.0
    ticks_per_second: float = 2.5

    def __post_init__(self) -> None:
        """Refuse what would overflow or leave a minute without a print."""
        require_between("start_price_usd", self.start_price_usd, 1.0, 1e7)
        require_between("annual_volatility", self.annual_volatility, 0.01, 5.0)
        require_between("volatility_wander", self.volatility_wander, 0.0, 1.0)
        require_between("volatility_memory_secs", self.volatility_memory_secs, 60.0, 1e6)
        require_between("jumps_per_day", self.jumps_per_day, 0.0, 1_000.0)
        require_between("jump_bps", self.jump_bps, 0.0, 200.0)
        require_between("ticks_per_second", self.ticks_per_second, 1.0, 20.0)


@dataclass(frozen=True, slots=True)
class SpotStretch:
    """Consecutive prints: time in nanoseconds, price in cents, annual volatility at that time."""

    times_ns: NDArray[np.int64]
    cents: NDArray[np.int64]
    volatility: NDArray[np.float64]

    def followed_by(self, later: "SpotStretch") -> "SpotStretch":
        """Return both stretches as one."""
        return SpotStretch(
            np.concatenate((self.times_ns, later.times_ns)),
            np.concatenate((self.cents, later.cents)),
            np.concatenate((self.volatility, later.volatility)),
        )

    def since(self, start_ns: int) -> "SpotStretch":
        """Return the prints at or after `start_ns`."""
        at = int(np.searchsorted(self.times_ns, start_ns))
        return SpotStretch(self.times_ns[at:], self.cents[at:], self.volatility[at:])


class SpotPath:
    """One price path, produced stretch by stretch so that memory does not grow with its length."""

    def __init__(self, model: SpotModel, rng: np.random.Generator, start_ns: int) -> None:
        """The first print falls exactly on `start_ns`."""
        self._model = model
        self._rng = rng
        self._reached_ns = start_ns
        self._last_ns = start_ns
        self._log_price = float(np.log(model.start_price_usd))
        self._log_wander = float(rng.normal(0.0, model.volatility_wander))
        self._is_new = True

    def advance(self, until_ns: int) -> SpotStretch:
        """Return the prints from where the path stands up to but not including `until_ns`."""
        times_ns = self._arrivals(until_ns)
        volatility = self._volatility(times_ns, until_ns)
        elapsed_secs = np.diff(times_ns, prepend=self._last_ns) / SECOND_NS
        logs = self._log_price + np.cumsum(self._moves(elapsed_secs, volatility))
        self._log_price, self._last_ns, self._reached_ns = float(logs[-1]), int(times_ns[-1]), until_ns
        return SpotStretch(times_ns, np.rint(np.exp(logs) * 100).astype(np.int64), volatility)

    def _arrivals(self, until_ns: int) -> NDArray[np.int64]:
        secs = (until_ns - self._reached_ns) / SECOND_NS
        # At least one, so that a stretch is never empty however short it is.
        count = max(1, int(self._rng.poisson(self._model.ticks_per_second * secs)))
        times_ns = np.unique(self._rng.integers(self._reached_ns, until_ns, count))
        if self._is_new:
            times_ns[0] = self._reached_ns
            self._is_new = False
        return times_ns

    def _volatility(self, times_ns: NDArray[np.int64], until_ns: int) -> NDArray[np.float64]:
        keep = float(np.exp(-_KNOT_SECS / self._model.volatility_memory_secs))
        fresh = self._model.volatility_wander * float(np.sqrt(1.0 - keep * keep))
        count = -(-(until_ns - self._reached_ns) // (_KNOT_SECS * SECOND_NS))
        knots = [self._log_wander]
        for shock in self._rng.standard_normal(count).tolist():
            knots.append(keep * knots[-1] + fresh * shock)
        self._log_wander = knots[-1]
        knots_secs = np.arange(count + 1) * float(_KNOT_SECS)
        at_secs = (times_ns - self._reached_ns) / SECOND_NS
        wander = np.interp(at_secs, knots_secs, np.asarray(knots))
        return np.asarray(self._model.annual_volatility * np.exp(wander), dtype=np.float64)

    def _moves(
        self, elapsed_secs: NDArray[np.float64], volatility: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        spread = volatility * np.sqrt(elapsed_secs / YEAR_SECS)
        moves = spread * self._rng.standard_normal(len(spread)) - spread * spread / 2.0
        jumps = self._rng.poisson(self._model.jumps_per_day * elapsed_secs / _DAY_SECS)
        jump_share = self._model.jump_bps * 1e-4 * np.sqrt(jumps)
        return np.asarray(moves + jump_share * self._rng.standard_normal(len(spread)), dtype=np.float64)


def second_values_cents(stretch: SpotStretch, at_ns: int, window_secs: int) -> NDArray[np.int64]:
    """Return the price on each of the `window_secs` whole seconds before `at_ns`, oldest first.

    The price of a second is the last print at or before it; `at_ns` itself is not among them.
    ValueError when the stretch starts too late.
    """
    seconds_ns = at_ns - np.arange(window_secs, 0, -1, dtype=np.int64) * SECOND_NS
    last = np.searchsorted(stretch.times_ns, seconds_ns, side="right") - 1
    if last[0] < 0:
        raise ValueError(f"expected a print at or before {seconds_ns[0]}, found {stretch.times_ns[:1]}")
    return stretch.cents[last]


def fixing_cents(stretch: SpotStretch, at_ns: int) -> int:
    """Return the mean of the last 60 one-second prices before `at_ns`, rounded to the cent.

    Halves go up; whole numbers throughout, so that a tie with a strike is a tie.
    """
    total = int(second_values_cents(stretch, at_ns, FIXING_SECS).sum())
    return (2 * total + FIXING_SECS) // (2 * FIXING_SECS)
