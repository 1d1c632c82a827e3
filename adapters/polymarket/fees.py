"""Polymarket's fees: the dated schedule of a market. Takers pay, in pUSD; makers are rebated later, which is no fee.

Source: reference, section 13.1 (read 2026-11-20): `shares * rate * (p * (1 - p)) ** exponent` at five decimals, checked
by others on chain: 25 shares at 0.64 and rate 0.07 cost 0.4032. How the sixth decimal is rounded is
not published; the reference rounds half up.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from adapters.polymarket.messages.clob import CompactFees
from adapters.polymarket.messages.gamma import GammaFees

_FEE_UNIT: Final = "0.00001"
_ROUNDING: Final = "half_up"


class UnknownFees(ValueError):
    """The venue charges, and nobody has said how much."""


def fee_terms(
    catalogue: GammaFees | None, book: CompactFees | None, *, charges: bool | None
) -> dict[str, Any]:
    """Return what a market charges, in the plain form of `MarketTerms.fees`, from the beginning of time.

    The order book's word counts before the catalogue's, which is a copy. `charges` is the catalogue's
    `feesEnabled`: UnknownFees when it says that there are fees and neither says which.
    """
    said = book or catalogue
    if said is None:
        if charges:
            raise UnknownFees("expected a fee schedule of a market that charges fees, found none")
        return _plain(Decimal(0), 1, taker_only=True)
    return _plain(said.rate, said.exponent, taker_only=said.taker_only)


def dated(
    before: Sequence[Mapping[str, Any]], now: Mapping[str, Any], now_ns: int
) -> tuple[dict[str, Any], ...]:
    """Return a schedule that goes on with `now` from `now_ns` on; as it was when nothing has changed.

    The venue says that a schedule is fixed when its market is made. Should it say something else later, what was
    charged before that stays as it was.
    """
    earlier = tuple(dict(one) for one in before)
    if not earlier:
        return ({**now, "since_ns": 0},)
    if {**earlier[-1], "since_ns": 0} == {**now, "since_ns": 0}:
        return earlier
    return (*earlier, {**now, "since_ns": max(now_ns, earlier[-1]["since_ns"] + 1)})


def _plain(rate: Decimal, exponent: int, *, taker_only: bool) -> dict[str, Any]:
    text = f"{rate.normalize():f}"
    return {
        "since_ns": 0,
        "taker_rate": text,
        "maker_rate": "0" if taker_only else text,
        "exponent": exponent,
        "fee_unit": _FEE_UNIT,
        "rounding": _ROUNDING,
    }
