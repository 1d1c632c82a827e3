"""Kalshi's fees: the dated schedule of a market."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

_RATE: Final = Decimal("0.07")
_MAKER_SHARES: Final = {
    "quadratic": Decimal(0),
    "quadratic_with_maker_fees": Decimal("0.25"),
    "quadratic_with_combo_maker_fees": Decimal("0.5"),
}
"""What a maker pays of the taker's fee, by `fee_type` (venue docs of Aug 2026, read 2026-11-20)."""

# (first day in UTC, fee_unit, cash_unit). The hour of a change is not known anywhere, nor is the first
# day of two periods: "early 2026" is taken as the day when cents began to leave the interface, which is
# late and so the dearer guess; "September 2026" is taken as its first day, at less than 0.0001 a fill.
_ROUNDING: Final = (
    ("1970-01-01", "0.01", "0.01"),
    ("2026-03-12", "0.0001", "0.01"),  # 316 of 316 fills of 7-11 May 2026 obey it
    ("2026-05-28", "0.0001", "0.0001"),  # direct members; demo fills of July 2026 obey it
    ("2026-09-01", "0.000001", "0.0001"),  # venue docs of Sept 2026; no real fill seen
)


@dataclass(frozen=True, slots=True)
class FeeChange:
    """A change of the fee type and multiplier of a series or event, from `since_ns` on."""

    since_ns: int
    fee_type: str
    multiplier: Decimal


def fee_terms(
    fee_type: str, multiplier: Decimal, changes: Iterable[FeeChange] = ()
) -> tuple[dict[str, Any], ...]:
    """Return the dated terms of a market in the plain form of `MarketTerms.fees`.

    `fee_type` and `multiplier` hold from the beginning of time until the first of `changes` (in any
    order; an event's override replaces its series, which is for the caller to resolve). The rounding
    is that of a direct member. ValueError names a fee type whose meaning nobody has published
    (`flat`, `margin_market_maker_program_fees`, anything new), and two changes at one time.

    Source: Kalshi's docs and API description, Aug-Oct 2026, read 2026-11-20.
    """
    dated = [FeeChange(0, fee_type, multiplier), *sorted(changes, key=lambda change: change.since_ns)]
    for earlier, later in pairwise(dated):
        if earlier.since_ns >= later.since_ns:
            raise ValueError(
                f"expected fee changes at different times after 0, found two at {later.since_ns}"
            )
    return tuple(_terms_over_time(dated))


def _terms_over_time(changes: list[FeeChange]) -> Iterator[dict[str, Any]]:
    roundings = [(_day_ns(day), fee_unit, cash_unit) for day, fee_unit, cash_unit in _ROUNDING]
    for since_ns in sorted({change.since_ns for change in changes} | {start for start, *_ in roundings}):
        change = [change for change in changes if change.since_ns <= since_ns][-1]
        _, fee_unit, cash_unit = [row for row in roundings if row[0] <= since_ns][-1]
        taker_rate, maker_rate = _rates(change)
        yield {
            "since_ns": since_ns,
            "taker_rate": taker_rate,
            "maker_rate": maker_rate,
            "exponent": 1,
            "fee_unit": fee_unit,
            "cash_unit": cash_unit,
        }


def _rates(change: FeeChange) -> tuple[str, str]:
    if change.fee_type not in _MAKER_SHARES:
        raise ValueError(
            f"expected a fee type among {sorted(_MAKER_SHARES)}, found {change.fee_type!r}: what it charges is unknown"
        )
    if not (change.multiplier.is_finite() and change.multiplier >= 0):
        raise ValueError(f"expected a fee multiplier of at least 0, found {change.multiplier}")
    taker_rate = _RATE * change.multiplier
    return _text(taker_rate), _text(taker_rate * _MAKER_SHARES[change.fee_type])


def _text(rate: Decimal) -> str:
    return f"{rate.normalize():f}"


def _day_ns(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1_000_000_000
