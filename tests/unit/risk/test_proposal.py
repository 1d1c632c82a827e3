"""What cannot be true of an order is found before any rule is asked."""

from decimal import Decimal

import pytest

from engine.desk import Belief
from risk.proposal import fault_of

NAME = "KXFED-27JAN-C-YES.KALSHI"


def test_nothing_is_wrong_with_a_sound_proposal(proposal):
    assert fault_of(proposal()) is None
    assert fault_of(proposal(price=None, belief=None, free_cash_usd=None)) is None
    assert fault_of(proposal(worst_case_usd=Decimal(0), expected_fee_usd=Decimal(0), now_ns=1)) is None


def test_only_a_change_may_leave_nothing_to_trade(proposal):
    assert fault_of(proposal(quantity=Decimal(0), is_change=True)) is None
    assert fault_of(proposal(quantity=Decimal(-1), is_change=True)) is not None


@pytest.mark.parametrize("wrong", ["0", "-1", "NaN", "Infinity", "-Infinity"])
def test_a_size_that_cannot_be_is_named(wrong, proposal):
    assert fault_of(proposal(quantity=Decimal(wrong))) == f"expected a size above 0 for {NAME}, found {wrong}"


@pytest.mark.parametrize("wrong", ["0", "1", "1.5", "-0.1", "NaN", "Infinity"])
def test_a_price_that_cannot_be_is_named(wrong, proposal):
    said = fault_of(proposal(price=Decimal(wrong)))
    assert said == f"expected a price in (0, 1) for {NAME}, found {wrong}"


@pytest.mark.parametrize(
    ("figure", "what"),
    [
        ("worst_case_usd", "a worst case"),
        ("expected_fee_usd", "an expected fee"),
        ("whole_usd", "a worst case of the whole order"),
    ],
)
@pytest.mark.parametrize("wrong", ["-0.000001", "NaN", "Infinity"])
def test_money_that_cannot_be_is_named(figure, what, wrong, proposal):
    said = fault_of(proposal(**{figure: Decimal(wrong)}))
    assert said == f"expected {what} of at least 0 USD for {NAME}, found {Decimal(wrong)}"


@pytest.mark.parametrize("wrong", [0.0, 1.0, 1.5, -0.1, float("nan")])
def test_a_belief_that_cannot_be_is_named(wrong, proposal):
    assert (
        fault_of(proposal(belief=Belief(wrong, 1)))
        == f"expected a belief in (0, 1) for {NAME}, found {wrong}"
    )


@pytest.mark.parametrize("wrong", ["NaN", "Infinity"])
def test_cash_that_cannot_be_is_named(wrong, proposal):
    said = fault_of(proposal(free_cash_usd=Decimal(wrong)))
    assert said == f"expected finite cash at KALSHI, found {wrong}"


@pytest.mark.parametrize("wrong", [0, -1])
def test_a_time_before_the_epoch_is_named(wrong, proposal):
    assert fault_of(proposal(now_ns=wrong)) == f"expected a time after the epoch, found {wrong} ns"
