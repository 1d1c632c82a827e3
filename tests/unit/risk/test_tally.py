from decimal import Decimal

import pytest
from nautilus_trader.core import UUID4
from nautilus_trader.model import AccountId, OrderAccepted, OrderSubmitted, VenueOrderId

from engine import Usd
from markets.facts import Condition
from risk.marks import DAY_NS, week_ends_ns
from risk.rules.loss import MaxWeeklyLoss
from risk.rules.pace import MaxTradesPerDay
from risk.tally import Tally

SECOND = 1_000_000_000
NOON = 20_000 * DAY_NS + DAY_NS // 2


def test_only_what_lies_within_the_window_counts():
    tally = Tally()
    for secs in (0, 10, 20):
        tally.fail("KALSHI", NOON + secs * SECOND)
        tally.pass_order(NOON + secs * SECOND)
    assert tally.failures_since("KALSHI", NOON) == 2
    assert tally.failures_since("KALSHI", NOON + 20 * SECOND) == 0
    assert tally.failures_since("OTHER", 0) == 0
    assert tally.orders_since(NOON + 5 * SECOND) == 2


def test_a_failure_that_is_told_late_is_put_in_its_place():
    tally = Tally()
    tally.fail("KALSHI", NOON)
    tally.note("KALSHI", Condition.FAILURE, NOON - 5 * SECOND)
    assert tally.failures_since("KALSHI", NOON - SECOND) == 1
    assert tally.modes == {}


def test_a_failure_is_counted_where_it_happened():
    tally = Tally()
    tally.note("KALSHI", Condition.FAILURE, NOON)
    assert tally.failures_since("KALSHI", NOON - 1) == 1


def test_an_answer_is_counted_with_the_time_it_took(table):
    t = table()
    order, other = (t.order(name, "buy", "1.00", "0.5000") for name in "ab")
    tally, start = Tally(), t.desk.now
    assert tally.slowest_since("KALSHI", 0, start) == 0
    for one in (order, other):
        tally.hear(OrderSubmitted(*t.ids(one), AccountId("KALSHI-001"), UUID4(), start, start), None, start)
    assert tally.slowest_since("KALSHI", 0, start + 3 * SECOND) == 3 * SECOND
    accepted = OrderAccepted(
        *t.ids(order), VenueOrderId("V"), AccountId("KALSHI-001"), UUID4(), start, start, reconciliation=False
    )
    tally.hear(accepted, None, start + 5 * SECOND)
    assert tally.answers_since("KALSHI", 0) == (0, 1)
    assert tally.answers["KALSHI"] == [(start + 5 * SECOND, False, 5 * SECOND)]
    assert tally.slowest_since("OTHER", 0, start + 9 * SECOND) == 0
    assert tally.slowest_since("KALSHI", 0, start + 9 * SECOND) == 9 * SECOND


