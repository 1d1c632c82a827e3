"""Refuse a setting outside the range in which it makes sense."""


def require_between(name: str, value: float, low: float, high: float) -> None:
    """Raise ValueError unless `low` <= `value` <= `high`; a NaN is never between."""
    if not low <= value <= high:
        raise ValueError(f"expected {name} between {low} and {high}, found {value}")
