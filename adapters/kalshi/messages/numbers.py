"""How Kalshi writes prices, sizes and times, and what they are in whole steps, lots and nanoseconds.

Two generations live in recordings: decimal text (`price_dollars`, `count_fp`) and, until March 2026, whole
cents and contracts (`price`, `count`). So a `Dollars` is text in dollars or a number of cents, and a
`Contracts` is decimal text or a number of whole contracts: the type tells which.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal

from msgspec import Struct

type Dollars = str | int
type Contracts = str | int
type Level = tuple[Dollars, Contracts]
type Side = Literal["yes", "no"]
type BookSide = Literal["bid", "ask"]

PRICE_DIGITS: Final = 4
SIZE_DIGITS: Final = 2
ONE_DOLLAR: Final = 10**PRICE_DIGITS
"""One dollar in steps of 0.0001, the finest price step that any structure has (reference, section 9)."""
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)", re.ASCII)
_DECIMAL: Final = re.compile(r"(-?)(\d+)(?:\.(\d+))?", re.ASCII)


class Row(Struct, frozen=True, kw_only=True):
    """A payload whose numbers are `Decimal`: one that is no finite number is refused with its name."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Decimal) and not value.is_finite():
                raise ValueError(f"expected a finite number in {name}, found {value}")


@lru_cache(maxsize=1 << 14)
def price_steps(price: Dollars) -> int:
    """Return a price in steps of 0.0001 dollars: "0.5600" is 5600, and so is 56 (cents).

    ValueError when it is not strictly between 0 and 1 dollar or finer than a step.
    """
    steps = scale_steps(price)
    if not 0 < steps < ONE_DOLLAR:
        raise ValueError(f"expected a price in (0, 1) dollars, found {price!r}")
    return steps


@lru_cache(maxsize=1 << 13)
def size_lots(size: Contracts) -> int:
    """Return a signed size in lots of 0.01 contracts: "12.50" is 1250, 12 (contracts) is 1200.

    ValueError when the text is no plain decimal or finer than a lot.
    """
    return _scaled(size, SIZE_DIGITS) if isinstance(size, str) else size * 100


def scale_steps(price: Dollars) -> int:
    """Return a price in steps like `price_steps`, where 0 and 1 dollar stand for an empty side."""
    steps = _scaled(price, PRICE_DIGITS) if isinstance(price, str) else price * 100
    if not 0 <= steps <= ONE_DOLLAR:
        raise ValueError(f"expected a price in [0, 1] dollars, found {price!r}")
    return steps


def time_ns(text: str) -> int:
    """Return an RFC 3339 time in UTC, with up to nine decimals of a second, in nanoseconds since the epoch."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"expected a time in UTC such as 2026-05-13T16:45:00.5Z, found {text!r}")
    second, fraction = found.groups("")
    return _whole_second_ns(second) + int(fraction.ljust(9, "0"))


def price_text(price: Decimal) -> str:
    """Return a price as an order spells it, "0.5600"; ValueError outside (0, 1) or finer than 0.0001."""
    if not (price.is_finite() and 0 < price < 1):
        raise ValueError(f"expected a price in (0, 1) dollars, found {price}")
    return _text(price, PRICE_DIGITS, "price")


def size_text(contracts: Decimal) -> str:
    """Return a size as an order spells it, "10.00"; ValueError when not above 0 or finer than 0.01."""
    if not (contracts.is_finite() and contracts > 0):
        raise ValueError(f"expected a size above 0 contracts, found {contracts}")
    return _text(contracts, SIZE_DIGITS, "size")


def _text(value: Decimal, digits: int, what: str) -> str:
    text = f"{value:.{digits}f}"
    if Decimal(text) != value:
        raise ValueError(f"expected a {what} with at most {digits} decimals, found {value}")
    return text


def _scaled(text: str, digits: int) -> int:
    found = _DECIMAL.fullmatch(text)
    if found is None:
        raise ValueError(f"expected a plain decimal number, found {text!r}")
    sign, whole, fraction = found[1], found[2], found[3] or ""
    if fraction[digits:].strip("0"):
        raise ValueError(f"expected at most {digits} decimals, found {text!r}")
    value = int(whole + fraction[:digits].ljust(digits, "0"))
    return -value if sign else value


@lru_cache(maxsize=1 << 12)
def _whole_second_ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000
