"""Follow the account through the run: how far it fell from its best."""

from collections.abc import Sequence
from decimal import Decimal

from research.record import EquityPoint


def drawdowns(points: Sequence[EquityPoint], starting_usd: Decimal) -> list[Decimal]:
    """Return, per point, the USD that equity lies below its best so far; 0 or negative.

    The starting balance is the first best, so a run that only loses has a drawdown from the start.
    """
    best = starting_usd
    falls: list[Decimal] = []
    for point in points:
        best = max(best, point.equity_usd)
        falls.append(point.equity_usd - best)
    return falls


def worst_drawdown(points: Sequence[EquityPoint], starting_usd: Decimal) -> Decimal | None:
    """Return the deepest fall in USD, 0 or negative; None when no equity was sampled."""
    return min(drawdowns(points, starting_usd), default=None)
