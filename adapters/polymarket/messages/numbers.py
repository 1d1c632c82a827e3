"""How Polymarket writes prices, sizes and times, and what they are exactly."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

_PLAIN: Final = re.compile(r"-?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_SECOND_NS: Final = 1_000_000_000
_MILLISECOND_NS: Final = 1_000_000
_LEAST_MS: Final = 100_000_000_000  # as seconds that would be the year 5138


@lru_cache(maxsize=1 << 13)
def decimal_of(text: str) -> Decimal:
    """Return a number as it is written (`.48` and `0.48` alike); ValueError for text that is no plain decimal."""
    if not _PLAIN.fullmatch(text):
        raise ValueError(f"expected a decimal number, found {text!r}")
    return Decimal(text)


def time_ns(text: str | int) -> int:
    """Return nanoseconds since the epoch of seconds or milliseconds (told by their size), or of an ISO time.

    ValueError for anything else.
    """
    if isinstance(text, int) or text.isdecimal():
        number = int(text)
        return number * (_MILLISECOND_NS if number >= _LEAST_MS else _SECOND_NS)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"expected seconds, milliseconds or an ISO time, found {text!r}") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * _SECOND_NS + moment.microsecond * 1000
