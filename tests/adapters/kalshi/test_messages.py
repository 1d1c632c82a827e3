from decimal import Decimal
from importlib import import_module
from pkgutil import iter_modules

import msgspec
import pytest

from adapters.kalshi import messages
from adapters.kalshi.messages.market_data import OrderbookDelta, OrderbookSnapshot, Trade
from adapters.kalshi.messages.numbers import (
    price_steps,
    scale_steps,
    size_lots,
    time_ns,
)
from adapters.kalshi.messages.queries import Query
from adapters.kalshi.messages.recordings import Control, decode_flat, decode_raw, decode_trade, shape_of

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("price", "steps"),
    [("0.5600", 5600), (56, 5600), ("0.001", 10), ("0.010000", 100), ("0.9999", 9999), (1, 100)],
)
def test_text_is_dollars_and_a_number_is_cents(price, steps):
    assert price_steps(price) == steps


@pytest.mark.parametrize(
    "price", ["0.0000", "1.0000", "1.01", 0, 100, -5, "-0.5", "0.00005", "1e-2", "", ".5", "\u0660.\u0665"]
)
def test_what_no_contract_can_cost_is_refused(price):
    with pytest.raises(ValueError, match="expected"):
        price_steps(price)


def test_an_empty_side_is_on_the_scale():
    assert (scale_steps("0.0000"), scale_steps("1.0000"), scale_steps(100)) == (0, 10_000, 10_000)


@pytest.mark.parametrize(
    ("size", "lots"),
    [("10.00", 1000), (10, 1000), ("-26.93", -2693), ("0.01", 1), ("3", 300), ("1.5000", 150)],
)
def test_sizes_are_counted_in_lots(size, lots):
    assert size_lots(size) == lots


@pytest.mark.parametrize("size", ["1.005", "ten", "1,000.00", "+5", "--1", "NaN", "Infinity", ""])
def test_a_broken_size_is_refused(size):
    with pytest.raises(ValueError, match="expected"):
        size_lots(size)


