"""Say how far a mean over independent events may be off."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
DRAWS = 5_000
SEED = 20_261_120
"""The generator starts here for every interval: the same record gives the same report."""

_BLOCK = 1_000_000  # resampled values held at once: bounded memory for any number of events


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over `events` independent events; `low` and `high` are None when one event is all there is."""

    mean: float
    low: float | None
    high: float | None
    events: int
    confidence: float


def estimate_mean(values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate | None:
    """Return the mean of one value per event with its bootstrap interval; None without values.

    Events are the unit that is drawn again, with replacement, so rows of one event never count as
    independent. The interval is the percentile one at `confidence`, in (0, 1), from `DRAWS` draws. It
    is too narrow for a handful of events: `research.verdict` does not look at it below its minimum.

    Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    if not values:
        return None
    sample = np.asarray(values, dtype=np.float64)
    if not np.isfinite(sample).all():
        raise ValueError(f"expected finite values per event, found {values}")
    mean = float(sample.mean())
    if len(sample) < 2:
        return Estimate(mean, None, None, 1, confidence)
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(_resampled_means(sample), [tail, 1.0 - tail])
    return Estimate(mean, float(low), float(high), len(sample), confidence)


def widen(estimate: Estimate | None, trials_before: int) -> Estimate | None:
    """Return `estimate` with an interval that allows for earlier trials of the same idea.

    The best of many trials looks good by luck. The error allowed to one interval is shared among all
    trials (Bonferroni), and each end moves out by the ratio of the normal quantiles: a bootstrap of
    `DRAWS` draws has no tail to read that far out.
    """
    if estimate is None or estimate.low is None or estimate.high is None or trials_before == 0:
        return estimate
    error = 1.0 - estimate.confidence
    shared = error / (1 + trials_before)
    normal = NormalDist()
    ratio = normal.inv_cdf(1.0 - shared / 2.0) / normal.inv_cdf(1.0 - error / 2.0)
    return replace(
        estimate,
        low=estimate.mean - (estimate.mean - estimate.low) * ratio,
        high=estimate.mean + (estimate.high - estimate.mean) * ratio,
        confidence=1.0 - shared,
    )


def _resampled_means(sample: NDArray[np.float64]) -> NDArray[np.float64]:
    generator = np.random.default_rng(SEED)
    count = len(sample)
    rows = max(1, _BLOCK // count)
    blocks = [
        sample[generator.integers(0, count, (min(rows, DRAWS - done), count))].mean(axis=1)
        for done in range(0, DRAWS, rows)
    ]
    return np.concatenate(blocks)
