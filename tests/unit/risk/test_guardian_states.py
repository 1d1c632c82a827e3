"""What closes trading, wholly or at one venue, what opens it again, and what is written down about it."""

from decimal import Decimal

import pytest
from nautilus_trader.core import UUID4
from nautilus_trader.model import AccountId, OrderAccepted, OrderSubmitted, Quantity, VenueOrderId

from engine import Clearing, Usd
from engine.desk import Belief
from markets.facts import Condition, Method, OraclePrice
from risk.guardian import Guardian
from risk.ledger import Ledger
from risk.rules.drawdown import DrawdownSteps
from risk.rules.loss import MaxDailyLoss
from risk.rules.portfolio import MaxStressLoss
from risk.rules.rule import Rule
from risk.rules.shares import MaxShareDeployed
from risk.state import State
from risk.trades import Fill

NOW = 1_790_000_000_000_000_000


def changes(guard):
    return [(str(one.state), one.cause, one.now_ns, one.operator) for one in guard.switch.history]


def small(t, name="O-1", side="buy", **more):
    return t.order(name, side, "10.00", "0.4000", **more)


def held(t, strategy="toy-1"):
    """Let a strategy hold ten contracts of YES that nobody has on order."""
    t.ledger.post_fill(
        Fill(
            strategy,
            t_outcome(t),
            True,
            Decimal(10),
            Decimal("0.4"),
            Decimal(0),
            f"V-{strategy}",
            f"T-{strategy}",
            1,
        )
    )


def t_outcome(t):
    """Return the outcome that orders of the table are on, as the guardian reads it."""
    t.ask(small(t, "O-probe"))
    outcome = t.guard.exposure.of(small(t, "O-probe").client_order_id).outcome
    t.done(small(t, "O-probe"))
    return outcome


# Trading on, half on, off


def test_each_change_of_state_is_written_down_with_its_time(table):
    t = table()
    t.guard.reduce_only("a cloud", 5)
    t.guard.halt("smoke", 6)
    t.guard.resume("the fire is out", "ann", 7)
    assert changes(t.guard) == [
        ("reduce_only", "a cloud", 5, None),
        ("halted", "smoke", 6, None),
        ("active", "the fire is out", 7, "ann"),
    ]


@pytest.mark.parametrize(
    ("word", "state"), [("closed_only", "reduce_only"), ("geoblocked", "reduce_only"), ("banned", "halted")]
)
def test_a_restriction_changes_the_state_when_it_is_heard(word, state, table):
    t = table()
    t.guard.note_health("KALSHI", word, 9)
    assert changes(t.guard) == [(state, f"KALSHI says {word}", 9, None)]


def test_who_sends_orders_and_who_brings_data_are_told_apart(table):
    t = table()
    t.guard.note_health("KALSHI", "normal", 1)
    t.guard.note_health("KALSHI", "cancel_only", 2, by_desk=True)
    tally = t.guard.memory.tally
    assert (tally.modes, tally.desk_modes) == ({"KALSHI": "normal"}, {"KALSHI": "cancel_only"})
    assert tally.mode_of("KALSHI") == Condition.CANCEL_ONLY
    t.guard.note_health("KALSHI", "normal", 3, by_desk=True)
    t.guard.note_health("KALSHI", "paused", 4)
    assert tally.mode_of("KALSHI") == Condition.PAUSED
    assert tally.mode_of("POLYMARKET") is None


def test_an_order_that_left_unasked_halts_at_the_time_of_its_event(table):
    t = table()
    order = small(t)
    t.guard.hear(
        OrderSubmitted(*t.ids(order), AccountId("KALSHI-001"), UUID4(), t.desk.now, t.desk.now), t.desk
    )
    assert changes(t.guard) == [("halted", "O-1 of toy-1 left without being asked about", NOW, None)]


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_an_order_that_grew_unasked_halts_at_the_time_of_its_event(side, table):
    t = table()
    held(t)
    order = small(t, side=side)
    order.quantity = Quantity.from_str("4.00")
    assert t.ask(order) is None
    t.updated(order, "3.00", None)
    assert t.guard.state == State.ACTIVE
    t.updated(order, "5.00", None)
    assert changes(t.guard) == [("halted", "O-1 of toy-1 grew without being asked about", NOW, None)]


def test_a_doubted_book_is_remembered_with_its_time(table):
    t = table()
    t.guard.note_doubt("M.KALSHI", 8)
    assert t.guard.memory.doubted_ns == {"M.KALSHI": 8}


# One venue whose books and ours differ


def test_while_a_venue_and_we_differ_only_sales_pass_there(table):
    t = table()
    held(t)
    t.guard.doubt("KALSHI", "a trade is missing")
    assert t.ask(small(t)) == "books_agree: KALSHI and we differ: a trade is missing"
    assert t.ask(small(t, "O-2", "sell")) is None
    t.guard.doubt("POLYMARKET", "cash")
    t.guard.doubt("KALSHI", None)
    assert t.ask(small(t, "O-3")) is None
    assert t.guard.doubts == {"POLYMARKET": "cash"}
    t.guard.doubt("ELSEWHERE", None)


