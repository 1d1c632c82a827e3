from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model import (
    AggressorSide,
    BookAction,
    BookType,
    InstrumentId,
    OrderBook,
    OrderBookDelta,
    OrderSide,
    QuoteTick,
    RecordFlag,
)

from adapters.kalshi.messages.market_data import OrderbookDelta, OrderbookSnapshot, Ticker, Trade
from adapters.kalshi.messages.numbers import time_ns
from adapters.kalshi.messages.recordings import SpotTrade
from adapters.kalshi.parsing import (
    BookBuilder,
    NegativeLevelError,
    TickerComparison,
    parse_spot_trade,
    parse_trade,
    settle_on_spot,
)
from markets.facts import Method, Provenance

YES = InstrumentId.from_str("KXBTC15M-A-15-YES.KALSHI")
LAST, SNAPSHOT = RecordFlag.F_LAST.value, RecordFlag.F_SNAPSHOT.value
SECOND = 1_000_000_000


def snapshot(yes=(), no=()):
    return OrderbookSnapshot("M", yes_dollars_fp=tuple(yes), no_dollars_fp=tuple(no))


def delta(side, price, change, clock=None, **rest):
    return OrderbookDelta("M", side, price_dollars=price, delta_fp=change, clock=clock, **rest)


def builder(*, yes=(("0.4000", "10.00"),), no=(("0.5500", "5.00"),)):
    book = BookBuilder(YES)
    book.take_snapshot(snapshot(yes, no), 100)
    return book


def told(data):
    """The deltas as (action, side, price, size, flags), the quotes as (bid, size, ask, size)."""
    for one in data:
        if isinstance(one, QuoteTick):
            yield str(one.bid_price), str(one.bid_size), str(one.ask_price), str(one.ask_size)
        else:
            side = one.order.side.name if one.order.side else "-"
            yield one.action.name, side, str(one.order.price), str(one.order.size), one.flags


def test_a_snapshot_is_one_message_in_which_no_bids_are_yes_asks():
    book = BookBuilder(YES)
    data = book.take_snapshot(
        snapshot([("0.3900", "1.00"), ("0.4000", "10.00")], [("0.5500", "5.00")]), 100, seq=1
    )
    assert list(told(data)) == [
        ("CLEAR", "-", "0.0000", "0.00", SNAPSHOT),
        ("ADD", "BUY", "0.3900", "1.00", SNAPSHOT),
        ("ADD", "BUY", "0.4000", "10.00", SNAPSHOT),
        ("ADD", "SELL", "0.4500", "5.00", SNAPSHOT | LAST),
        ("0.4000", "10.00", "0.4500", "5.00"),
    ]
    assert {(one.ts_event, one.ts_init) for one in data} == {(100, 100)}
    assert {one.sequence for one in data[:-1]} == {1}


def test_an_empty_snapshot_is_a_cleared_book_and_no_bid():
    data = builder().take_snapshot(snapshot(), 200)
    assert list(told(data)) == [
        ("CLEAR", "-", "0.0000", "0.00", SNAPSHOT | LAST),
        ("0.0000", "0.00", "1.0000", "0.00"),
    ]


def test_yes_prices_on_the_no_side_are_taken_as_they_are():
    book = BookBuilder(YES, uses_yes_prices=True)
    book.take_snapshot(snapshot([("0.4000", "10.00")], [("0.4500", "5.00")]), 100)
    assert book.asks == {4500: 500}


def test_an_action_is_published_when_the_next_one_begins_at_the_receipt_of_its_last_delta():
    book = builder()
    first = "2026-05-13T16:40:21.215803Z"
    assert book.take_delta(delta("yes", "0.4000", "-10.00", ts=first), 200, 2) == ()
    assert book.take_delta(delta("yes", "0.3800", "7.50", ts=first), 250, 3) == ()
    data = book.take_delta(delta("no", "0.5500", "1.00", ts="2026-05-13T16:40:21.3Z"), 300, 4)
    assert list(told(data)) == [
        ("DELETE", "BUY", "0.4000", "0.00", 0),
        ("UPDATE", "BUY", "0.3800", "7.50", LAST),
        ("0.3800", "7.50", "0.4500", "5.00"),
    ]
    assert {(one.ts_event, one.ts_init) for one in data} == {(time_ns(first), 250)}
    assert [one.sequence for one in data[:-1]] == [2, 3]


