"""What a restart must not forget: a second guardian made from the store refuses the same."""

from decimal import Decimal

import pytest

from engine import Usd
from risk.guardian import Guardian
from risk.ledger import Ledger
from risk.rules.drawdown import DrawdownSteps
from risk.rules.loss import ConsecutiveLosses, MaxDailyLoss, MaxWeeklyLoss, RatchetingDrawdown
from risk.rules.pace import MaxCancelFillRatio, MaxOrdersPerSecond, MaxTradesPerDay
from risk.rules.venue import FailedExecutions, RejectRate, VenueMode
from risk.store import MemoryStore


def restarted(t, store, rules):
    """Return a table with a new guardian on the rebuilt ledger of `t`."""
    t.guard = Guardian(rules, t.ledger, store=store)
    return t


def lose(t):
    bought = t.order("lost", "buy", "100.00", "0.5000")
    assert t.ask(bought) is None
    t.fill(bought, "100.00", "0.5000")
    sold = t.order("sold", "sell", "100.00", "0.1000")
    assert t.ask(sold) is None
    t.fill(sold, "100.00", "0.1000")


def trade_twice(t):
    for name in "ab":
        order = t.order(name, "buy", "1.00", "0.5000")
        assert t.ask(order) is None
        t.fill(order, "1.00", "0.5000")


def cancel_twice(t):
    for name in "ab":
        order = t.order(name, "buy", "1.00", "0.5000")
        assert t.ask(order) is None
        t.done(order)


def be_rejected(t):
    order = t.order("a", "buy", "1.00", "0.5000")
    assert t.ask(order) is None
    t.done(order, "rejected")


def ask_once(t):
    assert t.ask(t.order("a", "buy", "1.00", "0.5000")) is None


CASES = [
    ([MaxDailyLoss(limit=Usd(40))], lose, "40 USD lost today"),
    ([MaxWeeklyLoss(limit=Usd(40))], lose, "40 USD lost this week"),
    ([RatchetingDrawdown(limit=0.04)], lose, "below its high-water mark"),
    ([DrawdownSteps(share=0.5, steps=((0.04, 0.0),))], lose, "an operator must resume"),
    ([ConsecutiveLosses(limit_losses=1, pause_secs=60)], lose, "1 losses in a row"),
    ([MaxTradesPerDay(limit_trades=2)], trade_twice, "trade 3 of the day"),
    ([MaxCancelFillRatio(limit=1, least_cancels=2)], cancel_twice, "2 cancels and 0 trades"),
    ([MaxOrdersPerSecond(limit_orders=1)], ask_once, "2 orders within one second"),
    ([FailedExecutions(limit_failures=1, window_secs=60)], be_rejected, "1 failures at KALSHI"),
    ([RejectRate(share=0.5, least_answers=1, window_secs=60)], be_rejected, "rejected 1 of 1 orders"),
    ([VenueMode()], lambda t: t.guard.note_health("KALSHI", "down", 1), "KALSHI is down"),
    ([], lambda t: t.guard.halt("enough", 1), "halted: enough"),
    ([], lambda t: t.guard.reduce_only("careful", 1), "only what sells a position may pass: careful"),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "live_through", "says"), CASES)
def test_a_second_guardian_made_from_the_store_refuses_the_same(rules, live_through, says, table):
    store = MemoryStore()
    t = table(rules, store=store)
    live_through(t)
    for _ in range(2):
        assert says in t.ask(t.order("next", "buy", "10.00", "0.5000"))
        t = restarted(t, store, rules)


@pytest.mark.parametrize(("rules", "live_through", "says"), CASES)
def test_without_the_store_it_would_have_been_forgotten(rules, live_through, says, table):
    t = table(rules)
    live_through(t)
    t = restarted(t, None, rules)
    assert says not in (t.ask(t.order("next", "buy", "10.00", "0.5000")) or "")


def test_what_a_store_cannot_keep_does_not_leave(table):
    class Full(MemoryStore):
        def save(self, name, plain):
            raise OSError("disk full")

    t = table(store=Full())
    assert t.ask(t.order("a", "buy", "1.00", "0.5000")).startswith("state_kept: could not judge: OSError")
    assert t.reserved() == 0


def test_a_store_that_holds_nonsense_starts_nothing():
    store = MemoryStore()
    store.save("tally", {"modes": {"KALSHI": "fine"}, "answers": {}})
    with pytest.raises(ValueError, match="'fine' is not a valid Condition"):
        Guardian([], Ledger(), store=store)


def test_an_operator_resumes_after_the_last_step_at_the_smallest_size(table):
    rules = [DrawdownSteps(share=0.5, steps=((0.02, 0.5), (0.04, 0.0)))]
    t = table(rules, store=MemoryStore())
    lose(t)
    assert "an operator must resume" in t.ask(t.order("a", "buy", "1.00", "0.5000"))
    t.guard.resume("looked at it", "ann", t.desk.now)
    assert t.guard.scale == Decimal("0.5")
    assert t.ask(t.order("b", "buy", "1.00", "0.5000")) is None
