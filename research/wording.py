"""Write numbers and times the way every report writes them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from research.bootstrap import Estimate

NOTHING = "n/a"
_NS_PER_SEC = 1_000_000_000


def exact(value: Decimal) -> str:
    """Return every digit of `value`, without exponent, trailing zeros or a signed zero."""
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def usd(value: Decimal) -> str:
    """Return an amount for people, signed and rounded to the cent: `+1,234.50 USD`."""
    return f"{cents(value)} USD"


def cents(value: Decimal) -> str:
    """Return an amount for a column headed USD, signed and rounded to the cent; 0 has no sign."""
    rounded = round(value, 2)
    return f"{rounded:+,.2f}" if rounded else "0.00"


def plain(value: Decimal) -> str:
    """Return a quantity for people, with two digits and no sign unless negative."""
    return f"{value:,.2f}"


def score(value: float | None) -> str:
    """Return a Brier score or a share with four digits; `n/a` when there is none."""
    return NOTHING if value is None else f"{value:.4f}"


def percent(share: float) -> str:
    """Return a share of 1 as whole percent: `95 %`."""
    return f"{share * 100:.0f} %"


def mean(estimate: Estimate | None, digits: int) -> str:
    """Return the signed mean of an estimate; `n/a` when there is none."""
    return NOTHING if estimate is None else f"{estimate.mean:+.{digits}f}"


def bounds(estimate: Estimate | None, digits: int) -> str:
    """Return an interval in words: `95 % interval -6.29 to +9.60`."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return "no interval"
    ends = f"{estimate.low:+.{digits}f} to {estimate.high:+.{digits}f}"
    return f"{percent(estimate.confidence)} interval {ends}"


def interval(estimate: Estimate | None, digits: int) -> str:
    """Return `mean [low, high]`, signed; `n/a` for what could not be computed."""
    if estimate is None:
        return NOTHING
    if estimate.low is None or estimate.high is None:
        return f"{mean(estimate, digits)} [no interval]"
    return f"{mean(estimate, digits)} [{estimate.low:+.{digits}f}, {estimate.high:+.{digits}f}]"


def count(number: int, thing: str) -> str:
    """Return `1 event`, `24 events`, `1,000 events`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def yes_no(claim: bool) -> str:
    """Return `yes` or `NO`: a broken promise should not look like a kept one."""
    return "yes" if claim else "NO"


def listed(words: Iterable[str]) -> str:
    """Return `A, B`; `none` for nothing."""
    return ", ".join(words) or "none"


def iso_time(ts_ns: int) -> str:
    """Return a time in UTC as ISO 8601 to the nanosecond, without trailing zeros."""
    secs, rest_ns = divmod(ts_ns, _NS_PER_SEC)
    text = datetime.fromtimestamp(secs, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest_ns:09d}".rstrip("0").rstrip(".") + "Z"
