"""What the adapter makes of recorded bytes; `ARGONAUT_ALL_DATA=1` reads every recording."""

import json
import os
from decimal import Decimal
from itertools import groupby

import pyarrow as pa
import pytest
from nautilus_trader.model import CustomData, InstrumentId, OrderBookDelta, QuoteTick, RecordFlag, TradeTick

from adapters.kalshi.history import coinbase_settlement, read_recordings
from adapters.kalshi.messages.market_data import OrderbookDelta, OrderbookSnapshot
from adapters.kalshi.messages.recordings import Control, decode_raw
from adapters.kalshi.parsing import BookBuilder
from markets.facts import DataGap, MarketResolution

ALL = bool(os.environ.get("ARGONAUT_ALL_DATA"))
BOOKS = "real/kalshi_btc15m_l2"
# Deltas and groups as counted by an independent replay with exact decimals.
SESSIONS = {
    "20260511T121730Z": (55_798, 36_338, 678),
    "20260513T125900Z": (43_620, 27_987, 860),
    "20260513T152200Z": (69_265, 45_967, 664),
    "20260513T154100Z": (59_652, 39_229, 472),
    "20260513T161000Z": (64_448, 43_652, 482),
    "20260513T162600Z": (62_332, 46_300, 428),
    "20260513T164000Z": (37_822, 27_090, 439),
    "20260513T171200Z": (44_112, 31_108, 388),
    "20260513T172200Z": (49_289, 33_542, 415),
    "20260513T173700Z": (40_691, 28_039, 432),
    "20260513T180800Z": (40_009, 25_847, 461),
    "20260513T181900Z": (52_685, 35_124, 589),
    "20260513T202034Z": (76_647, 51_147, 856),
    "20260513T211949Z": (76_861, 54_201, 861),
    "20260513T222021Z": (62_899, 44_160, 771),
}
SOME = ("20260513T125900Z", "20260513T164000Z", "20260513T180800Z")
RAW = (
    "btc15m_20260513T1522Z_two_markets",
    "btc15m_20260513T1541Z_two_markets",
    "btc15m_20260513T1556Z_two_markets",
    "btc15m_20260513T1610Z_two_markets",
    "btc15m_20260513T1626Z_two_markets",
    "btc15m_20260513T1640Z_two_markets",
    "btc15m_20260515T2132Z_reconnects",
)


def facts(session, kind):
    return [one.data for one in session.data if isinstance(one, CustomData) and isinstance(one.data, kind)]


@pytest.mark.parametrize("name", list(SESSIONS) if ALL else SOME)
def test_a_recorded_session_is_rebuilt_without_a_fault(data, name):
    (session,) = read_recordings([data / BOOKS / f"{name}.kalshi_ws.ndjson.zst"], strict=True)
    counts = session.counts
    assert (counts["orderbook_delta"], counts["groups"], counts["ticker"]) == SESSIONS[name]
    assert (counts["sequence_gaps"], counts["negative_levels"], counts["crossed_at_group_end"]) == (0, 0, 0)
    assert (session.problems, counts["skipped"]) == ((), 0)
    assert session.ticker.compared == counts["ticker"]
    assert session.ticker.differing == ()
    assert [gap.reason for gap in facts(session, DataGap)] == ["the recording ends"]

    times = [one.ts_init for one in session.data]
    assert times == sorted(times)
    for one in session.instruments:
        assert one.activation_ns <= one.ts_init < one.expiration_ns
    for _, deltas in groupby(
        (o for o in session.data if isinstance(o, OrderBookDelta)), lambda o: o.instrument_id
    ):
        assert list(deltas)[-1].flags & RecordFlag.F_LAST.value

    results = {fact.market: fact.payout for fact in facts(session, MarketResolution)}
    settled = [one for one in coinbase_settlement(session) if one.market in results]
    assert settled
    assert [one.payout for one in settled] == [results[one.market] for one in settled]


def test_markets_that_go_on_in_the_next_session_are_told_once(data):
    names = ("20260513T152200Z", "20260513T154100Z")
    first, second = read_recordings([data / BOOKS / f"{name}.kalshi_ws.ndjson.zst" for name in names])
    market = "KXBTC15M-26MAY131145-45"
    assert [fact.market for fact in facts(first, MarketResolution)] == ["KXBTC15M-26MAY131130-30"]
    assert market in [fact.market for fact in facts(second, MarketResolution)]
    (gap,) = [gap for gap in facts(first, DataGap) if gap.market == market]
    quote = next(one for one in second.data if isinstance(one, QuoteTick))
    assert gap.until_ns == quote.ts_init < next(one for one in second.instruments).expiration_ns


