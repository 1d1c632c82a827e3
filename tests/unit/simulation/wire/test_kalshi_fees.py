"""The fee rule against the worked examples and 316 real fills."""

import json
from decimal import Decimal
from fractions import Fraction

import pytest

from simulation.wire.kalshi_fees import BASE_RATE, charge, fee_rates, trade_fee
from simulation.wire.kalshi_orders import Order, OrderAsk
from simulation.wire.kalshi_units import ONE_PRICE, parse_count, parse_money, parse_price

CENT, TENTH_OF_MILL, MICRO = 10_000, 100, 1


def an_order():
    ask = OrderAsk("M", True, 5000, 100)
    return Order("id", 1, "alice", 0, 2, ask, 0, 5000, 100, 100, "", None)


def fee_of(order, price, count, signed_cash, unit, cash_unit):
    return charge(order, signed_cash, trade_fee(BASE_RATE, price, count, unit), cash_unit)


@pytest.mark.parametrize(
    ("price", "count", "is_buy", "unit", "cash_unit", "fee"),
    [
        ("0.0940", "1.00", False, TENTH_OF_MILL, CENT, "0.014000"),
        ("0.5200", "1.00", True, TENTH_OF_MILL, TENTH_OF_MILL, "0.017500"),
        ("0.0550", "1.00", True, MICRO, CENT, "0.005000"),
        ("0.0550", "1.00", True, MICRO, TENTH_OF_MILL, "0.003700"),
    ],
)
def test_one_fill_costs_what_the_worked_example_says(price, count, is_buy, unit, cash_unit, fee):
    value = parse_price(price) * parse_count(count)
    assert fee_of(
        an_order(), parse_price(price), parse_count(count), -value if is_buy else value, unit, cash_unit
    ) == (parse_money(fee))


def test_the_accumulator_gives_whole_cents_back():
    order = an_order()
    paid = [fee_of(order, 3600, size, (ONE_PRICE - 3600) * size, TENTH_OF_MILL, CENT) for size in (24, 276)]
    assert paid == [parse_money("0.013600"), parse_money("0.036400")]
    assert order.accumulator == parse_money("0.0015")


def test_a_rebate_waits_when_the_net_fee_would_go_below_zero():
    order = an_order()
    paid = [fee_of(order, 6700, size, 6700 * size, TENTH_OF_MILL, CENT) for size in (296, 4)]
    assert paid == [parse_money("0.053200"), parse_money("0.006800")]
    assert order.accumulator == parse_money("0.0134")


def test_makers_pay_their_share_and_unknown_types_are_an_error():
    assert fee_rates("quadratic", Fraction(1)).maker == 0
    assert fee_rates("quadratic_with_maker_fees", Fraction(1, 2)).maker == Fraction(7, 800)
    with pytest.raises(LookupError, match="margin_market_maker"):
        fee_rates("margin_market_maker_program_fees", Fraction(1))


def test_every_recorded_production_fill_is_reproduced(recorded):
    text = recorded("kalshi/portfolio/prod_fills_btc15m_2026-05-07_11.jsonl").read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    orders: dict[str, list[dict]] = {}
    for row in rows:
        orders.setdefault(row["order_id"], []).append(row)
    hits = sum(len(fills) for fills in orders.values() if _explained(fills))
    assert hits == len(rows) == 316


def _explained(fills):
    return any(
        _replay(order_of_fills) for order_of_fills in (fills, fills[::-1], sorted(fills, key=_by_size))
    )


def _by_size(row):
    return Decimal(row["count_fp"])


def _replay(fills):
    order = an_order()
    for row in fills:
        price, count = parse_price(row["yes_price_dollars"]), parse_count(row["count_fp"])
        unit = price if row["side"] == "yes" else ONE_PRICE - price
        signed = -unit * count if row["action"] == "buy" else (ONE_PRICE - unit) * count
        if fee_of(order, price, count, signed, TENTH_OF_MILL, CENT) != parse_money(row["fee_cost"]):
            return False
    return True
