import asyncio
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec
import pytest

from adapters.kalshi.data.book import QUIET_NS
from adapters.kalshi.data.stream import Followers, MarketStream, parse_index
from adapters.kalshi.messages.frames import decode_frame
from adapters.kalshi.messages.market_data import IndexValue
from adapters.kalshi.websocket.client import Denial, Gap
from markets.facts import Method

T = "KXA-1"


class FakeBook:
    """Remembers what it is told; `crossed` times it will not flush."""

    def __init__(self):
        self.is_known, self.crossed, self.acts = True, 0, []

    def take_delta(self, delta, recv_ns, seq):
        if delta.delta_fp == "-999.00":
            raise ValueError("less than nothing")
        self.acts.append("delta")

    def flush(self):
        if self.crossed:
            self.crossed -= 1
            return False
        self.acts.append("flush")
        return True

    def lose(self, since_ns, now_ns, reason):
        self.acts.append(("lose", since_ns, reason))


@dataclass
class FakeMarket:
    ticker: str = T
    book: FakeBook = field(default_factory=FakeBook)


@pytest.fixture
def stage():
    class Stage:
        now_ns = 500 + QUIET_NS

        def __init__(self):
            self.market, self.renewed, self.lapses, self.told, self.counts = (
                FakeMarket(),
                [],
                [],
                [],
                Counter(),
            )
            followers = Followers(
                renew_book=self.renewed.append,
                on_lifecycle=lambda *_: None,
                on_event=lambda _: None,
                on_fees=lambda *_: None,
                on_lapse=self.lapses.append,
                on_end=lambda *_: None,
            )
            self.stream = MarketStream(
                {T: self.market}, followers, self.told.append, lambda: self.now_ns, self.counts
            )
            self.listener = self.stream.listener()

        def delta(self, change="1.00", at=500, market=T):
            msg = {"market_ticker": market, "side": "yes", "price_dollars": "0.5000", "delta_fp": change}
            frame = {"type": "orderbook_delta", "sid": 1, "seq": 1, "msg": msg}
            self.listener.on_message(decode_frame(msgspec.json.encode(frame)), at, 1)

    return Stage()


async def turns(count):
    for _ in range(count):
        await asyncio.sleep(0)


def test_an_action_is_told_once_the_loop_has_been_quiet_and_not_before(stage):
    async def work():
        stage.delta()
        await turns(2)
        stage.delta()
        await turns(3)
        assert stage.market.book.acts == ["delta", "delta"]
        await turns(4)
        assert stage.market.book.acts == ["delta", "delta", "flush"]

    asyncio.run(work())


def test_what_came_just_now_is_held_however_quiet_the_loop_is(stage):
    async def work():
        stage.now_ns = 500 + QUIET_NS - 1
        stage.delta()
        await turns(50)
        stage.delta(at=500 + QUIET_NS - 1)
        assert stage.market.book.acts == ["delta", "delta"]
        stage.now_ns += QUIET_NS
        await turns(8)
        assert stage.market.book.acts == ["delta", "delta", "flush"]

    asyncio.run(work())


def test_what_comes_later_begins_anew_however_busy_the_loop_was(stage):
    async def work():
        stage.delta(at=500)
        stage.delta(at=500 + QUIET_NS)
        stage.delta(at=501 + 2 * QUIET_NS)
        assert stage.market.book.acts == ["delta", "delta", "flush", "delta"]

    asyncio.run(work())


def test_a_book_frame_of_another_market_ends_an_action(stage):
    async def work():
        stage.delta()
        stage.delta(market="KXA-2")
        assert stage.market.book.acts == ["delta", "flush"]

    asyncio.run(work())


def test_nothing_is_told_while_frames_that_have_arrived_wait_to_be_taken(stage):
    async def work():
        stage.stream.is_behind = lambda: True
        stage.delta()
        await asyncio.sleep(0.05)
        assert stage.market.book.acts == ["delta"]
        stage.stream.is_behind = lambda: False
        async with asyncio.timeout(5):
            while stage.market.book.acts != ["delta", "flush"]:
                await asyncio.sleep(0.001)

    asyncio.run(work())


def test_a_book_that_stays_crossed_is_given_up_and_one_that_recovers_is_not(stage, monkeypatch):
    monkeypatch.setattr("adapters.kalshi.data.stream._CROSSED_SECS", 0.02)

    async def work():
        stage.market.book.crossed = 1
        stage.delta()
        await turns(8)
        stage.delta()
        await turns(8)
        await asyncio.sleep(0.04)
        assert stage.renewed == []
        stage.market.book.crossed = 2
        stage.delta()
        async with asyncio.timeout(2):
            while not stage.renewed:
                await asyncio.sleep(0.005)
        assert stage.market.book.acts[-1][0] == "lose"

    asyncio.run(work())


def test_a_delta_that_cannot_be_costs_the_book_and_asks_for_another(stage):
    async def work():
        stage.delta("-999.00")
        assert stage.market.book.acts == [("lose", 500, "less than nothing")]
        assert stage.renewed == [T]
        await turns(8)

    asyncio.run(work())


def test_deltas_of_strangers_and_of_unknown_books_are_dropped(stage):
    stage.delta(market="KXB-9")
    stage.market.book.is_known = False
    stage.delta()
    assert (stage.market.book.acts, stage.counts["deltas_without_book"]) == ([], 2)


def test_a_gap_blinds_its_books_from_the_last_good_frame_on(stage):
    async def work():
        stage.delta(at=700)
        stage.listener.on_gap(Gap("orderbook_delta", (T, "KXB-9"), "seq", 1))
        assert stage.market.book.acts[-1] == ("lose", 700, "seq")
        stage.listener.on_down(1, "closed")
        assert stage.market.book.acts[-1] == ("lose", 700, "no connection: closed")
        await turns(8)

    asyncio.run(work())


def test_lapses_of_other_channels_are_for_rest_to_mend(stage):
    stage.listener.on_gap(Gap("trade", (T,), "seq", 1))
    stage.listener.on_live("market_lifecycle_v2", 1)
    stage.listener.on_live("trade", 1)
    stage.listener.on_live("trade", 2)
    stage.listener.on_denied(Denial("ticker", (T,), 8, "unknown channel"))
    assert stage.lapses == ["trade", "market_lifecycle_v2", "trade"]
    assert (stage.market.book.acts, stage.counts["denials"]) == ([], 1)


def test_an_index_is_an_oracle_price_at_the_time_of_its_second():
    text = '{"type":"value","id":"BRTI","time":1778690000000,"value":"68000.12"}'
    price = parse_index(
        IndexValue(index_id="BRTI", received_at=1778690000200, data=text), 1_778_690_001 * 10**9
    )
    assert (price.symbol, price.source, price.value) == ("BRTI", "CFBENCHMARKS", Decimal("68000.12"))
    assert (price.ts_event, price.method) == (1_778_690_000 * 10**9, Method.INDEX)
    assert price.identifier == "BRTI.CFBENCHMARKS"


def test_an_index_that_says_something_else_is_counted_and_not_told(stage):
    msg = {"index_id": "BRTI", "received_at": 1, "data": '{"type":"heartbeat"}'}
    frame = {"type": "cfbenchmarks_value", "sid": 3, "seq": 1, "msg": msg}
    stage.listener.on_message(decode_frame(msgspec.json.encode(frame)), 5, 1)
    assert (stage.told, stage.counts["unusable_messages"]) == ([], 1)