def test_a_doubt_about_another_venue_stops_nothing_here(table):
    t = table()
    t.guard.doubt("POLYMARKET", "cash")
    assert t.ask(small(t)) is None


# Who may trade an instrument


def test_an_exclusive_instrument_is_his_who_holds_it(table):
    t = table(exclusive=True)
    held(t, "toy-2")
    assert t.ask(small(t)) == (
        "one_strategy_per_instrument: KXFED-27JAN-C-YES.KALSHI is in the hands of toy-2, found an order of toy-1"
    )
    assert t.ask(small(t, "O-2", strategy="toy-2")) is None


def test_who_shares_an_instrument_may_sell_what_it_holds_and_no_more(table):
    # A person bought beside our strategy, on the same account: it must still be able to get out.
    t = table(exclusive=True)
    held(t)
    held(t, "toy-2")
    assert t.ask(t.order("O-1", "sell", "10.00", "0.4000")) is None
    assert t.ask(t.order("O-2", "sell", "1.00", "0.4000")).startswith("sell_what_is_held: ")
    assert t.ask(small(t, "O-3")).startswith("one_strategy_per_instrument: ")


# What could not be judged or followed


class Breaks(Rule, frozen=True):
    """Break at once."""

    def refuse(self, proposal, standing):
        raise KeyError("ledger")


def test_a_rule_that_breaks_refuses_in_its_name_and_is_a_fault(table):
    t = table([Breaks()])
    told = []
    t.guard.on_verdict = lambda order, proposal, refusal: told.append((proposal, refusal))
    assert t.ask(small(t)) == "breaks: could not judge: KeyError('ledger')"
    assert t.guard.memory.tally.faults == [NOW]
    ((proposal, refusal),) = told
    assert (proposal.instrument, proposal.quantity) == ("KXFED-27JAN-C-YES.KALSHI", 10)
    assert refusal.rule == "breaks"


def test_a_figure_that_cannot_be_true_is_a_fault_with_its_name(table):
    t = table()
    t.desk.believed = Belief(1.5, 1)
    assert (
        t.ask(small(t)) == "sound_order: expected a belief in (0, 1) for KXFED-27JAN-C-YES.KALSHI, found 1.5"
    )
    assert t.guard.memory.tally.faults == [NOW]


def test_books_that_missed_an_event_are_not_mended_by_the_next(table):
    t = table()
    order = small(t)
    assert t.ask(order) is None
    with pytest.raises(ValueError, match="expected"):
        t.fill(small(t, "O-9", "sell"), "10.00", "0.4000")  # what nobody holds
    t.fill(order, "5.00", "0.4000")
    assert t.ask(small(t, "O-2")) == "event_followed: the books missed an event: OrderFilled"
    assert t.guard.unwanted(t.desk) == Clearing.ALL


# Limits that pause


def fall(t):
    t.desk.quotes[small(t).instrument_id] = fallen(t)


def fallen(t):
    quote = t.desk.quotes[small(t).instrument_id]
    return type(quote)(
        quote.instrument_id,
        quote.bid_price.from_str("0.0100"),
        quote.ask_price.from_str("0.0200"),
        quote.bid_size,
        quote.ask_size,
        t.desk.now,
        t.desk.now,
    )


def losing(table, *rules):
    """Hold a hundred contracts at 0.40 that fall to 0.01, with another order resting."""
    t = table(rules or [MaxDailyLoss(limit=Usd(30))])
    first, second = t.order("O-1", "buy", "100.00", "0.4000"), t.order("O-2", "buy", "10.00", "0.3000")
    assert t.ask(first) is None
    assert t.ask(second) is None
    t.fill(first, "99.00", "0.4000")
    assert t.guard.unwanted(t.desk) == Clearing.NOTHING
    fall(t)
    return t, first, second


def test_money_that_moves_after_a_fall_clears_what_could_open(table):
    t, first, _ = losing(table)
    t.fill(first, "1.00", "0.4000")
    assert t.guard.unwanted(t.desk) == Clearing.OPENING


def test_a_refusal_by_a_pause_clears_what_could_open(table):
    t, _, _ = losing(table)
    assert "max_daily_loss" in t.ask(small(t, "O-3"))
    assert t.guard.unwanted(t.desk) == Clearing.OPENING


def test_a_beat_after_a_fall_clears_what_could_open_and_asks_for_another(table):
    t, _, _ = losing(table)
    assert t.guard.recheck(t.desk) is True
    assert t.guard.unwanted(t.desk) == Clearing.OPENING


