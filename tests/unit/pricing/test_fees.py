from decimal import Decimal, Inexact

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricing.fees import (
    FeeSchedule,
    FeeTerms,
    OrderFees,
    expected_fee,
    model_fee,
    most_cost_of_buying,
    most_fee_of_spending,
)

CENT, PIP, MICRO = Decimal("0.01"), Decimal("0.0001"), Decimal("0.000001")
PLAIN = {
    "since_ns": 0,
    "taker_rate": "0.07",
    "maker_rate": "0.0175",
    "exponent": 1,
    "fee_unit": "0.0001",
    "cash_unit": "0.01",
}

quantities = st.integers(1, 10**7).map(lambda lots: lots * CENT)
prices = st.integers(0, 10_000).map(lambda pips: pips * PIP)
rates = st.integers(0, 2_000).map(lambda pips: pips * PIP)
roundings = st.sampled_from([(CENT, CENT), (PIP, CENT), (PIP, PIP), (MICRO, PIP), (MICRO, None)])
fills = st.lists(st.tuples(quantities, prices, st.booleans()), min_size=1, max_size=12)


def terms(fee_unit=PIP, cash_unit=CENT, taker_rate="0.07", maker_rate="0", rounding="up"):
    return FeeTerms(
        since_ns=0,
        taker_rate=Decimal(taker_rate),
        maker_rate=Decimal(maker_rate),
        exponent=1,
        fee_unit=fee_unit,
        cash_unit=cash_unit,
        rounding=rounding,
    )


def charge_all(fees, fills, sign=-1):
    return [fees.charge(size, price, sign * size * price, is_taker) for size, price, is_taker in fills]


@pytest.mark.parametrize(
    ("quantity", "price", "rate", "exponent", "fee"),
    [
        ("1", "0.5", "0.07", 1, "0.0175"),
        ("1", "0.52", "0.07", 1, "0.017472"),
        ("100", "0.055", "0.07", 1, "0.363825"),
        ("0.01", "0.0001", "0.07", 1, "0.000000069993"),
        ("10", "0.5", "0.25", 2, "0.15625"),
        ("1", "0", "0.07", 1, "0"),
        ("1", "1", "0.07", 1, "0"),
    ],
)
def test_the_curve_is_computed_to_the_last_digit(quantity, price, rate, exponent, fee):
    assert model_fee(Decimal(quantity), Decimal(price), Decimal(rate), exponent) == Decimal(fee)


@given(quantities, prices, rates)
def test_a_price_and_its_complement_cost_the_same(quantity, price, rate):
    assert model_fee(quantity, price, rate) == model_fee(quantity, 1 - price, rate) >= 0


@given(quantities, quantities, prices, rates)
def test_the_curve_grows_with_quantity_and_in_proportion_to_it(one, other, price, rate):
    both = model_fee(one + other, price, rate)
    assert both == model_fee(one, price, rate) + model_fee(other, price, rate)


@pytest.mark.parametrize(
    ("quantity", "price", "rate", "exponent", "named"),
    [
        ("0", "0.5", "0.07", 1, "quantity"),
        ("-1", "0.5", "0.07", 1, "quantity"),
        ("NaN", "0.5", "0.07", 1, "quantity"),
        ("Infinity", "0.5", "0.07", 1, "quantity"),
        ("1", "1.0001", "0.07", 1, "price"),
        ("1", "-0.0001", "0.07", 1, "price"),
        ("1", "57", "0.07", 1, "price in .0, 1.*57"),
        ("1", "NaN", "0.07", 1, "price"),
        ("1", "0.5", "-0.07", 1, "rate"),
        ("1", "0.5", "NaN", 1, "rate"),
        ("1", "0.5", "0.07", -1, "exponent"),
        ("1", "0.5", "0.07", 1.0, "exponent"),
    ],
)
def test_what_cannot_be_true_is_refused_by_name(quantity, price, rate, exponent, named):
    with pytest.raises(ValueError, match=named):
        model_fee(Decimal(quantity), Decimal(price), Decimal(rate), exponent)


def test_cash_that_is_not_a_number_is_refused():
    with pytest.raises(ValueError, match="finite amount of cash"):
        OrderFees(terms()).charge(Decimal(1), Decimal("0.5"), Decimal("NaN"), True)


