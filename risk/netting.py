"""What can be lost on one event in the worst case, when its outcomes exclude each other."""

from collections.abc import Collection, Iterable
from decimal import Decimal

from risk.lots import Lot
from risk.proposal import Proposal
from risk.sums import ZERO

_ONE = Decimal(1)


def with_proposal(lots: Iterable[Lot], proposal: Proposal) -> list[Lot]:
    """Return the lots as if the proposal were live; what a change adds is taken to buy nothing."""
    asked = Lot(proposal.outcome)
    if not proposal.is_reducing:
        contracts = ZERO if proposal.is_change else proposal.quantity
        asked.bids.append((contracts, proposal.worst_case_usd))
    return [*lots, asked]


def worst_loss_usd(lots: Collection[Lot]) -> Decimal:
    """Return the most that the lots of one event can lose, by enumeration of how it can end.

    Of a market either YES or NO pays. When the venue says that the event's markets exclude each other,
    the ends are: one of them is YES, or none of ours is. Otherwise each market ends on its own. Between
    live orders that fill and that do not, the worse counts. A market that pays out in between is never
    worse than both its ends; a venue that breaks its word on exclusion is not covered.
    """
    markets = {lot.outcome.market for lot in lots}
    if lots and all(lot.outcome.is_exclusive for lot in lots):
        return max(_loss_usd(lots, winner) for winner in (None, *markets))
    return sum((_worst_of_market(lots, market) for market in markets), ZERO)


def gross_usd(lots: Iterable[Lot]) -> Decimal:
    """Return what the lots have cost and could still cost, nothing netted."""
    return sum((lot.stake_usd for lot in lots), ZERO)


def _worst_of_market(lots: Iterable[Lot], market: str) -> Decimal:
    own = [lot for lot in lots if lot.outcome.market == market]
    return max(_loss_usd(own, None), _loss_usd(own, market))


def _loss_usd(lots: Iterable[Lot], winner: str | None) -> Decimal:
    return sum((lot.loss_usd(_payout(lot, winner)) for lot in lots), ZERO)


def _payout(lot: Lot, winner: str | None) -> Decimal:
    return _ONE if lot.outcome.is_yes == (lot.outcome.market == winner) else ZERO
