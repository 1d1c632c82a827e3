"""Recorded market streams played into Polymarket's double, and what our orders make of them."""

import json
from pathlib import Path

import pytest
from kalshi_stage import data_file
from polymarket_client import Clock, rehearse
from polymarket_stage import CONDITION, NO, YES

from simulation.wire.polymarket import PolymarketDouble
from simulation.wire.polymarket_desk import PolymarketSettings
from simulation.wire.polymarket_orders import OrderAsk
from simulation.wire.polymarket_playback import Playback
from simulation.wire.polymarket_recordings import Recorded, load_recording
from simulation.wire.polymarket_units import ONE, price_text

OTHER = "0x" + "cd" * 32


def rows(*levels):
    return [{"price": price, "size": size} for price, size in levels]


def book(token, bids, asks, **more):
    return {"event_type": "book", "market": OTHER, "asset_id": token, "bids": rows(*bids), "asks": rows(*asks),
            "tick_size": "0.01", "timestamp": "1", "hash": "x"} | more  # fmt: skip


def change(token, price, size, side):
    row = {"asset_id": token, "price": price, "size": size, "side": side, "hash": "x"}
    return {"event_type": "price_change", "market": OTHER, "timestamp": "2", "price_changes": [row]}


OPENING = [book("333", [("0.4", "10")], [("0.6", "10")]), book("444", [("0.4", "10")], [("0.6", "10")])]


class Session:
    """A double, a recording, and one trader beside it."""

    def __init__(self, *frames):
        self.double = PolymarketDouble(PolymarketSettings(), 7, Clock())
        self.exchange = self.double.exchange
        self.playback = Playback(self.exchange, [], speed=0)
        self.exchange.ledger.deposit("us", 1_000 * ONE)
        for frame in frames:
            self.play(frame)

    def play(self, *events):
        self.playback.feed(Recorded(1, tuple(events)))

    def buy(self, token, price, shares, kind="GTC"):
        ask = OrderAsk(f"0x{len(self.exchange.orders)}", "us", "us", token, True, price, shares * ONE, kind)
        return self.exchange.place(ask)[0]

    def levels(self, token="333"):
        market = self.exchange.markets[OTHER]
        found = [
            self.exchange.books[OTHER].levels(is_yes=market.is_yes(token), is_bid=is_bid)
            for is_bid in (True, False)
        ]
        return [[(price_text(price), size / ONE) for price, size in side] for side in found]


@pytest.fixture
def session():
    opened = Session()
    opened.play(*OPENING)
    return opened


def test_a_recorded_book_is_set_by_both_its_tokens_and_their_changes(session):
    assert session.levels() == [[("0.4", 10)], [("0.6", 10)]]
    session.play(change("444", "0.45", "7", "BUY"))
    session.play(change("333", "0.4", "0", "BUY"))
    assert session.levels() == [[], [("0.6", 10), ("0.55", 7)]]
    assert session.levels("444") == [[("0.4", 10), ("0.45", 7)], []]
    assert session.double.audit() == []


def test_our_order_waits_at_its_price_and_is_filled_when_the_recording_comes_through(session):
    order = session.buy("333", 5_000, 6)
    assert session.levels()[0] == [("0.4", 10), ("0.5", 6)]
    session.play(change("333", "0.49", "4", "SELL"))
    assert (order.matched, order.remaining) == (4 * ONE, 2 * ONE)
    assert session.levels() == [[("0.4", 10), ("0.5", 2)], [("0.6", 10)]]
    session.play(change("333", "0.5", "5", "SELL"))
    assert (order.status, session.levels()[1]) == ("MATCHED", [("0.6", 10), ("0.5", 3)])
    assert session.exchange.ledger.wallet("us").holds("333") == 6 * ONE
    assert session.double.audit() == []


def test_what_we_take_is_back_with_the_levels_next_size_and_prints_move_nothing(session):
    order = session.buy("333", 6_000, 10)
    assert (order.matched, session.levels()[1]) == (10 * ONE, [])
    told = {
        "event_type": "last_trade_price",
        "market": OTHER,
        "asset_id": "444",
        "price": "0.4",
        "size": "3",
        "side": "BUY",
    }
    session.play(told)
    assert session.exchange.markets[OTHER].yes_price == 6_000
    session.play(change("333", "0.6", "9", "SELL"))
    assert session.levels()[1] == [("0.6", 9)]
    assert session.double.audit() == []


def test_ticks_and_results_are_the_recordings_and_a_catalogue_row_names_the_market():
    row = {"event_type": "row", "conditionId": OTHER, "clobTokenIds": '["333", "444"]', "outcomes": '["Up", "Down"]',
           "slug": "btc-updown-5m-1", "question": "Up?"}  # fmt: skip
    session = Session()
    session.play(row)
    session.play(book("444", [("0.03", "10")], []))
    session.play({"event_type": "tick_size_change", "market": OTHER, "asset_id": "444", "old_tick_size": "0.01",
                  "new_tick_size": "0.001"})  # fmt: skip
    market = session.exchange.markets[OTHER]
    assert (market.outcomes, market.about.slug, market.tick) == (("Up", "Down"), "btc-updown-5m-1", 10)
    session.play({"event_type": "market_resolved", "market": OTHER, "winning_asset_id": "444"})
    assert market.winner == "444"
    assert session.playback.report.events == {
        "row": 1,
        "book": 1,
        "tick_size_change": 1,
        "market_resolved": 1,
    }
    assert session.double.audit() == []


def test_the_made_up_stream_with_hashes_gives_the_books_that_it_expects():
    path = data_file("polymarket/synthetic/ws_market_stream_with_hashes.jsonl")
    session = Session()
    lines = path.read_text().splitlines()
    for frame, line in zip(load_recording(path), lines, strict=True):
        session.playback.feed(frame)
        expected = json.loads(line)["expect"]
        [market] = [one for one in session.exchange.markets.values()]
        held = session.exchange.books[market.condition_id]
        bid, ask = held.best(is_bid=True), held.best(is_bid=False)
        assert [price_text(bid), price_text(ask)] == expected["yes"]
    assert session.playback.report.frames == 12
    assert session.double.audit() == []


def test_a_recorded_session_is_streamed_at_the_speed_asked_for(tmp_path):
    lines = [
        {"recv": 100 + number, "frame": frame}
        for number, frame in enumerate([OPENING, change("333", "0.41", "5", "BUY")])
    ]
    path = tmp_path / "session.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))

    async def work(double, alice, _bob):
        double.exchange.now_ns = alice.clock
        playback = Playback(double.exchange, load_recording(path), speed=0)
        await double.start_playback(playback)
        socket = await alice.session.ws_connect(f"{alice.base}/ws/market")
        await socket.send_json({"type": "market", "assets_ids": ["333", "444", YES, NO]})
        books = {row["asset_id"]: row for row in (await socket.receive_json())}
        assert books["333"]["bids"] == rows(("0.4", "10"), ("0.41", "5"))
        assert books["444"]["asks"] == rows(("0.6", "10"), ("0.59", "5"))
        assert playback.pacing.played_secs == 1
        assert CONDITION in double.exchange.markets
        await socket.close()

    rehearse(work)


def test_a_line_of_no_format_is_refused_with_its_place(tmp_path):
    path = Path(tmp_path / "odd.jsonl")
    path.write_text('{"recv": 1, "other": 2}\n')
    with pytest.raises(ValueError, match=r"expected recv and a frame or control in odd.jsonl:1"):
        list(load_recording(path))
