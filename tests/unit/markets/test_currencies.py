from decimal import Decimal

from nautilus_trader.model import Currency, Money

from markets.currencies import USD


def test_a_dollar_has_six_digits():
    assert USD.precision == 6
    assert Currency.from_str("USD").precision == 6
    assert Money.from_decimal(Decimal("0.000001"), USD).as_decimal() == Decimal("0.000001")
    assert str(Money.from_str("1.5 USD")) == "1.500000 USD"
