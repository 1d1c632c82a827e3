"""How much to stake on several bets at once, whatever ties them together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from pricing.ranges import need_inside_unit, need_share
from pricing.scenarios import Floats, Scenarios

GROWTH_TOLERANCE = 1e-8
"""Nats per round that an answer may lie below the best one; more is an error."""

_NEVER_LESS = 1e-9  # of the bankroll that is left in the worst scenario
_LOG_TURNS_AT = (1e-8, 1e-6, 1e-4, 1e-2)
"""Below this wealth the solver sees a parabola, so that no step meets log(0); in each attempt a tamer one."""
_DUST = 1e-9  # a smaller share is the solver's rounding
_NEWTON_STEPS = 6
_PROVEN = 1e-13  # a gap in which there is nothing left to refine
_NO_EDGE = 1e-12  # expected profit per unit staked that is rounding


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that may be staked on one bet and on all together, as shares of the bankroll in [0, 1]."""

    per_bet: float = 1.0
    in_all: float = 1.0

    def __post_init__(self) -> None:
        need_share("a cap per bet", self.per_bet)
        need_share("a cap in all", self.in_all)


@dataclass(frozen=True, slots=True)
class PortfolioShares:
    """The share of the bankroll for each bet, in the order asked, and what is kept back.

    `growth` is the expected change of log wealth, in nats. No other shares within the caps have more
    than `growth + growth_gap`.
    """

    shares: tuple[float, ...]
    reserve_share: float
    growth: float
    growth_gap: float


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    # Sums go by einsum, not by `@`: the threads of a linear algebra library cost more than these sums do
    # (20 times, measured on two cores), and their number would change the last digits.
    gains: Floats  # per unit staked: a row per scenario, a column per bet
    weights: Floats
    caps: Caps

    def wealth(self, shares: Floats) -> Floats:
        return np.asarray(1 + np.einsum("sb,b->s", self.gains, shares))

    def growth(self, shares: Floats) -> float:
        return float((self.weights * np.log(self.wealth(shares))).sum())

    def slope(self, shares: Floats) -> Floats:
        return np.asarray(np.einsum("s,sb->b", self.weights / self.wealth(shares), self.gains))

    def bend(self, shares: Floats) -> Floats:
        pull = self.weights / self.wealth(shares) ** 2
        return -np.asarray(np.einsum("s,sa,sb->ab", pull, self.gains, self.gains))

    def loss(self, shares: Floats, turns_at: float) -> tuple[float, Floats]:
        """Return minus the growth and its slope, with log continued as a parabola where wealth is below `turns_at`."""
        wealth = self.wealth(shares)
        safe = np.maximum(wealth, turns_at)
        short = (wealth - safe) / safe
        value = np.log(safe) + short - short**2 / 2
        pull = self.weights * (1 - short) / safe
        return -float((self.weights * value).sum()), -np.einsum("s,sb->b", pull, self.gains)


def portfolio_kelly(
    costs: Sequence[float], scenarios: Scenarios, caps: Caps | None = None
) -> PortfolioShares:
    """Return the shares that maximise expected log wealth over `scenarios`, within `caps`.

    `costs` holds price and fee per contract of each bet, in (0, 1). Shares are 0 or more: the other side
    of a market is a bet of its own, with its own column. A bet that is too dear by itself can get a
    share as a hedge of the others; when none has an edge, all are 0.

    Ruin is excluded: in every scenario something is left. Drawn scenarios miss what was not drawn, so
    they need a cap in all below 1; ValueError otherwise, and when costs and scenarios do not match.

    The problem is concave. It is solved by sequential quadratic programming with exact slopes (scipy's
    SLSQP, D. Kraft, 1988). The answer carries its own proof: `growth_gap` is what the slope at the answer
    still promises within the caps, an upper bound of what is missing (M. Frank, P. Wolfe, 1956).
    ArithmeticError when that is more than `GROWTH_TOLERANCE`.

    Source of the objective: J. L. Kelly, 1956; of bets at once: C. Whitrow, "Algorithms for Optimal
    Allocation of Bets on Many Simultaneous Events", Applied Statistics 56, 2007.
    """
    problem = _make_problem(costs, scenarios, caps or Caps())
    nothing = np.zeros(len(costs))
    if (problem.slope(nothing) <= _NO_EDGE).all():  # concave: where no bet pays by itself, no mixture does
        return _answer(problem, nothing)
    found = _best(problem)
    if not found.growth_gap <= GROWTH_TOLERANCE:
        raise ArithmeticError(f"expected shares within {GROWTH_TOLERANCE} of the best growth, found {found}")
    return found


