import json
from collections import Counter

import pytest
from nautilus_trader.model import CustomData, OrderBookDelta, QuoteTick, TradeTick

from adapters.kalshi.history import (
    BadRecording,
    Problem,
    coinbase_settlement,
    find_recordings,
    read_recordings,
)
from adapters.kalshi.messages.numbers import time_ns
from markets.facts import DataGap, MarketPhase, MarketResolution, Phase

MARKET, OTHER = "KXBTC15M-26MAY131245-45", "KXBTC15M-26MAY131300-00"
CLOSES_NS = time_ns("2026-05-13T16:45:00Z")
START_NS = 1_778_690_000_000_000_000
TO_CLOSE = (CLOSES_NS - START_NS) / 1e9  # 700 s


def at_ns(seconds):
    return START_NS + round(seconds * 1e9)


def facts(session, kind):
    return [one.data for one in session.data if isinstance(one, CustomData) and isinstance(one.data, kind)]


def quotes(session):
    return [
        (one.ts_init, f"{one.bid_price}/{one.ask_price}")
        for one in session.data
        if isinstance(one, QuoteTick)
    ]


def gaps(session):
    return [(gap.market, gap.ts_init, gap.until_ns, gap.reason) for gap in facts(session, DataGap)]


def begin(recorder, at=0.0):
    recorder.watch(at)
    recorder.connect(at)
    recorder.snapshot(at, [["0.4000", "10.00"]], [["0.5500", "5.00"]])


def end(recorder):
    """The burst after the close, the ticker of an empty book, the empty snapshot."""
    recorder.delta(TO_CLOSE + 0.5, "yes", "0.4000", "-10.00", ts="2026-05-13T16:45:00.5Z")
    recorder.delta(TO_CLOSE + 0.6, "no", "0.5500", "-5.00", ts="2026-05-13T16:45:00.6Z")
    recorder.ticker(TO_CLOSE + 0.7, "0.0000", "1.0000", "2026-05-13T16:45:00.7Z")
    recorder.snapshot(TO_CLOSE + 6.0)


def fill_up(recorder, until=TO_CLOSE):
    """Quiet tickers, so that the socket is not silent."""
    for at in range(20, int(until), 20):
        recorder.line(at, frame={"type": "pong", "sid": 1})
        recorder.ticker(at, "0.4000", "0.4500", "2026-05-13T16:33:20.1Z")


def only(source, **options):
    (session,) = read_recordings([source], **options)
    return session


def test_the_burst_after_a_close_is_a_cleared_book_and_not_a_gap(recorder):
    begin(recorder)
    fill_up(recorder)
    end(recorder)
    session = only(recorder.save())
    assert session.name == "20260513T163320Z"
    assert session.problems == ()
    assert gaps(session) == []
    assert quotes(session) == [
        (at_ns(0), "0.4000/0.4500"),
        (at_ns(TO_CLOSE + 0.5), "0.0000/0.4500"),
        (at_ns(TO_CLOSE + 0.6), "0.0000/1.0000"),
        (at_ns(TO_CLOSE + 6), "0.0000/1.0000"),
    ]
    phases = [(fact.phase, fact.ts_event, fact.ts_init) for fact in facts(session, MarketPhase)]
    opened = (Phase.OPEN, CLOSES_NS - 900 * 10**9, at_ns(0))
    assert phases == [opened, (Phase.CLOSED, CLOSES_NS, CLOSES_NS)]
    assert [str(one.id) for one in session.instruments] == [f"{MARKET}-YES.KALSHI", f"{MARKET}-NO.KALSHI"]
    assert [one.ts_init for one in session.data] == sorted(one.ts_init for one in session.data)
    assert session.ticker.compared == session.counts["ticker"] == 35
    assert session.ticker.differing == ()
    assert session.counts["empty_snapshots"] == 1
    assert session.counts["groups"] == 2


def test_a_ticker_between_two_deltas_of_one_action_does_not_end_it(recorder):
    begin(recorder)
    recorder.delta(1, "yes", "0.4600", "1.00")
    recorder.ticker(1.1, "0.4000", "0.4500", "2026-05-13T16:33:20Z")
    recorder.delta(1.2, "no", "0.5500", "-5.00")
    session = only(recorder.save())
    assert (session.counts["groups"], session.counts["crossed_at_group_end"]) == (1, 0)