def test_a_clock_rules_over_the_time_and_may_go_down():
    book = builder()
    book.take_delta(delta("yes", "0.3000", "1.00", clock=90, ts_ms=1), 200)
    assert book.take_delta(delta("yes", "0.2900", "1.00", clock=90, ts_ms=2), 201) == ()
    assert len(book.take_delta(delta("yes", "0.2800", "1.00", clock=3, ts_ms=2), 202)) == 2


def test_deltas_without_clock_and_time_are_actions_of_their_own():
    book = builder()
    book.take_delta(delta("yes", "0.3000", "1.00"), 200)
    data = book.take_delta(delta("yes", "0.2900", "1.00"), 201)
    assert [(one.ts_event, one.ts_init) for one in data] == [(200, 200)]


def test_a_book_that_is_crossed_inside_an_action_is_never_published_crossed():
    book = builder()
    book.take_delta(delta("yes", "0.4600", "5.00", clock=1), 200)
    book.take_delta(delta("no", "0.5500", "-5.00", clock=1), 201)
    quotes = [one for one in book.end_group() if isinstance(one, QuoteTick)]
    assert list(told(quotes)) == [("0.4600", "5.00", "1.0000", "0.00")]
    assert (book.groups, book.crossed_groups) == (1, 0)


def test_a_crossed_end_of_an_action_is_counted():
    book = builder()
    book.take_delta(delta("yes", "0.4600", "5.00", clock=1), 200)
    book.end_group()
    assert book.crossed_groups == 1


def test_a_change_below_the_top_makes_no_quote():
    book = builder()
    book.take_delta(delta("yes", "0.1000", "5.00", clock=1), 200)
    assert [type(one) for one in book.end_group()] == [OrderBookDelta]
    assert book.end_group() == ()


def test_what_we_knew_never_goes_back_in_time():
    book = builder()
    book.take_delta(delta("yes", "0.1000", "5.00", clock=1), 90)
    book.take_delta(delta("yes", "0.1000", "5.00", clock=2), 80)
    assert [one.ts_init for one in book.end_group()] == [100]


@pytest.mark.parametrize(
    ("bad", "error", "match"),
    [
        (
            delta("yes", "0.4000", "-10.01", clock=2),
            NegativeLevelError,
            "at least 1001 lots at yes 0.4000, found 1000",
        ),
        (delta("no", "0.6000", "-0.01", clock=2), NegativeLevelError, "found 0"),
        (delta("yes", "1.0000", "1.00", clock=2), ValueError, "price in"),
        (delta("yes", "0.4", "x", clock=2), ValueError, "plain decimal"),
        (OrderbookDelta("M", "yes", delta_fp="1.00"), ValueError, "expected a price for M"),
        (OrderbookDelta("M", "yes", price=40), ValueError, "expected a change for M"),
    ],
)
def test_an_impossible_delta_changes_nothing(bad, error, match):
    book = builder()
    book.take_delta(delta("yes", "0.3000", "1.00", clock=1), 200)
    before = dict(book.bids), dict(book.asks)
    with pytest.raises(error, match=match):
        book.take_delta(bad, 300)
    assert (book.bids, book.asks) == before
    assert len(book.end_group()) == 1


def test_a_blank_book_comes_back_whole():
    book = builder()
    book.take_delta(delta("yes", "0.4000", "-1.00", clock=1), 200)
    assert list(told(book.publish_blank(200))) == [
        ("UPDATE", "BUY", "0.4000", "9.00", LAST),
        ("0.4000", "9.00", "0.4500", "5.00"),
        ("CLEAR", "-", "0.0000", "0.00", SNAPSHOT | LAST),
        ("0.0000", "0.00", "1.0000", "0.00"),
    ]
    assert [row[:4] for row in told(book.publish_whole(300))] == [
        ("CLEAR", "-", "0.0000", "0.00"),
        ("ADD", "BUY", "0.4000", "9.00"),
        ("ADD", "SELL", "0.4500", "5.00"),
        ("0.4000", "9.00", "0.4500", "5.00"),
    ]


def test_both_generations_of_payloads_give_the_same_facts():
    new, old = BookBuilder(YES), BookBuilder(YES)
    at = "2026-01-13T16:40:21.2Z"
    published = [
        [
            *new.take_snapshot(snapshot([("0.4000", "10.00")], [("0.5500", "5.00")]), 100),
            *new.take_delta(delta("no", "0.5500", "-5.00", ts=at), 200),
            *new.end_group(),
        ],
        [
            *old.take_snapshot(OrderbookSnapshot("M", yes=((40, 10),), no=((55, 5),)), 100),
            *old.take_delta(OrderbookDelta("M", "no", price=55, delta=-5, ts=at), 200),
            *old.end_group(),
        ],
    ]
    assert published[0] == published[1]


