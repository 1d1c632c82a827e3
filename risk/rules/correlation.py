"""Whether a bet is a new one: another market that moves with ours, another signal that repeats the last."""

from decimal import Decimal
from math import isfinite
from typing import Annotated, ClassVar, override

from msgspec import Meta

from engine.config import Share
from risk.correlation import Prior
from risk.proposal import Proposal, Refusal
from risk.rules.rule import Rule, as_usd, exact, must_be_amount
from risk.standing import Standing

_MICRO = Decimal("0.000001")


class MaxPairCorrelation(Rule, frozen=True):
    """Refuse to buy on a market whose correlation with another one of ours is above `limit`.

    Estimated from simultaneous changes of mids, once a second from the first order on, and drawn towards
    `in_group` for markets of one underlying or event, else towards 0, as if `shrinkage_changes` more had said so.
    Outcomes that exclude each other are correlated by their marks, without an estimate (`risk.correlation`).
    """

    watches_prices: ClassVar[bool] = True
    higher_is_tighter: ClassVar[frozenset[str]] = frozenset({"in_group"})
    limit: Annotated[float, Meta(gt=0, lt=1)]
    in_group: Annotated[float, Meta(ge=0, lt=1)]
    shrinkage_changes: Annotated[int, Meta(ge=1)]

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        prior = Prior(self.in_group, self.shrinkage_changes)
        for lot in standing.lots().values():
            if lot.outcome.market == proposal.market:  # its other side is no second bet
                continue
            found = standing.correlation(proposal.outcome, lot.outcome, prior)
            if not found <= self.limit:
                return self.because(
                    f"{proposal.instrument} is correlated with {lot.outcome.instrument} by {found:.3f}, "
                    f"limit is {self.limit:g}"
                )
        return None


class CorrelatedSignals(Rule, frozen=True):
    """Refuse an order above a `share` of equity; above `factor` of it where signals correlate more than `limit`.

    Correlated is each signal of a strategy (belief less mid, one for each belief that led to an order) with the
    one before; few signals say little, so it is drawn to 0 as if `shrinkage_signals` more had said nothing. The
    excess is refused, not cut: the reason says what would pass.
    """

    needs_equity: ClassVar[bool] = True
    watches_signals: ClassVar[bool] = True
    limit: Annotated[float, Meta(gt=0, lt=1)]
    share: Share
    factor: Share
    shrinkage_signals: Annotated[int, Meta(ge=1)]

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        found = standing.signal_correlation(proposal.strategy, self.shrinkage_signals)
        if not isfinite(found):
            raise ValueError(f"expected a correlation of signals, found {found}")
        part = Decimal(1) if found <= self.limit else exact(self.factor)
        full = exact(self.share) * must_be_amount(standing.equity_usd(), "an equity")
        allowed = (full * part).quantize(_MICRO)
        if proposal.whole_usd <= allowed:
            return None
        contracts = proposal.quantity * allowed / proposal.whole_usd
        return self.because(
            f"{as_usd(proposal.whole_usd)} asked, limit is {as_usd(allowed)} an order at {part} of full size (signals "
            f"correlate by {found:.3f}), about {contracts.quantize(Decimal('0.01'))} contracts"
        )