def test_answers_of_a_day_are_forgotten_when_there_are_many_and_the_last_are_not(table):
    t = table()
    order, tally = t.order("a", "buy", "1.00", "0.5000"), Tally()
    accepted = OrderAccepted(
        *t.ids(order), VenueOrderId("V"), AccountId("KALSHI-001"), UUID4(), 1, 1, reconciliation=False
    )
    for number in range(5000):
        tally.hear(accepted, None, NOON + number * DAY_NS // 1000)
    assert len(tally.answers["KALSHI"]) < 4000
    assert tally.answers_since("KALSHI", NOON + 4500 * DAY_NS // 1000) == (0, 499)
    assert tally.answers_since("KALSHI", NOON + 4000 * DAY_NS // 1000) == (0, 999)


def test_what_happened_within_a_day_is_kept_however_much_there_is():
    tally = Tally()
    for number in range(6000):
        tally.pass_order(NOON + number)
    assert tally.orders_since(NOON - 1) == 6000


def test_the_counts_come_back_from_plain_data():
    tally = Tally(
        day=3, trades_today=2, cancels_today=1, losses_in_a_row=4, last_loss_ns=5,
        failures={"V": [1]}, answers={"V": [(1, True, 2)]}, modes={"V": Condition.DOWN},
        desk_modes={"V": Condition.CANCEL_ONLY}, api_errors={"V": [3]}, faults=[4], let_out=[7],
    )  # fmt: skip
    assert Tally.from_plain(tally.as_plain()) == tally


def test_of_the_orders_let_out_the_last_second_is_kept():
    tally = Tally(let_out=[NOON - SECOND, NOON - SECOND + 1, NOON])
    assert tally.as_plain()["let_out"] == [NOON - SECOND + 1, NOON]


def test_a_profit_ends_a_row_of_losses_and_nothing_made_does_not():
    tally = Tally()
    tally.end([Decimal(-1), Decimal(0), Decimal(-1)], NOON)
    assert (tally.losses_in_a_row, tally.last_loss_ns) == (2, NOON)
    tally.end([Decimal("0.01")], NOON)
    assert tally.losses_in_a_row == 0


def test_what_is_older_than_a_day_is_forgotten_when_there_is_much_of_it():
    tally = Tally()
    for number in range(10_000):
        tally.pass_order(NOON + number * DAY_NS // 1000)
    assert len(tally.let_out) < 5000
    assert tally.orders_since(NOON + 9_500 * DAY_NS // 1000) == 499


def test_a_new_day_counts_trades_anew(table):
    t = table([MaxTradesPerDay(limit_trades=1)])
    first = t.order("a", "buy", "2.00", "0.5000")
    assert t.ask(first) is None
    t.fill(first, "1.00", "0.5000")
    t.fill(first, "1.00", "0.5000")
    assert t.guard.memory.tally.trades_today == 1
    assert "trade 2 of the day, limit is 1" in t.ask(t.order("b", "buy", "1.00", "0.5000"))
    t.desk.now += DAY_NS
    assert t.ask(t.order("c", "buy", "1.00", "0.5000")) is None


def test_a_resting_order_counts_as_a_trade_before_it_fills(table):
    t = table([MaxTradesPerDay(limit_trades=1)])
    assert t.ask(t.order("a", "buy", "2.00", "0.5000")) is None
    assert "trade 2 of the day" in t.ask(t.order("b", "buy", "1.00", "0.5000"))


@pytest.mark.parametrize("fee", ["0", "0.5"])
def test_a_round_trip_is_a_loss_when_its_fees_make_it_one(fee, table):
    t = table()
    for number in range(2):
        bought, sold = (t.order(f"{side}{number}", side, "10.00", "0.5000") for side in ("buy", "sell"))
        t.ask(bought)
        t.fill(bought, "10.00", "0.5000", fee)
        t.ask(sold)
        t.fill(sold, "4.00", "0.5200")
        assert t.guard.memory.tally.losses_in_a_row == (number if fee != "0" else 0)
        t.fill(sold, "6.00", "0.5200")
    assert t.guard.memory.tally.losses_in_a_row == (2 if fee != "0" else 0)


def test_a_week_that_lost_too_much_stays_paused_until_monday(table):
    t = table([MaxWeeklyLoss(limit=Usd(40))])
    bought, sold = t.order("a", "buy", "100.00", "0.5000"), t.order("b", "sell", "100.00", "0.1000")
    t.ask(bought)
    t.fill(bought, "100.00", "0.5000")
    t.ask(sold)
    t.fill(sold, "100.00", "0.1000")
    start, monday = t.desk.now, week_ends_ns(t.desk.now)
    t.desk.now = monday - 1
    assert "paused until 2026-09-28 00:00:00 UTC" in t.ask(t.order("c", "buy", "1.00", "0.5000"))
    t.desk.now = monday
    assert t.ask(t.order("d", "buy", "1.00", "0.5000")) is None
    assert start < monday - 1


def test_only_known_words_on_a_venue_are_taken(table):
    with pytest.raises(ValueError, match="'fine' is not a valid Condition"):
        table().guard.note_health("KALSHI", "fine", 1)


def test_a_disputed_market_is_blocked_until_the_note_is_taken_back(table, proposal, stands):
    from risk.rules.evidence import MarketUnresolved

    t = table([MarketUnresolved(margin_secs=0)])
    t.guard.note_market("KXFED-27JAN-C.KALSHI", "disputed")
    assert "KXFED-27JAN-C.KALSHI is disputed" in t.ask(t.order("a", "buy", "1.00", "0.5000"))
    t.guard.note_market("KXFED-27JAN-C.KALSHI", None)
    assert t.ask(t.order("b", "buy", "1.00", "0.5000")) is None


def test_before_anything_happened_nothing_is_counted():
    plain = Tally().as_plain()
    counts = [plain[name] for name in ("trades_today", "cancels_today", "losses_in_a_row", "last_loss_ns")]
    assert (plain["day"], counts) == (-1, [0, 0, 0, 0])


def test_a_word_on_a_venue_is_that_of_who_brings_data_unless_it_is_said_otherwise():
    tally = Tally()
    tally.note("KALSHI", Condition.PAUSED, 1)
    tally.note("KALSHI", Condition.CANCEL_ONLY, 2, by_desk=True)
    assert (tally.modes, tally.desk_modes) == ({"KALSHI": "paused"}, {"KALSHI": "cancel_only"})
