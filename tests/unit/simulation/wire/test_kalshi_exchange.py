"""The order rules of the V2 family, one command at a time, on a clock of our own."""

from fractions import Fraction

import pytest
from kalshi_stage import EVENT, MARKET

from simulation.wire.kalshi_errors import VenueError
from simulation.wire.kalshi_events import GroupNotice
from simulation.wire.kalshi_groups import Group
from simulation.wire.kalshi_orders import FOK, IOC
from simulation.wire.kalshi_settings import KalshiSettings


def refusal(call, *args, **more):
    with pytest.raises(VenueError) as caught:
        call(*args, **more)
    return caught.value.code


def test_a_no_bid_is_the_ask_at_one_minus_its_price(engine):
    engine.place("crowd", "ask", "0.70", "5")
    assert engine.market.book.no_levels() == [(3000, 500)]
    assert engine.market.book.no_levels(as_yes=True) == [(7000, 500)]


def test_buying_no_costs_one_minus_the_price_and_netting_returns_cash_at_once(engine):
    engine.place("crowd", "bid", "0.70", "10")
    engine.place("alice", "ask", "0.70", "10")
    assert engine.cash("alice") == 1_000_000_000 - 3_000_000 - 147_000
    engine.place("crowd", "ask", "0.60", "10")
    engine.place("alice", "bid", "0.60", "10")
    assert engine.double.exchange.accounts.pocket("alice", 2).count_of(MARKET) == 0
    assert engine.cash("alice") == 1_000_000_000 - 3_000_000 - 147_000 + 4_000_000 - 168_000
    assert engine.market.open_interest == 0


def test_realized_profit_is_price_only_and_the_exit_counts_as_buying_the_other_side(engine):
    engine.place("crowd", "ask", "0.07", "1")
    engine.place("alice", "bid", "0.07", "1")
    engine.place("crowd", "bid", "0.094", "1")
    engine.place("alice", "ask", "0.094", "1")
    position = engine.double.exchange.accounts.pocket("alice", 2).position(MARKET)
    assert (position.realized, position.traded, position.exposure) == (24_000, 976_000, 0)


@pytest.mark.parametrize(
    ("options", "price", "status", "reason", "filled"),
    [
        ({"time_in_force": IOC}, "0.60", "canceled", None, 1000),
        ({"time_in_force": IOC}, "0.50", "canceled", None, 0),
        ({"time_in_force": FOK}, "0.60", "canceled", None, 0),
        ({"post_only": True}, "0.60", "canceled", "PostOnlyCrossCancel", 0),
        ({"post_only": True}, "0.59", "resting", None, 0),
        ({}, "0.60", "resting", None, 1000),
        ({"time_in_force": IOC, "reduce_only": True}, "0.60", "canceled", "ReduceOnlyCancel", 0),
    ],
)
def test_what_becomes_of_fifteen_contracts_that_meet_ten_at_sixty_cents(
    engine, options, price, status, reason, filled
):
    engine.place("crowd", "ask", "0.60", "10")
    order = engine.place("alice", "bid", price, "15", **options)
    assert (order.status, order.reason, order.filled) == (status, reason, filled)


def test_reduce_only_stops_at_flat(engine):
    engine.place("crowd", "ask", "0.50", "4")
    engine.place("alice", "bid", "0.50", "4")
    engine.place("crowd", "bid", "0.50", "10")
    order = engine.place("alice", "ask", "0.50", "10", time_in_force=IOC, reduce_only=True)
    assert (order.filled, order.status, order.reason) == (400, "canceled", "ReduceOnlyCancel")


def test_meeting_ones_own_order_stops_the_taker_or_removes_the_maker(engine):
    engine.place("alice", "ask", "0.60", "5")
    engine.place("crowd", "ask", "0.61", "5")
    stopped = engine.place("alice", "bid", "0.61", "5")
    assert (stopped.status, stopped.reason, stopped.filled) == ("canceled", "SelfTradeCancel", 0)
    through = engine.place("alice", "bid", "0.61", "5", self_trade="maker")
    assert (through.status, through.filled) == ("executed", 500)


def test_a_fill_or_kill_that_meets_own_orders_acts_like_ioc(engine):
    engine.place("crowd", "ask", "0.60", "5")
    engine.place("alice", "ask", "0.61", "5")
    order = engine.place("alice", "bid", "0.61", "10", time_in_force=FOK)
    assert (order.status, order.reason, order.filled) == ("canceled", "SelfTradeCancel", 500)


