"""Whether the market can bear an order: what it shows, how wide it is, how far the limit reaches."""

from decimal import Decimal
from typing import Annotated, ClassVar, override

from msgspec import Meta
from nautilus_trader.model import OrderSide

from engine.config import Price, Share
from risk.errors import UnknownFigure
from risk.proposal import Proposal, Refusal
from risk.rules.rule import Rule, as_usd, exact
from risk.standing import Standing


class QuoteLimit(Rule, frozen=True):
    """A limit on purchases that is read off the market's last quote; without a quote nothing is bought."""

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        if proposal.quote is None:
            return self.because(f"no quote of {proposal.instrument}")
        fault = self.fault(proposal)
        return self.because(fault) if fault else None

    def fault(self, proposal: Proposal) -> str | None:
        """Return what is wrong with a purchase at this quote, with both figures, or None."""
        raise NotImplementedError


class MinLiquidity(QuoteLimit, frozen=True):
    """Refuse to buy where bid and ask together show fewer than `limit_contracts` contracts."""

    higher_is_tighter: ClassVar[frozenset[str]] = frozenset({"limit_contracts"})
    limit_contracts: Annotated[int, Meta(ge=1)]

    @override
    def fault(self, proposal: Proposal) -> str | None:
        bid, ask = shown(proposal)
        if bid + ask >= self.limit_contracts:
            return None
        return f"{bid + ask} contracts of {proposal.instrument} on show, limit is at least {self.limit_contracts}"


class MaxShareOfDepth(QuoteLimit, frozen=True):
    """Refuse to buy more than a `share` of the contracts that the quote shows.

    An order that could trade at once is compared with the ask, one that would rest with the bid that it
    joins. A side that shows nothing bears nothing.
    """

    share: Share

    @override
    def fault(self, proposal: Proposal) -> str | None:
        bid, ask = shown(proposal)
        depth = ask if proposal.is_marketable else bid
        limit = exact(self.share) * depth
        if proposal.quantity <= limit:
            return None
        side = "offered" if proposal.is_marketable else "bid for"
        return f"{proposal.quantity} contracts asked, {depth} {side}, limit is {limit}"


class MaxSpread(QuoteLimit, frozen=True):
    """Refuse to buy where ask less bid is more than `limit`; an empty side is as wide as it can be."""

    limit: Price

    @override
    def fault(self, proposal: Proposal) -> str | None:
        bid, ask = touch(proposal)
        if all(shown(proposal)) and ask - bid <= self.limit:
            return None
        return f"a spread of {as_usd(ask - bid)} (bid {bid}, ask {ask}), limit is {as_usd(self.limit)}"


class MaxSlippage(QuoteLimit, frozen=True):
    """Refuse to buy at a limit price that is more than `limit` above the ask, or without a limit price."""

    limit: Price

    @override
    def fault(self, proposal: Proposal) -> str | None:
        _, ask = touch(proposal)
        if proposal.side != OrderSide.BUY or proposal.price is None:
            return f"an order without a limit price, limit is {as_usd(self.limit)} above the ask"
        if proposal.price - ask <= self.limit:
            return None
        return (
            f"{proposal.price} is {as_usd(proposal.price - ask)} above the ask, limit is {as_usd(self.limit)}"
        )


def shown(proposal: Proposal) -> tuple[Decimal, Decimal]:
    """Return the contracts bid for and offered; UnknownFigure without a quote."""
    if proposal.quote is None:
        raise UnknownFigure(f"expected a quote of {proposal.instrument}, found none")
    return proposal.quote.bid_size.as_decimal(), proposal.quote.ask_size.as_decimal()


def touch(proposal: Proposal) -> tuple[Decimal, Decimal]:
    """Return bid and ask; an empty side is 0 or 1. UnknownFigure without a quote."""
    if proposal.quote is None:
        raise UnknownFigure(f"expected a quote of {proposal.instrument}, found none")
    return proposal.quote.bid_price.as_decimal(), proposal.quote.ask_price.as_decimal()
