"""Markets open, pause, close, empty, settle, on a clock of our own."""

import pytest
from kalshi_stage import MARKET

from simulation.wire.kalshi_calendar import in_weekly_window, is_trading, schedule_row
from simulation.wire.kalshi_errors import VenueError
from simulation.wire.kalshi_events import Action, BookCleared, MarketNotice
from simulation.wire.kalshi_settings import KalshiSettings
from simulation.wire.kalshi_units import parse_time


def told(engine):
    return [row.kind for row in engine.heard if isinstance(row, MarketNotice)]


def test_after_the_close_every_level_goes_in_steps_and_an_empty_snapshot_follows(engine):
    orders = [engine.place("alice", "bid", "0.50", "1") for _ in range(12)]
    engine.after(900)
    assert engine.market.status == "closed"
    engine.heard.clear()
    for _ in range(7):
        engine.after(0.1)
    groups = [row for row in engine.heard if isinstance(row, Action)]
    assert len(groups) >= 10
    assert {(order.status, order.reason) for order in orders} == {("canceled", "CloseCancel")}
    assert not any(isinstance(row, BookCleared) for row in engine.heard)
    engine.after(6)
    assert isinstance(engine.heard[-1], BookCleared) or any(
        isinstance(row, BookCleared) for row in engine.heard
    )


def test_a_market_determines_by_plan_and_pays_after_its_timer(engine):
    engine.double.life.outcome_of = lambda market: ("yes", 10_000)
    engine.place("crowd", "ask", "0.60", "10")
    engine.place("alice", "bid", "0.60", "10")
    before = engine.cash("alice")
    engine.after(900)
    engine.after(4)
    assert (engine.market.status, engine.market.result, engine.cash("alice")) == ("determined", "yes", before)
    engine.after(1)
    assert (engine.market.status, engine.cash("alice")) == ("finalized", before + 10_000_000)
    assert told(engine) == ["determined", "settled"]
    assert engine.double.exchange.accounts.payouts["alice"][0].revenue == 10_000_000


def test_a_disputed_result_pays_only_as_amended(engine):
    engine.place("crowd", "ask", "0.60", "10")
    engine.place("alice", "bid", "0.60", "10")
    before = engine.cash("alice")
    engine.after(900)
    engine.double.life.determine(MARKET, "yes")
    engine.double.life.dispute(MARKET)
    engine.after(60)
    assert (engine.market.status, engine.cash("alice")) == ("disputed", before)
    engine.double.life.amend(MARKET, "no")
    assert engine.market.status == "amended"
    engine.after(1)
    assert (engine.market.status, engine.cash("alice")) == ("finalized", before)


def test_a_void_pays_both_sides_their_part(engine):
    engine.place("bob", "ask", "0.60", "10")
    engine.place("alice", "bid", "0.60", "10")
    before = engine.cash("alice"), engine.cash("bob")
    engine.after(900)
    engine.double.life.determine(MARKET, "scalar", 5_000)
    engine.after(1)
    assert (engine.cash("alice") - before[0], engine.cash("bob") - before[1]) == (5_000_000, 5_000_000)


def test_a_close_that_moves_reopens_a_closed_market(engine):
    engine.double.life.move_close(MARKET, engine.clock.now_ns + 10**9)
    engine.after(1)
    assert engine.market.status == "closed"
    engine.double.life.move_close(MARKET, engine.clock.now_ns + 60 * 10**9)
    assert engine.market.status == "active"
    order = engine.place("alice", "bid", "0.50", "1")
    engine.after(10)
    assert order.on_book
    assert told(engine) == ["close_date_updated", "close_date_updated", "activated"]


def test_a_pause_keeps_orders_that_did_not_ask_and_its_end_cancels_all(engine):
    stays = engine.place("alice", "bid", "0.50", "1")
    leaves = engine.place("alice", "bid", "0.50", "1", cancel_on_pause=True)
    engine.double.life.deactivate(MARKET)
    assert (stays.status, leaves.status, leaves.reason) == ("resting", "canceled", "HaltCancel")
    engine.double.life.activate(MARKET)
    assert (stays.status, engine.market.status) == ("canceled", "active")


def test_the_weekly_window_is_thursday_three_to_five_in_new_york(make_engine):
    assert in_weekly_window(parse_time("2026-11-19T08:00:00+00:00"))
    assert in_weekly_window(parse_time("2026-07-09T07:00:00+00:00"))
    assert not in_weekly_window(parse_time("2026-11-19T10:00:00+00:00"))
    engine = make_engine(KalshiSettings(thursday_window=True))
    order = engine.place("alice", "bid", "0.50", "1", cancel_on_pause=True)
    engine.clock.now_ns = parse_time("2026-11-19T08:00:00+00:00")
    engine.double.life.move_close(MARKET, engine.clock.now_ns + 10**12)
    engine.after(0)
    assert not is_trading(engine.double.exchange, 2)
    assert order.reason in ("HaltCancel", "CloseCancel")
    assert len(schedule_row(engine.double.settings)["schedule"]["standard_hours"][0]["thursday"]) == 2


def test_a_maintenance_ends_by_itself(engine):
    engine.double.control.pause_shard(2, secs=5)
    assert not is_trading(engine.double.exchange, 2)
    engine.after(5)
    assert is_trading(engine.double.exchange, 2)


def test_an_unusable_result_is_an_error(engine):
    with pytest.raises(ValueError, match="maybe"):
        engine.double.life.determine(MARKET, "maybe")
    with pytest.raises(ValueError, match="scalar value"):
        engine.double.life.determine(MARKET, "scalar", 20_000)
    with pytest.raises(VenueError):
        engine.double.life.dispute("NOPE")
