"""Whether two bets are one: prices that move together, and signals that repeat each other."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, sqrt
from typing import Final

from risk.contract import Outcome

_KEPT: Final = 256
_LEAST_NS: Final = 1_000_000_000
_NOTHING: Final = 1e-12  # prices have four digits: less is what floats leave over


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed before prices are seen: `in_group` for markets of one group, in [0, 1), else 0.

    It counts as much as `weight` pairs of changes, which is above 0.
    """

    in_group: float
    weight: float

    def of(self, one: Outcome, other: Outcome) -> float:
        """Return the correlation of two outcomes, whichever sides they are: the losing sides are tied."""
        return self.in_group if one.group == other.group else 0.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """Pearson's correlation in [-1, 1], and of how many pairs."""

    correlation: float
    pairs: int

    def drawn_to(self, prior: float, weight: float) -> float:
        """Return what is left when `weight` more pairs had said `prior`."""
        return (self.pairs * self.correlation + weight * prior) / (self.pairs + weight)


class History:
    """Mids of YES of all markets, looked at together, at most once a second; nothing survives a restart."""

    def __init__(self) -> None:
        self._rows: deque[tuple[int, Mapping[str, float]]] = deque(maxlen=_KEPT)
        self._known: dict[tuple[str, str], Estimate] = {}

    def look(self, mids: Mapping[str, float], now_ns: int) -> None:
        """Keep the mids of the markets that have one now."""
        if not self._rows or now_ns - self._rows[-1][0] >= _LEAST_NS:
            self._rows.append((now_ns, dict(mids)))
            self._known.clear()

    def estimate(self, market: str, other: str) -> Estimate:
        """Return how the changes of two markets go together, between looks at which both had a mid."""
        known = self._known.get((market, other))
        if known is None:
            rows = [(row[market], row[other]) for _, row in self._rows if market in row and other in row]
            changes = [(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(rows)]
            known = self._known[market, other] = estimate_of(changes)
        return known


class Signals:
    """The edges that strategies saw, belief less mid, one for each belief; nothing survives a restart."""

    def __init__(self) -> None:
        self._edges: dict[str, deque[float]] = {}
        self._last_ns: dict[tuple[str, str], int] = {}

    def see(self, strategy: str, instrument: str, at_ns: int, edge: float) -> None:
        """Keep a signal; one that was seen already, by its time, is not another."""
        if self._last_ns.get((strategy, instrument)) != at_ns:
            self._last_ns[strategy, instrument] = at_ns
            self._edges.setdefault(strategy, deque(maxlen=_KEPT)).append(edge)

    def correlation(self, strategy: str, weight: float) -> float:
        """Return the correlation of each signal with the one before, drawn to 0 as by `weight` pairs of none.

        Signals that are all the same repeat each other: that is 1.
        """
        pairs = list(pairwise(self._edges.get(strategy, ())))
        return estimate_of(pairs, if_constant=1.0).drawn_to(0.0, weight)


def pair_correlation(
    pair: tuple[Outcome, Outcome],
    estimate: Estimate,
    prior: Prior,
    chance_of_yes: Callable[[Outcome], float],
) -> float:
    """Return how two outcomes of different markets pay together, in [-1, 1]; -1: one pays when the other does not.

    Outcomes that exclude each other are correlated by their chances, exactly: with p and q it is
    -sqrt(p q / ((1 - p)(1 - q))) for two YES. Others by their simultaneous price changes, drawn to the prior.
    """
    one, other = pair
    sign = 1.0 if one.is_yes == other.is_yes else -1.0
    if one.event == other.event and one.is_exclusive and other.is_exclusive:
        return -sign * _exclusion(chance_of_yes(one), chance_of_yes(other))
    signed = Estimate(sign * estimate.correlation, estimate.pairs)
    return signed.drawn_to(prior.of(one, other), prior.weight)


def estimate_of(pairs: Sequence[tuple[float, float]], if_constant: float = 0.0) -> Estimate:
    """Return Pearson's correlation of some pairs; ValueError when it is no number.

    Where a side never changes there is none to estimate: `if_constant` is taken.
    """
    count = len(pairs)
    if not count:
        return Estimate(0.0, 0)
    mean_a, mean_b = sum(a for a, _ in pairs) / count, sum(b for _, b in pairs) / count
    spread_a = sqrt(sum((a - mean_a) ** 2 for a, _ in pairs))
    spread_b = sqrt(sum((b - mean_b) ** 2 for _, b in pairs))
    if not (isfinite(spread_a) and isfinite(spread_b)):
        raise ValueError(f"expected finite changes of prices, found spreads of {spread_a} and {spread_b}")
    if min(spread_a, spread_b) < _NOTHING:
        return Estimate(if_constant, count)
    together = sum((a - mean_a) * (b - mean_b) for a, b in pairs)
    return Estimate(max(-1.0, min(1.0, together / (spread_a * spread_b))), count)


def _exclusion(p: float, q: float) -> float:
    odds = (1 - p) * (1 - q)
    return min(1.0, sqrt(p * q / odds)) if odds > 0 else 1.0
