from decimal import Decimal

import pytest
from nautilus_trader.model import Quantity, TimeInForce

from engine import Usd
from engine.config import decode
from engine.desk import Belief
from risk.errors import ImpossiblePosting
from risk.proposal import Refusal
from risk.rules.evidence import PriceJump
from risk.rules.exposure import MaxStakePerEvent, MaxStakePerOutcome
from risk.rules.loss import MaxDailyLoss, RatchetingDrawdown
from risk.rules.rule import Rule
from risk.rules.sanity import PriceOnGrid
from risk.state import State


class Breaks(Rule, frozen=True):
    """Break at once."""

    def refuse(self, proposal, standing):
        raise KeyError("ledger")


class Notes(Rule, frozen=True):
    """Pass everything and write it into a list."""

    seen: list

    def refuse(self, proposal, standing):
        self.seen.append(proposal)


def test_what_rests_and_what_is_held_count_against_a_limit(table):
    t = table([MaxStakePerOutcome(limit=Usd(100))])
    first, second = t.order("O-1", "buy", "100.00", "0.4000"), t.order("O-2", "buy", "100.00", "0.5000")
    assert t.ask(first) is None
    t.fill(first, "50.00", "0.4000")
    # 20 held, 20 and 0.84 fee resting, 50 and 1.75 fee proposed
    assert t.ask(second) is None
    assert t.ask(t.order("O-3", "buy", "20.00", "0.4000")) == (
        "max_stake_per_outcome: 100.926 USD would be at stake on KXFED-27JAN-C-YES.KALSHI, limit is 100 USD"
    )
    t.done(second)
    assert t.ask(t.order("O-4", "buy", "20.00", "0.4000")) is None


def test_both_sides_of_a_market_and_its_neighbours_are_one_event(table, toy):
    t = table([MaxStakePerEvent(limit=Usd(100))])
    assert t.ask(t.order("O-1", "buy", "100.00", "0.4000")) is None
    assert t.ask(t.order("O-2", "buy", "100.00", "0.4000", instrument_id=toy.no.id)) is None
    assert "on event KXFED-27JAN.KALSHI" in t.ask(
        t.order("O-3", "buy", "100.00", "0.4000", instrument_id=toy.other.id)
    )


@pytest.mark.parametrize(("post_only", "fee"), [(False, "1.68"), (True, "0.42")])
def test_the_fee_that_a_rule_is_shown_is_that_of_who_takes_or_of_who_waits(table, post_only, fee):
    seen = []
    t = table([Notes(seen=seen)])
    t.ask(t.order("O-1", "buy", "100.00", "0.4000", is_post_only=post_only))
    assert [one.expected_fee_usd for one in seen] == [Decimal(fee)]


@pytest.mark.parametrize("how", ["canceled", "expired"])
@pytest.mark.parametrize(("filled", "failures"), [(None, 1), ("4.00", 0)])
def test_an_order_that_had_to_trade_at_once_and_did_not_is_a_failure_and_no_cancel(
    table, how, filled, failures
):
    t = table()
    order = t.order("O-1", "buy", "10.00", "0.4000")
    order.time_in_force = TimeInForce.IOC
    assert t.ask(order) is None
    if filled:
        t.fill(order, filled, "0.4000")
    t.done(order, how)
    tally = t.guard.memory.tally
    assert (tally.failures_since("KALSHI", 0), tally.cancels_today) == (failures, 0)


def test_an_order_is_compared_with_the_quote_on_which_the_one_before_it_was_judged(table, toy):
    t = table([PriceJump(share=0.1, window_secs=60)])
    assert "could not judge" in t.ask(t.order("O-1", "buy", "10.00", "0.4000"))
    for second, bid, ask, verdict in (
        (1, "0.4900", "0.5300", None),
        (2, "0.7800", "0.8200", "price_jump: a mid of 0.80"),
    ):
        now = toy.start + second * toy.second
        t.desk.quotes[toy.yes.id] = toy.quote_at(now, bid, ask)
        found = t.ask(t.order(f"O-{second + 1}", "buy", "10.00", "0.4000"))
        assert found is None if verdict is None else found.startswith(verdict)