def _make_problem(costs: Sequence[float], scenarios: Scenarios, caps: Caps) -> _Problem:
    for cost in costs:
        need_inside_unit("a cost per contract", cost)
    if len(costs) != scenarios.payouts.shape[1]:
        raise ValueError(f"expected a cost for each of {scenarios.payouts.shape[1]} bets, found {len(costs)}")
    if scenarios.seed is not None and caps.in_all >= 1:
        raise ValueError(f"expected a cap in all below 1 for drawn scenarios, found {caps.in_all}")
    return _Problem(scenarios.payouts / np.asarray(costs) - 1, scenarios.weights, caps)


def _best(problem: _Problem) -> PortfolioShares:
    """Return the best answer found; the solver starts again from near it while the proof fails."""
    bets, caps = problem.gains.shape[1], problem.caps
    inside = np.full(bets, min(caps.per_bet, caps.in_all / bets) / 4)
    start, answers = inside, list[PortfolioShares]()
    for turns_at in _LOG_TURNS_AT:
        answers += _refine(problem, _solve(problem, start, turns_at))
        best = min(answers, key=lambda answer: answer.growth_gap)
        if best.growth_gap <= GROWTH_TOLERANCE:
            break
        start = 0.9 * np.asarray(best.shares) + 0.1 * inside
    return best


def _solve(problem: _Problem, start: Floats, turns_at: float) -> Floats:
    most, ones = problem.caps.in_all, np.ones(len(start))
    limit = {"type": "ineq", "fun": lambda shares: most - shares.sum(), "jac": lambda _: -ones}
    result = minimize(
        problem.loss,
        start,
        args=(turns_at,),
        jac=True,
        method="SLSQP",
        bounds=[(0.0, problem.caps.per_bet)] * len(start),
        constraints=limit,
        options={"ftol": 1e-15, "maxiter": 500},
    )
    return np.asarray(result.x, dtype=np.float64)


def _refine(problem: _Problem, shares: Floats) -> Iterator[PortfolioShares]:
    """Yield the solver's answer, then better ones by Newton's steps among the shares that no limit holds.

    The solver stops when the growth stands still; the slope, on which the proof rests, does so later.
    """
    for _ in range(_NEWTON_STEPS):
        shares = _tidy(problem, shares)
        answer = _answer(problem, shares)
        yield answer
        if answer.growth_gap < _PROVEN:
            return
        free = (shares > 0) & (shares < problem.caps.per_bet)
        step = np.zeros(len(shares))
        step[free] = _newton_step(problem, shares, free)
        shares = shares + step


def _newton_step(problem: _Problem, shares: Floats, free: NDArray[np.bool_]) -> Floats:
    bend, slope = problem.bend(shares)[np.ix_(free, free)], problem.slope(shares)[free]
    if problem.caps.in_all - shares.sum() < _DUST:  # the step must not change the sum
        ones = np.ones((len(slope), 1))
        bend = np.block([[bend, ones], [ones.T, np.zeros((1, 1))]])
        slope = np.append(slope, 0.0)
    # Least squares, because bets that always pay together leave their split open.
    return np.asarray(np.linalg.lstsq(bend, -slope, rcond=None)[0][: free.sum()])


def _tidy(problem: _Problem, shares: Floats) -> Floats:
    """Return shares that keep every limit to the last digit, which a solver does not promise."""
    shares = np.clip(shares, 0.0, problem.caps.per_bet)
    shares = np.where(shares < _DUST, 0.0, shares)
    total = fsum(shares)
    if total > problem.caps.in_all:
        shares = shares * (problem.caps.in_all / total * (1 - 1e-15))
    if problem.wealth(shares).min() < _NEVER_LESS:
        shares = shares * (1 - _NEVER_LESS)
    return np.asarray(shares)


def _answer(problem: _Problem, shares: Floats) -> PortfolioShares:
    return PortfolioShares(
        shares=tuple(float(share) for share in shares),
        reserve_share=1 - float(shares.sum()),
        growth=problem.growth(shares),
        growth_gap=_gap(problem, shares),
    )


def _gap(problem: _Problem, shares: Floats) -> float:
    """Return how much more the slope promises at the best corner that the caps allow."""
    slope = problem.slope(shares)
    left, promised = problem.caps.in_all, 0.0
    for steepness in sorted((float(value) for value in slope if value > 0), reverse=True):
        room = min(left, problem.caps.per_bet)
        promised += steepness * room
        left -= room
    return max(0.0, promised - float(slope @ shares))