def test_frames_of_another_market_end_an_action(recorder):
    begin(recorder)
    recorder.watch(0.1, OTHER, "2026-05-13T17:00:00Z")
    recorder.snapshot(0.2, [["0.1000", "1.00"]], [], OTHER)
    recorder.delta(1.0, "yes", "0.4100", "1.00")
    recorder.delta(1.1, "yes", "0.1100", "1.00", market=OTHER)
    recorder.delta(1.2, "yes", "0.4200", "1.00")
    session = only(recorder.save())
    deltas = [one for one in session.data if isinstance(one, OrderBookDelta) and not one.flags & 32]
    assert [(one.ts_init, str(one.order.price)) for one in deltas] == [
        (at_ns(1.0), "0.4100"),
        (at_ns(1.1), "0.1100"),
        (at_ns(1.2), "0.4200"),
    ]
    assert session.counts["groups"] == 3


def test_a_lost_frame_blinds_every_market_of_its_subscription_until_a_snapshot(recorder):
    begin(recorder)
    recorder.watch(0.1, OTHER, "2026-05-13T17:00:00Z")
    recorder.snapshot(0.2, [["0.1000", "1.00"]], [], OTHER)
    recorder.seq += 1
    recorder.delta(5, "yes", "0.4000", "-1.00")
    recorder.snapshot(8, [["0.3900", "1.00"]], [])
    recorder.snapshot(9, [["0.1000", "1.00"]], [], OTHER)
    recorder.delta(10, "yes", "0.3900", "1.00")
    session = only(recorder.save())
    missing = "frames are missing in the sequence"
    assert gaps(session)[:2] == [
        (MARKET, at_ns(0.2), at_ns(8), missing),
        (OTHER, at_ns(0.2), at_ns(9), missing),
    ]
    assert (session.counts["sequence_gaps"], session.counts["skipped"]) == (1, 1)
    assert (at_ns(0.2), "0.0000/1.0000") in quotes(session)
    assert (at_ns(8), "0.3900/1.0000") in quotes(session)


def test_answers_and_unknown_frames_count_in_the_sequence(recorder):
    begin(recorder)
    recorder.frame(1, "ok", market_tickers=[MARKET])
    recorder.delta(2, "yes", "0.4000", "1.00")
    session = only(recorder.save())
    assert session.counts["sequence_gaps"] == 0


def test_a_new_connection_is_a_gap_and_a_new_sequence(recorder):
    begin(recorder)
    recorder.delta(3, "yes", "0.4000", "1.00")
    recorder.connect(9)
    recorder.snapshot(10, [["0.4000", "4.00"]], [["0.5500", "5.00"]])
    session = only(recorder.save())
    assert gaps(session)[0] == (MARKET, at_ns(3), at_ns(10), "the socket was connected again")
    assert session.counts["sequence_gaps"] == 0


def test_a_silent_socket_is_a_gap_after_which_the_book_is_whole_again(recorder):
    begin(recorder)
    recorder.delta(3, "yes", "0.4000", "1.00")
    recorder.delta(33, "yes", "0.4000", "1.00", ts="2026-05-13T16:33:53Z")
    recorder.delta(64, "yes", "0.3000", "1.00", ts="2026-05-13T16:34:24Z")
    session = only(recorder.save())
    assert gaps(session)[0] == (MARKET, at_ns(33), at_ns(64), "no frame for a while")
    assert quotes(session)[-4:-1] == [
        (at_ns(33), "0.4000/0.4500"),
        (at_ns(33), "0.0000/1.0000"),
        (at_ns(64), "0.4000/0.4500"),
    ]
    assert session.ticker.differing == ()


def test_after_the_last_frame_nothing_is_known_until_the_next_recording(recorder, new_recorder):
    begin(recorder)
    begin(later := new_recorder(), 60)
    first, second = read_recordings([recorder.save("1.jsonl"), later.save("2.jsonl.gz")])
    assert gaps(first) == [(MARKET, at_ns(0), at_ns(60), "the recording ends")]
    assert gaps(second) == [(MARKET, at_ns(60), CLOSES_NS, "the recording ends")]
    assert [fact.phase for fact in facts(first, MarketPhase)] == [Phase.OPEN]
    assert [fact.phase for fact in facts(second, MarketPhase)] == [Phase.CLOSED]
    assert {one.ts_init for one in (*first.instruments, *second.instruments)} == {at_ns(0)}


def test_sessions_come_as_soon_as_nothing_can_change_them(recorder, new_recorder):
    begin(recorder)
    after = new_recorder()
    after.watch(TO_CLOSE + 60, OTHER, "2026-05-13T17:00:00Z")
    paths = [recorder.save("1.jsonl"), after.save("2.jsonl"), new_recorder().save("3.kalshi_ws.ndjson")]
    sessions = read_recordings(paths)
    assert [next(sessions).name, next(sessions).name, next(sessions).name] == ["1", "2", "3"]


