"""Money at the precision that the venues keep, not at the two digits of a bank statement."""

from collections.abc import Mapping
from typing import Final

from nautilus_trader.model import Currency, CurrencyType

_ISO_4217_USD = 840


def _register(code: str, name: str, iso4217: int, kind: CurrencyType) -> Currency:
    # Nautilus ships USD with two digits, which loses sub-cent fees and prices (run on rc7).
    Currency.register(Currency(code, 6, iso4217, name, kind), overwrite=True)
    return Currency.from_str(code)


USD: Final = _register("USD", "United States dollar", _ISO_4217_USD, CurrencyType.FIAT)
"""The dollar at six decimals: Kalshi's finest fee unit is 0.000001 (venue docs of Sept 2026)."""

PUSD: Final = Currency.from_str("pUSD")
"""Polymarket's collateral at six decimals, one for one with USDC; Nautilus ships it so (run on rc7)."""

CURRENCIES: Final[Mapping[str, Currency]] = {one.code: one for one in (USD, PUSD)}
"""What contracts are paid in. Our books count each of them as the dollar that it is redeemed for."""
