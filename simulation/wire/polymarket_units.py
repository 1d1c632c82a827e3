"""Polymarket's decimal text as whole numbers, and its fee rule.

Inside the double a price is a whole number of 1e-4 pUSD (0 to 10,000: every tick of section 5.3 fits),
shares and money are whole numbers of 1e-6, as on chain. No float enters.
"""

import re
from fractions import Fraction
from typing import Final

ONE_PRICE: Final = 10_000
"""One pUSD per share, in price units."""

FINE_TICK: Final = 10
"""The tick of a market whose price is near 0 or 1: 0.001."""

ONE: Final = 1_000_000
"""One share, or one pUSD, in base units."""

CENT_SHARE: Final = ONE // 100
"""The step of an order's size: 0.01 share."""

_FEE_UNIT: Final = 10
_DECIMAL = re.compile(r"(\d{0,15})(?:\.(\d+))?\Z")


def parse_fixed(text: str, digits: int) -> int:
    """Read unsigned decimal text as a whole number of 10**-digits; ValueError if it is finer or no decimal."""
    match = _DECIMAL.match(text)
    fraction = (match[2] or "").rstrip("0") if match else ""
    if match is None or not (match[1] or match[2]) or len(fraction) > digits:
        raise ValueError(f"expected a decimal with at most {digits} decimals, found {text!r}")
    return int((match[1] or "0") + fraction.ljust(digits, "0"))


def parse_price(text: str) -> int:
    """Read pUSD per share ("0.57" or ".57") as price units."""
    return parse_fixed(text, 4)


def parse_amount(text: str) -> int:
    """Read shares or pUSD ("10.5") as base units."""
    return parse_fixed(text, 6)


def _short(value: int, digits: int) -> str:
    whole, fraction = divmod(value, 10**digits)
    return f"{whole}.{fraction:0{digits}d}".rstrip("0").rstrip(".")


def price_text(price: int) -> str:
    """Write price units without trailing zeros, as the stream does ("0.1")."""
    return _short(price, 4)


def amount_text(amount: int) -> str:
    """Write base units without trailing zeros ("10", "19.6078")."""
    return _short(amount, 6)


def last_price_text(price: int) -> str:
    """Write a last trade price: three decimals ("0.110"), a fourth only when the price has one."""
    return f"{price // ONE_PRICE}.{price % ONE_PRICE:04d}".removesuffix("0")


def yes_money(price: int, shares: int) -> int:
    """What the YES leg of a trade is worth at a YES price, rounded half up; the NO leg is the rest of `shares`."""
    return (2 * price * shares + ONE_PRICE) // (2 * ONE_PRICE)


def reserve(price: int, shares: int) -> int:
    """The most that `shares` can cost at a price or better, in base units."""
    return -(-price * shares // ONE_PRICE)


def taker_fee(rate: Fraction, exponent: int, price: int, shares: int) -> int:
    """`shares * rate * (p(1-p))^exponent` in base units of pUSD, rounded half up at five decimals (13.1)."""
    spread = Fraction(price * (ONE_PRICE - price), ONE_PRICE * ONE_PRICE)
    exact = shares * rate * spread**exponent / _FEE_UNIT
    return int(exact + Fraction(1, 2)) * _FEE_UNIT