def test_the_first_refusal_stands_and_every_verdict_is_told(table):
    told = []
    t = table(
        [PriceOnGrid(), MaxStakePerOutcome(limit=Usd(1)), Breaks()],
        on_verdict=lambda o, p, r: told.append((o.name, r)),
    )
    t.ask(t.order("O-1", "buy", "10.00", "0.4000"))
    assert told == [
        (
            "O-1",
            Refusal(
                "max_stake_per_outcome",
                "4.168 USD would be at stake on KXFED-27JAN-C-YES.KALSHI, limit is 1 USD",
            ),
        )
    ]
    told.clear()
    small = t.order("O-2", "buy", "1.00", "0.4000")
    assert t.ask(small) == "breaks: could not judge: KeyError('ledger')"
    assert told[0][1].rule == "breaks"
    assert t.reserved() == 0


@pytest.mark.parametrize("how", ["denied", "rejected", "canceled", "expired"])
def test_an_order_that_is_done_frees_its_reservation(how, table):
    t = table()
    order = t.order("O-1", "buy", "100.00", "0.4000")
    t.ask(order)
    assert t.reserved() == Decimal("41.68")
    t.done(order, how)
    assert (t.reserved(), t.guard.exposure.live_count()) == (0, 0)


def test_a_change_is_judged_by_what_it_adds(table):
    t = table([MaxStakePerOutcome(limit=Usd(100))])
    order = t.order("O-1", "buy", "100.00", "0.4000")
    t.ask(order)
    assert t.ask(order, quantity="200.00") is None
    assert t.reserved() == Decimal("83.36")
    refusal = t.ask(order, quantity="300.00")
    assert "125.04 USD would be at stake" in refusal
    t.modify_rejected(order, refusal)
    assert t.reserved() == Decimal("83.36")
    t.updated(order, "200.00", "0.4000")
    t.ask(order, quantity="100.00")
    assert t.reserved() == Decimal("83.36")
    t.updated(order, "100.00", "0.4000")
    assert t.reserved() == Decimal("41.68")


def test_a_change_counts_only_what_is_not_filled(table):
    t = table()
    order = t.order("O-1", "buy", "100.00", "0.4000")
    t.ask(order)
    t.fill(order, "60.00", "0.4000")
    assert t.ask(order, quantity="110.00") is None
    assert t.reserved() == Decimal("20.84")


@pytest.mark.parametrize("quantity", ["60.00", "50.00"])
def test_a_change_to_no_more_than_what_is_filled_passes_as_a_cancel_does(quantity, table):
    t = table([MaxStakePerOutcome(limit=Usd(50))])
    order = t.order("O-1", "buy", "100.00", "0.4000")
    t.ask(order)
    t.fill(order, "60.00", "0.4000")
    t.guard.reduce_only("a test", t.desk.now)
    resting = t.reserved()
    assert t.ask(order, quantity=quantity) is None
    assert t.reserved() == resting
    t.updated(order, quantity, None)
    assert (t.reserved(), t.guard.exposure.live_count(), t.guard.state) == (0, 0, State.REDUCE_ONLY)


def test_a_change_that_leaves_nothing_to_trade_still_needs_a_price_that_can_be(table):
    t = table()
    order = t.order("O-1", "buy", "100.00", "0.4000")
    t.ask(order)
    t.fill(order, "60.00", "0.4000")
    assert "expected a price in (0, 1)" in t.ask(order, quantity="60.00", price="1.0000")


def test_an_order_that_has_filled_already_has_no_size_that_could_be_judged(table):
    t = table()
    order = t.order("O-1", "buy", "100.00", "0.4000", filled_qty=Quantity.from_str("100.00"))
    assert t.ask(order) == "sound_order: expected a size above 0 for KXFED-27JAN-C-YES.KALSHI, found 0.00"