def test_a_refusal_by_another_rule_does_not_undo_what_moved_money(table):
    t, first, _ = losing(table)
    t.fill(first, "1.00", "0.4000")
    t.guard.halt("smoke", 1)
    t.ask(small(t, "O-3"))
    t.guard.resume("out", "ann", 2)
    assert t.guard.unwanted(t.desk) == Clearing.OPENING


def test_an_event_that_moves_no_money_does_not_undo_what_one_did(table):
    t, first, second = losing(table)
    t.fill(first, "1.00", "0.4000")
    t.updated(second, "5.00", None)
    assert t.guard.unwanted(t.desk) == Clearing.OPENING


def test_a_refusal_by_a_limit_that_does_not_pause_leaves_one_that_does(table):
    t = losing(table)[0]
    t.ask(small(t, "O-3"))
    t.guard.doubt("KALSHI", "cash")
    assert t.ask(small(t, "O-4")).startswith("books_agree")
    assert t.guard.unwanted(t.desk) == Clearing.OPENING


def test_a_price_that_nobody_knows_is_no_reason_to_cancel(table):
    t, first, _ = losing(table)
    t.fill(first, "1.00", "0.4000")
    t.desk.quotes.clear()
    assert t.guard.unwanted(t.desk) == Clearing.NOTHING
    assert "could not judge" in t.ask(small(t, "O-3"))


def test_a_book_has_one_way_down(table):
    step = DrawdownSteps(share=0.1, steps=((0.1, 0.5),))
    with pytest.raises(ValueError, match="expected at most one DrawdownSteps in a book, found 2"):
        Guardian([step, replace_share(step)], Ledger())
    Guardian([step], Ledger())


def replace_share(step):
    return DrawdownSteps(share=0.2, steps=step.steps)


def test_a_venues_answer_to_an_order_is_counted_with_its_time(table):
    t = table()
    order = small(t)
    t.ask(order)
    ids, now = t.ids(order), t.desk.now
    t.guard.hear(OrderSubmitted(*ids, AccountId("KALSHI-001"), UUID4(), now, now), t.desk)
    later, tally = now + 5_000_000_000, t.guard.memory.tally
    accepted = OrderAccepted(
        *ids, VenueOrderId("V"), AccountId("KALSHI-001"), UUID4(), later, later, reconciliation=False
    )
    t.guard.hear(accepted, t.desk)
    assert tally.answers_since("KALSHI", now) == (0, 1)
    assert tally.slowest_since("KALSHI", 0, later) == 5_000_000_000


# What it looks at, and when


def looking(t):
    """Write down when the desk is asked for a mark."""
    asked, mark = [], t.desk.mark
    t.desk.mark = lambda instrument: asked.append(instrument) or mark(instrument)
    return asked


def test_limits_that_pause_are_asked_again_after_money_moved_and_not_before(table):
    t = table([MaxDailyLoss(limit=Usd(20))])
    held(t)
    asked = looking(t)
    assert t.guard.unwanted(t.desk) == Clearing.NOTHING
    order = small(t)
    t.ask(order)
    asked.clear()
    t.updated(order, "9.00", None)
    assert t.guard.unwanted(t.desk) == Clearing.NOTHING
    assert asked == []
    t.fill(order, "9.00", "0.4000")
    asked.clear()
    assert t.guard.unwanted(t.desk) == Clearing.NOTHING
    assert asked


def test_without_a_limit_that_pauses_nobody_looks_when_money_moves(table):
    t = table([MaxShareDeployed(share=0.5)])
    held(t)
    order = small(t)
    t.ask(order)
    t.fill(order, "10.00", "0.4000")
    asked = looking(t)
    assert t.guard.unwanted(t.desk) == Clearing.NOTHING
    assert asked == []


def test_what_a_source_prints_is_what_a_stress_of_its_underlying_starts_from(table, toy):
    t = table([MaxStressLoss(share=0.06, move=0.1, sources={"BTC": "BRTI.CFBENCHMARKS"})])
    terms = {"underlying": "BTC", "strike_type": "greater", "floor_strike": Decimal(95)}
    pair = toy.pair_of("KXFED-27JAN-C", **terms)
    t.desk.instruments |= {side.id: side for side in (pair.yes, pair.no)}
    hedge = t.order("O-1", "buy", "100.00", "0.4000", instrument_id=pair.no.id)
    assert t.ask(hedge) is None
    t.fill(hedge, "100.00", "0.4000")
    order = t.order("O-2", "buy", "100.00", "0.4000")
    assert t.ask(order) == (
        "max_stress_loss: 81.68 USD would be lost if BTC moves, from where is not known, limit is 60.48 USD"
    )
    t.guard.learn(
        OraclePrice(
            ts_event=toy.start, ts_init=toy.start, source="CFBENCHMARKS", symbol="BRTI", value=Decimal(100),
            method=Method.INDEX,
        )
    )  # fmt: skip
    assert t.ask(order) is None