@pytest.mark.parametrize(
    ("text", "nanos"),
    [
        ("1970-01-01T00:00:01Z", SECOND),
        ("1970-01-01T00:00:00.5Z", SECOND // 2),
        ("1970-01-01T00:00:00.000001+00:00", 1000),
        ("2026-05-30T00:05:19.147391Z", 1_780_099_519_147_391_000),
    ],
)
def test_times_have_any_number_of_decimals(text, nanos):
    assert time_ns(text) == nanos


@pytest.mark.parametrize(
    "text", ["2026-05-30T00:05:19", "2026-05-30T00:05:19-04:00", "2026-13-30T00:05:19Z", ""]
)
def test_a_time_that_is_not_utc_is_refused(text):
    with pytest.raises(ValueError, match=r"expected|must be"):
        time_ns(text)


def test_a_snapshot_of_any_generation_shows_its_levels():
    new = msgspec.json.decode(
        b'{"market_ticker":"M","yes_dollars_fp":[["0.0800","300.00"]],"clock":0,"new_key":1}',
        type=OrderbookSnapshot,
    )
    old = msgspec.json.decode(b'{"market_ticker":"M","yes":[[8,300]],"no":null}', type=OrderbookSnapshot)
    for snapshot in (new, old):
        assert [(price_steps(p), size_lots(s)) for p, s in snapshot.levels("yes")] == [(800, 30_000)]
        assert snapshot.levels("no") == ()


def test_a_raw_frame_comes_with_its_place_in_the_sequence():
    line = (
        b'{"recv_ns":7,"frame":{"sid":2,"seq":9,"type":"orderbook_delta","msg":'
        b'{"market_ticker":"M","side":"no","price_dollars":"0.0400","delta_fp":"-26.93","ts_ms":5}}}'
    )
    recv_ns, frame = decode_raw(line)
    assert (recv_ns, frame.sid, frame.seq) == (7, 2, 9)
    assert frame.msg == OrderbookDelta("M", "no", price_dollars="0.0400", delta_fp="-26.93", ts_ms=5)


def test_a_flat_line_says_the_same():
    line = (
        b'{"channel":"orderbook_delta","event_type":"orderbook_delta","local_recv_ns":7,"sequence_number":9,'
        b'"payload_json":{"market_ticker":"M","side":"no","price_dollars":"0.0400","price_cents":4,"delta_fp":"-26.93"}}'
    )
    recv_ns, frame = decode_flat(line)
    assert (recv_ns, frame.sid, frame.seq) == (7, None, 9)
    assert frame.msg == OrderbookDelta("M", "no", price_dollars="0.0400", delta_fp="-26.93")


def test_an_unknown_kind_of_frame_still_counts_in_the_sequence():
    _, frame = decode_raw(
        b'{"recv_ns":7,"frame":{"type":"event_lifecycle","sid":3,"seq":12,"msg":{"a":[1]}}}'
    )
    assert frame == Control("event_lifecycle", None, 12, 3)


def test_a_recorders_note_is_told_from_a_frame():
    _, note = decode_flat(
        b'{"event_type":"watch_market","local_recv_ns":7,"payload_json":{"market_ticker":"M","strike":81087.33}}'
    )
    assert note.info.strike == Decimal("81087.33")
    assert decode_raw(b'{"recv_ns":7,"control":"ws_connected","info":{}}')[1].kind == "ws_connected"


@pytest.mark.parametrize(
    "line",
    [
        b'{"recv_ns":7,"frame":{"type":"orderbook_delta","sid":2,"seq":9,"msg":{"market_ticker":"M","side":"maybe"}}}',
        b'{"recv_ns":7,"frame":{"type":"orderbook_delta","sid":2,"seq":9,"msg":{"market_ticker":4,"side":"no"}}}',
        b'{"recv_ns":7,"frame":{"sid":2}}',
        b'{"recv_ns":7,"fra',
        b"[]",
        b"\xff\xfe",
    ],
)
def test_a_malformed_line_is_an_error_and_never_another_kind(line):
    with pytest.raises((msgspec.MsgspecError, ValueError)):
        decode_raw(line)


def test_a_dumped_trade_of_any_generation_is_a_frame():
    new = (
        b'{"count_fp":"8.94","created_time":"2026-09-26T22:52:42.728645Z","is_block_trade":false,'
        b'"no_price_dollars":"0.2300","taker_book_side":"bid","taker_outcome_side":"yes","taker_side":"yes",'
        b'"ticker":"KXBTC15M-26SEP261900-00","trade_id":"0723a045","yes_price_dollars":"0.7700"}'
    )
    recv_ns, frame = decode_trade(new)
    assert recv_ns == frame.msg.happened_ns == time_ns("2026-09-26T22:52:42.728645Z")
    assert frame.msg.market == "KXBTC15M-26SEP261900-00"
    with pytest.raises(ValueError, match="expected a time"):
        decode_trade(b'{"trade_id":"1","ticker":"M","yes_price":4,"count":1}')
    with pytest.raises(ValueError, match="name its market"):
        assert Trade("1").market


@pytest.mark.parametrize(
    ("line", "shape"),
    [
        (b'{"event_type":"ticker","local_recv_ns":1}', "flat"),
        (b'{"recv_ns":1,"frame":{}}', "raw"),
        (b'{"recv_ns":1,"control":"x"}', "raw"),
        (b'{"trade_id":"a","ticker":"M","yes_price":4}', "trades"),
        (b'{"trade_id":"a","local_recv_ns":1,"price":81117.21}', None),
        (b'{"file":"a","seq":1}', None),
    ],
)
def test_a_line_tells_its_kind_of_recording(line, shape):
    assert shape_of(line) == shape


def test_messages_are_frozen_and_ignore_what_they_do_not_know():
    modules = [import_module(f"{messages.__name__}.{one.name}") for one in iter_modules(messages.__path__)]
    own = [
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__module__ == module.__name__
    ]
    assert len(own) > 100
    assert all(kind.__struct_config__.frozen for kind in own)
    strict = {kind for kind in own if kind.__struct_config__.forbid_unknown_fields}
    assert strict == {kind for kind in own if issubclass(kind, Query)}  # a question is ours, not the venue's
