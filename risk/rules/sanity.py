"""Whether an order makes sense at all: fresh prices, an edge, a price that exists, money to pay."""

from decimal import Decimal
from typing import Annotated, ClassVar, override

from msgspec import Meta

from engine.config import Usd
from risk.exposure import ANY_PRICE
from risk.proposal import Proposal, Refusal
from risk.rules.rule import Rule, as_usd
from risk.standing import Standing

_SECOND_NS = 1_000_000_000


class StalePrice(Rule, frozen=True):
    """Refuse every order while the market's last quote is older than `max_age_secs`.

    The age counts from when we knew of the quote (`ts_init`). A quote is written when it changes: in a
    quiet market set this to how long a feed may be silent.
    """

    max_age_secs: Annotated[float, Meta(gt=0)]

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.quote is None:
            return self.because(f"no quote of {proposal.instrument}, limit is {self.max_age_secs:g} secs old")
        age_secs = (proposal.now_ns - proposal.quote.ts_init) / _SECOND_NS
        if 0 <= age_secs <= self.max_age_secs:
            return None
        return self.because(
            f"the quote of {proposal.instrument} is {age_secs:g} secs old, limit is {self.max_age_secs:g} secs"
        )


class MinimumEdge(Rule, frozen=True):
    """Refuse to buy where belief less price less fee leaves less than `limit` per contract.

    The price is the order's limit, 1 USD for an order without one. Without a belief nothing is bought.
    """

    higher_is_tighter: ClassVar[frozenset[str]] = frozenset({"limit"})
    limit: Usd

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        if proposal.belief is None:
            return self.because(
                f"{proposal.strategy} holds no belief about {proposal.instrument}, "
                f"limit is an edge of {as_usd(self.limit)}"
            )
        # repr: the shortest text of the float, so that a belief of 0.6 is 0.6
        belief = Decimal(repr(float(proposal.belief.probability)))
        price = ANY_PRICE if proposal.price is None else proposal.price
        fee = proposal.expected_fee_usd / proposal.quantity
        edge = belief - price - fee
        if edge >= self.limit:
            return None
        return self.because(
            f"an edge of {as_usd(edge.quantize(Decimal('0.000001')))} per contract (belief {belief}, price {price}, fee "
            f"{as_usd(fee.quantize(Decimal('0.000001')))}) on {proposal.instrument}, limit is {as_usd(self.limit)}"
        )


class PriceOnGrid(Rule, frozen=True):
    """Refuse a limit price that the market cannot express."""

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.price is None or proposal.grid.holds(proposal.price):
            return None
        below, above = proposal.grid.floor(proposal.price), proposal.grid.ceil(proposal.price)
        return self.because(
            f"{proposal.price} is no price of {proposal.instrument}, the nearest are {below} and {above}"
        )


class SufficientBalance(Rule, frozen=True):
    """Refuse what could cost more than the free cash at its venue, by our ledger and by the venue's word."""

    needs_free_cash: ClassVar[bool] = True

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        ours, theirs = standing.unreserved_usd(proposal.venue), proposal.free_cash_usd
        if theirs is None:
            return self.because(f"{proposal.venue} has not said what cash is free, ours is {as_usd(ours)}")
        if proposal.worst_case_usd <= ours and proposal.worst_case_usd <= theirs:
            return None
        return self.because(
            f"up to {as_usd(proposal.worst_case_usd)} is needed at {proposal.venue}, free are "
            f"{as_usd(ours)} by our ledger and {as_usd(theirs)} by the account"
        )
