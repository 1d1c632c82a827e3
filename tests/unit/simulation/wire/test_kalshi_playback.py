"""Recorded sessions played into the books, and what our orders make of them."""

import asyncio
import json
from decimal import Decimal

import zstandard
from kalshi_stage import Engine, data_file

from simulation.wire.kalshi_playback import Playback
from simulation.wire.kalshi_recordings import load_recording
from simulation.wire.kalshi_units import count_text, price_text

TICKER = "KXBTC15M-26MAY131245-45"


def line(kind, recv_ns=1, **body):
    return json.dumps({"recv_ns": recv_ns, "frame": {"type": kind, "sid": 2, "seq": 1, "msg": body}})


def delta(side, price, size, ts):
    return line("orderbook_delta", market_ticker=TICKER, price_dollars=price, delta_fp=size, side=side, ts=ts)


SMALL = [
    line("orderbook_snapshot", market_ticker=TICKER, yes_dollars_fp=[["0.4000", "10.00"]],
         no_dollars_fp=[["0.5000", "10.00"]]),
    delta("yes", "0.4500", "5.00", "a"),
    delta("yes", "0.5200", "5.00", "b"), delta("no", "0.5000", "-10.00", "b"), delta("no", "0.4500", "3.00", "b"),
]  # fmt: skip


def small(tmp_path, engine, lines=SMALL):
    path = tmp_path / "small.jsonl"
    path.write_text("\n".join(lines))
    return Playback(engine.double.control, load_recording(path), speed=0)


def test_a_recorded_group_is_one_action_and_its_inside_may_cross(tmp_path):
    engine = Engine()
    playback = small(tmp_path, engine)
    asyncio.run(playback.run())
    book = engine.double.exchange.markets[TICKER].book
    assert [(price_text(p), count_text(s)) for p, s in book.yes_levels()] == [
        ("0.4000", "10.00"), ("0.4500", "5.00"), ("0.5200", "5.00"),
    ]  # fmt: skip
    assert book.no_levels() == [(4500, 300)]
    assert (playback.report.groups, playback.report.deltas) == (2, 4)
    assert engine.double.audit() == []


def test_our_resting_order_fills_when_the_recording_comes_through_it(tmp_path):
    engine = Engine()
    playback = small(tmp_path, engine)
    messages = list(playback.messages)
    playback.feed(messages[0])
    order = engine.double.control.trade_as("alice", TICKER, "ask", "0.48", "7")[0]
    for message in messages[1:]:
        playback.feed(message)
    playback.flush()
    assert (order.filled, order.remaining, order.maker_cost) == (500, 200, 500 * 5200)
    assert engine.double.audit() == []


def test_what_we_take_from_a_level_cannot_be_taken_again(tmp_path):
    engine = Engine()
    playback = small(tmp_path, engine)
    messages = list(playback.messages)
    playback.feed(messages[0])
    order = engine.double.control.trade_as("alice", TICKER, "bid", "0.50", "8")[0]
    assert order.filled == 800
    for message in messages[1:]:
        playback.feed(message)
    playback.flush()
    assert engine.double.exchange.markets[TICKER].book.no_levels() == [(4500, 300)]
    assert engine.double.audit() == []


def test_lines_of_our_own_recorder_carry_the_no_levels_in_yes_prices(tmp_path):
    lines = [json.loads(text) | {"epoch": 1, "venue": "KALSHI"} for text in SMALL[:1]]
    lines[0]["frame"]["msg"]["no_dollars_fp"] = [["0.5000", "10.00"], ["0.4500", "4.00"]]
    change = json.loads(delta("no", "0.4500", "-4.00", "a")) | {"epoch": 1, "venue": "KALSHI"}
    engine = Engine()
    asyncio.run(small(tmp_path, engine, [json.dumps(one) for one in (*lines, change)]).run())
    book = engine.double.exchange.markets[TICKER].book
    assert [(price_text(p), count_text(s)) for p, s in book.no_levels()] == [("0.5000", "10.00")]
    assert engine.double.audit() == []


def life(kind, recv_ns=1, **body):
    return line(
        "market_lifecycle_v2", recv_ns, event_type=kind, market_ticker=TICKER, exchange_index=2, **body
    )


BORN = life("created", open_ts=100, close_ts=1000,
            additional_metadata={"strike_type": "greater_or_equal", "floor_strike": 68000.5, "name": "x"})  # fmt: skip


def test_a_market_is_listed_with_the_terms_its_creation_stated_and_ends_as_recorded(tmp_path):
    engine = Engine()
    playback = small(tmp_path, engine, [BORN, *SMALL, life("determined", result="no")])
    asyncio.run(playback.run())
    market = engine.double.exchange.markets[TICKER]
    assert market.facts == {"strike_type": "greater_or_equal", "floor_strike": 68000.5}
    assert playback.results == {TICKER: "no"}
    assert playback.report.markets == [TICKER]


