from collections import Counter
from decimal import Decimal

import msgspec
import pytest
from nautilus_trader.model import InstrumentId, MarketStatusAction, OrderBookDeltas, QuoteTick

from adapters.kalshi.data.market import LiveMarket
from adapters.kalshi.messages.market_data import (
    MarketLifecycle,
    OrderbookDelta,
    OrderbookSnapshot,
    Ticker,
    Trade,
)
from adapters.kalshi.messages.numbers import time_ns
from adapters.kalshi.messages.reference import Event, Market, Series
from adapters.kalshi.providers.schedule import SeriesFacts
from adapters.kalshi.providers.terms import Listing, terms_of_listing
from markets.facts import BookDoubt, Phase
from markets.live.life_telling import closes_of
from markets.live.live_book import BrokenBook
from markets.mirror import Mirror

T = "KXBTC15M-26OCT031745-45"
YES, NO = (InstrumentId.from_str(f"{T}-{outcome}.KALSHI") for outcome in ("YES", "NO"))
OPENS, CLOSES = "2026-10-03T21:30:00Z", "2026-10-03T21:45:00Z"
CLOSES_NS = time_ns(CLOSES)
NOW = CLOSES_NS - 600 * 10**9
ROW = msgspec.convert(
    {
        "ticker": T,
        "event_ticker": "KXBTC15M-26OCT031745",
        "open_time": OPENS,
        "close_time": CLOSES,
        "status": "active",
        "strike_type": "greater_or_equal",
        "floor_strike": "68000.00",
        "price_ranges": [{"start": "0", "end": "1", "step": "0.01"}],
        "exchange_index": 2,
    },
    Market,
)
EVENT = Event("KXBTC15M-26OCT031745", "KXBTC15M", "BTC up?")
SERIES = SeriesFacts(Series("KXBTC15M", "BTC", "quadratic", Decimal(1)))


def listing(**changes):
    return Listing(SERIES, EVENT, msgspec.structs.replace(ROW, **changes), says={"ticker": T})