@pytest.mark.parametrize(
    ("fee_unit", "cash_unit", "quantity", "price", "sign", "fee"),
    [
        (PIP, CENT, "1", "0.094", 1, "0.0140"),  # recorded, production, May 2026
        (PIP, PIP, "1", "0.52", -1, "0.0175"),  # recorded, demo, July 2026
        (MICRO, CENT, "1", "0.055", -1, "0.005000"),  # docs of Sept 2026, through a broker: 0.06 in all
        (MICRO, PIP, "1", "0.055", -1, "0.003700"),  # the same for a direct member
        (CENT, CENT, "3", "0.50", -1, "0.06"),
        (MICRO, None, "1", "0.055", -1, "0.003639"),
        (Decimal("0.00010"), Decimal("0.010"), "1", "0.094", 1, "0.0140"),  # units with idle zeros
        (Decimal(1), Decimal(10), "10", "0.5", -1, "5"),  # units above one
    ],
)
def test_a_single_fill_costs_what_the_venue_takes(fee_unit, cash_unit, quantity, price, sign, fee):
    quantity, price = Decimal(quantity), Decimal(price)
    charged = OrderFees(terms(fee_unit, cash_unit)).charge(quantity, price, sign * quantity * price, True)
    assert charged == Decimal(fee)


def test_rounding_fees_come_back_in_whole_cents_as_soon_as_they_reach_one():
    fees = OrderFees(terms())
    assert fees.charge(Decimal("0.24"), Decimal("0.64"), Decimal("0.1536"), True) == Decimal("0.0136")
    assert fees.accumulator == Decimal("0.0097")
    assert fees.charge(Decimal("2.76"), Decimal("0.64"), Decimal("1.7664"), True) == Decimal("0.0364")
    assert fees.accumulator == Decimal("0.0015")


def test_a_rebate_that_would_make_a_fee_negative_waits():
    fees = OrderFees(terms())
    assert fees.charge(Decimal("2.96"), Decimal("0.67"), Decimal("1.9832"), True) == Decimal("0.0532")
    assert fees.charge(Decimal("0.04"), Decimal("0.67"), Decimal("0.0268"), True) == Decimal("0.0068")
    assert fees.accumulator == Decimal("0.0134")
    assert fees.charge(Decimal(1), Decimal("0.67"), Decimal("0.67"), True) == Decimal("0.0100")


def test_what_a_taker_fill_accumulated_is_given_back_on_a_maker_fill():
    fees = OrderFees(terms(maker_rate="0.0175"))
    taken = fees.charge(Decimal(1), Decimal("0.78"), Decimal("-0.78"), True)
    made = fees.charge(Decimal(1), Decimal("0.78"), Decimal("-0.78"), False)
    alone = OrderFees(fees.terms).charge(Decimal(1), Decimal("0.78"), Decimal("-0.78"), False)
    assert (taken, alone, made) == (Decimal("0.0200"), Decimal("0.0100"), Decimal("0.0000"))


def test_what_accumulated_survives_a_change_of_the_schedule():
    fees = OrderFees(terms())
    fees.charge(Decimal("0.24"), Decimal("0.64"), Decimal("0.1536"), True)
    fees.terms = terms(cash_unit=PIP)
    assert fees.charge(Decimal(1), Decimal("0.5"), Decimal("-0.5"), True) == Decimal("0.0078")
    assert fees.accumulator == 0


@pytest.mark.parametrize(("rounding", "fee"), [("half_even", "0.16992"), ("half_up", "0.16993")])
def test_a_fee_that_lies_between_two_units_goes_where_its_venue_says(rounding, fee):
    between = terms(
        taker_rate=Decimal("0.07"), fee_unit=Decimal("0.00001"), cash_unit=None, rounding=rounding
    )
    assert model_fee(Decimal("9.71"), Decimal("0.50"), between.taker_rate, between.exponent) == Decimal(
        "0.169925"
    )
    assert OrderFees(between).charge(Decimal("9.71"), Decimal("0.50"), Decimal("-4.855"), True) == Decimal(
        fee
    )


def test_half_even_rounding_can_round_a_fee_away():
    polymarket = terms(fee_unit=Decimal("0.00001"), cash_unit=None, rounding="half_even")
    tiny = OrderFees(polymarket).charge(Decimal("0.01"), Decimal("0.005"), Decimal("-0.00005"), True)
    assert tiny == 0


