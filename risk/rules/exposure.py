"""How much may be at stake: on an outcome, on an event, at a venue, in all."""

from decimal import Decimal
from typing import override

from engine.config import Usd
from risk.proposal import Proposal, Refusal
from risk.rules.rule import Rule, as_usd, must_be_amount
from risk.standing import Standing


class StakeLimit(Rule, frozen=True):
    """Refuse whatever could leave more than `limit` at stake where the subclass looks.

    At stake are the cost of open positions, the worst case of live orders, and that of the proposal.
    """

    limit: Usd

    def at_stake(self, proposal: Proposal, standing: Standing) -> tuple[Decimal, str]:
        """Return what is at stake already, in USD, and where."""
        raise NotImplementedError

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        already, where = self.at_stake(proposal, standing)
        stake = must_be_amount(already, f"a stake {where}") + proposal.worst_case_usd
        if stake <= self.limit:
            return None
        return self.because(f"{as_usd(stake)} would be at stake {where}, limit is {as_usd(self.limit)}")


class MaxStakePerOutcome(StakeLimit, frozen=True):
    """Refuse whatever could leave more than `limit` at stake on one outcome."""

    @override
    def at_stake(self, proposal: Proposal, standing: Standing) -> tuple[Decimal, str]:
        return standing.stake_usd(proposal.instrument), f"on {proposal.instrument}"


class MaxStakePerEvent(StakeLimit, frozen=True):
    """Refuse whatever could leave more than `limit` at stake on the outcomes of one event.

    Both sides of a market count, although they cannot both lose: a hedge is not free of risk before
    both its legs are filled.
    """

    @override
    def at_stake(self, proposal: Proposal, standing: Standing) -> tuple[Decimal, str]:
        return standing.event_stake_usd(proposal.event), f"on event {proposal.event}"


class MaxStakePerVenue(StakeLimit, frozen=True):
    """Refuse whatever could leave more than `limit` at stake at one venue."""

    @override
    def at_stake(self, proposal: Proposal, standing: Standing) -> tuple[Decimal, str]:
        return standing.venue_stake_usd(proposal.venue), f"at {proposal.venue}"


class MaxDeployed(StakeLimit, frozen=True):
    """Refuse whatever could leave more than `limit` at stake in all."""

    @override
    def at_stake(self, proposal: Proposal, standing: Standing) -> tuple[Decimal, str]:
        return standing.deployed_usd(), "in all"
