"""Kalshi's fee rule in whole numbers (kalshi.md section 10; reproduced there on 316 of 316 real fills)."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final

from simulation.wire.kalshi_orders import Order
from simulation.wire.kalshi_units import ONE_PRICE

BASE_RATE: Final = Fraction(7, 100)

MAKER_SHARES: Final = {
    "quadratic": Fraction(0),
    "quadratic_with_maker_fees": Fraction(1, 4),
    "quadratic_with_combo_maker_fees": Fraction(1, 2),
}


@dataclass(frozen=True, slots=True)
class FeeRates:
    """What taker and maker pay per contract and p(1-p)."""

    taker: Fraction
    maker: Fraction

    def of(self, *, is_taker: bool) -> Fraction:
        """The rate of one side."""
        return self.taker if is_taker else self.maker


@lru_cache(maxsize=256)
def fee_rates(fee_type: str, multiplier: Fraction) -> FeeRates:
    """Turn the venue's words into rates; LookupError for a type whose rule is not known (flat, market maker)."""
    if fee_type not in MAKER_SHARES:
        raise LookupError(f"expected one of {sorted(MAKER_SHARES)} as fee type, found {fee_type!r}")
    taker = BASE_RATE * multiplier
    return FeeRates(taker, taker * MAKER_SHARES[fee_type])


def trade_fee(rate: Fraction, price: int, count: int, unit_micro: int) -> int:
    """Model fee of one fill, rounded up to the fee unit; micro-dollars."""
    scaled = count * price * (ONE_PRICE - price) * rate.numerator
    return -(-scaled // (rate.denominator * ONE_PRICE * unit_micro)) * unit_micro


def charge(order: Order, signed_cash: int, fee: int, cash_unit_micro: int) -> int:
    """Return what a fill costs in fees and update the order's accumulator; micro-dollars.

    The cash change is floored to the account's precision; the lost part collects per order and comes
    back in whole steps, as far as the net fee of this fill stays at or above zero.
    """
    rounding = (signed_cash - fee) % cash_unit_micro
    order.accumulator += rounding
    whole = order.accumulator // cash_unit_micro
    affordable = (fee + rounding) // cash_unit_micro
    rebate = min(whole, affordable) * cash_unit_micro
    order.accumulator -= rebate
    return fee + rounding - rebate
