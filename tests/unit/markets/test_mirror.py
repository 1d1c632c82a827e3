from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model import (
    AggressorSide,
    BookAction,
    BookOrder,
    OrderBookDelta,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
    RecordFlag,
    TradeId,
    TradeTick,
)
from toy import NO, YES

from markets.mirror import Mirror
from simulation.messages import cleared, levels_after, no_quote

PRICES = st.integers(0, 10_000).map(lambda n: Price.from_decimal_dp(Decimal(n) / 10_000, 4))
SIZES = st.integers(1, 10**9).map(lambda n: Quantity.from_decimal_dp(Decimal(n) / 100, 2))
TIMES = st.integers(0, 2**62)
ORDERS = st.builds(BookOrder, st.sampled_from([OrderSide.BUY, OrderSide.SELL]), PRICES, SIZES, st.just(0))
ACTIONS = st.sampled_from([BookAction.ADD, BookAction.UPDATE, BookAction.DELETE])
FLAGS = st.sampled_from([0, RecordFlag.F_LAST.value, RecordFlag.F_SNAPSHOT.value])
CHANGES = st.builds(
    OrderBookDelta, st.just(YES.id), ACTIONS, ORDERS, FLAGS, st.integers(0, 2**62), TIMES, TIMES
)
CLEARS = TIMES.map(lambda at_ns: cleared(YES.id, at_ns)[0])
DELTAS = st.one_of(CHANGES, CLEARS)
QUOTES = st.builds(QuoteTick, st.just(YES.id), PRICES, PRICES, SIZES, SIZES, TIMES, TIMES)
SIDES = st.sampled_from([AggressorSide.BUY, AggressorSide.SELL, AggressorSide.NO_AGGRESSOR])
TRADES = st.builds(
    TradeTick, st.just(YES.id), PRICES, SIZES, SIDES, st.just(TradeId("trade-1")), TIMES, TIMES
)


@given(DELTAS)
def test_a_change_mirrored_twice_is_itself(delta):
    mirror = Mirror()
    assert mirror.delta(mirror.delta(delta, NO.id), YES.id) == delta


@given(QUOTES)
def test_a_quote_mirrored_twice_is_itself(quote):
    mirror = Mirror()
    assert mirror.quote(mirror.quote(quote, NO.id), YES.id) == quote


@given(TRADES)
def test_a_trade_mirrored_twice_is_itself(trade):
    mirror = Mirror()
    assert mirror.trade(mirror.trade(trade, NO.id), YES.id) == trade


@given(CHANGES)
def test_a_bid_at_p_is_an_offer_of_the_same_size_at_one_minus_p(delta):
    mirrored = Mirror().delta(delta, NO.id)
    assert {delta.order.side, mirrored.order.side} == {OrderSide.BUY, OrderSide.SELL}
    assert mirrored.order.price.as_decimal() == 1 - delta.order.price.as_decimal()
    assert mirrored.order.price.precision == 4
    assert mirrored.order.size == delta.order.size
    for name in ("action", "flags", "sequence", "ts_event", "ts_init"):
        assert getattr(mirrored, name) == getattr(delta, name)
    assert mirrored.instrument_id == NO.id


@given(QUOTES)
def test_the_bid_of_no_is_the_offer_of_yes_seen_from_one_dollar(quote):
    mirrored = Mirror().quote(quote, NO.id)
    assert mirrored.bid_price.as_decimal() + quote.ask_price.as_decimal() == 1
    assert mirrored.ask_price.as_decimal() + quote.bid_price.as_decimal() == 1
    assert (mirrored.bid_size, mirrored.ask_size) == (quote.ask_size, quote.bid_size)
    assert (mirrored.ts_event, mirrored.ts_init) == (quote.ts_event, quote.ts_init)


@given(TRADES)
def test_who_bought_yes_sold_no(trade):
    mirrored = Mirror().trade(trade, NO.id)
    other = {AggressorSide.BUY: AggressorSide.SELL, AggressorSide.SELL: AggressorSide.BUY}
    assert mirrored.aggressor_side == other.get(trade.aggressor_side, AggressorSide.NO_AGGRESSOR)
    assert mirrored.price.as_decimal() + trade.price.as_decimal() == 1
    assert (mirrored.size, mirrored.trade_id) == (trade.size, trade.trade_id)


@given(TIMES)
def test_the_quote_of_an_empty_book_mirrors_to_that_of_an_empty_book(at_ns):
    assert Mirror().quote(no_quote(YES.id, at_ns), NO.id) == no_quote(NO.id, at_ns)


@given(TIMES)
def test_emptying_the_book_empties_its_mirror(at_ns):
    assert Mirror().deltas(cleared(YES.id, at_ns), NO.id) == cleared(NO.id, at_ns)


@given(st.lists(DELTAS, max_size=30))
def test_the_mirror_of_a_book_is_the_book_of_the_mirror(deltas):
    mirror, other = Mirror(), {OrderSide.BUY: OrderSide.SELL, OrderSide.SELL: OrderSide.BUY}
    turned = {
        (other[side], mirror.price(price)): size for (side, price), size in levels_after(deltas).items()
    }
    assert levels_after(mirror.deltas(deltas, NO.id)) == turned
