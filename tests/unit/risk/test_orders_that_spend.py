"""Orders that spend their money at once: more contracts for it are no new risk, more money is."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nautilus_trader.model import ClientOrderId, Quantity, TimeInForce

from engine import Usd
from markets.instruments import PRICE_DIGITS, MarketTerms, PriceRange, make_pair
from pricing.fees import FeeSchedule, OrderFees, most_fee_of_spending
from risk.contract import Outcome
from risk.exposure import Ask, Exposure, Reservation
from risk.rules.exposure import MaxDeployed
from risk.state import State

FEES = {
    "since_ns": 0, "taker_rate": "0.07", "maker_rate": "0", "exponent": 1, "fee_unit": "0.00001",
    "rounding": "half_even",
}  # fmt: skip


def outcome_of(market, *, takers_spend):
    return make_pair(
        MarketTerms(
            market=market, venue="KALSHI", series="S", event="E", title="Which?", opens_ns=0, closes_ns=10**19,
            known_ns=0, price_ranges=(PriceRange(Decimal(0), Decimal(1), Decimal("0.01")),), fees=(FEES,),
            size_digits=6, takers_spend=takers_spend,
        )
    ).yes  # fmt: skip


SPENT, PLAIN = outcome_of("S", takers_spend=True), outcome_of("P", takers_spend=False)
OUTCOME = Outcome("S-YES.V", "S.V", "S.V", "V")
LEAST = Decimal(1).scaleb(-PRICE_DIGITS)


def taking(t, instrument, tif=TimeInForce.IOC):
    """Let ten contracts be bought at 0.55 or better."""
    t.desk.instruments = t.desk.instruments | {instrument.id: instrument}
    order = t.order("O-1", "buy", "10.000000", "0.5500", instrument_id=instrument.id)
    order.time_in_force = tif
    return order, t.ask(order)


def test_a_buy_that_gets_more_contracts_for_its_money_halts_nothing(table):
    t = table()
    order, _ = taking(t, SPENT)
    set_aside = t.reserved()
    assert set_aside == Decimal("5.50") * Decimal("1.07")
    t.updated(order, "11.000000", None)
    assert t.reserved() == set_aside
    t.fill(order, "11.000000", "0.5000")
    assert (t.guard.state, t.reserved()) == (State.ACTIVE, 0)


def test_of_an_order_that_has_filled_in_part_the_rest_of_its_money_is_set_aside(table):
    t = table()
    t.desk.instruments = t.desk.instruments | {SPENT.id: SPENT}
    order = t.order("O-1", "buy", "10.000000", "0.5500", instrument_id=SPENT.id)
    order.time_in_force, order.filled_qty = TimeInForce.IOC, Quantity.from_str("4.000000")
    t.guard.adopt(order, t.desk)
    assert t.reserved() == 6 * Decimal("0.55") * Decimal("1.07")


@pytest.mark.parametrize(
    ("instrument", "tif"), [(SPENT, TimeInForce.GTC), (PLAIN, TimeInForce.IOC), (PLAIN, TimeInForce.FOK)]
)
def test_an_order_that_does_not_spend_halts_when_it_grows(table, instrument, tif):
    t = table()
    order, _ = taking(t, instrument, tif)
    t.updated(order, "11.000000", None)
    assert "grew without being asked about" in t.guard.switch.cause


def test_a_buy_that_grows_beyond_what_its_money_buys_at_any_price_halts(table):
    t = table()
    order, _ = taking(t, SPENT)
    t.updated(order, str(Decimal("5.5") / LEAST), None)
    assert t.guard.state == State.ACTIVE
    t.updated(order, str(Decimal("5.5") / LEAST + Decimal("0.01")), None)
    assert t.guard.state == State.HALTED


def test_a_buy_that_spends_more_money_than_it_was_asked_about_halts(table):
    t = table()
    order, _ = taking(t, SPENT)
    t.updated(order, "12.000000", None)
    t.fill(order, "11.000000", "0.5000")
    assert t.guard.state == State.ACTIVE
    t.fill(order, "1.000000", "0.5500")
    assert "grew without being asked about" in t.guard.switch.cause


def test_the_fee_of_more_contracts_counts_when_the_order_is_judged(table):
    worst = Decimal("5.50") * Decimal("1.07")
    _, refusal = taking(table([MaxDeployed(limit=Usd(worst))]), SPENT)
    assert refusal is None
    _, refusal = taking(table([MaxDeployed(limit=Usd(worst - Decimal("0.001")))]), SPENT)
    assert "max_deployed" in refusal


prices = st.integers(1, 99).map(lambda n: Decimal(n) / 100)


@settings(max_examples=200, deadline=None)
@given(
    limit=prices,
    asked=st.integers(100, 10_000).map(lambda n: Decimal(n) / 100),
    parts=st.lists(st.tuples(st.integers(1, 100), st.integers(0, 98)), min_size=1, max_size=6),
    exponent=st.integers(1, 3),
)
def test_however_its_money_is_spent_no_more_goes_than_was_set_aside(limit, asked, parts, exponent):
    terms = FeeSchedule.from_info({"fees": [FEES | {"exponent": exponent}]}).at(1)
    budget = asked * limit
    order, exposure, charged = ClientOrderId("O-1"), Exposure(), OrderFees(terms)
    exposure.open(
        order, Reservation("s", OUTCOME, True, True, terms, [Ask(asked, limit)], True, budget_usd=budget)
    )
    set_aside = exposure.reserved.total
    fills = [(max(limit - Decimal(discount) / 100, Decimal("0.01")), share) for share, discount in parts]
    money = [budget * share / sum(share for _, share in fills) for _, share in fills]
    bought = [
        (usd / price).quantize(Decimal("0.000001"), "ROUND_FLOOR")
        for usd, (price, _) in zip(money, fills, strict=True)
    ]
    exposure.confirm_change(order, max(asked, sum(bought)), None)
    assert exposure.reserved.total == set_aside
    live, paid = exposure.of(order), Decimal(0)
    for quantity, (price, _) in zip(bought, fills, strict=True):
        if quantity:
            cash = (quantity * price).quantize(Decimal("0.000001"))
            paid += cash + charged.charge(quantity, price, -cash, True)
            exposure.fill(order, quantity, price)
    assert paid <= set_aside + len(parts) * (terms.fee_unit + Decimal("0.000002"))
    assert not live.exceeds(set_aside)


def test_money_whose_fee_has_no_bound_is_refused():
    flat = FeeSchedule.from_info({"fees": [FEES | {"exponent": 0}]}).at(1)
    with pytest.raises(ValueError, match="exponent"):
        most_fee_of_spending(flat, Decimal(1), True)
    with pytest.raises(ValueError, match="at least 0 USD"):
        most_fee_of_spending(flat, Decimal(-1), True)