def raw_lines(path):
    with pa.input_stream(str(path), compression="gzip") as stream:
        return stream.read().splitlines()


def checkpoint(book):
    """The book in the oracle's words."""
    yes, no = sum(book.bids.values()), sum(book.asks.values())
    return {
        "best_yes": f"{max(book.bids) / 10_000:.4f}" if yes else "None",
        "best_no": f"{1 - min(book.asks) / 10_000:.4f}" if no else "None",
        "yes_levels": str(len(book.bids)),
        "no_levels": str(len(book.asks)),
        "yes_total": f"{yes / 100:.2f}" if yes else "0",
        "no_total": f"{no / 100:.2f}" if no else "0",
    }


@pytest.mark.parametrize("name", RAW if ALL else RAW[-2:])
def test_the_book_is_the_oracles_at_every_checkpoint(data, name):
    oracle = (data / "kalshi/ws/btc15m_expected_checkpoints.jsonl").read_text().splitlines()
    rows = [row for row in map(json.loads, oracle) if row["file"].startswith(name) and "seq" in row]
    due = {(row["connection"], row["seq"]): row for row in rows}
    book, connection, checked = BookBuilder(InstrumentId.from_str("A-YES.KALSHI")), -1, 0
    for line in raw_lines(data / f"kalshi/ws/{name}.jsonl.gz"):
        recv_ns, frame = decode_raw(line)
        if isinstance(frame, Control):
            connection += frame.kind == "ws_connected"
        elif isinstance(frame.msg, OrderbookSnapshot):
            book.take_snapshot(frame.msg, recv_ns)
        elif isinstance(frame.msg, OrderbookDelta):
            book.take_delta(frame.msg, recv_ns)
        if not isinstance(frame, Control) and (row := due.get((connection, frame.seq))):
            ours = checkpoint(book)
            assert ours == {key: str(row[key]) for key in ours}
            checked += 1
    assert checked == len(due) > 10


def test_reconnections_and_stalls_are_gaps(data):
    (session,) = read_recordings([data / "kalshi/ws/btc15m_20260515T2132Z_reconnects.jsonl.gz"], strict=True)
    gaps = [(round((gap.until_ns - gap.ts_init) / 1e9), gap.reason) for gap in facts(session, DataGap)]
    again = "the socket was connected again"
    assert gaps == [(27, again), (5, again), (49, again), (777, "the recording ends")]
    assert (session.counts["sequence_gaps"], session.ticker.compared, session.ticker.differing) == (
        0,
        766,
        (),
    )


def test_a_subscription_of_many_markets_has_one_sequence(data):
    (session,) = read_recordings([data / "kalshi/ws/kxbtc_20260418_raw_frames.jsonl"])
    assert (session.counts["sequence_gaps"], session.counts["control"]) == (0, 5)
    assert len(session.problems) == 8
    assert all("announced" in problem.reason for problem in session.problems)


@pytest.mark.parametrize(
    ("source", "trades", "markets", "results"),
    [
        ("real/kalshi_crypto15m_trades_2026-04/KXETH15M_first50.jsonl.zst", 36_150, 50, 0),
        ("real/kalshi_weather_2025/kxhighmia_2025-02.trades.jsonl.zst", 27_097, 159, 159),
    ],
)
def test_trade_dumps_of_both_generations(data, source, trades, markets, results):
    (session,) = read_recordings([data / source], strict=True)
    ticks = [one for one in session.data if isinstance(one, TradeTick)]
    assert len(ticks) == session.counts["trade"] == trades
    assert len(session.instruments) == 2 * markets
    paid = {fact.market: fact.payout for fact in facts(session, MarketResolution)}
    assert len(paid) == results
    last = {one.instrument_id.symbol.value.removesuffix("-YES"): one.price.as_decimal() for one in ticks}
    assert sum(abs(last[market] - payout) < Decimal("0.5") for market, payout in paid.items()) >= 0.95 * len(
        paid
    )
    windows = {one.id: (one.activation_ns, one.expiration_ns) for one in session.instruments}
    inside = sum(
        windows[one.instrument_id][0] <= one.ts_init < windows[one.instrument_id][1] for one in ticks
    )
    assert inside == trades
