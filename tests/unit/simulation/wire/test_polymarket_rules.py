"""Rules of single markets in the Polymarket double: delays, game starts, ticks, results, neg-risk, allowances."""

from dataclasses import replace

import pytest
from polymarket_stage import CONDITION, NO, START_NS, YES, Pit

from simulation.wire.polymarket_errors import VenueError
from simulation.wire.polymarket_orders import About, Market
from simulation.wire.polymarket_signatures import STANDARD_EXCHANGE
from simulation.wire.polymarket_units import ONE


@pytest.fixture
def pit():
    return Pit()


def test_a_marketable_order_waits_and_makers_may_leave_meanwhile(pit):
    pit.market.is_delayed = True
    resting, trades = pit.place("alice", NO, "buy", 4000, 10)
    assert (resting.status, trades) == ("LIVE", [])
    order, trades = pit.place("bob", YES, "buy", 6000, 10)
    assert (order.status, trades) == ("DELAYED", [])
    pit.exchange.cancel(resting)
    pit.at_ns += 150_000_000
    pit.exchange.advance()
    assert (order.status, order.matched) == ("LIVE", 0)
    assert pit.exchange.open_orders() == [order]


@pytest.mark.parametrize(
    ("kind", "words"),
    [("FOK", "FOK orders are fully filled or killed."), ("FAK", "no orders found to match")],
)
def test_a_delayed_order_that_finds_nothing_any_more_is_killed_with_the_reason(pit, kind, words):
    pit.market.delay_secs = 3
    resting, _ = pit.place("alice", NO, "buy", 4000, 10)
    order, _ = pit.place("bob", YES, "buy", 6000, 10, kind)
    pit.exchange.cancel(resting)
    pit.at_ns += 2_999_999_999
    pit.exchange.advance()
    assert order.status == "DELAYED"
    pit.at_ns += 1
    pit.exchange.advance()
    assert order.status.startswith("CANCELED_")
    assert words in order.status
    assert pit.exchange.delayed_orders() == []


def test_a_delayed_order_keeps_its_money_reserved(pit):
    pit.market.is_delayed = True
    pit.place("alice", NO, "buy", 4000, 500)
    pit.place("bob", YES, "buy", 6000, 500)
    pit.place("bob", YES, "buy", 5000, 1_390)
    with pytest.raises(VenueError, match="the balance is not enough"):
        pit.place("bob", YES, "buy", 5000, 20)


def test_a_delayed_order_of_a_resolved_market_is_cancelled(pit):
    pit.market.is_delayed = True
    pit.place("alice", NO, "buy", 4000, 10)
    order, _ = pit.place("bob", YES, "buy", 6000, 10)
    pit.exchange.resolve(pit.market, YES)
    assert order.status == "CANCELED_MARKET_RESOLVED"
    assert pit.exchange.audit() == []


def test_a_games_start_empties_the_book_once(pit):
    pit.market.clears_at_ns = START_NS + 60_000_000_000
    before, _ = pit.place("alice", YES, "buy", 4000, 10)
    pit.at_ns += 60_000_000_000
    after, _ = pit.place("bob", YES, "buy", 4000, 10)
    assert (before.status, after.status) == ("CANCELED", "LIVE")
    pit.exchange.advance()
    assert after.status == "LIVE"


@pytest.mark.parametrize(("price", "tick"), [(9700, 10), (9600, 100), (300, 10), (400, 100)])
def test_a_price_near_the_ends_makes_the_tick_finer(pit, price, tick):
    pit.place("alice", NO, "buy", 10_000 - price, 50)
    pit.place("bob", YES, "buy", price, 50)
    assert pit.market.tick == tick
    assert [notice.old_tick for notice in pit.heard if notice.old_tick] == ([] if tick == 100 else [100])


