"""Laws of the combined book on random orders: conservation, priority, mirror."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from polymarket_stage import CONDITION, NO, YES, Pit

from simulation.wire.polymarket_errors import VenueError
from simulation.wire.polymarket_units import (
    ONE,
    ONE_PRICE,
    amount_text,
    last_price_text,
    parse_amount,
    price_text,
    taker_fee,
)

one_order = some.tuples(
    some.sampled_from(["alice", "bob", "crowd"]), some.sampled_from([YES, NO]), some.sampled_from(["buy", "sell"]),
    some.integers(1, 99).map(lambda cents: cents * 100), some.integers(100, 30_000).map(lambda size: size / 100),
    some.sampled_from(["GTC", "GTC", "GTC", "FAK", "FOK", "budget"]),
)  # fmt: skip
one_step = some.one_of(one_order, some.integers(0, 30))


def play(pit, steps):
    """Run random commands, some of them cancels and failed settlements; yield after each."""
    for wallet in ("alice", "bob"):
        pit.pairs(wallet, 200)
    for step in steps:
        if isinstance(step, int):
            live = pit.exchange.open_orders()
            if live:
                pit.exchange.cancel(live[step % len(live)])
        else:
            wallet, token, verb, price, shares, kind = step
            spends = kind == "budget"
            budget = round(shares * 100) * price if spends and verb == "buy" else None
            try:
                pit.place(wallet, token, verb, price, shares, "FAK" if spends else kind, budget=budget)
            except VenueError as error:
                assert error.status == 400
        yield


@settings(max_examples=60, deadline=None)
@given(some.lists(one_step, max_size=40))
def test_money_and_tokens_are_conserved_after_any_command(steps):
    pit = Pit()
    for _ in play(pit, steps):
        assert pit.exchange.audit() == []
        for wallet in pit.exchange.ledger.wallets.values():
            assert min(wallet.cash, *wallet.tokens.values(), 0) == 0


@settings(max_examples=40, deadline=None)
@given(some.lists(one_step, max_size=40))
def test_money_is_conserved_when_every_settlement_fails(steps):
    pit = Pit()
    for _ in play(pit, steps):
        pass
    for trade in pit.exchange.trades.values():
        pit.exchange.move_trade(trade, "FAILED")
    assert pit.exchange.audit() == []
    assert [pit.cash(wallet) for wallet in ("alice", "bob", "crowd")] == [800, 800, 1000]


@settings(max_examples=40, deadline=None)
@given(some.lists(one_step, max_size=40))
def test_better_prices_trade_first_and_older_orders_before_younger_ones(steps):
    pit = Pit()
    for _ in play(pit, steps):
        pass
    for taker in pit.exchange.orders.values():
        trades = [trade for trade in pit.exchange.trades.values() if trade.taker is taker]
        sign = 1 if taker.is_bid else -1
        turns = [(sign * fill.price, fill.order.number) for trade in trades for fill in trade.fills]
        assert turns == sorted(turns)
        assert all(taker.crosses(sign * price) for price, _ in turns)


@settings(max_examples=40, deadline=None)
@given(some.lists(one_step, max_size=30))
def test_the_books_of_the_two_tokens_mirror_each_other(steps):
    pit = Pit()
    for _ in play(pit, steps):
        pass
    book = pit.exchange.books[CONDITION]
    for is_bid in (True, False):
        yes = book.levels(is_yes=True, is_bid=is_bid)
        no = book.levels(is_yes=False, is_bid=not is_bid)
        assert [(ONE_PRICE - price, size) for price, size in yes] == no


@settings(max_examples=40, deadline=None)
@given(some.lists(one_order, max_size=30))
def test_the_complementary_order_has_the_same_effect_on_the_book(orders):
    """A buy of YES at p and a sell of NO at 1 - p are one bid."""
    straight, turned = Pit(), Pit()
    for pit in (straight, turned):
        for wallet in ("alice", "bob", "crowd"):
            pit.exchange.ledger.deposit(wallet, 10**15)
            pit.pairs(wallet, 10**6)
    for wallet, token, verb, price, shares, _ in orders:
        straight.place(wallet, token, verb, price, max(shares, 500))
        opposite = {"buy": "sell", "sell": "buy"}[verb]
        turned.place(wallet, {YES: NO, NO: YES}[token], opposite, ONE_PRICE - price, max(shares, 500))
    for is_bid in (True, False):
        books = [
            pit.exchange.books[CONDITION].levels(is_yes=True, is_bid=is_bid) for pit in (straight, turned)
        ]
        assert books[0] == books[1]


def test_the_fee_is_the_one_that_was_seen_on_chain():
    assert taker_fee(Fraction(7, 100), 1, 6400, 25 * ONE) == 403_200


def test_a_trade_with_several_makers_has_one_fee_that_is_rounded_once():
    pit = Pit(fee_rate=Fraction(7, 100))
    pit.pairs("bob", 100)
    for shares in (6.23, 7.54):  # apart their fees would be 0.10833 and 0.13111, 0.23944 in all
        pit.place("bob", YES, "sell", 5400, shares)
    taken, *_ = pit.place("alice", YES, "buy", 5400, 13.77)
    (trade,) = [pit.exchange.trades[one] for one in taken.trade_ids]
    assert len(trade.fills) == 2
    assert trade.fee == taker_fee(Fraction(7, 100), 1, 5400, 13_770_000) == 239_430


def test_a_fee_below_half_a_unit_of_the_fifth_decimal_is_nothing():
    assert taker_fee(Fraction(7, 100), 1, 100, ONE // 200) == 0
    assert taker_fee(Fraction(7, 100), 2, 5000, ONE) == 4_380


@given(some.integers(0, 10**15))
def test_an_amount_survives_its_text(amount):
    assert parse_amount(amount_text(amount)) == amount


def test_numbers_are_written_as_the_stream_writes_them():
    assert (price_text(1000), price_text(25), amount_text(19_607_800)) == ("0.1", "0.0025", "19.6078")
    assert (last_price_text(1100), last_price_text(9975)) == ("0.110", "0.9975")


@pytest.mark.parametrize("text", ["", ".", "-1", "1e3", "0.1234567", "1 "])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match="expected a decimal"):
        parse_amount(text)