def test_an_order_beyond_the_cash_of_its_shard_is_refused(engine):
    assert refusal(engine.place, "alice", "bid", "0.50", "3000") == "insufficient_balance"
    assert refusal(engine.place, "stranger", "bid", "0.50", "1") == "user_not_found"
    engine.place("alice", "bid", "0.50", "1900")
    assert refusal(engine.place, "alice", "ask", "0.60", "200") == "insufficient_balance"


def test_a_maker_whose_cash_went_elsewhere_is_cancelled_when_it_is_met(engine):
    order = engine.place("alice", "bid", "0.50", "100")
    engine.double.control.fund("alice", "-990", 2)
    engine.place("crowd", "ask", "0.50", "100")
    assert (order.status, order.reason, order.filled) == ("canceled", "MarginCancel", 0)


def test_an_expired_order_is_gone_before_the_next_command_sees_it(engine):
    order = engine.place("alice", "bid", "0.50", "1", expiration_ns=engine.clock.now_ns + 10**9)
    engine.clock.now_ns += 10**9
    engine.place("crowd", "ask", "0.50", "1")
    assert (order.status, order.reason) == ("canceled", "ExpiryCancel")


def test_a_cut_keeps_the_place_and_a_new_price_or_more_size_loses_it(engine):
    mine = engine.place("alice", "bid", "0.50", "10")
    other = engine.place("bob", "bid", "0.50", "10")
    book, amend = engine.market.book, engine.double.exchange.amend
    amend(mine, 5000, 500, None)
    assert (book.ahead_of(mine), book.ahead_of(other)) == (0, 500)
    amend(mine, 5000, 600, None)
    assert (book.ahead_of(other), book.ahead_of(mine)) == (0, 1000)
    engine.double.exchange.decrease(other, 100)
    assert (book.ahead_of(other), book.ahead_of(mine), mine.initial) == (0, 100, 600)


def test_a_crossing_amend_fills_and_a_post_only_one_dies(engine):
    engine.place("crowd", "ask", "0.60", "3")
    order = engine.place("alice", "bid", "0.50", "5")
    fills = engine.double.exchange.amend(order, 6000, 500, None)
    assert (sum(fill.trade.count for fill in fills), order.remaining) == (300, 200)
    engine.place("crowd", "ask", "0.61", "3")
    modest = engine.place("alice", "bid", "0.50", "5", post_only=True)
    engine.double.exchange.amend(modest, 6100, 500, None)
    assert (modest.status, modest.reason) == ("canceled", "PostOnlyCrossCancel")


def test_a_group_stops_when_more_than_its_limit_fills_inside_fifteen_seconds(engine):
    exchange = engine.double.exchange
    group = exchange.groups["g"] = Group("g", "alice", 0, 2, 1000)
    resting = engine.place("alice", "bid", "0.40", "5", group_id="g")
    first = engine.place("alice", "bid", "0.50", "8", group_id="g")
    engine.place("crowd", "ask", "0.50", "8")
    engine.after(16)
    second = engine.place("alice", "bid", "0.50", "8", group_id="g")
    engine.place("crowd", "ask", "0.50", "8")
    assert (first.status, second.status, group.is_triggered, resting.on_book) == (
        "executed",
        "executed",
        False,
        True,
    )
    engine.place("alice", "bid", "0.50", "8", group_id="g")
    engine.place("crowd", "ask", "0.50", "8")
    assert (group.is_triggered, resting.status) == (True, "canceled")
    assert [row.kind for row in engine.heard if isinstance(row, GroupNotice)] == ["triggered"]


def test_an_event_override_changes_the_fee_from_its_moment_on(engine):
    engine.place("crowd", "ask", "0.50", "2")
    assert engine.place("alice", "bid", "0.50", "1").taker_fees == 17_500
    engine.double.control.override_fee(EVENT, "quadratic_with_maker_fees", Fraction(2))
    assert engine.place("alice", "bid", "0.50", "1").taker_fees == 35_000
    maker = engine.place("alice", "bid", "0.40", "1")
    engine.place("crowd", "ask", "0.40", "1")
    assert maker.maker_fees == 8_400


def test_a_kill_may_be_told_as_an_error(make_engine):
    engine = make_engine(KalshiSettings(fok_kill_is_error=True))
    code = refusal(engine.place, "alice", "bid", "0.60", "15", time_in_force=FOK)
    assert code == "fill_or_kill_insufficient_resting_volume"
