"""How much to stake on outcomes of which at most one happens: exact, without a solver."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, log

from pricing.sizing import Bet

_SUM_SLACK = 1e-9  # probabilities that a model normalised may add up to this much more than 1
_TIE = 1e-12  # below this a gain is rounding: no stake rests on it


@dataclass(frozen=True, slots=True)
class ExclusiveShares:
    """The share of the bankroll for each bet, in the order asked, and what is kept back.

    `growth` is the expected change of log wealth, in nats. A share of 0 means: do not bet on this.
    """

    shares: tuple[float, ...]
    reserve_share: float
    growth: float


@dataclass(frozen=True, slots=True)
class YesNoShares:
    """The shares of the bankroll for the two contracts of one market."""

    yes: float
    no: float


def exclusive_kelly(bets: Sequence[Bet]) -> ExclusiveShares:
    """Return the shares that maximise expected log wealth over mutually exclusive outcomes.

    What the probabilities lack to 1 is the chance that none of these happens, or something that is
    not offered. Each cost holds its own fee, so the costs may add up to more than 1 (house edge) or
    less (a sure profit: with a complete set all is staked, because nothing can be lost).

    Take the outcomes by falling p/c. With S those taken so far, R = (1 - sum of p) / (1 - sum of c) is
    the share kept back. Take the next while its p/c is above R; then stake p - R c on each. Water that
    is poured over the outcomes stands at R. With one outcome this is `kelly_share`. An outcome that is
    too dear by itself can be worth a stake, as insurance of the others; when none has an edge, all are 0.

    ValueError when there is no bet, or when the probabilities add up to more than 1.

    Source: P. Smoczynski, D. Tomkins, "An Explicit Solution to the Problem of Optimizing the
    Allocations of a Bettor's Wealth when Wagering on Horse Races", The Mathematical Scientist 35, 2010.
    """
    _need_exclusive(bets)
    taken, reserve = _fill(bets)
    shares = tuple(
        max(0.0, bet.probability - reserve * bet.cost) if number in taken else 0.0
        for number, bet in enumerate(bets)
    )
    return ExclusiveShares(shares, reserve, _growth([bets[number] for number in taken], reserve))


def kelly_yes_no(probability: float, yes_cost: float, no_cost: float) -> YesNoShares:
    """Return the Kelly shares for YES and NO of one market that pays YES with `probability`.

    The costs hold price and fee. At most one share is above 0, unless both sides together cost less
    than 1. Naming the sides the other way round swaps the answer and nothing else.
    """
    found = exclusive_kelly([Bet(probability, yes_cost), Bet(1 - probability, no_cost)])
    return YesNoShares(*found.shares)


def _need_exclusive(bets: Sequence[Bet]) -> None:
    if not bets:
        raise ValueError("expected at least one bet, found none")
    total = fsum(bet.probability for bet in bets)
    if total > 1 + _SUM_SLACK:
        raise ValueError(
            f"expected probabilities of exclusive outcomes to add up to 1 at most, found {total}"
        )


def _fill(bets: Sequence[Bet]) -> tuple[list[int], float]:
    """Return the numbers of the bets to take, and the share kept back."""
    best_first = sorted(range(len(bets)), key=lambda number: -bets[number].probability / bets[number].cost)
    taken: list[int] = []
    reserve = 1.0
    for number in best_first:
        costs = fsum(bets[other].cost for other in (*taken, number))
        if bets[number].probability <= bets[number].cost * (reserve + _TIE) or costs >= 1 - _TIE:
            break
        taken.append(number)
        unclaimed = max(0.0, 1 - fsum(bets[other].probability for other in taken))
        # Probabilities that were meant to add up to 1 leave dust, which is no chance of anything.
        is_complete = len(taken) == len(bets) and unclaimed < _SUM_SLACK
        reserve = 0.0 if is_complete else unclaimed / (1 - costs)
    return taken, reserve


def _growth(taken: Sequence[Bet], reserve: float) -> float:
    # A bet that is taken leaves p/c of the bankroll when it wins, and `reserve` is left otherwise.
    won = fsum(bet.probability * log(bet.probability / bet.cost) for bet in taken)
    unclaimed = 1 - fsum(bet.probability for bet in taken)
    return won + (unclaimed * log(reserve) if reserve > 0 else 0.0)
