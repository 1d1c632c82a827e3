from decimal import Decimal

import pytest

from risk.contract import Outcome
from risk.errors import ImpossiblePosting
from risk.trades import Fill, Settlement


def notional(quantity, price):
    fill = Fill("s", None, True, Decimal(quantity), Decimal(price), Decimal(0), "O", "T", 1)
    return fill.notional_usd()


def test_the_money_of_a_trade_in_millionths_of_shares_is_rounded_to_the_millionth():
    # A market buy of one dollar at 0.30 at Polymarket's double: the wallet paid 1.000000.
    assert notional("3.333333", "0.30") == Decimal("1.000000")


def test_a_trade_in_cents_of_contracts_stays_exact():
    assert notional("7.25", "0.4321") == Decimal("3.132725")


@pytest.mark.parametrize(("quantity", "paid"), [("33.333333", "16.666666"), ("0.003335", "0.001668")])
def test_half_a_millionth_that_a_void_market_pays_is_rounded_to_the_even_one(quantity, paid):
    end = Settlement("s", None, Decimal(quantity), Decimal("0.5"), "P", 1)
    assert end.proceeds_usd() == Decimal(paid)


def test_where_a_venue_pays_in_units_half_a_millionth_is_cut_off():
    outcome = Outcome("A-YES.V", "A.V", "E.V", "V")
    end = Settlement("s", outcome, Decimal("0.003335"), Decimal("0.5"), "P", 1)
    assert end.proceeds_usd(in_units=True) == Decimal("0.001667")


def test_a_payout_finer_than_any_venue_pays_is_refused():
    outcome = Outcome("A-YES.V", "A.V", "E.V", "V")
    end = Settlement("s", outcome, Decimal("1"), Decimal("0.33333333"), "P", 1)
    with pytest.raises(ImpossiblePosting, match="expected a payout in whole millionths"):
        end.proceeds_usd()


def test_finer_prices_than_any_venue_has_are_refused():
    outcome = type("Outcome", (), {"instrument": "A"})()
    fill = Fill("s", outcome, True, Decimal(10), Decimal("0.33333333"), Decimal(0), "O", "T", 1)
    with pytest.raises(ImpossiblePosting):
        fill.notional_usd()
