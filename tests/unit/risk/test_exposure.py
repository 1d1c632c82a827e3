from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nautilus_trader.model import ClientOrderId

from pricing.fees import FeeSchedule, OrderFees
from risk.contract import Outcome
from risk.exposure import Ask, Exposure, Reservation, worst_case_usd

OUTCOME = Outcome("FED-YES.KALSHI", "FED.KALSHI", "FED-27JAN.KALSHI", "KALSHI")
ORDER = ClientOrderId("O-1")


def terms_of(taker="0.07", maker="0", cash_unit="0.0001"):
    plain = {"since_ns": 0, "taker_rate": taker, "maker_rate": maker, "exponent": 1, "fee_unit": "0.000001"}
    return FeeSchedule.from_info({"fees": [plain | {"cash_unit": cash_unit}]}).at(1)


FREE = terms_of(taker="0")


def ask(quantity, price):
    return Ask(Decimal(quantity), None if price is None else Decimal(price))


def opened(quantity="100", price="0.40", is_buy=True, terms=FREE):
    exposure = Exposure()
    exposure.open(ORDER, Reservation("kelly", OUTCOME, is_buy, True, terms, [ask(quantity, price)]))
    return exposure


def test_a_bid_reserves_its_limit_and_its_fee():
    exposure = opened(terms=terms_of())
    assert exposure.reserved.total == Decimal(40) + Decimal("1.68")
    assert exposure.reserved.on_outcome(OUTCOME.instrument) == exposure.reserved.on_event(OUTCOME.event)
    assert exposure.owners(OUTCOME.instrument) == ("kelly",)


def test_a_bid_without_a_limit_reserves_a_dollar_a_contract():
    assert opened(price=None, terms=terms_of()).reserved.total == 100


def test_an_offer_reserves_contracts_and_no_money():
    exposure = opened(is_buy=False)
    assert (exposure.reserved.total, exposure.offered("kelly", OUTCOME.instrument)) == (0, 100)


def test_fills_free_what_they_used_and_the_last_one_frees_all():
    exposure = opened()
    exposure.fill(ORDER, Decimal(25), Decimal("0.40"))
    assert exposure.reserved.total == 30
    exposure.fill(ORDER, Decimal(75), Decimal("0.40"))
    assert (exposure.reserved.total, exposure.live_count()) == (0, 0)


def test_until_a_change_is_confirmed_the_worse_of_both_counts():
    exposure = opened()
    exposure.ask_change(ORDER, ask("50", "0.40"))
    assert exposure.reserved.total == 40
    exposure.ask_change(ORDER, ask("50", "0.90"))
    assert exposure.reserved.total == 45
    exposure.confirm_change(ORDER, Decimal(50), Decimal("0.40"))
    assert exposure.reserved.total == 45
    exposure.confirm_change(ORDER, Decimal(50), Decimal("0.90"))
    assert exposure.reserved.total == 45
    exposure.ask_change(ORDER, ask("50", "0.10"))
    exposure.confirm_change(ORDER, Decimal(50), Decimal("0.10"))
    assert exposure.reserved.total == 5


def test_the_same_change_asked_twice_counts_once():
    exposure = opened()
    for _ in range(2):
        exposure.ask_change(ORDER, ask("200", "0.40"))
    exposure.reject_change(ORDER, "venue says no")
    assert exposure.reserved.total == 40


def test_a_change_that_we_refused_ourselves_frees_nothing():
    exposure = opened()
    exposure.ask_change(ORDER, ask("200", "0.40"))
    exposure.refuse_change(ORDER, "max_deployed: too much")
    exposure.reject_change(ORDER, "max_deployed: too much")
    exposure.reject_change(ORDER, "FAULTED toy ValueError()")
    exposure.reject_change(ORDER, "GUARD_BROKEN KeyError()")
    assert exposure.reserved.total == 80
    exposure.reject_change(ORDER, "venue says no")
    assert exposure.reserved.total == 40


def test_what_a_venue_says_of_an_order_that_nobody_asked_to_change_leaves_changes_in_flight():
    exposure = opened()
    exposure.ask_change(ORDER, ask("200", "0.40"))
    exposure.confirm_change(ORDER, Decimal(90), Decimal("0.40"))
    assert exposure.reserved.total == 80
    exposure.confirm_change(ORDER, Decimal(200), Decimal("0.40"))
    exposure.confirm_change(ORDER, Decimal(90), Decimal("0.40"))
    assert exposure.reserved.total == 36


def test_a_rejection_without_a_change_in_flight_changes_nothing():
    exposure = opened()
    exposure.reject_change(ORDER, "venue says no")
    assert exposure.reserved.total == 40


def test_live_orders_are_told_until_they_are_done():
    exposure = opened()
    assert exposure.live_orders() == (ORDER,)
    exposure.close(ORDER)
    assert exposure.live_orders() == ()


@pytest.mark.parametrize(("spent", "too_much"), [("4.001", False), ("4.000001", False), ("4.0010001", True)])
def test_money_may_be_exceeded_by_the_last_digit_of_each_contracts_price(spent, too_much):
    budget = Decimal(4)
    live = Reservation("s", OUTCOME, True, True, FREE, [ask("10", "0.40")], budget_usd=budget)
    live.filled, live.spent_usd = Decimal(10), Decimal(spent)
    assert live.exceeds(Decimal(5)) is too_much


def test_an_order_that_is_unknown_changes_nothing():
    exposure = Exposure()
    exposure.fill(ORDER, Decimal(1), Decimal("0.40"))
    exposure.confirm_change(ORDER, Decimal(1), None)
    exposure.reject_change(ORDER, "no")
    exposure.close(ORDER)
    assert exposure.reserved.total == 0


prices = st.integers(1, 99).map(lambda n: Decimal(n) / 100)
rates = st.sampled_from(["0", "0.035", "0.07", "0.2"])


@settings(max_examples=200, deadline=None)
@given(
    limit=prices,
    discounts=st.lists(
        st.tuples(st.integers(1, 5000), st.integers(0, 98), st.booleans()), min_size=1, max_size=8
    ),
    taker=rates,
    maker=rates,
    cash_unit=st.sampled_from(["0.01", "0.0001", "0.000001"]),
)
def test_no_run_of_fills_costs_more_than_the_worst_case(limit, discounts, taker, maker, cash_unit):
    terms = terms_of(taker, maker, cash_unit)
    total = sum(Decimal(hundredths) / 100 for hundredths, _, _ in discounts)
    is_taker = terms.taker_rate >= terms.maker_rate
    worst = worst_case_usd(terms, total, limit, is_taker)
    charged, spent = OrderFees(terms), Decimal(0)
    for hundredths, discount, takes in discounts:
        quantity, price = Decimal(hundredths) / 100, max(limit - Decimal(discount) / 100, Decimal("0.01"))
        spent += quantity * price + charged.charge(quantity, price, -quantity * price, takes)
    further_parts = len(discounts) - 1
    assert spent <= worst + further_parts * (terms.fee_unit + terms.cash_unit)


@pytest.mark.parametrize("price", ["NaN", "1.2", "-0.1"])
def test_a_price_that_cannot_be_true_has_no_worst_case(price):
    with pytest.raises(ValueError, match="expected a"):
        worst_case_usd(FREE, Decimal(1), Decimal(price), True)
