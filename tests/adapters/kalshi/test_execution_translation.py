from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kalshi_orders import NOW_NS, TICKER, contract, fill
from msgspec import UNSET
from nautilus_trader.model import AccountId, ClientOrderId, OrderSide, OrderType, Price, Quantity
from nautilus_trader.model import TimeInForce as Tif

from adapters.kalshi.execution import reports, statements, translation
from adapters.kalshi.execution.wishes import Wishes
from adapters.kalshi.messages import portfolio

PRICES = st.integers(1, 9999).map(lambda steps: Decimal(steps) / 10_000)


def order(**changes):
    plain = {
        "order_type": OrderType.LIMIT,
        "side": OrderSide.BUY,
        "quantity": Quantity(10, 2),
        "price": Price(0.5, 4),
        "time_in_force": Tif.GTC,
        "expire_time_ns": None,
        "is_post_only": False,
        "is_reduce_only": False,
        "is_quote_quantity": False,
        "display_qty": None,
        "contingency_type": None,
        "client_order_id": ClientOrderId("O-1"),
    }
    return SimpleNamespace(**(plain | changes))


@pytest.mark.parametrize(
    ("leg", "side", "price", "venue_side", "venue_price"),
    [
        ("YES", OrderSide.BUY, "0.30", "bid", "0.3000"),
        ("YES", OrderSide.SELL, "0.30", "ask", "0.3000"),
        ("NO", OrderSide.BUY, "0.30", "ask", "0.7000"),
        ("NO", OrderSide.SELL, "0.30", "bid", "0.7000"),
    ],
)
def test_four_sides_become_two_and_come_back(leg, side, price, venue_side, venue_price):
    wish = order(side=side, price=Price(float(price), 4))
    sent = translation.create_order(wish, contract(leg), Wishes("taker_at_cross", True), None)
    assert (sent.side, sent.price, sent.count) == (venue_side, venue_price, "10.00")
    assert (sent.ticker, sent.exchange_index, sent.client_order_id) == (TICKER, 2, "O-1")
    assert translation.order_side(leg, venue_side) == side
    assert translation.other_scale(leg, Decimal(venue_price)) == Decimal(price)


@pytest.mark.parametrize(("outcome", "side"), [("yes", "bid"), ("no", "ask")])
@pytest.mark.parametrize("leg", ["YES", "NO"])
def test_a_fill_lies_on_its_order_s_own_instrument(outcome, side, leg):
    row = portfolio.Fill(
        trade_id="T",
        order_id="V",
        ticker=TICKER,
        count_fp=Decimal("2.00"),
        yes_price_dollars=Decimal("0.7000"),
        is_taker=True,
        fee_cost=Decimal("0.0294"),
        outcome_side=outcome,
        book_side=side,
        side="no" if outcome == "yes" else "yes",  # the deprecated word is not read
        created_time="2026-10-03T17:31:00Z",
    )
    report = reports.Writer(AccountId("KALSHI-000"), 1).fill(statements.of_fill(row), contract(leg))
    assert report.order_side == translation.order_side(leg, side)
    assert str(report.last_px) == ("0.7000" if leg == "YES" else "0.3000")
    assert report.commission.as_decimal() == Decimal("0.0294")


def test_two_words_of_the_venue_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match="expected book side bid"):
        translation.side_of("yes", "ask")


@given(PRICES, st.sampled_from(["YES", "NO"]))
def test_the_scale_of_the_other_leg_is_its_own_inverse(price, leg):
    assert translation.other_scale(leg, translation.other_scale(leg, price)) == price


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"order_type": OrderType.MARKET}, "MARKET"),
        ({"order_type": OrderType.STOP_LIMIT}, "STOP_LIMIT"),
        ({"is_quote_quantity": True}, "quote quantity"),
        ({"display_qty": Quantity(1, 2)}, "display quantity"),
        ({"time_in_force": Tif.DAY}, "DAY"),
        ({"time_in_force": Tif.GTD, "expire_time_ns": NOW_NS}, "expiry"),
        ({"is_post_only": True, "time_in_force": Tif.IOC}, "post-only"),
        ({"is_post_only": True, "time_in_force": Tif.FOK}, "post-only"),
        ({"is_reduce_only": True}, "reduce-only"),
        ({"is_reduce_only": True, "time_in_force": Tif.FOK}, "reduce-only"),
        ({"price": Price(0.505, 4)}, "between 0.50 and 0.51"),
        ({"price": Price(1.2, 4)}, "(0, 1)"),
        ({"price": Price(0, 4)}, "(0, 1)"),
        ({"quantity": Quantity(0.005, 3)}, "decimals"),
        ({"client_order_id": ClientOrderId("x" * 65)}, "64"),
    ],
)
def test_what_the_venue_cannot_take_has_a_reason(changes, word):
    assert word in (translation.problem_of(order(**changes), contract(), NOW_NS) or "")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"price": Price(0.095, 4)},
        {"price": Price(0.1, 4)},
        {"time_in_force": Tif.FOK},
        {"time_in_force": Tif.GTD, "expire_time_ns": NOW_NS + 2_000_000_000},
        {"is_post_only": True},
        {"is_reduce_only": True, "time_in_force": Tif.IOC},
    ],
)
def test_what_the_venue_can_take_has_none(changes):
    assert translation.problem_of(order(**changes), contract(), NOW_NS) is None


