"""Refuse numbers that cannot be true, before they become a stake."""

from math import isfinite


def need_inside_unit(what: str, value: float) -> None:
    """Raise ValueError unless `value` lies strictly between 0 and 1; NaN does not."""
    if not 0 < value < 1:
        raise ValueError(f"expected {what} in (0, 1), found {value}")


def need_share(what: str, value: float) -> None:
    """Raise ValueError unless `value` lies in [0, 1]; NaN does not."""
    if not 0 <= value <= 1:
        raise ValueError(f"expected {what} in [0, 1], found {value}")


def need_at_least_zero(what: str, value: float) -> None:
    """Raise ValueError unless `value` is finite and 0 or more."""
    if not (isfinite(value) and value >= 0):
        raise ValueError(f"expected {what} to be finite and at least 0, found {value}")
