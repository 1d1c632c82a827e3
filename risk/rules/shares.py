"""Limits in shares of our equity now, open positions at their marks: they shrink with every loss."""

from decimal import Decimal
from typing import ClassVar, override

from engine.config import Share
from risk.exposure import ANY_PRICE
from risk.proposal import Proposal, Refusal
from risk.rules.rule import Rule, as_usd, exact, must_be_amount
from risk.standing import Standing

_MICRO = Decimal("0.000001")


class ShareLimit(Rule, frozen=True):
    """Refuse whatever could leave more than a `share` of equity at stake where the subclass looks."""

    needs_equity: ClassVar[bool] = True
    share: Share

    def at_stake(self, proposal: Proposal, standing: Standing) -> tuple[Decimal, str]:
        """Return what is at stake already, in USD, and where."""
        raise NotImplementedError

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        already, where = self.at_stake(proposal, standing)
        limit = exact(self.share) * must_be_amount(standing.equity_usd(), "an equity")
        stake = must_be_amount(already, f"a stake {where}") + proposal.worst_case_usd
        if stake <= limit:
            return None
        return self.because(
            f"{as_usd(stake)} would be at stake {where}, limit is {as_usd(limit.quantize(_MICRO))}, "
            f"{100 * exact(self.share):f} % of equity"
        )


class MaxSharePerMarket(ShareLimit, frozen=True):
    """Refuse whatever could leave more than a `share` of equity at stake on one market."""

    @override
    def at_stake(self, proposal: Proposal, standing: Standing) -> tuple[Decimal, str]:
        return standing.market_stake_usd(proposal.market), f"on market {proposal.market}"


class MaxSharePerVenue(ShareLimit, frozen=True):
    """Refuse whatever could leave more than a `share` of equity at stake at one venue."""

    @override
    def at_stake(self, proposal: Proposal, standing: Standing) -> tuple[Decimal, str]:
        return standing.venue_stake_usd(proposal.venue), f"at {proposal.venue}"


class MaxShareDeployed(ShareLimit, frozen=True):
    """Refuse whatever could leave more than a `share` of equity at stake in all."""

    @override
    def at_stake(self, proposal: Proposal, standing: Standing) -> tuple[Decimal, str]:
        return standing.deployed_usd(), "in all"


class MaxKelly(Rule, frozen=True):
    """Refuse a stake on an outcome above a `fraction` of Kelly's, and above a `cap` of equity.

    Kelly's share is (belief - cost) / (1 - cost), with cost = limit price + fee per contract (Kelly 1956,
    for a bet that pays 1 or nothing). Without a belief nothing is bought.
    """

    needs_equity: ClassVar[bool] = True
    fraction: Share
    cap: Share

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        if proposal.belief is None:
            return self.because(f"{proposal.strategy} holds no belief about {proposal.instrument}")
        limit = self._share(proposal, exact(proposal.belief.probability)) * must_be_amount(
            standing.equity_usd(), "an equity"
        )
        already = must_be_amount(standing.stake_usd(proposal.instrument), "a stake on an outcome")
        stake = already + proposal.worst_case_usd
        if stake <= limit:
            return None
        return self.because(
            f"{as_usd(stake)} would be at stake on {proposal.instrument}, limit is {as_usd(limit.quantize(_MICRO))}"
        )

    def _share(self, proposal: Proposal, belief: Decimal) -> Decimal:
        price = ANY_PRICE if proposal.price is None else proposal.price
        cost = price + proposal.expected_fee_usd / proposal.quantity
        if cost >= 1:
            return Decimal(0)
        return min(exact(self.cap), exact(self.fraction) * max((belief - cost) / (1 - cost), Decimal(0)))