def flat(line):
    plain = json.loads(line)
    if "control" in plain:
        return {
            "event_type": plain["control"],
            "local_recv_ns": plain["recv_ns"],
            "sequence_number": None,
            "payload_json": plain["info"],
        }
    frame = plain["frame"]
    return {
        "channel": frame["type"],
        "event_type": frame["type"],
        "local_recv_ns": plain["recv_ns"],
        "sequence_number": frame.get("seq"),
        "payload_json": frame["msg"],
    }


def write_flat(folder, lines, name="20260513T163320Z"):
    path = folder / f"{name}.kalshi_ws.ndjson"
    path.write_text("".join(f"{json.dumps(flat(line))}\n" for line in lines))
    return path


def test_flat_lines_and_raw_frames_tell_the_same(recorder):
    begin(recorder)
    recorder.delta(1, "yes", "0.4100", "1.00")
    recorder.delta(2, "no", "0.5500", "-1.00", ts="2026-05-13T16:33:22Z")
    raw, other = only(recorder.save()), only(write_flat(recorder.folder, recorder.lines))
    assert [one for one in raw.data if not isinstance(one, CustomData)] == [
        one for one in other.data if not isinstance(one, CustomData)
    ]
    assert raw.counts == other.counts


def test_results_and_spot_prices_lie_beside_a_flat_recording(recorder):
    begin(recorder)
    fill_up(recorder)
    end(recorder)
    recorder.lines = [line for line in recorder.lines if '"pong"' not in line]
    path = write_flat(recorder.folder, recorder.lines)
    row = {"ticker": MARKET, "strike": 79018.84, "result": "yes", "close_time": None, "settlement_ts": None}
    (recorder.folder / "markets.json").write_text(json.dumps([row]))
    spot = {"symbol": "BTC-USD", "trade_id": "1", "price": 79100.75, "local_recv_ns": at_ns(1)}
    times = ("2026-05-13T16:43:59.5+00:00", "2026-05-13T16:45:00+00:00")
    (recorder.folder / "20260513T163320Z.coinbase_trades.ndjson").write_text(
        "".join(json.dumps(spot | {"exchange_ts_utc": time}) + "\n" for time in times)
    )
    session = only(recorder.folder)
    (resolution,) = facts(session, MarketResolution)
    assert (resolution.payout, resolution.ts_init) == (1, CLOSES_NS + 11_500_000_000)
    (check,) = coinbase_settlement(session)
    assert (check.market, check.payout, check.mean_usd == check.strike_usd) == (MARKET, 1, False)
    assert session.counts["spot"] == 2
    assert path.exists()


def test_broken_results_are_a_problem(recorder):
    begin(recorder)
    (recorder.folder / "markets.json").write_text('[{"ticker":')
    session = only(recorder.save())
    assert [(problem.file, problem.line) for problem in session.problems] == [("markets.json", 0)]


def test_a_result_that_names_no_payout_is_a_problem(recorder):
    begin(recorder)
    (recorder.folder / "markets.json").write_text(json.dumps([{"ticker": MARKET, "result": "scalar"}]))
    session = only(recorder.save())
    assert facts(session, MarketResolution) == []
    assert Phase.CLOSED in [fact.phase for fact in facts(session, MarketPhase)]
    assert "found 'scalar'" in session.problems[0].reason


def test_a_malformed_line_is_a_problem_and_its_absence_a_gap(recorder):
    begin(recorder)
    recorder.delta(1, "yes", "0.4000", "1.00")
    recorder.delta(2, "yes", "0.4000", "1.00", ts="2026-05-13T16:33:22Z")
    recorder.delta(3, "yes", "0.4000", "1.00", ts="2026-05-13T16:33:23Z")
    recorder.lines[4] = recorder.lines[4][:-40]
    path = recorder.save()
    session = only(path)
    (problem,) = session.problems
    assert (problem.file, problem.line) == (path.name, 5)
    assert session.counts["sequence_gaps"] == 1
    assert gaps(session)[0][1:3] == (at_ns(1), CLOSES_NS)
    with pytest.raises(BadRecording, match=r"20260513T163320Z.jsonl:5: ") as caught:
        only(path, strict=True)
    assert caught.value.problem == problem


