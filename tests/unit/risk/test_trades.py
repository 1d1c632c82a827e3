from decimal import Decimal

import pytest

from risk.contract import Outcome
from risk.errors import ImpossiblePosting
from risk.trades import Fill, Leg, Settlement

YES = Outcome("A-YES.V", "A.V", "E.V", "V")


@pytest.mark.parametrize("price", ["0", "1", "1.5", "NaN"])
def test_a_trade_at_a_price_that_cannot_be_is_named(price):
    fill = Fill("s", YES, True, Decimal(1), Decimal(price), Decimal(0), "V-1", "T-1", 1)
    with pytest.raises(ImpossiblePosting, match=rf"expected a price in \(0, 1\) for A-YES\.V, found {price}"):
        fill.notional_usd()


@pytest.mark.parametrize("payout", ["-0.1", "1.1", "NaN"])
def test_a_payout_that_cannot_be_is_named(payout):
    end = Settlement("s", YES, Decimal(1), Decimal(payout), "R-1", 1)
    with pytest.raises(
        ImpossiblePosting, match=rf"expected a payout in \[0, 1\] for A-YES\.V, found {payout}"
    ):
        end.proceeds_usd()


@pytest.mark.parametrize("quantity", ["0", "NaN", "Infinity"])
def test_a_leg_of_contracts_that_cannot_be_is_named(quantity):
    with pytest.raises(
        ImpossiblePosting, match=rf"expected contracts of A-YES\.V to convert, found {quantity}"
    ):
        Leg(YES, Decimal(quantity), Decimal(1)).checked()


def test_a_leg_may_be_worth_nothing_and_not_less():
    leg = Leg(YES, Decimal(1), Decimal(0))
    assert leg.checked() is leg
    with pytest.raises(
        ImpossiblePosting, match="expected a part of at least 0 USD in a conversion, found -1"
    ):
        Leg(YES, Decimal(1), Decimal(-1)).checked()
