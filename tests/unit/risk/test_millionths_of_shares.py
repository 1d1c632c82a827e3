from decimal import Decimal

import pytest

from risk.errors import ImpossiblePosting
from risk.trades import Fill


def notional(quantity, price):
    fill = Fill("s", None, True, Decimal(quantity), Decimal(price), Decimal(0), "O", "T", 1)
    return fill.notional_usd()


def test_the_money_of_a_trade_in_millionths_of_shares_is_rounded_to_the_millionth():
    # A market buy of one dollar at 0.30 at Polymarket's double: the wallet paid 1.000000.
    assert notional("3.333333", "0.30") == Decimal("1.000000")


def test_a_trade_in_cents_of_contracts_stays_exact():
    assert notional("7.25", "0.4321") == Decimal("3.132725")


def test_finer_prices_than_any_venue_has_are_refused():
    outcome = type("Outcome", (), {"instrument": "A"})()
    fill = Fill("s", outcome, True, Decimal(10), Decimal("0.33333333"), Decimal(0), "O", "T", 1)
    with pytest.raises(ImpossiblePosting):
        fill.notional_usd()