@given(fills, roundings, st.sampled_from([-1, 1]))
def test_no_fill_of_any_order_has_a_negative_fee(fills, units, sign):
    assert min(charge_all(OrderFees(terms(*units, maker_rate="0.0175")), fills, sign)) >= 0


@given(fills, roundings, st.sampled_from([-1, 1]))
def test_an_order_pays_its_trade_fees_and_what_still_lies_in_the_accumulator(fills, units, sign):
    fees = OrderFees(terms(*units, maker_rate="0.0175"))
    without_cash = OrderFees(terms(units[0], None, maker_rate="0.0175"))
    paid = sum(charge_all(fees, fills, sign))
    assert paid == sum(charge_all(without_cash, fills, sign)) + fees.accumulator


@given(fills, roundings, st.sampled_from([-1, 1]))
def test_rounding_costs_an_order_at_most_one_of_each_unit_per_fill(fills, units, sign):
    fee_unit, cash_unit = units
    model = sum(model_fee(s, p, Decimal("0.07" if taker else "0.0175")) for s, p, taker in fills)
    paid = sum(charge_all(OrderFees(terms(*units, maker_rate="0.0175")), fills, sign))
    assert model <= paid < model + len(fills) * (fee_unit + (cash_unit or 0))


@given(fills, roundings)
def test_while_no_rebate_waits_an_order_owes_its_rounding_to_one_cash_unit_only(fills, units):
    fee_unit, cash_unit = units
    fees = OrderFees(terms(*units))
    model = sum(model_fee(size, price, Decimal("0.07")) for size, price, _ in fills)
    paid = sum(charge_all(fees, [(size, price, True) for size, price, _ in fills]))
    if fees.accumulator < (cash_unit or 1):
        assert paid < model + (cash_unit or 0) + len(fills) * fee_unit


@given(st.lists(quantities, min_size=1, max_size=10), prices, roundings, st.sampled_from([-1, 1]))
def test_splitting_an_order_costs_at_most_the_stated_rounding_of_each_part(parts, price, units, sign):
    fee_unit, cash_unit = units
    whole = sum(charge_all(OrderFees(terms(*units)), [(sum(parts), price, True)], sign))
    split = sum(charge_all(OrderFees(terms(*units)), [(part, price, True) for part in parts], sign))
    spread = fee_unit + (cash_unit or 0)
    assert -spread < split - whole < len(parts) * spread


@given(quantities, prices, roundings)
def test_the_cash_that_moves_is_a_whole_number_of_cash_units(quantity, price, units):
    fee = OrderFees(terms(*units)).charge(quantity, price, -quantity * price, True)
    assert (quantity * price + fee) % (units[1] or MICRO / 100) == 0


@given(quantities, prices, roundings)
def test_selling_yes_costs_the_same_as_buying_no(quantity, price, units):
    sold = OrderFees(terms(*units)).charge(quantity, price, quantity * price, True)
    bought = OrderFees(terms(*units)).charge(quantity, 1 - price, -quantity * (1 - price), True)
    assert sold == bought


@settings(max_examples=50)
@given(quantities, prices, roundings, st.booleans(), st.sampled_from([-1, 1]))
def test_the_expected_fee_is_never_below_that_of_the_fill(quantity, price, units, is_taker, sign):
    schedule = terms(*units, maker_rate="0.0175")
    paid = OrderFees(schedule).charge(quantity, price, sign * quantity * price, is_taker)
    assert paid <= expected_fee(schedule, quantity, price, is_taker)


@given(quantities, quantities, prices, rates)
def test_a_larger_fill_never_has_a_smaller_trade_fee(size, more, price, rate):
    schedule = terms(MICRO, None, taker_rate=str(rate))
    assert expected_fee(schedule, size, price, True) <= expected_fee(schedule, size + more, price, True)


def test_terms_hold_from_their_date_until_the_next():
    early, late = PLAIN | {"since_ns": 100}, PLAIN | {"since_ns": 200, "taker_rate": "0.035"}
    schedule = FeeSchedule.from_info({"fees": [early, late]})
    found = [schedule.at(ts_ns).taker_rate for ts_ns in (100, 199, 200, 10**19)]
    assert found == [Decimal("0.07"), Decimal("0.07"), Decimal("0.035"), Decimal("0.035")]
    with pytest.raises(LookupError, match="valid at 99, found the first at 100"):
        schedule.at(99)