def test_recorded_prints_and_index_values_are_told_again_with_the_times_of_now(tmp_path):
    engine, heard = Engine(), []
    engine.double.exchange.listeners.append(heard.append)
    print_ = line("trade", market_ticker=TICKER, yes_price_dollars="0.4500", count_fp="3.00", taker_side="no")
    index = line(
        "cfbenchmarks_value", index_id="BRTI", received_at=1, avg_60s_data={"value": "68000.10", "window_start_ts_ms": 0},
        data='{"type":"value","id":"BRTI","time":0,"value":"68000.12"}',
    )  # fmt: skip
    playback = small(tmp_path, engine, [*SMALL, print_, index])
    asyncio.run(playback.run())
    (trade,) = [trade for notice in heard for trade in getattr(notice, "trades", ())]
    assert (price_text(trade.price), count_text(trade.count), trade.taker_is_bid) == ("0.4500", "3.00", False)
    (value,) = [notice for notice in heard if hasattr(notice, "index_id")]
    now_ns = engine.double.exchange.now_ns()
    assert (value.index_id, value.value, value.at_ns) == ("BRTI", "68000.12", now_ns - 1)
    assert value.average["window_start_ts_ms"] == (now_ns - 1) // 1_000_000
    assert (playback.report.trades, playback.report.indices) == (1, 1)
    assert engine.double.audit() == []


def note(control, info, recv_ns=1):
    return json.dumps({"recv_ns": recv_ns, "epoch": 0, "venue": "KALSHI", "control": control, "info": info})


ROW = {"ticker": TICKER, "event_ticker": "KXBTC15M-X", "open_time": "2026-05-13T16:30:00Z",
       "close_time": "2026-05-13T16:45:00Z", "strike_type": "greater_or_equal", "floor_strike": "68000.5"}  # fmt: skip


def test_a_folder_of_our_own_recorder_lists_markets_as_rest_told_and_ends_them_so(tmp_path):
    lines = [
        note("recording", {"schema": 1, "run": "r", "part": 1}),
        note("shards", [1]),
        note("listing", {"market": ROW, "facts": {}}, 1778689800_000000000),
        *SMALL,
        note("row", ROW | {"result": "yes"}),
    ]
    for number, part in enumerate((lines[:4], lines[4:]), 1):
        packed = zstandard.compress(("\n".join(part) + "\n").encode())
        (tmp_path / f"KALSHI-00000{number}.frames.zst").write_bytes(packed)
    engine = Engine()
    playback = Playback(engine.double.control, load_recording(tmp_path), speed=0)
    asyncio.run(playback.run())
    market = engine.double.exchange.markets[TICKER]
    assert (market.event.ticker, market.facts["floor_strike"]) == ("KXBTC15M-X", 68000.5)
    assert playback.results == {TICKER: "yes"}
    assert len(market.book.yes_levels()) == 3


def _agrees(engine, row):
    book = engine.double.exchange.markets[row["market_ticker"]].book
    yes, no = book.yes_levels(), book.no_levels()
    assert [price_text(side[-1][0]) if side else "None" for side in (yes, no)] == [
        row["best_yes"],
        row["best_no"],
    ]
    assert (len(yes), len(no)) == (row["yes_levels"], row["no_levels"])
    totals = [Decimal(sum(size for _, size in side)) / 100 for side in (yes, no)]
    assert totals == [Decimal(row["yes_total"]), Decimal(row["no_total"])]
    return 1


def test_a_whole_session_agrees_with_every_published_checkpoint():
    name = "btc15m_20260513T1640Z_two_markets.jsonl.gz"
    rows = map(json.loads, data_file("kalshi/ws/btc15m_expected_checkpoints.jsonl").read_text().splitlines())
    checks = {(row["connection"], row["seq"]): row for row in rows if row["file"] == name and "seq" in row}
    engine = Engine()
    playback = Playback(engine.double.control, [], speed=0)
    connection, seq, found = -1, 0, 0
    for message in load_recording(data_file(f"kalshi/ws/{name}")):
        playback.feed(message)
        if message.kind == "ws_connected":
            connection, seq = connection + 1, 0
        seq += message.kind.startswith("orderbook")
        row = checks.pop((connection, seq), None) if message.kind.startswith("orderbook") else None
        if row is not None:
            playback.flush()
            found += _agrees(engine, row)
    assert found > 10
    assert playback.results[TICKER] == "yes"
    assert engine.double.audit() == []


def test_the_flat_recorder_format_is_read_too():
    path = data_file("real/kalshi_btc15m_l2/20260513T125900Z.kalshi_ws.ndjson.zst")
    engine = Engine()
    playback = Playback(engine.double.control, [], speed=0)
    for number, message in enumerate(load_recording(path)):
        playback.feed(message)
        if number > 4000:
            break
    playback.flush()
    assert len(playback.report.markets) == 2
    assert engine.double.audit() == []


def test_played_over_the_wire_at_a_speed_the_reader_sees_every_delta(rehearse, tmp_path):
    async def work(stage):
        lines = [
            json.dumps(json.loads(text) | {"recv_ns": 1 + number * 200_000_000})
            for number, text in enumerate(SMALL)
        ]
        (tmp_path / "timed.jsonl").write_text("\n".join(lines))
        playback = Playback(stage.double.control, load_recording(tmp_path / "timed.jsonl"), speed=10)
        task = stage.double.start_playback(playback)
        await asyncio.sleep(0)
        reader = await stage.alice.subscribe("orderbook_delta", tickers=(TICKER,))
        await task
        rows = await reader.rest()
        assert [row["type"] for row in reader.frames + rows].count("orderbook_snapshot") >= 1
        assert rows[-1]["msg"]["price_dollars"] == "0.4500"
        assert len({row["msg"]["clock"] for row in rows[-3:]}) == 1, (
            "a group stays whole though its parts came apart"
        )

    rehearse(work)
