"""What may be lost together: on one event, in one group, in the tail of all that is open."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, override

from msgspec import Meta

from engine.config import Share, Usd
from risk.netting import gross_usd, with_proposal, worst_loss_usd
from risk.proposal import Proposal, Refusal
from risk.rules.rule import Rule, as_usd, exact, must_be_amount
from risk.standing import Standing
from risk.stress import Sight, scenarios
from risk.tail import Bet, Tail, bets_of, tail_of

_CENT = Decimal("0.01")


class MaxLossPerEvent(Rule, frozen=True):
    """Refuse what could lose more than `limit` on one event, or cost more than `gross_limit`, nothing netted.

    The worst case is taken over all ways in which the event can end (`risk.netting`). Outcomes are netted
    only where they cannot both win or cannot both lose.
    """

    limit: Usd
    gross_limit: Usd

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        own = [lot for lot in standing.lots().values() if lot.outcome.event == proposal.event]
        lots = with_proposal(own, proposal)
        loss, gross = worst_loss_usd(lots), gross_usd(lots)
        if loss <= self.limit and gross <= self.gross_limit:
            return None
        return self.because(
            f"up to {as_usd(loss)} could be lost on event {proposal.event}, limit is {as_usd(self.limit)}; "
            f"its cost would be {as_usd(gross)}, limit is {as_usd(self.gross_limit)}"
        )


class MaxCorrelatedPositions(Rule, frozen=True):
    """Refuse an order on one more market than `limit_markets` of the same underlying.

    Where the venue names no underlying, markets of the same event count as one group.
    """

    limit_markets: Annotated[int, Meta(ge=1)]

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        group = proposal.outcome.group
        markets = {lot.outcome.market for lot in standing.lots().values() if lot.outcome.group == group}
        count = len(markets | {proposal.market})
        if count <= self.limit_markets:
            return None
        return self.because(f"{count} markets of {group} would be open, limit is {self.limit_markets}")


class MaxStressLoss(Rule, frozen=True):
    """Refuse what could lose more than a `share` of equity in a scenario, such as a `move` of an underlying.

    The scenarios are those of `risk.stress.scenarios`. `sources` says which source of prices (symbol.source) tells
    where an underlying is; without a price all that rests on it counts as lost.
    """

    needs_equity: ClassVar[bool] = True
    higher_is_tighter: ClassVar[frozenset[str]] = frozenset({"move"})
    share: Share
    move: Annotated[float, Meta(gt=0, lt=1)]
    sources: dict[str, str]

    @override
    def wanted_sources(self) -> Iterable[str]:
        return self.sources.values()

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        limit = exact(self.share) * must_be_amount(standing.equity_usd(), "an equity")
        lots = with_proposal(standing.lots().values(), proposal)
        if gross_usd(lots) <= limit:  # no scenario costs more than everything
            return None
        worst = scenarios(lots, Sight(standing.mark_usd, self._spot_in(standing), exact(self.move)))[0]
        if worst.loss_usd <= limit:
            return None
        return self.because(
            f"{as_usd(worst.loss_usd.quantize(_CENT))} would be lost if {worst.scenario}, "
            f"limit is {as_usd(limit.quantize(_CENT))}"
        )

    def _spot_in(self, standing: Standing) -> Callable[[str], Decimal | None]:
        return lambda underlying: standing.printed.get(self.sources.get(underlying, ""))


class TailLimit(Rule, frozen=True):
    """A limit on the tail of the loss of all that is held, on order and proposed (`risk.tail`).

    Chances are the marks (best bids): nobody's belief. `correlation` holds between the markets of a group.
    """

    needs_equity: ClassVar[bool] = True
    higher_is_tighter: ClassVar[frozenset[str]] = frozenset({"confidence", "correlation"})
    share: Share
    confidence: Literal["0.95", "0.99"]
    correlation: Annotated[float, Meta(ge=0, lt=1)]
    seed: int

    def figure(self, tail: Tail) -> tuple[Decimal, str]:
        """Return the figure of the tail that is limited, and its name."""
        raise NotImplementedError

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        limit = exact(self.share) * must_be_amount(standing.equity_usd(), "an equity")
        lots = with_proposal(standing.lots().values(), proposal)
        if gross_usd(lots) <= limit:  # no case costs more than everything
            return None
        bets: list[Bet] = bets_of(lots, standing.mark_usd)
        tail = tail_of(bets, float(self.confidence), self.correlation, self.seed)
        figure, name = self.figure(tail)
        if figure <= limit:
            return None
        how = "by enumeration" if tail.is_exact else f"by simulation with seed {self.seed}"
        return self.because(
            f"{name} of {as_usd(figure.quantize(_CENT))} at {self.confidence} ({how}), "
            f"limit is {as_usd(limit.quantize(_CENT))}"
        )


class MaxValueAtRisk(TailLimit, frozen=True):
    """Refuse what lifts the loss that is exceeded with chance 1 - `confidence` above a `share` of equity.

    Groups move apart from each other; within one, `correlation` ties the losing sides. `seed` is for the
    simulation that takes over where enumeration would be too long.
    """

    @override
    def figure(self, tail: Tail) -> tuple[Decimal, str]:
        return Decimal(repr(tail.value_at_risk_usd)), "a value at risk"


class MaxExpectedShortfall(TailLimit, frozen=True):
    """Refuse what lifts the mean loss of the worst 1 - `confidence` of cases above a `share` of equity.

    Groups move apart from each other; within one, `correlation` ties the losing sides. `seed` is for the
    simulation that takes over where enumeration would be too long.
    """

    @override
    def figure(self, tail: Tail) -> tuple[Decimal, str]:
        return Decimal(repr(tail.expected_shortfall_usd)), "an expected shortfall"