def test_the_optional_keys_of_plain_terms_have_defaults():
    plain = {key: value for key, value in PLAIN.items() if key != "cash_unit"}
    read = FeeTerms.from_plain(plain)
    assert (read.cash_unit, read.rounding, read.rate(False)) == (None, "up", Decimal("0.0175"))


@pytest.mark.parametrize(
    ("info", "named"),
    [
        ({}, "fees"),
        ({"fees": []}, "fees"),
        ({"fees": [PLAIN, PLAIN]}, "ascend"),
        ({"fees": [PLAIN | {"taker_rate": 0.07}]}, "taker_rate as text"),
        ({"fees": [PLAIN | {"taker_rate": "a lot"}]}, "taker_rate"),
        ({"fees": [PLAIN | {"maker_rate": 0.01}]}, "maker_rate as text"),
        ({"fees": [PLAIN | {"fee_unit": 1}]}, "fee_unit as text"),
        ({"fees": [PLAIN | {"cash_unit": 1}]}, "cash_unit as text"),
        ({"fees": [PLAIN | {"taker_rate": "NaN"}]}, "taker_rate to be"),
        ({"fees": [PLAIN | {"maker_rate": "-0.01"}]}, "maker_rate to be"),
        ({"fees": [PLAIN | {"exponent": "1"}]}, "exponent to be"),
        ({"fees": [PLAIN | {"since_ns": -1}]}, "since_ns to be"),
        ({"fees": [PLAIN | {"since_ns": 1.5}]}, "since_ns"),
        ({"fees": [PLAIN | {"fee_unit": "0"}]}, "fee_unit to be"),
        ({"fees": [PLAIN | {"fee_unit": "0.0025"}]}, "fee_unit"),
        ({"fees": [PLAIN | {"cash_unit": "-0.01"}]}, "cash_unit to be"),
        ({"fees": [PLAIN | {"rounding": "down"}]}, "rounding"),
        ({"fees": [PLAIN | {"surcharge": "1"}]}, "surcharge"),
        ({"fees": [{"since_ns": 0}]}, "maker_rate"),
    ],
)
def test_a_schedule_that_is_not_fully_understood_is_refused(info, named):
    with pytest.raises(ValueError, match=rf"\b{named}"):
        FeeSchedule.from_info(info)


def test_terms_round_up_and_keep_no_step_of_cash_unless_they_say_so():
    terms = FeeTerms(
        since_ns=0, taker_rate=Decimal("0.07"), maker_rate=Decimal(0), exponent=1, fee_unit=Decimal("0.01")
    )
    assert (terms.rounding, terms.cash_unit) == ("up", None)


def test_an_exponent_of_nothing_makes_the_fee_flat():
    assert model_fee(Decimal(10), Decimal("0.3"), Decimal("0.05"), 0) == Decimal("0.5")


@pytest.mark.parametrize(
    ("rate", "exponent", "named"), [("-1", 1, "rate to be"), ("0.05", -1, "exponent to be")]
)
def test_a_fee_of_what_cannot_be_is_refused_by_name(rate, exponent, named):
    with pytest.raises(ValueError, match=rf"expected {named}"):
        model_fee(Decimal(1), Decimal("0.5"), Decimal(rate), exponent)


@given(
    quantity=st.integers(1, 10**9).map(lambda n: Decimal(n).scaleb(-6)),
    limit=st.integers(1, 9999).map(lambda n: Decimal(n).scaleb(-4)),
    cheaper=st.integers(1, 9999).map(lambda n: Decimal(n).scaleb(-4)),
    rate=st.sampled_from(["0", "0.07", "1", "1.01", "5"]),
    exponent=st.integers(0, 4),
)
def test_no_price_below_the_limit_costs_more_than_the_most(quantity, limit, cheaper, rate, exponent):
    plain = {
        "since_ns": 0, "taker_rate": rate, "maker_rate": "0", "exponent": exponent, "fee_unit": "0.00001",
        "rounding": "half_up",
    }  # fmt: skip
    terms, price = FeeTerms.from_plain(plain), min(limit, cheaper)
    fee = OrderFees(terms).charge(quantity, price, -quantity * price, is_taker=True)
    assert quantity * price + fee <= most_cost_of_buying(terms, quantity, limit, is_taker=True)
    if exponent:
        assert fee <= most_fee_of_spending(terms, quantity * price, is_taker=True)


