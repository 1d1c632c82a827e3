"""In which ways several bets can end together, and how likely each way is."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from pricing.ranges import need_inside_unit

type Floats = NDArray[np.float64]

MOST_ENUMERATED = 12
"""Independent bets that are written out in full: 4,096 scenarios."""

_SLACK = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Scenarios:
    """What each bet pays in each scenario, per contract, and the weight of the scenario.

    `payouts` has a row per scenario and a column per bet, each in [0, 1]; `weights` are above 0 and
    add up to 1. `seed` is the one the scenarios were drawn with; None says that they are complete,
    nothing else can happen. ValueError when any of this does not hold.
    """

    payouts: Floats
    weights: Floats
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.payouts.ndim != 2 or self.weights.shape != self.payouts.shape[:1] or not self.payouts.size:
            raise ValueError(
                f"expected a row of payouts per weight, found {self.payouts.shape} and {self.weights.shape}"
            )
        if not ((self.payouts >= 0) & (self.payouts <= 1)).all():
            raise ValueError(f"expected payouts in [0, 1], found {self.payouts}")
        if not (self.weights > 0).all() or abs(self.weights.sum() - 1) > _SLACK:
            raise ValueError(f"expected weights above 0 that add up to 1, found {self.weights}")

    @property
    def probabilities(self) -> tuple[float, ...]:
        """Expected payout of each bet."""
        return tuple(float(value) for value in self.weights @ self.payouts)


def independent_scenarios(probabilities: Sequence[float]) -> Scenarios:
    """Return every combination of bets that know nothing of each other, `MOST_ENUMERATED` at most."""
    _need_probabilities(probabilities)
    if len(probabilities) > MOST_ENUMERATED:
        raise ValueError(f"expected at most {MOST_ENUMERATED} bets to enumerate, found {len(probabilities)}")
    payouts = np.array(list(product((0.0, 1.0), repeat=len(probabilities))))
    chances = np.asarray(probabilities)
    return _weighted(payouts, np.where(payouts == 1, chances, 1 - chances).prod(axis=1))


def exclusive_scenarios(probabilities: Sequence[float]) -> Scenarios:
    """Return one scenario per outcome of which at most one happens, and one in which none does."""
    _need_probabilities(probabilities)
    none = 1 - sum(probabilities)
    if none < -_SLACK:
        raise ValueError(f"expected probabilities that add up to 1 at most, found {probabilities}")
    payouts = np.vstack([np.eye(len(probabilities)), np.zeros(len(probabilities))])
    return _weighted(payouts, np.array([*probabilities, none if none > _SLACK else 0.0]))


def correlated_pair(first: float, second: float, correlation: float) -> Scenarios:
    """Return the four ways in which two bets can end, given the correlation of their payouts.

    Exact: P(both) = p q + correlation * sqrt(p (1 - p) q (1 - q)). Two bets of unequal probability
    cannot be correlated by 1; ValueError names the range that they allow (Frechet's bounds).
    """
    _need_probabilities((first, second))
    spread = sqrt(first * (1 - first) * second * (1 - second))
    both = first * second + correlation * spread
    least, most = max(0.0, first + second - 1), min(first, second)
    if not least - _SLACK <= both <= most + _SLACK:
        low, high = ((bound - first * second) / spread for bound in (least, most))
        raise ValueError(f"expected a correlation in [{low:.6f}, {high:.6f}], found {correlation}")
    both = min(most, max(least, both))
    payouts = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    return _weighted(payouts, np.array([both, first - both, second - both, 1 - first - second + both]))


def sampled_scenarios(
    probabilities: Sequence[float], correlation: Floats, *, seed: int, draws: int = 16_384
) -> Scenarios:
    """Return scenarios of bets that hang together through normal causes (a Gaussian copula).

    `correlation` is that of the hidden normals, not of the payouts: a symmetric matrix with ones on its
    diagonal and no negative eigenvalue. `draws` is even; half are the mirror of the others. Each bet
    pays in the lowest draws of its normal, as many as its probability says, and the draw on the
    boundary pays in part: so the sample gives no bet an edge that the probabilities do not. How often
    bets pay together is off by about 1 / sqrt(draws). The same seed gives the same scenarios.

    A normal copula has no tail dependence: what fails together only in a crisis is understated.

    Source: R. L. Iman, W. J. Conover, "A Distribution-Free Approach to Inducing Rank Correlation",
    1982, for ranks in place of values.
    """
    _need_probabilities(probabilities)
    if draws < 2 or draws % 2:
        raise ValueError(f"expected an even number of draws, found {draws}")
    root = _square_root(correlation, len(probabilities))
    causes = np.random.default_rng(seed).standard_normal((draws // 2, len(probabilities)))
    half = np.einsum("dc,bc->db", causes, root)  # unlike `@`, alike for any number of threads
    ranks = np.vstack([half, -half]).argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    payouts, counts = np.unique(
        np.clip(np.asarray(probabilities, dtype=np.float64) * draws - ranks, 0.0, 1.0),
        axis=0,
        return_counts=True,
    )
    return Scenarios(payouts, counts / draws, seed)


def _need_probabilities(probabilities: Sequence[float]) -> None:
    if not probabilities:
        raise ValueError("expected at least one probability, found none")
    for probability in probabilities:
        need_inside_unit("a probability", probability)


def _weighted(payouts: Floats, weights: Floats) -> Scenarios:
    possible = weights > 0
    return Scenarios(payouts[possible], weights[possible] / weights[possible].sum())


def _square_root(correlation: Floats, bets: int) -> Floats:
    """Return A with A A' = `correlation`; also for bets that move exactly alike."""
    if correlation.shape != (bets, bets) or not np.isfinite(correlation).all():
        raise ValueError(f"expected a finite correlation of {bets} bets, found {correlation}")
    if not (np.allclose(correlation, correlation.T) and np.allclose(correlation.diagonal(), 1)):
        raise ValueError(f"expected a symmetric correlation with ones on its diagonal, found {correlation}")
    values, vectors = np.linalg.eigh(correlation)
    if values[0] < -_SLACK:
        raise ValueError(f"expected a correlation that can be, found the eigenvalue {values[0]}")
    root: Floats = vectors * np.sqrt(np.maximum(values, 0.0))
    return root
