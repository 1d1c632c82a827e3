"""How much may be at stake: on an outcome, on a market, on an event, in a category, at a venue, in all."""

from decimal import Decimal
from typing import Annotated, override

from msgspec import Meta

from engine.config import Usd
from markets.names import Series
from risk.errors import UnknownFigure
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


class MaxStakePerMarket(StakeLimit, frozen=True):
    """Refuse whatever could leave more than `limit` at stake on both outcomes of one market."""

    @override
    def at_stake(self, proposal: Proposal, standing: Standing) -> tuple[Decimal, str]:
        return standing.market_stake_usd(proposal.market), f"on market {proposal.market}"


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


class MaxStakePerShard(StakeLimit, frozen=True):
    """Refuse whatever could leave more than `limit` at stake on one shard of a venue, whose cash is its own."""

    @override
    def at_stake(self, proposal: Proposal, standing: Standing) -> tuple[Decimal, str]:
        purse = proposal.outcome.purse
        return standing.purse_stake_usd(purse), f"on shard {purse}"


class MaxDeployed(StakeLimit, frozen=True):
    """Refuse whatever could leave more than `limit` at stake in all."""

    @override
    def at_stake(self, proposal: Proposal, standing: Standing) -> tuple[Decimal, str]:
        return standing.deployed_usd(), "in all"


class MaxStakePerCategory(StakeLimit, frozen=True):
    """Refuse whatever could leave more than `limit` at stake in one category of `categories`.

    `categories` names the category of each series, as { "kalshi:KXFED-*" = "rates" }; a series that is
    not named is refused. The limit holds for each category.
    """

    categories: dict[str, str]

    def __post_init__(self) -> None:
        """Refuse a key that is no series."""
        for name in self.categories:
            Series(name)

    @override
    def at_stake(self, proposal: Proposal, standing: Standing) -> tuple[Decimal, str]:
        by_key = {Series(name).key: category for name, category in self.categories.items()}
        category = by_key.get(proposal.outcome.series)
        if category is None:
            raise UnknownFigure(f"expected a category of {proposal.outcome.series}, found none")
        stakes = [
            lot.stake_usd for lot in standing.lots().values() if by_key.get(lot.outcome.series) == category
        ]
        return sum(stakes, Decimal(0)), f"in category {category}"


class MaxOpenPositions(Rule, frozen=True):
    """Refuse an order on one more market than `limit_markets`.

    A market counts while something of it is held or a purchase of it is live, on whichever side.
    """

    limit_markets: Annotated[int, Meta(ge=1)]

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        markets = {lot.outcome.market for lot in standing.lots().values() if lot.stake_usd or lot.held}
        count = len(markets | {proposal.market})
        if count <= self.limit_markets:
            return None
        return self.because(f"{count} markets would be open, limit is {self.limit_markets}")