CHANGES = st.tuples(
    st.sampled_from(["yes", "no"]),
    st.sampled_from(["0.0010", "0.0990", "0.3200", "0.4900", "0.5000", "0.9990"]),
    st.integers(-400, 400).map(lambda lots: Decimal(lots) / 100),
    st.integers(1, 3),
)


@given(st.lists(CHANGES, max_size=60))
def test_any_valid_deltas_leave_the_book_of_a_naive_model(changes):
    levels: Counter[tuple[str, Decimal]] = Counter()
    book, replayed, recv_ns = BookBuilder(YES), {}, 1000
    data = [*book.take_snapshot(snapshot(), recv_ns)]
    for side, price, change, clock in changes:
        if levels[side, Decimal(price)] + change < 0:
            continue
        levels[side, Decimal(price)] += change
        recv_ns += 7
        data += book.take_delta(delta(side, price, f"{change:.2f}", clock=clock), recv_ns)
    data += book.end_group()

    deltas = [one for one in data if isinstance(one, OrderBookDelta)]
    for one in deltas:
        key = one.order.side, one.order.price.as_decimal()
        if one.action == BookAction.CLEAR:
            replayed.clear()
        elif one.action == BookAction.DELETE:
            del replayed[key]
        else:
            replayed[key] = one.order.size.as_decimal()
    assert replayed == {
        (OrderSide.BUY, price) if side == "yes" else (OrderSide.SELL, 1 - price): size
        for (side, price), size in levels.items()
        if size
    }
    assert deltas[-1].flags & LAST
    assert [one.ts_init for one in data] == sorted(one.ts_init for one in data)

    quote = [one for one in data if isinstance(one, QuoteTick)][-1]
    bids = [price for side, price in replayed if side == OrderSide.BUY]
    asks = [price for side, price in replayed if side == OrderSide.SELL]
    assert quote.bid_price.as_decimal() == max(bids, default=0)
    assert quote.ask_price.as_decimal() == min(asks, default=1)
    assert quote.bid_size.as_decimal() == replayed.get((OrderSide.BUY, max(bids, default=0)), 0)


def test_the_engines_own_book_agrees():
    book, theirs = BookBuilder(YES), OrderBook(YES, BookType.L2_MBP)
    data = [*book.take_snapshot(snapshot([("0.4000", "10.00")], [("0.5500", "5.00")]), 100)]
    for number, (side, price, change) in enumerate(
        [
            ("yes", "0.4000", "-10.00"),
            ("yes", "0.4100", "2.00"),
            ("no", "0.5500", "-4.50"),
            ("no", "0.5600", "1.00"),
        ]
    ):
        data += book.take_delta(delta(side, price, change, clock=number + 1), 200 + number)
    data += book.end_group()
    for one in data:
        if isinstance(one, OrderBookDelta):
            theirs.apply_delta(one)
    quote = data[-1]
    assert (theirs.best_bid_price(), theirs.best_ask_price()) == (quote.bid_price, quote.ask_price)
    assert (theirs.best_bid_size(), theirs.best_ask_size()) == (quote.bid_size, quote.ask_size)


NEW_TRADE = Trade(
    "0723a045-55c1-a478-de4a-642a5deee757",
    ticker="KXBTC15M-A-15",
    yes_price_dollars="0.7700",
    count_fp="8.00",
    taker_book_side="bid",
    taker_outcome_side="yes",
    taker_side="yes",
    created_time="2026-09-26T22:52:42.728645Z",
)
OLD_TRADE = Trade(
    "0723a045-55c1-a478-de4a-642a5deee757",
    ticker="KXBTC15M-A-15",
    yes_price=77,
    count=8,
    taker_side="yes",
    created_time="2026-09-26T22:52:42.728645Z",
)


def test_trades_of_both_generations_are_the_same():
    tick, provenance = parse_trade(NEW_TRADE, YES, 5)
    assert (tick, provenance) == parse_trade(OLD_TRADE, YES, 5)
    assert (str(tick.price), str(tick.size), tick.aggressor_side) == ("0.7700", "8.00", AggressorSide.BUY)
    assert (tick.ts_event, tick.ts_init) == (time_ns("2026-09-26T22:52:42.728645Z"), 5)
    assert provenance.identifier == "KXBTC15M-A-15-YES.KALSHI"
    assert (provenance.provenance, provenance.is_block) == (Provenance.VENUE, False)


