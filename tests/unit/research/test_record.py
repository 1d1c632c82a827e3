from decimal import Decimal

import pytest

from research.record import EquityPoint, Forecast, Outcome, PricePoint, Settlement

NAN = Decimal("NaN")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("evidence", "E"),
        ("side", "buy"),
        ("quantity", Decimal(0)),
        ("quantity", Decimal(-1)),
        ("price", NAN),
        ("price", Decimal(0)),
        ("fee_usd", Decimal("Infinity")),
    ],
)
def test_a_fill_that_cannot_be_true_is_refused_with_what_was_found(make_fill, field, value):
    with pytest.raises(ValueError, match=f"expected .* for E1-M-YES, found {value}"):
        make_fill(**{field: value})


def test_a_rebate_is_a_fee_below_zero(make_fill):
    assert make_fill(fee_usd=Decimal("-0.02")).fee_usd == Decimal("-0.02")


@pytest.mark.parametrize("probability", [float("nan"), -0.1, 1.1])
def test_a_forecast_outside_zero_and_one_is_refused(probability):
    with pytest.raises(ValueError, match="expected a probability in"):
        Forecast(0, "s", "M", "E", probability, None)


def test_a_forecast_with_a_mid_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="expected a mid in"):
        Forecast(0, "s", "M", "E", 0.5, NAN)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Outcome("M", "E", Decimal("1.01")),
        lambda: Settlement(0, "s", "M-YES", "M", "E", NAN, Decimal(1), Decimal(0)),
        lambda: PricePoint(0, "M", Decimal("-0.1"), None),
        lambda: EquityPoint(0, NAN, Decimal(0)),
    ],
)
def test_money_that_cannot_be_true_is_refused(make):
    with pytest.raises(ValueError, match="expected"):
        make()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("end_ns", 0),
        ("wall_secs", float("nan")),
        ("ledger_net_usd", NAN),
        ("trials_before", -1),
        ("marks", {"M-YES": NAN}),
    ],
)
def test_facts_that_cannot_be_true_are_refused(make_facts, field, value):
    with pytest.raises(ValueError, match="expected"):
        make_facts(**{field: value})