def test_a_second_check_of_the_same_order_changes_nothing(table):
    t = table([MaxStakePerOutcome(limit=Usd("41.68"))])
    order = t.order("O-1", "buy", "100.00", "0.4000")
    assert t.ask(order) is None
    assert t.ask(order) is None
    assert t.reserved() == Decimal("41.68")


def test_only_what_is_held_and_not_on_offer_can_be_sold(table):
    t = table()
    bid = t.order("O-1", "buy", "100.00", "0.4000")
    t.ask(bid)
    t.fill(bid, "100.00", "0.4000")
    offer = t.order("O-2", "sell", "70.00", "0.6000")
    assert t.ask(offer) is None
    assert t.ask(t.order("O-3", "sell", "30.01", "0.6000")) == (
        "sell_what_is_held: 30.01 contracts of KXFED-27JAN-C-YES.KALSHI would be on offer, toy-1 holds 30.00 that are not yet"
    )
    assert t.ask(t.order("O-4", "sell", "30.00", None)) is None
    assert t.ask(t.order("O-5", "sell", "0.01", "0.6000", strategy="toy-2")) is not None
    t.done(offer)
    assert t.ask(t.order("O-6", "sell", "70.00", "0.6000")) is None


def test_an_offer_may_grow_to_all_that_is_held(table):
    t = table()
    bid, offer = t.order("O-1", "buy", "100.00", "0.4000"), t.order("O-2", "sell", "70.00", "0.6000")
    t.ask(bid)
    t.fill(bid, "100.00", "0.4000")
    t.ask(offer)
    assert t.ask(offer, quantity="100.00") is None
    assert t.ask(offer, quantity="100.01").startswith("sell_what_is_held")
    t.fill(offer, "100.00", "0.6000")
    assert t.guard.exposure.live_count() == 0


def test_a_position_that_the_engine_closes_without_a_fill_is_settled(table, toy):
    t = table()
    bid = t.order("O-1", "buy", "100.00", "0.4000")
    t.ask(bid)
    t.fill(bid, "100.00", "0.4000")
    t.position_closed(bid, "100.00", "1.0000")
    assert (t.ledger.positions(), t.ledger.realized_usd, t.ledger.cash_usd()) == ((), 60, 1060)
    t.position_closed(bid, "100.00", "1.0000")
    assert t.ledger.cash_usd() == 1060


def test_a_halt_stops_everything_and_reduce_only_lets_sales_through(table):
    t = table()
    bid = t.order("O-1", "buy", "100.00", "0.4000")
    t.ask(bid)
    t.fill(bid, "100.00", "0.4000")
    t.guard.reduce_only("feed is late", 1)
    assert t.ask(t.order("O-2", "buy", "1.00", "0.4000")) == (
        "trading_state: only what sells a position may pass: feed is late"
    )
    assert t.ask(t.order("O-3", "sell", "1.00", "0.4000")) is None
    t.guard.halt("operator", 2)
    assert t.ask(t.order("O-4", "sell", "1.00", "0.4000")) == "trading_state: halted: operator"
    t.guard.resume("checked", "ada", 3)
    assert t.guard.state == State.ACTIVE
    assert t.ask(t.order("O-5", "buy", "1.00", "0.4000")) is None


def test_two_strategies_may_share_an_instrument_unless_told_otherwise(table):
    shared, alone = table(), table(exclusive=True)
    for t in (shared, alone):
        assert t.ask(t.order("O-1", "buy", "10.00", "0.4000")) is None
    rival = shared.order("O-2", "buy", "10.00", "0.4000", strategy="toy-2")
    assert shared.ask(rival) is None
    assert alone.ask(rival) == (
        "one_strategy_per_instrument: KXFED-27JAN-C-YES.KALSHI is in the hands of toy-1, found an order of toy-2"
    )
    alone.done(alone.order("O-1", "buy", "10.00", "0.4000"))
    assert alone.ask(rival) is None