def test_a_taker_of_no_sells_yes():
    tick, _ = parse_trade(Trade("1", yes_price=4, count=1, taker_outcome_side="no", ts_ms=7), YES, 5)
    assert tick.aggressor_side == AggressorSide.SELL
    assert tick.ts_event == 7_000_000


def test_a_block_trade_fills_nobody():
    tick, provenance = parse_trade(Trade("1", yes_price=4, count=1, is_block_trade=True, ts=7), YES, 5)
    assert tick is None
    assert provenance.is_block


@pytest.mark.parametrize(
    "bad",
    [
        Trade("1", count=1, taker_side="no", ts=7),
        Trade("1", yes_price=4, taker_side="no", ts=7),
        Trade("1", yes_price=4, count=0, taker_side="no", ts=7),
        Trade("1", yes_price=100, count=1, taker_side="no", ts=7),
        Trade("1", yes_price=4, count=1, ts=7),
    ],
)
def test_half_a_trade_is_refused(bad):
    with pytest.raises(ValueError, match="expected"):
        parse_trade(bad, YES, 5)


def test_a_spot_print_is_an_oracle_price():
    envelope = parse_spot_trade(SpotTrade("2026-05-11T12:17:31.018295+00:00", 9, Decimal("81117.21")))
    price = envelope.data
    assert envelope == price.as_data()
    assert (price.identifier, price.value, price.method) == (
        "BTC-USD.COINBASE",
        Decimal("81117.21"),
        Method.SPOT,
    )
    assert (price.ts_event, price.ts_init) == (time_ns("2026-05-11T12:17:31.018295Z"), 9)


def compared(ticker, *, late=(), before=()):
    """Compare `ticker` with a book of 0.40/0.45 from the snapshot on; `late` deltas arrive after it."""
    book, comparison = BookBuilder(YES), TickerComparison()
    comparison.note_quote(book.take_snapshot(snapshot([("0.4", "1")], [("0.55", "1")]), SECOND)[-1], True)

    def take(deltas):
        for one in deltas:
            book.take_delta(one, 9 * SECOND)
            comparison.note_quote(book.end_group()[-1], False)

    take(before)
    comparison.note_ticker(ticker)
    take(late)
    return comparison.compare()


def ticker(bid, ask, **time):
    return Ticker("M", yes_bid_dollars=bid, yes_ask_dollars=ask, **time)


def test_a_ticker_is_compared_to_the_book_at_its_own_time_and_not_at_its_arrival():
    better = delta("yes", "0.4200", "1.00", ts="1970-01-01T00:00:05Z")
    after, before = {"time": "1970-01-01T00:00:05Z"}, {"time": "1970-01-01T00:00:04.999999Z"}
    assert compared(ticker("0.42", "0.45", **after), late=[better]) == (1, [])
    assert compared(ticker("0.40", "0.45", **before), late=[better]) == (1, [])
    assert compared(ticker("0.40", "0.45", **before), before=[better]) == (1, [])
    assert compared(ticker("0.42", "0.45", ts_ms=4999), before=[better])[1] == [
        "KXBTC15M-A-15-YES.KALSHI at 4999999999: ours 0.4000/0.4500, venue 0.4200/0.4500"
    ]


def test_a_ticker_in_cents_is_compared_too():
    assert compared(Ticker("M", yes_bid=40, yes_ask=45, ts_ms=2000)) == (1, [])


def test_a_ticker_without_a_time_is_refused():
    with pytest.raises(ValueError, match="expected a time on a ticker of M"):
        compared(ticker("0.4", "0.45"))


def test_the_spot_mean_takes_sixty_seconds_before_the_close():
    closes = 1000 * SECOND
    info = {"outcome": "YES", "market": "M", "floor_strike": "100.5"}
    prices = [(939 * SECOND, Decimal(100)), (970 * SECOND, Decimal(101)), (closes, Decimal(9999))]
    found = settle_on_spot(prices, info, closes)
    assert (found.mean_usd, found.strike_usd, found.payout) == (Decimal("100.50"), Decimal("100.5"), 1)
    assert settle_on_spot(prices, info | {"floor_strike": "100.51"}, closes).payout == 0
    assert settle_on_spot(prices, info | {"floor_strike": None}, closes).payout is None
    assert settle_on_spot(prices[1:], info, closes) is None
    assert settle_on_spot(prices[:2], info, closes) is None
    assert settle_on_spot(prices, info | {"outcome": "NO"}, closes) is None
