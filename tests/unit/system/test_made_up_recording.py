import json
from collections import Counter
from decimal import Decimal

import pytest
from nautilus_trader.model import OrderBookDelta, TradeTick
from typer.testing import CliRunner

from simulation.generator import GeneratorSettings, generate
from simulation.messages import levels_after
from simulation.wire.kalshi import KalshiDouble
from simulation.wire.kalshi_playback import Playback
from simulation.wire.kalshi_recordings import load_recording
from simulation.wire.kalshi_settings import KalshiSettings
from simulation.wire.kalshi_units import count_text, price_text
from system.cli import app
from system.made_up_recording import frames_of, write_recording

QUIET = GeneratorSettings(markets=2, events_per_second=0.5)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    file = tmp_path_factory.mktemp("made_up") / "session.jsonl.gz"
    assert write_recording(file, QUIET, lambda done: None) > 1000
    return file


def test_a_made_up_recording_says_so_first_and_is_in_order(recording):
    messages = list(load_recording(recording))
    assert (messages[0].kind, messages[0].body["source"]) == ("recording", "SYNTHETIC")
    times = [message.recv_ns for message in messages]
    assert times == sorted(times)
    kinds = Counter(message.kind for message in messages)
    assert set(kinds) == {
        *("recording", "orderbook_snapshot", "orderbook_delta", "trade", "cfbenchmarks_value"),
        "market_lifecycle_v2",
    }
    assert kinds["market_lifecycle_v2"] == 4  # born and determined, twice


def test_played_into_the_double_it_leaves_the_book_of_the_tape():
    tape = next(generate(QUIET))
    double = KalshiDouble(KalshiSettings(), seed=1, now_ns=lambda: 10**18)
    playback = Playback(double.control, [], speed=0)
    until = len(tape.data) // 2
    half = type(tape)(tape.instruments, tape.data[:until])
    for at_ns, (kind, body) in frames_of(half):
        playback.feed(_recorded(at_ns, kind, body))
    playback.flush()
    (ticker,) = playback.report.markets
    book = double.exchange.markets[ticker].book
    levels = levels_after(row for row in half.data if isinstance(row, OrderBookDelta))
    bids = {
        (str(price), f"{size.as_decimal():.2f}")
        for (side, price), size in levels.items()
        if side.name == "BUY"
    }
    assert {(price_text(price), count_text(size)) for price, size in book.yes_levels()} == bids
    trades = [row for row in half.data if isinstance(row, TradeTick)]
    assert playback.report.trades == len(trades) > 0
    assert double.audit() == []


def _recorded(at_ns, kind, body):
    line = json.loads(json.dumps({"recv_ns": at_ns, "frame": {"type": kind, "msg": body}}, default=str))
    from simulation.wire.kalshi_recordings import Recorded

    return Recorded(at_ns, kind, line["frame"]["msg"])


def test_each_index_value_carries_the_mean_of_its_last_minute(recording):
    last = [one for one in load_recording(recording) if one.kind == "cfbenchmarks_value"][-1].body
    value, average = Decimal(json.loads(last["data"])["value"]), last["avg_60s_data"]
    assert abs(value - Decimal(average["value"])) < value / 100
    assert average["window_start_ts_ms"] > average["window_end_ts_exclusive"] - 60_001


def test_a_book_that_makes_nothing_up_is_refused(tmp_path):
    (tmp_path / "book.toml").write_text('name = "x"\ninstruments = []\nstrategies = []\nrisk = []\n')
    answer = CliRunner().invoke(app, ["make-up", str(tmp_path / "book.toml"), str(tmp_path / "x.jsonl.gz")])
    assert answer.exit_code == 2
    assert "synthetic" in answer.stderr
    assert not (tmp_path / "x.jsonl.gz").exists()