def test_an_event_that_cannot_be_followed_stops_all_trading(table):
    t = table()
    with pytest.raises(ImpossiblePosting):
        t.fill(t.order("O-1", "sell", "1.00", "0.4000"), "1.00", "0.4000")
    assert (
        t.ask(t.order("O-2", "buy", "1.00", "0.4000"))
        == "event_followed: the books missed an event: OrderFilled"
    )


def test_a_fill_that_comes_twice_frees_its_reservation_once(table):
    t = table()
    order = t.order("O-1", "buy", "100.00", "0.4000")
    t.ask(order)
    for _ in range(2):
        t.fill(order, "50.00", "0.4000", trade_id="T-1")
    assert t.reserved() == Decimal("20.84")
    assert t.ledger.quantity("toy-1", "KXFED-27JAN-C-YES.KALSHI") == 50


def test_a_fill_taken_back_leaves_the_books_and_frees_the_order(table):
    t = table()
    order = t.order("O-1", "buy", "100.00", "0.4000")
    t.ask(order)
    t.fill(order, "50.00", "0.4000", "0.84", trade_id="T-1")
    t.void(order, "T-1", "50.00", "0.4000", "0.84")
    assert (t.ledger.cash_usd(), t.ledger.positions(), t.reserved()) == (1000, (), 0)


def test_a_fill_taken_back_from_a_reopened_order_is_reserved_again(table):
    t = table()
    live, done = t.order("O-1", "buy", "100.00", "0.4000"), t.order("O-2", "buy", "10.00", "0.4000")
    t.ask(live)
    t.fill(live, "50.00", "0.4000", trade_id="T-1")
    t.void(live, "T-1", "50.00", "0.4000", is_reopened=True)
    assert t.reserved() == Decimal("41.68")
    t.ask(done)
    t.fill(done, "10.00", "0.4000", trade_id="T-2")
    t.void(done, "T-2", "10.00", "0.4000", is_reopened=True, correction="C-2")
    assert t.reserved() == Decimal("51.68")


def test_an_order_from_before_a_restart_is_reserved_without_a_verdict(table):
    t = table([Breaks()])
    t.guard.adopt(t.order("O-1", "buy", "100.00", "0.4000", filled_qty=Quantity.from_str("40.00")), t.desk)
    assert t.reserved() == Decimal("25.008")


def test_equity_is_marked_at_best_bids(table):
    rules = [MaxDailyLoss(limit=Usd(20)), RatchetingDrawdown(limit=0.5)]
    t = table(rules)
    order = t.order("O-1", "buy", "100.00", "0.5200")
    assert t.ask(order) is None
    t.fill(order, "100.00", "0.5200")
    assert t.ask(t.order("O-2", "buy", "1.00", "0.4000")) is None
    t.desk.quotes[order.instrument_id] = None
    assert t.ask(t.order("O-3", "buy", "1.00", "0.4000")).startswith(
        "max_daily_loss: could not judge: UnknownFigure('expected a price in [0, 1] to mark KXFED-27JAN-C-YES.KALSHI with"
    )


def test_a_day_that_lost_too_much_stays_paused_and_the_next_one_does_not(table, toy):
    t = table([MaxDailyLoss(limit=Usd(20))])
    order = t.order("O-1", "buy", "100.00", "0.5200")
    t.ask(order)
    t.fill(order, "100.00", "0.5200")
    for bid, passes in (("0.3300", True), ("0.3200", False), ("0.9000", False)):
        t.desk.quotes[order.instrument_id] = toy.quote_at(toy.start, bid, "0.9900")
        assert (t.ask(t.order(f"O-{bid}", "buy", "1.00", "0.4000")) is None) == passes
    assert t.ask(t.order("O-2", "sell", "1.00", "0.4000")) is None
    t.desk.now += 86_400 * toy.second
    assert t.ask(t.order("O-3", "buy", "1.00", "0.4000")) is None


