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
        self._rows: deque[Mapping[str, int]] = deque(maxlen=_KEPT)
        self._looks = 0
        self._last_ns: int | None = None
        self._pairs: dict[tuple[str, str], _Together] = {}

    def look(self, see: Callable[[], Mapping[str, int]], now_ns: int) -> None:
        """Keep the mids of the markets that have one now, which `see` tells; it is asked once a second.

        Mids are in a unit of each market's own: a correlation knows none.
        """
        if self._last_ns is not None and now_ns - self._last_ns < _LEAST_NS:
            return
        self._last_ns = now_ns
        self._rows.append(see())
        self._looks += 1
        # Nothing that a pair saw still counts when nobody asked for that long: it begins anew if somebody does.
        self._pairs = {
            names: pair for names, pair in self._pairs.items() if self._looks - pair.asked_at < _KEPT
        }
        for pair in self._pairs.values():
            pair.follow(self._rows, self._looks)

    def estimate(self, market: str, other: str) -> Estimate:
        """Return how the changes of two markets go together, between looks at which both had a mid."""
        pair = self._pairs.get((market, other))
        if pair is None:
            pair = self._pairs[market, other] = _Together(market, other)
            pair.follow(self._rows, self._looks)
        pair.asked_at = self._looks
        return pair.estimate


class _Together:
    """Two markets where both have a mid: sums over their changes, which follow the rows as they come and go.

    Whole numbers, so that what is added and taken away again leaves nothing behind.
    """

    asked_at: int
    estimate: Estimate

    def __init__(self, market: str, other: str) -> None:
        self._looks = 0
        self._market = market
        self._other = other
        self._seen: deque[tuple[int, int, int]] = deque()
        self._pairs = self._a = self._b = self._aa = self._bb = self._ab = 0

    def follow(self, rows: Sequence[Mapping[str, int]], looks: int) -> None:
        """Estimate over `rows`, the last ones of all `looks`."""
        oldest = looks - len(rows)
        for number in range(max(self._looks, oldest), looks):
            self._add(number, rows[number - looks])
        self._drop(oldest)
        self._looks = looks
        self.estimate = self._estimate()

    def _add(self, number: int, row: Mapping[str, int]) -> None:
        a, b = row.get(self._market), row.get(self._other)
        if a is None or b is None:
            return
        if self._seen:
            _, a_before, b_before = self._seen[-1]
            self._count(a - a_before, b - b_before, 1)
        self._seen.append((number, a, b))

    def _drop(self, oldest: int) -> None:
        while self._seen and self._seen[0][0] < oldest:
            _, a, b = self._seen.popleft()
            if self._seen:
                _, a_after, b_after = self._seen[0]
                self._count(a_after - a, b_after - b, -1)

    def _count(self, a: int, b: int, times: int) -> None:
        self._pairs += times
        self._a += times * a
        self._b += times * b
        self._aa += times * a * a
        self._bb += times * b * b
        self._ab += times * a * b

    def _estimate(self) -> Estimate:
        spread_a = self._pairs * self._aa - self._a * self._a
        spread_b = self._pairs * self._bb - self._b * self._b
        if not (spread_a and spread_b):
            return Estimate(0.0, self._pairs)
        together = self._pairs * self._ab - self._a * self._b
        found = together / (sqrt(spread_a) * sqrt(spread_b))
        return Estimate(max(-1.0, min(1.0, found)), self._pairs)


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
    return sign * estimate.drawn_to(sign * prior.of(one, other), prior.weight)


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
