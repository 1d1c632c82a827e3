from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model import (
    BookAction,
    BookOrder,
    BookType,
    OrderBook,
    OrderBookDelta,
    OrderSide,
    Price,
    Quantity,
    RecordFlag,
)
from toy import START, YES

from simulation.messages import cleared, grouped, levels_after, no_quote, snapshot

LAST, SNAPSHOT = RecordFlag.F_LAST.value, RecordFlag.F_SNAPSHOT.value


def price(ten_thousandths):
    return Price.from_decimal_dp(Decimal(ten_thousandths) / 10_000, 4)


def size(hundredths):
    return Quantity.from_decimal_dp(Decimal(hundredths) / 100, 2)


def change(side, at, hundredths, flags=LAST, now=START):
    action = BookAction.UPDATE if hundredths else BookAction.DELETE
    return OrderBookDelta(YES.id, action, BookOrder(side, price(at), size(hundredths), 0), flags, 0, now, now)


SIZES = st.integers(1, 10**7)
BIDS = st.dictionaries(st.tuples(st.just(OrderSide.BUY), st.integers(1, 4_999)), SIZES, max_size=20)
ASKS = st.dictionaries(st.tuples(st.just(OrderSide.SELL), st.integers(5_000, 9_999)), SIZES, max_size=20)
BOOKS = st.builds(
    lambda bids, asks: {(side, price(at)): size(n) for (side, at), n in (bids | asks).items()}, BIDS, ASKS
)
CHANGES = st.lists(
    st.one_of(
        st.builds(change, st.just(OrderSide.BUY), st.integers(4_990, 4_999), st.integers(0, 300)),
        st.builds(change, st.just(OrderSide.SELL), st.integers(5_000, 5_009), st.integers(0, 300)),
        st.just(cleared(YES.id, START)[0]),
    ),
    max_size=40,
)


def levels_of(book):
    sides = ((OrderSide.BUY, book.bids_to_dict()), (OrderSide.SELL, book.asks_to_dict()))
    return {(side, at): quantity for side, levels in sides for at, quantity in levels.items()}


@given(st.lists(st.integers(1, 5), max_size=8))
def test_deltas_are_put_back_into_the_messages_they_came_in(lengths):
    flat = [
        change(OrderSide.BUY, 100 + place, 1 + number, flags=LAST if place == length - 1 else 0)
        for number, length in enumerate(lengths)
        for place in range(length)
    ]
    messages = grouped(flat)
    assert [len(message.deltas) for message in messages] == lengths
    assert [delta for message in messages for delta in message.deltas] == flat


def test_half_a_message_is_an_error_that_says_where_it_begins():
    whole, half = change(OrderSide.BUY, 4_000, 1), change(OrderSide.BUY, 4_100, 1, flags=0, now=START + 7)
    with pytest.raises(ValueError, match=rf"C-YES\.KALSHI to end .* found 2 .* first at {START + 7}"):
        grouped([whole, half, half])


def test_no_deltas_are_no_messages():
    assert grouped([]) == []
    assert levels_after([]) == {}


@given(BOOKS)
def test_a_snapshot_leaves_exactly_the_book_it_was_made_of(levels):
    message = snapshot(YES.id, levels, START)
    assert levels_after(message, {(OrderSide.BUY, price(1)): size(1)}) == levels
    assert len(grouped(message)) == 1
    assert all(delta.flags & SNAPSHOT and delta.ts_init == delta.ts_event == START for delta in message)


@given(CHANGES)
def test_the_levels_after_some_changes_are_those_of_the_engines_own_book(changes):
    book = OrderBook(YES.id, BookType.L2_MBP)
    for delta in changes:
        book.apply_delta(delta)
    assert levels_after(changes) == {
        (side, Price.from_decimal_dp(at, 4)): Quantity.from_decimal_dp(quantity, 2)
        for (side, at), quantity in levels_of(book).items()
    }


@given(CHANGES, CHANGES)
def test_a_book_may_be_followed_in_two_steps(first, then):
    assert levels_after(then, levels_after(first)) == levels_after([*first, *then])


@given(CHANGES, CHANGES)
def test_a_replay_that_begins_with_a_snapshot_ends_with_the_same_book(before, after):
    start = snapshot(YES.id, levels_after(before), START)
    assert levels_after([*start, *after]) == levels_after([*before, *after])


def test_a_cleared_book_is_empty_and_is_one_message():
    message = cleared(YES.id, START)
    assert levels_after(message, {(OrderSide.BUY, price(4_000)): size(1)}) == {}
    assert [len(one.deltas) for one in grouped(message)] == [1]
    assert message == snapshot(YES.id, {}, START)


def test_the_quote_of_an_empty_book_says_so():
    quote = no_quote(YES.id, START)
    assert (str(quote.bid_price), str(quote.ask_price)) == ("0.0000", "1.0000")
    assert (quote.bid_size.raw, quote.ask_size.raw) == (0, 0)
    assert quote.ts_init == START