def test_a_day_that_begins_with_a_fill_starts_before_it(table):
    t = table([MaxDailyLoss(limit=Usd(3))])
    order = t.order("O-1", "buy", "100.00", "0.5200")
    t.ask(order)
    t.desk.now += 86_400_000_000_000
    t.fill(order, "100.00", "0.5200")
    assert t.ask(t.order("O-2", "buy", "1.00", "0.4000")).startswith("max_daily_loss: 4 USD lost today")


def test_deposits_and_withdrawals_are_neither_loss_nor_profit(table, toy):
    t = table([MaxDailyLoss(limit=Usd(20)), RatchetingDrawdown(limit=0.1)])
    assert t.ask(t.order("O-1", "buy", "1.00", "0.4000")) is None
    t.ledger.withdraw("KALSHI", Decimal(500), toy.start)
    assert t.ask(t.order("O-2", "buy", "1.00", "0.4000")) is None
    t.ledger.deposit("KALSHI", Decimal(5000), toy.start)
    assert t.ask(t.order("O-3", "buy", "1.00", "0.4000")) is None
    assert t.guard.marks.high_usd == 0


def test_the_ask_of_a_rule_is_what_was_proposed(table):
    seen = []
    t = table([Notes(seen=seen)])
    t.desk.believed = Belief(0.6, 1)
    t.ask(t.order("O-1", "buy", "10.00", "0.4000", is_post_only=True))
    assert seen[0].expected_fee_usd == Decimal("0.042")
    assert seen[0].worst_case_usd == Decimal("4.042")
    assert seen[0].free_cash_usd is None
    assert (seen[0].belief, seen[0].is_reducing, seen[0].now_ns) == (Belief(0.6, 1), False, t.desk.now)


def test_sizes_in_dollars_and_unknown_instruments_are_refused(table):
    t = table()
    refusal = t.ask(t.order("O-1", "buy", "10.00", None, is_quote_quantity=True))
    assert refusal.startswith("sound_order: could not judge: ImpossiblePosting('expected a size in contracts")
    t.desk.instruments.clear()
    assert "to be known to the engine" in t.ask(t.order("O-2", "buy", "10.00", "0.4000"))


def test_nothing_is_bought_of_a_live_market_whose_strike_is_not_named(table, toy):
    t = table()
    live = {"recorded_as": "live", "strike_type": "greater"}
    t.desk.instruments[toy.yes.id] = toy.pair_of("KXFED-27JAN-C", **live).yes
    assert t.ask(t.order("O-1", "buy", "10.00", "0.4000")) == (
        "terms_known: the strike of KXFED-27JAN-C-YES.KALSHI is not named yet"
    )
    named = live | {"floor_strike": Decimal("0.25"), "known_ns": toy.start}
    t.desk.instruments[toy.yes.id] = toy.pair_of("KXFED-27JAN-C", **named).yes
    assert t.ask(t.order("O-2", "buy", "10.00", "0.4000")) is None


def test_rules_are_told_as_sentences(table):
    assert table([MaxStakePerOutcome(limit=Usd(5)), PriceOnGrid()]).guard.describe() == [
        "MaxStakePerOutcome: Refuse whatever could leave more than 5 USD at stake on one outcome.",
        "PriceOnGrid: Refuse a limit price that the market cannot express.",
    ]


class MaxContracts(Rule, frozen=True):
    """Refuse an order of more than `limit_contracts` contracts."""

    limit_contracts: int

    def refuse(self, proposal, standing):
        if proposal.quantity <= self.limit_contracts:
            return None
        return self.because(f"{proposal.quantity} contracts asked, limit is {self.limit_contracts}")


def test_a_new_rule_is_one_class(table):
    t = table([decode({"limit_contracts": 10}, MaxContracts)])
    assert t.ask(t.order("O-1", "buy", "10.00", "0.4000")) is None
    assert (
        t.ask(t.order("O-2", "buy", "10.01", "0.4000")) == "max_contracts: 10.01 contracts asked, limit is 10"
    )
    assert t.guard.describe() == ["MaxContracts: Refuse an order of more than 10 contracts."]
