"""What an order offers and asks for, in base units: exact decimals, rounded as the venue's own SDK rounds.

Source: reference, section 5.3 (read 2026-11-20). The float arithmetic of the older SDK loses 0.01 share in
132 of 4,800 limit and 216 of 4,800 market orders; the tests compare with the newer one.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Final, Literal

from adapters.polymarket import constants as venue

type Side = Literal["BUY", "SELL"]

_GUARD_DIGITS: Final = 4  # a quotient is first rounded up so far beyond the last digit that counts
_EXACT: Final = Context(prec=60)
_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Amounts:
    """Base units (millionths): a buyer offers dollars for shares, a seller shares for dollars."""

    offered: int
    requested: int


def limit_amounts(side: Side, price: Decimal, shares: Decimal, tick: Decimal) -> Amounts:
    """Return the amounts of an order that may rest; shares are cut to 2 decimals.

    ValueError for a tick that the venue does not have, a price off its grid, and shares that come to nothing.
    """
    _must_be_on_grid(price, tick)
    size = _cut(shares, venue.SIZE_DECIMALS)
    dollars = _derived(size * price, tick)
    return _amounts(dollars, size) if side == "BUY" else _amounts(size, dollars)


def market_amounts(side: Side, price: Decimal, spent: Decimal, tick: Decimal) -> Amounts:
    """Return the amounts of an order that fills at once: `spent` are dollars of a buyer, shares of a seller.

    `price` is the worst that is accepted; both are cut to what the venue takes. ValueError as for
    `limit_amounts`.
    """
    _must_be_on_grid(price, tick)
    given = _cut(spent, venue.SIZE_DECIMALS)
    if side == "BUY":
        return _amounts(given, _derived(_EXACT.divide(given, price), tick))
    return _amounts(given, _derived(given * price, tick))


def spendable_usd(cap_usd: Decimal, price: Decimal, rate: Decimal, exponent: int) -> Decimal:
    """Return the dollars that a market buy may state so that they and the taker fee stay within a cap.

    The stated amount is before fees, and the fee comes on top (reference, section 5.4).
    """
    fee_per_dollar = rate * (price * (_ONE - price)) ** exponent / price
    return cap_usd / (_ONE + fee_per_dollar)


def _amounts(offered: Decimal, requested: Decimal) -> Amounts:
    found = Amounts(_base_units(offered), _base_units(requested))
    if found.offered <= 0 or found.requested <= 0:
        raise ValueError(f"expected amounts above 0, found {offered} for {requested}")
    return found


def _base_units(value: Decimal) -> int:
    return int(value * venue.BASE_UNITS)


def _derived(value: Decimal, tick: Decimal) -> Decimal:
    decimals = venue.AMOUNT_DECIMALS[tick.normalize()]
    guarded = value.quantize(_unit(decimals + _GUARD_DIGITS), ROUND_CEILING, _EXACT)
    return guarded.quantize(_unit(decimals), ROUND_FLOOR, _EXACT)


def _cut(value: Decimal, decimals: int) -> Decimal:
    if not value.is_finite():
        raise ValueError(f"expected a number of dollars or shares, found {value}")
    return value.quantize(_unit(decimals), ROUND_FLOOR, _EXACT)


def _unit(decimals: int) -> Decimal:
    return _ONE.scaleb(-decimals)


def _must_be_on_grid(price: Decimal, tick: Decimal) -> None:
    if tick.normalize() not in venue.AMOUNT_DECIMALS:
        known = ", ".join(map(str, venue.AMOUNT_DECIMALS))
        raise ValueError(f"expected a tick among {known}, found {tick}")
    if not price.is_finite() or not (tick <= price <= _ONE - tick) or price % tick:
        raise ValueError(f"expected a price from {tick} to {_ONE - tick} in steps of {tick}, found {price}")
