"""Contracts that become others, or money, by a rule of their venue: split, merge, netting, conversion of a set.

No law says what a leg is worth. Value is shared out evenly, to the millionth of a dollar, so that what comes
back in all is exact; which of two legs made the profit is a convention.
"""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal

from risk.accounts import MICRO
from risk.contract import Outcome
from risk.errors import ImpossiblePosting
from risk.sums import ZERO
from risk.trades import Conversion, Leg

type Sides = tuple[Outcome, Outcome]
"""YES and NO of one market."""


def split(strategy: str, market: Sides, quantity: Decimal, reference: str, now_ns: int) -> Conversion:
    """Return what makes `quantity` contracts of either side out of as many dollars."""
    return Conversion(strategy, _pair(market, quantity, 1), reference, now_ns)


def merge(strategy: str, market: Sides, quantity: Decimal, reference: str, now_ns: int) -> Conversion:
    """Return what makes `quantity` dollars out of as many contracts of either side.

    Kalshi does so by itself the moment both are held (netting); at Polymarket it is an operation on chain.
    """
    return Conversion(strategy, _pair(market, quantity, -1), reference, now_ns)


def convert(
    strategy: str,
    event: Sequence[Sides],
    given: Sequence[int],
    quantity: Decimal,
    reference: str,
    now_ns: int,
) -> Conversion:
    """Return what turns NO of the markets at the places `given` into YES of all others and dollars.

    `event` holds all markets of an event of which exactly one resolves to YES ("other" included). For k
    markets given, k - 1 dollars a contract come back (Polymarket's neg-risk adapter, read 2026-11-20).
    ImpossiblePosting for places that are none, or twice the same.
    """
    if not given or len(set(given)) != len(given) or not set(given) <= set(range(len(event))):
        raise ImpossiblePosting(f"expected different places among {len(event)} markets, found {list(given)}")
    parts = _shares(quantity, len(event))
    legs = [
        Leg(no, -quantity, quantity - parts[place]) if place in given else Leg(yes, quantity, parts[place])
        for place, (yes, no) in enumerate(event)
    ]
    return Conversion(strategy, tuple(legs), reference, now_ns)


def cash_of(conversion: Conversion) -> Decimal:
    """Return the dollars that a conversion brings; negative when it costs some."""
    return sum((leg.usd if leg.quantity < 0 else -leg.usd for leg in conversion.legs), ZERO)


def _pair(market: Sides, quantity: Decimal, sign: int) -> tuple[Leg, ...]:
    return tuple(
        Leg(outcome, sign * quantity, part)
        for outcome, part in zip(market, _shares(quantity, 2), strict=True)
    )


def _shares(quantity: Decimal, count: int) -> list[Decimal]:
    if not (quantity.is_finite() and quantity > 0):
        raise ImpossiblePosting(f"expected contracts above 0 to convert, found {quantity}")
    part = (quantity / count).quantize(MICRO, ROUND_FLOOR)
    return [*[part] * (count - 1), quantity - part * (count - 1)]