@pytest.mark.parametrize(
    ("change", "reason", "negative"),
    [
        (("yes", "0.4000", "-10.01"), "expected KXBTC15M-26MAY131245-45 to hold at least 1001 lots", 1),
        (("yes", "1.0000", "1.00"), "expected a price in (0, 1) dollars, found '1.0000'", 0),
        (("yes", "0.4000", "NaN"), "expected a plain decimal number, found 'NaN'", 0),
    ],
)
def test_a_delta_that_cannot_be_makes_the_book_unknown(recorder, change, reason, negative):
    begin(recorder)
    recorder.delta(1, *change)
    recorder.delta(2, "yes", "0.4000", "1.00", ts="2026-05-13T16:33:22Z")
    recorder.snapshot(3, [["0.4000", "4.00"]], [["0.5500", "5.00"]])
    session = only(recorder.save())
    (problem,) = session.problems
    assert (problem.line, problem.reason[: len(reason)]) == (4, reason)
    assert session.counts["negative_levels"] == negative
    assert gaps(session)[0] == (MARKET, at_ns(1), at_ns(3), "a delta could not be applied")
    assert session.counts["skipped"] == 1


def test_a_snapshot_that_cannot_be_makes_the_book_unknown(recorder):
    begin(recorder)
    recorder.snapshot(1, [["0.4000", "-1.00"]], [])
    session = only(recorder.save())
    assert gaps(session)[0][1:] == (at_ns(1), CLOSES_NS, "a snapshot could not be read")
    assert len(session.problems) == 1


@pytest.mark.parametrize("ending", ["jsonl.gz", "kalshi_ws.ndjson.gz"])
def test_a_file_that_breaks_off_is_read_up_to_the_break(recorder, ending):
    begin(recorder)
    for number in range(400):
        recorder.delta(
            number / 10, "yes", "0.4000", f"{number * 37 % 991}.00", ts=f"2026-05-13T16:33:20.{number:03}Z"
        )
    if "kalshi" in ending:
        recorder.lines = [json.dumps(flat(line)) for line in recorder.lines]
    whole = only(recorder.save(f"1.{ending}"))
    cut = only(recorder.save(f"2.{ending}", keep_bytes=3000))
    (problem,) = cut.problems
    assert problem.line == cut.counts["lines"] > 50
    assert "broken file" in problem.reason
    assert whole.counts["lines"] == 403
    told = [one for one in cut.data if isinstance(one, OrderBookDelta)][:-1]
    assert told == [one for one in whole.data if isinstance(one, OrderBookDelta)][: len(told)]
    with pytest.raises(BadRecording, match="broken file"):
        only(recorder.folder / f"2.{ending}", strict=True)


def test_a_recording_that_is_broken_from_the_start_is_not_passed_over(tmp_path):
    (tmp_path / "1.kalshi_ws.ndjson.zst").write_bytes(b"no zstd at all")
    session = only(tmp_path)
    assert (session.instruments, session.data, len(session.problems)) == ((), [], 1)


def test_frames_of_a_market_that_nobody_announced_are_a_problem_once(recorder):
    recorder.snapshot(0, [["0.4000", "10.00"]], [])
    recorder.delta(1, "yes", "0.4000", "1.00")
    session = only(path := recorder.save())
    reason = f"expected {MARKET} to be announced before its first frame, found no announcement"
    assert session.problems == (Problem(path.name, 1, reason),)
    assert (session.instruments, session.counts["skipped"]) == ((), 2)


def test_an_announcement_without_a_close_is_a_problem(recorder):
    recorder.watch(0, closes=None)
    assert "close_time" in only(recorder.save()).problems[0].reason


def test_trades_and_lifecycle_on_the_socket(recorder):
    begin(recorder)
    trade = {"trade_id": "a", "market_ticker": MARKET, "yes_price_dollars": "0.4500", "count_fp": "1.00"}
    trade |= {"taker_book_side": "bid", "ts_ms": 1_778_690_001_000}
    recorder.frame(2, "trade", sid=3, **trade)
    recorder.frame(3, "trade", sid=3, **trade | {"trade_id": "b", "is_block_trade": True})
    recorder.seq = 2  # sequences count per sid
    for market in (MARKET, "KXELSE-1"):
        recorder.frame(4, "market_lifecycle_v2", sid=4, market_ticker=market, event_type="deactivated")
    session = only(recorder.save())
    (tick,) = [one for one in session.data if isinstance(one, TradeTick)]
    assert (tick.ts_init, str(tick.price)) == (at_ns(2), "0.4500")
    assert (session.counts["trade"], session.counts["block_trades"], session.problems) == (2, 1, ())
    assert all(one.info["has_trades"] for one in session.instruments)
    assert Phase.PAUSED in [fact.phase for fact in facts(session, MarketPhase)]


