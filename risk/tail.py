"""How bad the worst few of a hundred cases are: value at risk and expected shortfall of binary bets.

One-factor model (Vasicek 1987): a market loses when sqrt(r) Z + sqrt(1 - r) e < N^-1(chance of loss),
with Z shared by its group. The losing sides are what is correlated, whichever they are: the tail is not
made thinner by positions that happen to point the other way.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from risk.lots import Lot

type Floats = NDArray[np.float64]
type Spread = tuple[Floats, Floats]

_NODES = 24
_GROUP_AT_MOST = 8  # markets of one group that are enumerated: 2**8 ends
_CASES_AT_MOST = 65_536
_DRAWS = 20_000
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Bet:
    """A market of ours: the chance of its bad end, what is lost then, and what else (negative: won), in USD."""

    group: str
    chance_of_bad: float
    bad_usd: float
    good_usd: float


@dataclass(frozen=True, slots=True)
class Tail:
    """The two figures in USD; `is_exact` is False when they were simulated."""

    value_at_risk_usd: float
    expected_shortfall_usd: float
    is_exact: bool


def bets_of(lots: Iterable[Lot], mark: Callable[[str], Decimal]) -> list[Bet]:
    """Return one bet for each market of the lots; `mark` is the chance that an instrument pays.

    Live orders fill when that is worse. What `mark` raises for an unknown price passes through.
    """
    markets: dict[str, list[Lot]] = {}
    for lot in lots:
        markets.setdefault(lot.outcome.market, []).append(lot)
    return [_bet(own, mark) for own in markets.values()]


def tail_of(bets: Sequence[Bet], confidence: float, correlation: float, seed: int) -> Tail:
    """Return the tail beyond `confidence` in (0, 1); `correlation` in [0, 1) within a group.

    By enumeration when a group has at most 8 markets and all ends together at most 65,536 cases, else by
    20,000 draws that `seed` decides. ValueError for a figure that cannot be true.
    """
    _check(bets, confidence, correlation)
    groups = _grouped(bets)
    spread = _enumerated(groups, correlation)
    is_exact = spread is not None
    if spread is None:
        spread = _simulated(groups, correlation, seed)
    return Tail(*_figures(spread, confidence), is_exact)


def _bet(lots: Sequence[Lot], mark: Callable[[str], Decimal]) -> Bet:
    first = lots[0].outcome
    chance = float(mark(first.instrument))
    chance_of_yes = chance if first.is_yes else 1 - chance
    yes, no = (
        float(sum(lot.loss_usd(Decimal(lot.outcome.is_yes == is_yes)) for lot in lots))
        for is_yes in (True, False)
    )
    if yes > no:
        return Bet(first.group, chance_of_yes, yes, no)
    return Bet(first.group, 1 - chance_of_yes, no, yes)


def _check(bets: Sequence[Bet], confidence: float, correlation: float) -> None:
    if not (0 < confidence < 1 and 0 <= correlation < 1):
        raise ValueError(
            f"expected a confidence in (0, 1) and a correlation in [0, 1), found {confidence} and {correlation}"
        )
    for bet in bets:
        if not (0 <= bet.chance_of_bad <= 1 and np.isfinite(bet.bad_usd) and np.isfinite(bet.good_usd)):
            raise ValueError(f"expected a chance in [0, 1] and finite losses, found {bet}")


def _grouped(bets: Sequence[Bet]) -> list[list[Bet]]:
    groups: dict[str, list[Bet]] = {}
    for bet in bets:
        groups.setdefault(bet.group, []).append(bet)
    return list(groups.values())


@lru_cache(maxsize=1)
def _factor() -> tuple[Any, Any]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    return nodes, weights / weights.sum()


def _chances_given(bets: Sequence[Bet], correlation: float, factor: Floats) -> Floats:
    """Return the chance of each bad end (columns) for each value of the shared factor (rows)."""
    barrier = ndtri(np.array([bet.chance_of_bad for bet in bets]))
    chances: Floats = ndtr((barrier - sqrt(correlation) * factor[:, None]) / sqrt(1 - correlation))
    return chances


def _enumerated(groups: Sequence[Sequence[Bet]], correlation: float) -> Spread | None:
    losses, chances = np.zeros(1), np.ones(1)
    for group in groups:
        if len(group) > _GROUP_AT_MOST or len(losses) << len(group) > _CASES_AT_MOST:
            return None
        own_losses, own_chances = _ends_of(group, correlation)
        losses = np.add.outer(losses, own_losses).ravel()
        chances = np.multiply.outer(chances, own_chances).ravel()
    return losses, chances


def _ends_of(group: Sequence[Bet], correlation: float) -> Spread:
    nodes, weights = _factor()
    bad = _chances_given(group, correlation, nodes)
    losses, chances = np.zeros(1), np.ones((len(nodes), 1))
    for place, bet in enumerate(group):
        losses = np.concatenate([losses + bet.bad_usd, losses + bet.good_usd])
        column = bad[:, [place]]
        chances = np.concatenate([chances * column, chances * (1 - column)], axis=1)
    return losses, weights @ chances


def _simulated(groups: Sequence[Sequence[Bet]], correlation: float, seed: int) -> Spread:
    chance = np.random.default_rng(seed)
    losses = np.zeros(_DRAWS)
    for group in groups:
        bad = _chances_given(group, correlation, chance.standard_normal(_DRAWS))
        is_bad = chance.random(bad.shape) < bad
        losses += np.where(is_bad, [bet.bad_usd for bet in group], [bet.good_usd for bet in group]).sum(
            axis=1
        )
    return losses, np.full(_DRAWS, 1 / _DRAWS)


def _figures(spread: Spread, confidence: float) -> tuple[float, float]:
    order = np.argsort(spread[0])
    losses, chances = spread[0][order], spread[1][order]
    reached = np.cumsum(chances)
    place = min(int(np.searchsorted(reached, confidence - _ROUNDING)), len(losses) - 1)
    beyond = float(chances[place + 1 :] @ losses[place + 1 :])
    at_edge = max(float(reached[place]) - confidence, 0.0) * float(losses[place])
    return float(losses[place]), (beyond + at_edge) / (1 - confidence)
