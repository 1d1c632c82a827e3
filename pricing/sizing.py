"""How much of a bankroll to stake."""

from decimal import Decimal
from math import isfinite

_SMALLEST_USD = Decimal("0.000001")


def kelly_share(probability: float, cost: float) -> float:
    """Return the share of bankroll that maximises expected log wealth on one binary contract.

    The contract costs `cost` now, price and fee together, and pays 1 if its outcome happens, else
    0; both arguments lie in (0, 1), `cost` in quote currency per contract; ValueError otherwise.
    Without an edge the answer is 0: the other side is a different contract, never a negative stake.

    Source: J. L. Kelly, "A New Interpretation of Information Rate", 1956.
    """
    _check_inside_unit("a probability", probability)
    _check_inside_unit("a cost per contract", cost)
    return max(0.0, (probability - cost) / (1.0 - cost))


def to_usd(amount: float) -> Decimal:
    """Return a computed amount as money, rounded to the smallest unit that the venues keep.

    ValueError when the amount is not finite.
    """
    if not isfinite(amount):
        raise ValueError(f"expected a finite amount of money, found {amount}")
    return Decimal(amount).quantize(_SMALLEST_USD)


def _check_inside_unit(what: str, value: float) -> None:
    if not 0 < value < 1:  # also true of NaN
        raise ValueError(f"expected {what} in (0, 1), found {value}")