def test_both_tokens_are_paid_one_half_when_nobody_wins(pit):
    pit.place("alice", NO, "buy", 4000, 10)
    pit.place("bob", YES, "buy", 6000, 10)
    pit.exchange.resolve(pit.market, None)
    assert pit.cash("alice") == 1000 - 4 + 5
    assert pit.cash("bob") == pytest.approx(1000 - 6 - 0.168 + 5)
    assert pit.market.winner is None
    assert pit.exchange.audit() == []


def test_tokens_wait_to_be_redeemed_when_nobody_does_it_for_their_owner(pit):
    pit.exchange.redeems = False
    pit.pairs("alice", 10)
    pit.exchange.resolve(pit.market, NO)
    assert (pit.cash("alice"), pit.holds("alice", NO)) == (990, 10)
    assert pit.exchange.audit() == []
    assert pit.exchange.ledger.redeem("alice", pit.market) == 10 * ONE
    assert (pit.cash("alice"), pit.holds("alice", NO), pit.holds("alice", YES)) == (1000, 0, 0)
    assert pit.exchange.audit() == []


def test_pairs_are_split_and_merged_and_no_more_than_there_are(pit):
    pit.pairs("alice", 10)
    pit.exchange.ledger.merge("alice", pit.market, 4 * ONE)
    assert (pit.cash("alice"), pit.holds("alice", YES), pit.holds("alice", NO)) == (994, 6, 6)
    with pytest.raises(ValueError, match="expected 1 to 6000000 pairs to merge, found 7000000"):
        pit.exchange.ledger.merge("alice", pit.market, 7 * ONE)
    assert pit.exchange.audit() == []


def test_no_of_one_outcome_becomes_yes_of_the_others_and_the_event_pays_once(pit):
    event = "0x" + "77" * 31 + "00"
    markets = [
        Market(f"0x{number:064x}", (f"{number}1", f"{number}2"), neg_risk=True, neg_risk_id=event)
        for number in (1, 2, 3)
    ]
    for market in markets:
        pit.exchange.list_market(market)
    pit.exchange.ledger.split("alice", markets[0], 10 * ONE)
    pit.exchange.convert("alice", markets[0], 10 * ONE)
    assert [pit.holds("alice", market.tokens[0]) for market in markets] == [10, 10, 10]
    assert pit.holds("alice", "12") == 0
    assert pit.exchange.audit() == []
    for market in markets:
        pit.exchange.resolve(market, market.tokens[0] if market is markets[1] else market.tokens[1])
        assert pit.exchange.audit() == []
    assert pit.cash("alice") == 1000
    with pytest.raises(ValueError, match="neg-risk event"):
        pit.exchange.convert("alice", pit.market, ONE)


def test_a_fresh_approval_counts_once_the_venue_was_told_to_look(pit):
    allowances = pit.exchange.allowances
    allowances.approve("bob", STANDARD_EXCHANGE, 10 * ONE)
    with pytest.raises(VenueError, match="the allowance is not enough -> spender: 0xE111"):
        pit.place("bob", YES, "buy", 5000, 10)
    allowances.refresh("bob", is_money=True)
    pit.pairs("alice", 10)
    pit.place("alice", YES, "sell", 5000, 10)
    pit.place("bob", YES, "buy", 5000, 10)
    assert allowances.seen("bob", STANDARD_EXCHANGE, is_money=True) == 10 * ONE - 5 * ONE - 175_000
    with pytest.raises(VenueError, match="the allowance is not enough"):
        pit.place("bob", YES, "buy", 5000, 10)
    allowances.approve("alice", STANDARD_EXCHANGE, 0, is_money=False)
    allowances.refresh("alice", is_money=False)
    pit.pairs("alice", 10)
    with pytest.raises(VenueError, match="the allowance is not enough"):
        pit.place("alice", NO, "sell", 5000, 10)


def test_a_market_knows_its_complement_and_its_payouts():
    market = Market(CONDITION, (YES, NO), about=About(1))
    assert (market.other(YES), market.other(NO)) == (NO, YES)
    with pytest.raises(ValueError, match="expected a resolved market"):
        market.payout(YES)
    assert replace(market, payouts=(0, 10_000)).winner == NO
