from contextlib import suppress
from decimal import Decimal

import pytest
from msgspec import ValidationError

from engine import Usd
from engine.config import decode
from engine.desk import Belief
from risk.rules.sanity import MinimumEdge, PriceOnGrid, StalePrice, SufficientBalance


def test_a_quote_that_is_too_old_is_refused_with_both_ages(proposal, stands, toy):
    late = proposal(now_ns=toy.start + 5_500_000_000)
    refusal = StalePrice(max_age_secs=5).refuse(late, stands())
    assert (
        str(refusal) == "stale_price: the quote of KXFED-27JAN-C-YES.KALSHI is 5.5 secs old, limit is 5 secs"
    )


def test_a_quote_of_just_the_age_passes(proposal, stands, toy):
    assert StalePrice(max_age_secs=5).refuse(proposal(now_ns=toy.start + 5_000_000_000), stands()) is None


def test_no_quote_and_a_quote_from_the_future_are_refused(proposal, stands, toy):
    assert "no quote of" in StalePrice(max_age_secs=5).refuse(proposal(quote=None), stands()).reason
    early = proposal(now_ns=toy.start - 1)
    assert StalePrice(max_age_secs=5).refuse(early, stands()) is not None


def test_an_edge_below_the_limit_is_refused_with_both_figures(proposal, stands):
    # belief 0.6, price 0.40, fee 1.68 over 100 contracts: 0.1832 a contract
    refusal = MinimumEdge(limit=Usd("0.1833")).refuse(proposal(), stands())
    assert str(refusal) == (
        "minimum_edge: an edge of 0.1832 USD per contract (belief 0.6, price 0.40, fee 0.0168 USD) on "
        "KXFED-27JAN-C-YES.KALSHI, limit is 0.1833 USD"
    )


def test_exactly_the_edge_passes(proposal, stands):
    assert MinimumEdge(limit=Usd("0.1832")).refuse(proposal(), stands()) is None


def test_nothing_is_bought_without_a_belief_but_a_position_may_be_sold(proposal, stands):
    assert "no belief" in MinimumEdge(limit=Usd(0)).refuse(proposal(belief=None), stands()).reason
    assert MinimumEdge(limit=Usd(0)).refuse(proposal(belief=None, is_reducing=True), stands()) is None


def test_an_order_at_any_price_has_no_edge(proposal, stands):
    assert MinimumEdge(limit=Usd(0)).refuse(proposal(price=None), stands()) is not None


@pytest.mark.parametrize("probability", [float("nan"), float("-inf"), -1.0])
def test_a_belief_that_is_no_probability_buys_nothing(probability, proposal, stands):
    with suppress(ArithmeticError):  # the guardian turns it into a refusal
        assert MinimumEdge(limit=Usd(0)).refuse(proposal(belief=Belief(probability, 1)), stands()) is not None


@pytest.mark.parametrize("price", ["0.405", "0", "1", "1.2", "-0.4"])
def test_a_price_off_the_grid_is_refused(price, proposal, stands):
    refusal = PriceOnGrid().refuse(proposal(price=Decimal(price)), stands())
    assert f"{price} is no price of KXFED-27JAN-C-YES.KALSHI, the nearest are" in refusal.reason


def test_a_price_on_the_grid_and_an_order_without_one_pass(proposal, stands):
    assert PriceOnGrid().refuse(proposal(price=Decimal("0.4000")), stands()) is None
    assert PriceOnGrid().refuse(proposal(price=None), stands()) is None


@pytest.mark.parametrize(("ours", "theirs"), [("40.00", "1000"), ("1000", "40.00")])
def test_money_that_is_missing_on_either_side_is_refused_with_all_figures(ours, theirs, proposal, stands):
    refusal = SufficientBalance().refuse(proposal(free_cash_usd=Decimal(theirs)), stands(unreserved=ours))
    assert "up to 40.01 USD is needed at KALSHI" in refusal.reason
    assert "40 USD" in refusal.reason


def test_the_last_cent_may_be_spent(proposal, stands):
    spend = proposal(free_cash_usd=Decimal("40.01"))
    assert SufficientBalance().refuse(spend, stands(unreserved="40.01")) is None


def test_an_account_that_says_nothing_buys_nothing(proposal, stands):
    assert "has not said" in SufficientBalance().refuse(proposal(free_cash_usd=None), stands()).reason


@pytest.mark.parametrize("age", [0, -1, "nan", None])
def test_an_age_is_above_zero(age):
    with pytest.raises(ValidationError):
        decode({"max_age_secs": age}, StalePrice)


def test_a_rule_without_settings_refuses_unknown_ones():
    assert decode({}, PriceOnGrid) == PriceOnGrid()
    with pytest.raises(ValidationError):
        decode({"limit": 1}, PriceOnGrid)


def test_sentences_carry_units():
    assert StalePrice(max_age_secs=5).describe() == (
        "StalePrice: Refuse every order while the market's last quote is older than 5 secs."
    )
