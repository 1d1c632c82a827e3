"""Kalshi's decimal strings as whole numbers, and its instants as text.

Inside the double a price is a whole number of 1e-4 dollars (0 to 10,000), a size a whole number of
0.01 contracts, money a whole number of 1e-6 dollars. So price times size is money, exactly, and no
float and no rounding enters before the fee rule asks for it.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

ONE_PRICE: Final = 10_000
"""One dollar per contract, in price units."""

ONE_CONTRACT: Final = 100
DOLLAR: Final = 1_000_000
"""One dollar, in money units (micro-dollars)."""

SECOND_NS: Final = 1_000_000_000
MILLI_NS: Final = 1_000_000

_DECIMAL = re.compile(r"(-?)(\d{1,15})(?:\.(\d+))?\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_fixed(text: object, digits: int) -> int:
    """Read a decimal string as a whole number of 10**-digits; ValueError if it is finer or no decimal."""
    match = _DECIMAL.match(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"expected a decimal string, found {text!r}")
    sign, whole, fraction = match[1], match[2], (match[3] or "").rstrip("0")
    if len(fraction) > digits:
        raise ValueError(f"expected at most {digits} decimals, found {text!r}")
    value = int(whole + fraction.ljust(digits, "0"))
    return -value if sign else value


def parse_price(text: object) -> int:
    """Read dollars per contract ("0.5600") as price units."""
    return parse_fixed(text, 4)


def parse_count(text: object) -> int:
    """Read contracts ("10.00") as hundredths."""
    return parse_fixed(text, 2)


def parse_money(text: object) -> int:
    """Read dollars ("12.345678") as micro-dollars."""
    return parse_fixed(text, 6)


@lru_cache(maxsize=1 << 13)
def _fixed(value: int, digits: int) -> str:
    sign, value = ("-", -value) if value < 0 else ("", value)
    whole, fraction = divmod(value, 10**digits)
    return f"{sign}{whole}.{fraction:0{digits}d}"


def price_text(price: int) -> str:
    """Write price units as the venue does, four decimals."""
    return _fixed(price, 4)


def count_text(count: int) -> str:
    """Write hundredths of contracts with two decimals."""
    return _fixed(count, 2)


def money_text(micro: int) -> str:
    """Write micro-dollars with six decimals, as positions and fees show them."""
    return _fixed(micro, 6)


def short_money_text(micro: int) -> str:
    """Write micro-dollars with four decimals, rounded down, as balances show them."""
    return _fixed(micro // 100, 4)


def cents(micro: int) -> int:
    """Truncate micro-dollars to whole cents."""
    return micro // 10_000 if micro >= 0 else -(-micro // 10_000)


def average_text(total_micro: int, count: int) -> str:
    """Write money per contract: four decimals if that is exact, else six, rounded half up."""
    micro = (2 * total_micro * ONE_CONTRACT + count) // (2 * count)
    exact = total_micro * ONE_CONTRACT % (count * 100) == 0
    return short_money_text(micro) if exact else money_text(micro)


def time_text(at_ns: int) -> str:
    """Write an instant as RFC 3339 with microseconds, trailing zeros dropped, as the venue does."""
    second, micros = divmod(at_ns // 1000, 1_000_000)
    if not micros:
        return f"{_second_text(second)}Z"
    return f"{_second_text(second)}.{micros:06d}".rstrip("0") + "Z"


def parse_time(text: str) -> int:
    """Read an RFC 3339 instant as nanoseconds since 1970."""
    moment = datetime.fromisoformat(text)
    return int((moment - _EPOCH) / timedelta(microseconds=1)) * 1000


@lru_cache(maxsize=1 << 8)
def _second_text(second: int) -> str:
    return (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")