NEW = {"trade_id": "a", "yes_price_dollars": "0.4900", "no_price_dollars": "0.5100", "count_fp": "30.00"}
OLD = {"trade_id": "a", "yes_price": 49, "no_price": 51, "count": 30}


@pytest.mark.parametrize("prices", [NEW, OLD])
def test_a_trade_dump_needs_no_more_than_tickers(tmp_path, prices):
    ticker = "KXBTC15M-26APR271445-45"
    trade = {"ticker": ticker, "created_time": "2026-04-27T18:30:01.160462Z", "taker_side": "no", **prices}
    path = tmp_path / "first.jsonl"
    path.write_text(json.dumps(trade) + "\n")
    session = only(path)
    (tick,) = [one for one in session.data if isinstance(one, TradeTick)]
    assert (str(tick.price), str(tick.size), tick.aggressor_side.name) == ("0.4900", "30.00", "SELL")
    assert tick.ts_init == tick.ts_event == time_ns("2026-04-27T18:30:01.160462Z")
    assert {one.info["recorded_as"] for one in session.instruments} == {"trades"}
    assert session.instruments[0].expiration_ns == time_ns("2026-04-27T18:45:00Z")
    assert gaps(session) == []


def test_a_trade_dump_reads_what_the_venue_said_about_its_markets(tmp_path):
    ticker = "KXHIGHNY-25MAR25-T55"
    market = {
        "ticker": ticker, "open_time": "2025-03-24T14:00:00Z", "close_time": "2025-03-26T03:59:00Z", "result": "no",
        "strike_type": "less", "cap_strike": 55, "yes_sub_title": "54 or below", "yes_bid": 0,
    }  # fmt: skip
    event = {"event_ticker": "KXHIGHNY-25MAR25", "series_ticker": "KXHIGHNY", "mutually_exclusive": True}
    trade = {"ticker": ticker, "created_time": "2025-03-24T15:00:00Z", "taker_side": "yes", **OLD}
    (tmp_path / "x.events.jsonl").write_text(json.dumps({"event": event, "markets": [market]}) + "\n")
    lines = [trade, trade | {"ticker": "KXHIGHNY-25MAR25-B99"}, trade | {"ticker": "KXHIGHNY-25MAR25-B99"}]
    (tmp_path / "x.trades.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    session = only(tmp_path)
    assert session.instruments[0].info["cap_strike"] == "55"
    assert [fact.payout for fact in facts(session, MarketResolution)] == [0]
    assert [(problem.line, "B99" in problem.reason) for problem in session.problems] == [(2, True)]
    assert session.counts["skipped"] == 2


def test_the_listener_hears_of_every_byte_once(recorder):
    begin(recorder)
    fill_up(recorder)
    heard = []
    path = recorder.save("1.jsonl.gz")
    only(path, on_bytes=heard.append)
    assert sum(heard) == path.stat().st_size


def test_only_recordings_of_a_folder_are_taken_by_name(recorder):
    begin(recorder)
    names = ["b.jsonl", "a.jsonl.gz", "c.ndjson"]
    for name in names:
        recorder.save(name)
    (recorder.folder / "notes.jsonl").write_text('{"file": "a", "seq": 1}\n')
    (recorder.folder / "d.coinbase_trades.ndjson").write_text(
        '{"local_recv_ns": 1, "trade_id": "a", "price": 1}\n'
    )
    (recorder.folder / "readme.txt").write_text("words")
    found = find_recordings([recorder.folder, recorder.folder / "b.jsonl"])
    assert [path.name for path in found] == sorted(names)


def test_sources_that_hold_no_recording_are_refused(tmp_path):
    (tmp_path / "prices.jsonl").write_text('{"t": 1, "p": 2}\n')
    with pytest.raises(FileNotFoundError, match="nowhere"):
        find_recordings([tmp_path / "nowhere"])
    for source in (tmp_path, tmp_path / "prices.jsonl"):
        with pytest.raises(ValueError, match="expected recorded frames or trades of Kalshi"):
            find_recordings([source])


def test_equal_recordings_give_equal_sessions(recorder):
    begin(recorder)
    recorder.delta(1, "yes", "0.4100", "1.00")
    path = recorder.save()
    assert Counter(map(type, only(path).data)) == Counter(map(type, only(path).data))
    assert quotes(only(path)) == quotes(only(path))
