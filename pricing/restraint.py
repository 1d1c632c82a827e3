"""How much less than Kelly to stake: against deep falls, and while markets are wild.

A floor is the part of a bankroll that shall be left: 0.8 means that 20 % are lost.
"""

from dataclasses import dataclass
from decimal import Decimal
from math import exp, inf, isfinite, log, log1p

from pricing.ranges import need_at_least_zero, need_inside_unit, need_share
from pricing.sizing import Bet, kelly_share


@dataclass(frozen=True, slots=True)
class DrawdownLimit:
    """Ever falling to `floor_share` of today's bankroll shall be no likelier than `probability`.

    Both lie in (0, 1); ValueError otherwise.
    """

    floor_share: float
    probability: float

    def __post_init__(self) -> None:
        need_inside_unit("a floor", self.floor_share)
        need_inside_unit("a probability of a fall", self.probability)

    @property
    def exponent(self) -> float:
        """The power y with floor**y = probability, above 0."""
        return log(self.probability) / log(self.floor_share)


@dataclass(frozen=True, slots=True)
class DrawdownSteps:
    """What is left of the stakes at each depth of a fall: `(drawdown_share, multiplier)`, deeper ones last.

    A step holds from its drawdown on, itself included; above the first the multiplier is 1. Drawdowns
    lie in (0, 1] and rise, multipliers lie in [0, 1] and do not; ValueError otherwise.
    """

    steps: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        depth, most = 0.0, 1.0
        for drawdown_share, multiplier in self.steps:
            need_share("a multiplier", multiplier)
            if not (depth < drawdown_share <= 1 and multiplier <= most):
                raise ValueError(
                    f"expected deeper falls and no larger stakes, step by step, found {self.steps}"
                )
            depth, most = drawdown_share, multiplier

    def multiplier(self, drawdown_share: float) -> float:
        """Return what to multiply stakes by, `drawdown_share` in [0, 1] below the best."""
        need_share("a drawdown", drawdown_share)
        return min((left for depth, left in self.steps if drawdown_share >= depth), default=1.0)


def drawdown_share(equity_usd: Decimal, best_usd: Decimal) -> float:
    """Return by what part of its best the equity has fallen, in [0, 1]; debts count as all of it.

    The best is above 0; an equity above it is a new best, so the answer is 0. ValueError when one of
    them is not finite.
    """
    if not (equity_usd.is_finite() and best_usd.is_finite() and best_usd > 0):
        raise ValueError(f"expected a finite equity and a best above 0, found {equity_usd} and {best_usd}")
    return min(1.0, max(0.0, float(1 - equity_usd / best_usd)))


def probability_of_fall(floor_share: float, multiplier: float) -> float:
    """Return the probability of ever falling to `floor_share` while staking `multiplier` of Kelly.

    floor ** (2 / multiplier - 1), the same for every edge: half is lost some day with probability 1/2 at
    full Kelly, 1/8 at half Kelly. `floor_share` lies in (0, 1), `multiplier` is 0 or more; from 2 on the
    fall is certain. It is the limit of many small bets without end; large single bets fall deeper, and
    so does a belief that is wrong.

    Source: E. O. Thorp, "The Kelly Criterion in Blackjack, Sports Betting, and the Stock Market", 2006,
    sections 3.2 and 7.3; W. Chin, M. Ingenoso, "Risk Formulae for Proportional Betting", 2006.
    """
    need_inside_unit("a floor", floor_share)
    need_at_least_zero("a Kelly multiplier", multiplier)
    if multiplier == 0:
        return 0.0
    return 1.0 if multiplier >= 2 else float(floor_share ** (2 / multiplier - 1))


def drawdown_multiplier(limit: DrawdownLimit) -> float:
    """Return the largest part of Kelly, at most 1, that keeps `limit` over many small bets.

    `probability_of_fall` solved for the multiplier: 2 / (1 + ln probability / ln floor).
    """
    return min(1.0, 2 / (1 + limit.exponent))


def drawdown_safe_share(bet: Bet, limit: DrawdownLimit) -> float:
    """Return the largest share, at most Kelly, that keeps `limit` however large the single bet is.

    The same bet is repeated without end. With y = `limit.exponent`, the share f keeps the limit for
    certain if E[wealth ** -y] = p (1 + f (1 - c) / c) ** -y + (1 - p) (1 - f) ** -y is at most 1.
    For small bets this is `drawdown_multiplier` times Kelly.

    Source: E. Busseti, E. K. Ryu, S. Boyd, "Risk-Constrained Kelly Gambling", Journal of
    Investing 25, 2016.
    """
    safe, unsafe = 0.0, kelly_share(bet.probability, bet.cost)
    if _log_moment(bet, unsafe, limit.exponent) <= 0:
        return unsafe
    for _ in range(60):  # halves the doubt to below the last digit of a float
        middle = (safe + unsafe) / 2
        if _log_moment(bet, middle, limit.exponent) <= 0:
            safe = middle
        else:
            unsafe = middle
    return safe


def volatility_multiplier(target: float, realised: float) -> float:
    """Return target over realised volatility, at most 1: stakes shrink while markets are wild, never grow.

    Both in the same unit, say per square root of a second; `target` is finite and above 0, `realised`
    finite and 0 or more, where 0 gives 1.

    Source: C. R. Harvey et al., "The Impact of Volatility Targeting", Journal of Portfolio Management 45,
    2018; the cap at 1 is ours.
    """
    need_at_least_zero("a realised volatility", realised)
    if not (isfinite(target) and target > 0):
        raise ValueError(f"expected a target volatility above 0, found {target}")
    return 1.0 if realised <= target else target / realised


def _log_moment(bet: Bet, share: float, exponent: float) -> float:
    """Return log E[wealth ** -exponent]; in logs, where no power overflows."""
    if share >= 1:
        return inf
    won = log(bet.probability) - exponent * log1p(share * (1 - bet.cost) / bet.cost)
    lost = log1p(-bet.probability) - exponent * log1p(-share)
    return max(won, lost) + log1p(exp(-abs(won - lost)))