def test_the_most_that_a_buy_can_cost_is_its_price_and_fee_at_the_limit():
    terms = FeeTerms.from_plain(
        {"since_ns": 0, "taker_rate": "0.07", "maker_rate": "0", "exponent": 1, "fee_unit": "0.00001"}
    )
    assert most_cost_of_buying(terms, Decimal(25), Decimal("0.64"), is_taker=True) == Decimal("16.4032")
    assert most_cost_of_buying(terms, Decimal(25), Decimal("0.64"), is_taker=False) == 16


@pytest.mark.parametrize(
    ("rate", "limit", "cost"),
    [("1", "0.9", "9.9"), ("1", "0.4", "6.4"), ("1.01", "0.9", "11.525"), ("1.01", "0.4", "6.424")],
)
def test_above_a_rate_of_one_the_highest_fee_up_to_the_limit_counts(rate, limit, cost):
    charged = terms(PIP, None, taker_rate=rate)
    assert most_cost_of_buying(charged, Decimal(10), Decimal(limit), True) == Decimal(cost)


# Amounts with more digits than a context of Python's keeps by itself


LONG = Decimal(10**40 + 1)  # with a price of 0.5 and a rate of 0.07, the last digit is the 44th


def test_a_long_amount_keeps_its_last_digit_in_every_fee():
    assert model_fee(LONG, Decimal("0.5"), Decimal("0.07")) == Decimal(f"{175 * 10**36}.0175")
    assert str(expected_fee(terms(PIP, None), LONG, Decimal("0.5"), True)) == f"{175 * 10**36}.0175"


def test_the_cash_of_a_long_amount_is_rounded_at_its_last_digit():
    size, cash = Decimal(f"{10**40 + 1}.01"), Decimal(f"-{5 * 10**39}.505")
    # The fee ends on .017675, the change of cash on .522675, and a cent is the step of cash.
    charged = OrderFees(terms(MICRO, CENT)).charge(size, Decimal("0.5"), cash, True)
    assert str(charged) == f"{175 * 10**36}.025000"
    assert expected_fee(terms(MICRO, CENT), size, Decimal("0.5"), True) == charged


@pytest.mark.parametrize(("digits", "fits"), [(199, True), (200, False)])
def test_a_fee_of_more_than_two_hundred_digits_raises_rather_than_lose_one(digits, fits):
    size = Decimal(f"1{'0' * (digits - 1)}1")  # one digit more than `digits`
    if fits:
        assert model_fee(size, Decimal(1) / 2, Decimal(4)) == size
    else:
        with pytest.raises(Inexact):
            model_fee(size, Decimal(1) / 2, Decimal(4))


# What spending money can cost


@pytest.mark.parametrize(
    ("usd", "is_taker", "fee"),
    [
        ("0", True, "0"),
        ("0.5", True, "0.0350"),
        ("10", False, "0.1750"),
        ("10.01", False, "0.1752"),
        ("1.001", False, "0.0176"),
        ("3", True, "0.21"),
    ],
)
def test_money_costs_at_most_its_rate_in_fees_rounded_up(usd, is_taker, fee):
    charged = terms(maker_rate="0.0175")
    assert most_fee_of_spending(charged, Decimal(usd), is_taker) == Decimal(fee)


def test_a_long_amount_of_money_keeps_its_last_digit_too():
    found = most_fee_of_spending(terms(), LONG, True)
    assert str(found) == f"{7 * 10**38}.0700"
    most = most_cost_of_buying(terms(PIP, None), LONG, Decimal("0.5"), True)
    assert str(most) == f"{5175 * 10**36}.5175"


@pytest.mark.parametrize("wrong", ["-0.01", "-1", "NaN", "Infinity", "-Infinity"])
def test_money_that_cannot_be_spent_has_no_fee(wrong):
    with pytest.raises(ValueError, match="expected an amount of at least 0 USD to spend, found"):
        most_fee_of_spending(terms(), Decimal(wrong), True)


def test_money_whose_fee_has_no_bound_is_refused_by_name():
    flat = FeeTerms.from_plain(PLAIN | {"exponent": 0})
    with pytest.raises(ValueError, match="expected exponent to be a whole number of at least 1, found 0"):
        most_fee_of_spending(flat, Decimal(1), True)