class Told:
    """A live market and everything that it told."""

    def __init__(self, *wants, **changes):
        self.items, self.counts = [], Counter()
        one = listing(**changes)
        self.market = LiveMarket(one, terms_of_listing(one, NOW), self.items.append, Mirror(), self.counts)
        for kind in wants:
            getattr(self.market.wants, kind).update((YES, NO))
        self.market.take_row(one.market, NOW)

    def snapshot(self, yes=(("0.4000", "10.00"),), no=(("0.6000", "8.00"),), at=NOW):
        sides = {"yes_dollars_fp": yes, "no_dollars_fp": no}
        self.market.take_snapshot(msgspec.convert({"market_ticker": T, **sides}, OrderbookSnapshot), at, 1)

    def delta(self, side, price, change, clock, at=NOW + 5, ts_ms=NOW // 10**6):
        fields = {"side": side, "price_dollars": price, "delta_fp": change, "clock": clock, "ts_ms": ts_ms}
        self.market.book.take_delta(msgspec.convert({"market_ticker": T, **fields}, OrderbookDelta), at, 2)

    def step(self, kind, at=NOW, **fields):
        known = {"event_type": kind, "market_ticker": T, **fields}
        self.market.take_lifecycle(msgspec.convert(known, MarketLifecycle), at)

    def row(self, at=NOW, **changes):
        self.market.take_row(msgspec.structs.replace(ROW, **changes), at)

    def of(self, kind, side=None):
        facts = [getattr(one, "data", one) for one in self.items]
        found = [one for one in facts if type(one).__name__ == kind]
        return [one for one in found if side in (None, getattr(one, "instrument_id", None))]

    def quotes(self, side=YES):
        return [(str(one.bid_price), str(one.ask_price)) for one in self.of("QuoteTick", side)]


def test_no_is_the_mirror_of_yes_in_book_and_quote():
    told = Told("books", "quotes")
    told.snapshot()
    assert [one.instrument_id for one in told.of("OrderBookDeltas")] == [YES, NO]
    assert told.quotes(YES) == [("0.4000", "0.6000")]
    no = told.of("QuoteTick", NO)[0]
    assert (str(no.bid_price), str(no.bid_size), str(no.ask_size)) == ("0.4000", "8.00", "10.00")


def test_what_nobody_wants_is_not_told():
    told = Told()
    told.snapshot()
    told.delta("yes", "0.4100", "1.00", clock=1)
    told.market.book.flush()
    assert {type(getattr(one, "data", one)).__name__ for one in told.items} == {"MarketPhase"}


def test_half_an_action_is_held_back_while_the_book_is_crossed():
    told = Told("books", "quotes")
    told.snapshot()
    told.delta("yes", "0.6000", "3.00", clock=9)
    assert not told.market.book.flush()
    assert told.quotes() == [("0.4000", "0.6000")]
    told.delta("no", "0.6000", "-8.00", clock=9)
    told.delta("no", "0.6500", "2.00", clock=9)
    assert told.market.book.flush()
    assert told.quotes() == [("0.4000", "0.6000"), ("0.6000", "0.6500")]
    assert [len(one.deltas) for one in told.of("OrderBookDeltas", YES)] == [3, 3]


def test_an_action_that_ends_crossed_breaks_the_book_and_is_not_told():
    told = Told("books", "quotes")
    told.snapshot()
    told.delta("yes", "0.6000", "3.00", clock=9)
    with pytest.raises(BrokenBook):
        told.delta("yes", "0.3000", "3.00", clock=10)
    assert len(told.of("OrderBookDeltas", YES)) == 1


def test_half_an_action_is_never_told_with_what_replaces_it():
    told = Told("books", "quotes")
    told.snapshot()
    told.delta("yes", "0.6000", "3.00", clock=9)
    told.snapshot(yes=[("0.6000", "3.00")], no=[("0.7000", "1.00")])
    told.delta("yes", "0.7000", "3.00", clock=11)
    told.market.book.lose(NOW + 6, NOW + 7, "gone")
    assert told.quotes() == [("0.4000", "0.6000"), ("0.6000", "0.7000"), ("0.0000", "1.0000")]


def test_a_lost_book_is_blank_and_its_gap_is_told_when_it_is_whole_again():
    told = Told("books", "quotes")
    told.snapshot()
    told.market.book.lose(NOW + 10, NOW + 20, "frames are missing")
    assert told.of("DataGap") == []
    told.market.book.lose(NOW + 30, NOW + 30, "again")
    told.snapshot(at=NOW + 50)
    (gap,) = told.of("DataGap")
    assert (gap.ts_event, gap.until_ns, gap.reason) == (NOW + 10, NOW + 50, "frames are missing")
    assert told.counts["books_lost"] == 1


def test_a_book_that_stays_lost_is_a_gap_until_the_close():
    told = Told("quotes")
    told.snapshot()
    told.market.book.lose(NOW + 10, NOW + 20, "gone")
    told.market.look_at_clock(CLOSES_NS + 1)
    assert [one.until_ns for one in told.of("DataGap")] == [CLOSES_NS]
    assert told.of("MarketPhase")[-1].phase is Phase.CLOSED


def test_after_the_close_levels_vanish_without_a_quote_or_a_gap():
    told = Told("books", "quotes")
    told.snapshot()
    told.market.look_at_clock(CLOSES_NS)
    after_ms = CLOSES_NS // 10**6 + 3
    told.delta("yes", "0.4000", "-10.00", clock=20, at=CLOSES_NS + 10**7, ts_ms=after_ms)
    told.market.book.flush()
    told.snapshot(yes=(), no=(), at=CLOSES_NS + 7 * 10**9)
    told.market.book.lose(CLOSES_NS + 8 * 10**9, CLOSES_NS + 8 * 10**9, "gone")
    assert told.quotes() == [("0.4000", "0.6000")]
    assert len(told.of("OrderBookDeltas", YES)) == 4
    assert told.of("DataGap") == []


def test_who_begins_to_listen_is_shown_the_book_and_the_quote_as_they_are():
    told = Told("books")
    told.market.wants.books.discard(NO)
    told.snapshot()
    told.items.clear()
    told.market.wants.books.add(NO)
    told.market.wants.quotes.add(NO)
    told.market.book.owe_whole([NO])
    told.market.book.owe_quote(NO)
    told.market.book.flush()
    kinds = [(type(one), one.instrument_id) for one in told.items]
    assert kinds == [(OrderBookDeltas, NO), (QuoteTick, NO)]


def test_a_block_trade_has_a_provenance_and_no_tick_and_a_repeated_trade_nothing():
    told = Told("trades")
    fields = {"market_ticker": T, "yes_price_dollars": "0.3000", "count_fp": "2.50", "taker_book_side": "bid"}
    for trade_id, is_block in (("a", False), ("b", True), ("a", False)):
        more = {"trade_id": trade_id, "is_block_trade": is_block, "ts_ms": NOW // 10**6}
        told.market.take_trade(msgspec.convert(fields | more, Trade), NOW + 1)
    assert [str(one.price) for one in told.of("TradeTick")] == ["0.3000", "0.7000"]
    assert [one.is_block for one in told.of("TradeProvenance")] == [False, True]
    assert told.counts["block_trades"] == 1


def test_only_the_final_payout_closes_both_sides_and_only_once():
    told = Told()
    told.market.look_at_clock(CLOSES_NS)
    told.step("determined", result="yes", settlement_value="1.0000", at=CLOSES_NS + 1)
    told.row(status="disputed", result="yes", at=CLOSES_NS + 2)
    assert told.of("InstrumentClose") == []
    told.row(status="amended", result="no", at=CLOSES_NS + 3)
    for at in (4, 5):
        told.step("settled", at=CLOSES_NS + at)
        told.row(status="finalized", result="no", settlement_ts="2026-10-03T21:45:20Z", at=CLOSES_NS + at)
    closes = [(one.instrument_id, str(one.close_price)) for one in told.of("InstrumentClose")]
    assert closes == [(YES, "0.0000"), (NO, "1.0000")]
    said = [(one.payout, one.is_disputed, one.is_final) for one in told.of("MarketResolution")]
    assert said == [(1, False, False), (1, True, False), (0, False, False), (0, False, True)]


def test_a_void_market_pays_both_sides_a_part_and_an_unusable_result_waits():
    told = Told()
    told.market.look_at_clock(CLOSES_NS)
    with pytest.raises(ValueError, match="scalar"):
        told.step("determined", result="scalar", at=CLOSES_NS + 1)
    told.row(status="finalized", result="", at=CLOSES_NS + 2)
    assert told.of("InstrumentClose") == []
    told = Told()
    value = Decimal("0.4321")
    told.row(status="finalized", result="scalar", settlement_value_dollars=value, at=CLOSES_NS + 3)
    assert [str(one.close_price) for one in told.of("InstrumentClose")] == ["0.4321", "0.5679"]


def test_a_payout_finer_than_a_price_is_refused_before_anything_is_told():
    told = Told()
    with pytest.raises(ValueError, match="4 digits"):
        told.row(
            status="finalized", result="scalar", settlement_value_dollars=Decimal("0.33333"), at=CLOSES_NS + 3
        )
    assert (told.of("MarketResolution"), told.market.is_settled) == ([], False)
    assert closes_of(told.market.pair, _final(Decimal("0.5")))


def _final(payout):
    told = Told()
    told.row(status="finalized", result="scalar", settlement_value_dollars=payout, at=CLOSES_NS + 1)
    return told.of("MarketResolution")[0]


def test_opening_pause_and_shard_pause_are_phases_and_statuses():
    told = Told("statuses")
    told.step("deactivated")
    told.step("activated")
    told.market.note_shard(NOW, is_paused=True)
    told.market.note_shard(NOW, is_paused=True)
    told.market.note_shard(NOW, is_paused=False)
    told.market.look_at_clock(CLOSES_NS)
    phases = [one.phase for one in told.of("MarketPhase")]
    assert phases == [Phase.OPEN, Phase.PAUSED, Phase.OPEN, Phase.PAUSED, Phase.OPEN, Phase.CLOSED]
    actions = [one.action for one in told.of("InstrumentStatus", YES)]
    assert actions == [
        MarketStatusAction.TRADING,
        MarketStatusAction.PAUSE,
        MarketStatusAction.TRADING,
        MarketStatusAction.PAUSE,
        MarketStatusAction.TRADING,
        MarketStatusAction.CLOSE,
    ]


def test_a_market_that_is_not_open_yet_opens_by_the_clock():
    told = Told(status="initialized")
    opens_ns = time_ns(OPENS)
    assert told.market.next_due_ns() == opens_ns
    told.market.look_at_clock(opens_ns - 1)
    told.market.look_at_clock(opens_ns)
    assert [one.phase for one in told.of("MarketPhase")] == [Phase.PENDING, Phase.OPEN]
    assert told.market.next_due_ns() == CLOSES_NS


def test_a_moved_close_is_told_and_opens_no_market_that_waits_or_pauses():
    later = CLOSES_NS // 10**9 + 60
    for status, phase in (("initialized", Phase.PENDING), ("inactive", Phase.PAUSED), ("active", Phase.OPEN)):
        told = Told(status=status)
        told.step("close_date_updated", close_ts=later)
        assert [(one.phase, one.closes_ns) for one in told.of("MarketPhase")] == [
            (phase, CLOSES_NS),
            (phase, later * 10**9),
        ]


def test_a_closed_market_opens_again_when_its_close_moves_past_now():
    told = Told()
    told.market.look_at_clock(CLOSES_NS)
    told.step("close_date_updated", close_ts=CLOSES_NS // 10**9 + 60, at=CLOSES_NS + 5)
    assert [one.phase for one in told.of("MarketPhase")] == [Phase.OPEN, Phase.CLOSED, Phase.OPEN]


def test_a_state_that_is_new_to_us_is_never_guessed():
    told = Told()
    told.items.clear()
    told.row(status="hibernating")
    assert told.items == []


def test_a_book_that_the_ticker_contradicts_is_in_doubt_until_one_agrees():
    told = Told("quotes")
    told.snapshot()
    told.delta("yes", "0.4100", "1.00", clock=3, ts_ms=NOW // 10**6 + 50)
    told.market.book.flush()
    told.items.clear()
    for at_secs, bid in ((1, "0.4200"), (2, "0.4300"), (3, "0.4100"), (4, "0.4100")):
        told.market.book.take_ticker(Ticker(T, bid, "0.6000", ts_ms=NOW // 10**6 + at_secs * 1000))
        told.market.judge_book(NOW + (at_secs + 3) * 10**9)
    doubts = [item.data for item in told.items]
    assert [(one.is_over, one.ts_init - NOW) for one in doubts] == [(False, 4 * 10**9), (True, 6 * 10**9)]
    assert "the venue's 0.4200/0.6000" in doubts[0].reason


def test_a_new_book_ends_the_doubt_of_the_one_before():
    told = Told("quotes")
    told.snapshot()
    told.delta("yes", "0.4100", "1.00", clock=3, ts_ms=NOW // 10**6 + 50)
    told.market.book.flush()
    told.market.book.take_ticker(Ticker(T, "0.4200", "0.6000", ts_ms=NOW // 10**6 + 60))
    told.market.judge_book(NOW + 3 * 10**9)
    told.items.clear()
    told.snapshot()
    told.market.judge_book(NOW + 4 * 10**9)
    assert [
        item.data.is_over for item in told.items if isinstance(getattr(item, "data", None), BookDoubt)
    ] == [True]


def test_the_ticker_is_compared_with_the_book_and_no_price_of_it_is_told(caplog):
    told = Told("quotes")
    told.snapshot()
    told.delta("yes", "0.4100", "1.00", clock=3, ts_ms=NOW // 10**6 + 50)
    told.market.book.flush()
    told.items.clear()
    for at_ms, bid in ((20, "0.4000"), (60, "0.4100"), (70, "0.4200")):
        ticker = Ticker(T, bid, "0.6000", ts_ms=NOW // 10**6 + at_ms)
        told.market.book.take_ticker(ticker)
    told.market.judge_book(NOW + 10**9)
    assert told.counts["tickers_compared"] == 0
    assert told.items == []
    told.market.judge_book(NOW + 3 * 10**9)
    assert (told.counts["tickers_compared"], told.counts["tickers_differing"]) == (3, 1)
    assert [type(item.data) for item in told.items] == [BookDoubt]