def test_only_an_order_that_rests_has_an_expiry_and_leaves_in_a_pause():
    ioc = translation.create_order(
        order(time_in_force=Tif.IOC, is_reduce_only=True), contract(), Wishes("maker", True), "G"
    )
    assert (ioc.cancel_order_on_pause, ioc.expiration_time, ioc.post_only) == (UNSET, UNSET, UNSET)
    assert (ioc.reduce_only, ioc.order_group_id, ioc.self_trade_prevention_type) == (True, "G", "maker")
    gtd = order(time_in_force=Tif.GTD, expire_time_ns=NOW_NS + 2_700_000_000)
    sent = translation.create_order(gtd, contract(), Wishes("maker", True), None)
    assert (sent.expiration_time, sent.time_in_force) == (1_790_000_002, "good_till_canceled")


@pytest.mark.parametrize(
    ("side", "position", "leg"),
    [
        ("bid", 0, "YES"),
        ("bid", 3, "YES"),
        ("bid", -3, "NO"),
        ("ask", 0, "NO"),
        ("ask", -3, "NO"),
        ("ask", 3, "YES"),
    ],
)
def test_a_stranger_closes_what_it_meets_and_opens_otherwise(side, position, leg):
    assert translation.leg_of_stranger(side, Decimal(position)) == leg


def test_the_leg_of_an_old_order_is_told_by_what_its_first_fill_met():
    fills = [fill(1, "bid", 5, "V-1"), fill(2, "ask", 3, "V-2"), fill(3, "ask", 4, "V-3")]
    legs = reports.legs_of_strangers({TICKER: Decimal(-2)}, [], fills)  # 0, +5, +2, -2
    assert legs == {"V-1": "YES", "V-2": "YES", "V-3": "YES"}
    assert reports.legs_of_strangers({TICKER: Decimal(-3)}, [], [fill(1, "ask", 3)]) == {"V-1": "NO"}


@pytest.mark.parametrize(("signed", "held"), [("5.00", ("5.00", "0.00")), ("-2.50", ("0.00", "2.50"))])
def test_one_signed_number_is_a_long_leg_and_a_flat_one(signed, held):
    row = portfolio.MarketPosition(
        ticker=TICKER,
        position_fp=Decimal(signed),
        market_exposure_dollars=abs(Decimal(signed)) * Decimal("0.4"),
    )
    writer = reports.Writer(AccountId("KALSHI-000"), 1)
    found = [writer.position(contract(leg), row) for leg in ("YES", "NO")]
    assert tuple(str(report.quantity) for report in found) == held
    assert {report.avg_px_open for report in found} == {Decimal("0.4"), None}


def order_row(**changes):
    plain = {
        "order_id": "V-1",
        "client_order_id": "O-1",
        "ticker": TICKER,
        "outcome_side": "no",
        "book_side": "ask",
        "status": "resting",
        "yes_price_dollars": Decimal("0.7"),
        "initial_count_fp": Decimal(10),
        "fill_count_fp": Decimal(0),
        "remaining_count_fp": Decimal(10),
        "taker_fees_dollars": Decimal(0),
        "maker_fees_dollars": Decimal(0),
        "taker_fill_cost_dollars": Decimal(0),
        "maker_fill_cost_dollars": Decimal(0),
        "last_update_time": "2026-10-03T17:31:00Z",
    }
    return portfolio.Order(**(plain | changes))


@pytest.mark.parametrize(
    ("changes", "status", "size"),
    [
        ({}, "ACCEPTED", "10.00"),
        ({"fill_count_fp": Decimal(4), "remaining_count_fp": Decimal(6)}, "PARTIALLY_FILLED", "10.00"),
        ({"fill_count_fp": Decimal(4), "remaining_count_fp": Decimal(2)}, "PARTIALLY_FILLED", "6.00"),
        (
            {"status": "executed", "fill_count_fp": Decimal(10), "remaining_count_fp": Decimal(0)},
            "FILLED",
            "10.00",
        ),
        (
            {"status": "canceled", "fill_count_fp": Decimal(4), "remaining_count_fp": Decimal(0)},
            "CANCELED",
            "10.00",
        ),
        ({"status": "canceled", "expiration_time": "2026-10-03T17:31:00Z"}, "EXPIRED", "10.00"),
        ({"status": "canceled", "expiration_time": "2026-10-03T17:32:00Z"}, "CANCELED", "10.00"),
    ],
)
def test_an_order_is_reported_as_it_stands_on_its_own_leg(changes, status, size):
    stated = statements.of_order(order_row(**changes))
    report = reports.Writer(AccountId("KALSHI-000"), 1).order(stated, contract("NO"))
    assert (report.order_status.name, str(report.quantity)) == (status, size)
    assert (report.order_side, str(report.price)) == (OrderSide.BUY, "0.3000")
    assert report.ts_last == int(datetime(2026, 10, 3, 17, 31, tzinfo=UTC).timestamp()) * 10**9


def test_a_status_that_nobody_knows_is_not_read_as_any():
    with pytest.raises(ValueError, match="expected a status"):
        statements.of_order(order_row(status="pending"))
