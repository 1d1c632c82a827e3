"""How large an order may be after losses, and how long the way back is."""

from decimal import Decimal
from typing import ClassVar, override

from engine.config import Share
from pricing import restraint
from risk.proposal import Proposal, Refusal
from risk.recovery import Step
from risk.rules.rule import Pause, as_usd, exact, must_be_amount
from risk.standing import Standing


class DrawdownSteps(Pause, frozen=True):
    """Refuse an order above a `share` of equity, scaled by the drawdown's step among `steps`.

    A step is (drawdown from the highest equity, factor in [0, 1]), as [[0.1, 0.75], [0.15, 0.5], [0.2, 0]].
    The excess is refused, not cut: the reason says what would pass, and `Guardian.scale` says the factor.
    The way back up is in `risk.recovery`; a factor of 0 needs an operator to resume.
    """

    needs_equity: ClassVar[bool] = True
    share: Share
    steps: tuple[tuple[Share, float], ...]

    def __post_init__(self) -> None:
        """Refuse steps that do not go down, and none at all."""
        if not self.steps:
            raise ValueError("expected steps of a drawdown, found none")
        restraint.DrawdownSteps(self.steps)

    def exact_steps(self) -> tuple[Step, ...]:
        """Return the steps without binary fractions."""
        return tuple((exact(drawdown), exact(factor)) for drawdown, factor in self.steps)

    @override
    def breach(self, standing: Standing, now_ns: int) -> str | None:
        scale = standing.scale()
        return None if scale > 0 else "the drawdown has reached its last step, an operator must resume"

    @override
    def refuse(self, proposal: Proposal, standing: Standing) -> Refusal | None:
        if proposal.is_reducing:
            return None
        if reason := self.breach(standing, proposal.now_ns):
            return self.because(reason)
        scale = standing.scale()
        full = exact(self.share) * must_be_amount(standing.equity_usd(), "an equity")
        allowed = (full * scale).quantize(Decimal("0.000001"))
        if proposal.whole_usd <= allowed:
            return None
        contracts = proposal.quantity * allowed / proposal.whole_usd
        return self.because(
            f"{as_usd(proposal.whole_usd)} asked, limit is {as_usd(allowed)} an order at {scale} of full size, "
            f"about {contracts.quantize(Decimal('0.01'))} contracts"
        )
