"""How much of a bankroll to stake on one binary contract.

A share is a part of the bankroll in [0, 1], a float. Money is `Decimal` and appears at the border only.
This module needs the standard library alone, so that a strategy pays nothing for the solvers next door.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from math import isfinite, log, log1p
from typing import Protocol, Self

from pricing.ranges import need_inside_unit, need_share

_SMALLEST_USD = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Bet:
    """A contract that costs `cost`, price and fee together, and pays 1 with `probability`, else 0.

    Both lie in (0, 1), `cost` in quote currency per contract; ValueError otherwise.
    """

    probability: float
    cost: float

    def __post_init__(self) -> None:
        need_inside_unit("a probability", self.probability)
        need_inside_unit("a cost per contract", self.cost)

    @property
    def edge(self) -> float:
        """Expected profit per contract, in quote currency; negative when the contract is too dear."""
        return self.probability - self.cost


class Sizing(Protocol):
    """A rule that turns a bet into a share of the bankroll; 0 without an edge."""

    def share(self, bet: Bet, bankroll_usd: Decimal) -> float:
        """Return the share in [0, 1] of `bankroll_usd`, above 0, to stake on `bet`."""
        ...


@dataclass(frozen=True, slots=True)
class FixedStake:
    """Stake the same amount on every bet with an edge, `cap` of the bankroll at most.

    `stake_usd` is finite and at least 0, `cap` a share in [0, 1]; ValueError otherwise.
    """

    stake_usd: Decimal
    cap: float = 1.0

    def __post_init__(self) -> None:
        need_share("a cap", self.cap)
        if not (self.stake_usd.is_finite() and self.stake_usd >= 0):
            raise ValueError(f"expected a fixed stake of 0 USD or more, found {self.stake_usd}")

    def share(self, bet: Bet, bankroll_usd: Decimal) -> float:
        _need_bankroll(bankroll_usd)
        return min(self.cap, float(self.stake_usd / bankroll_usd)) if bet.edge > 0 else 0.0


@dataclass(frozen=True, slots=True)
class FixedShare:
    """Stake the same share of the bankroll on every bet with an edge; the share lies in [0, 1]."""

    stake_share: float

    def __post_init__(self) -> None:
        need_share("a fixed share", self.stake_share)

    def share(self, bet: Bet, bankroll_usd: Decimal) -> float:
        _need_bankroll(bankroll_usd)
        return self.stake_share if bet.edge > 0 else 0.0


@dataclass(frozen=True, slots=True)
class FractionalKelly:
    """Stake `multiplier` of the Kelly share, `cap` of the bankroll at most; both lie in [0, 1].

    1 is full Kelly. More is refused: beyond Kelly the risk rises while the growth falls, and at about
    twice Kelly the growth is gone (E. O. Thorp, "The Kelly Criterion in Blackjack, Sports Betting, and the
    Stock Market", 2006, section 2).
    """

    multiplier: float = 1.0
    cap: float = 1.0

    def __post_init__(self) -> None:
        need_share("a Kelly multiplier", self.multiplier)
        need_share("a cap", self.cap)

    def share(self, bet: Bet, bankroll_usd: Decimal) -> float:
        _need_bankroll(bankroll_usd)
        return min(self.cap, self.multiplier * kelly_share(bet.probability, bet.cost))

    def scaled(self, factor: float) -> Self:
        """Return the same rule with its multiplier times `factor` in [0, 1]; the cap stays.

        For the brakes of `pricing.restraint` and `pricing.shrinkage`.
        """
        need_share("a factor on Kelly", factor)
        return replace(self, multiplier=self.multiplier * factor)


def kelly_share(probability: float, cost: float) -> float:
    """Return the share of bankroll that maximises expected log wealth on one binary contract.

    The contract costs `cost` now, price and fee together, and pays 1 if its outcome happens, else
    0; both arguments lie in (0, 1), `cost` in quote currency per contract; ValueError otherwise.
    Without an edge the answer is 0: the other side is a different contract, never a negative stake.

    Source: J. L. Kelly, "A New Interpretation of Information Rate", 1956.
    """
    need_inside_unit("a probability", probability)
    need_inside_unit("a cost per contract", cost)
    return max(0.0, (probability - cost) / (1.0 - cost))


def expected_growth(share: float, bet: Bet) -> float:
    """Return the expected change of log wealth when `share` of the bankroll is staked on `bet`.

    In nats per bet; `share` lies in [0, 1). Staking everything is refused: it risks ruin.
    """
    if not 0 <= share < 1:
        raise ValueError(f"expected a share in [0, 1), found {share}")
    gain_per_stake = (1 - bet.cost) / bet.cost
    return bet.probability * log1p(share * gain_per_stake) + (1 - bet.probability) * log(1 - share)


def stake_usd(rule: Sizing, bet: Bet, bankroll_usd: Decimal) -> Decimal:
    """Return what `rule` stakes on `bet`, in USD rounded as `to_usd` does, never above the bankroll.

    ValueError when the bankroll is not finite and above 0.
    """
    return min(to_usd(rule.share(bet, bankroll_usd) * float(bankroll_usd)), bankroll_usd)


def to_usd(amount: float) -> Decimal:
    """Return a computed amount as money, rounded to the smallest unit that the venues keep.

    ValueError when the amount is not finite.
    """
    if not isfinite(amount):
        raise ValueError(f"expected a finite amount of money, found {amount}")
    return Decimal(amount).quantize(_SMALLEST_USD)


def _need_bankroll(bankroll_usd: Decimal) -> None:
    if not (bankroll_usd.is_finite() and bankroll_usd > 0):
        raise ValueError(f"expected a bankroll above 0 USD, found {bankroll_usd}")
