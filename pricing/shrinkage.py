"""How far to trust a belief of our own against the market's price.

Two ways to the same end; use one of them for one source of doubt. Either move the probability towards the
market and size by Kelly as if it were certain: log wealth is linear in the probability, so that its mean is all
that counts. Or keep the probability and stake `estimation_multiplier` of Kelly.
"""

from dataclasses import dataclass
from math import hypot

from pricing.ranges import need_at_least_zero, need_inside_unit
from pricing.sizing import Bet


@dataclass(frozen=True, slots=True)
class Belief:
    """A probability in (0, 1) and its standard error, finite and 0 or more; ValueError otherwise."""

    probability: float
    standard_error: float

    def __post_init__(self) -> None:
        need_inside_unit("a probability", self.probability)
        need_at_least_zero("a standard error", self.standard_error)


def shrink_by_counts(
    probability: float, market_price: float, *, own_trials: float, market_trials: float
) -> float:
    """Return the posterior mean of a probability whose prior is a Beta around the market's price.

    The prior is Beta(m k, (1 - m) k) with m = `market_price` and k = `market_trials`: the market counts as
    much as k events that were seen. Our `probability` counts as `own_trials` events. The answer is
    (k m + n p) / (k + n), between the two. Both are probabilities in (0, 1); use the market's mid, not a
    side with its fee. Trials are finite and 0 or more, not both 0; ValueError otherwise.

    Source: A. Gelman et al., "Bayesian Data Analysis", 3rd ed. 2013, section 2.4.
    """
    need_inside_unit("a probability", probability)
    need_inside_unit("a market price", market_price)
    need_at_least_zero("own trials", own_trials)
    need_at_least_zero("trials of the market", market_trials)
    if own_trials + market_trials == 0:
        raise ValueError("expected own trials or trials of the market, found none of either")
    return _between(market_price, probability, own_trials / (own_trials + market_trials))


def shrink_by_error(belief: Belief, market: Belief) -> Belief:
    """Return the posterior of a normal belief whose prior is normal around the market's price.

    The two weigh as the inverse squares of their standard errors. `market.standard_error` is how far
    from the truth the market's mid is thought to lie. An error of 0 settles the matter; ValueError when
    both are 0.

    Source: A. Gelman et al., "Bayesian Data Analysis", 3rd ed. 2013, section 2.5.
    """
    both = hypot(belief.standard_error, market.standard_error)
    if both == 0:
        raise ValueError(f"expected a standard error above 0 for {belief} or {market}, found none")
    weight = (market.standard_error / both) ** 2
    mean = _between(market.probability, belief.probability, weight)
    return Belief(mean, belief.standard_error * (market.standard_error / both))


def estimation_multiplier(bet: Bet, standard_error: float) -> float:
    """Return the part of Kelly to stake when the probability is an estimate: edge^2 / (edge^2 + error^2).

    An estimate that errs to either side costs more growth when it stakes too much than when it stakes too
    little. Where the error is as large as the edge the answer is one half: the case for half Kelly.
    1 at an error of 0, 0 without an edge. The same as `shrink_by_error` towards the cost, when the market
    is thought to err by as much as the edge.

    The paper's s^2 / (s^2 + ((b + 1) / b)^2 sigma^2), with s the Kelly share (p - c) / (1 - c) and odds
    b = (1 - c) / c, comes out as above. It holds to second order in the error.

    Source: R. D. Baker, I. G. McHale, "Optimal Betting Under Parameter Uncertainty: Improving the Kelly
    Criterion", Decision Analysis 10, 2013.
    """
    need_at_least_zero("a standard error", standard_error)
    if bet.edge <= 0:
        return 0.0
    return float((bet.edge / hypot(bet.edge, standard_error)) ** 2)


def _between(market: float, own: float, own_weight: float) -> float:
    mean = market + (own - market) * own_weight
    return min(max(market, own), max(min(market, own), mean))
