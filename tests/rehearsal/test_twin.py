"""The twin test: what a book intends in a sandbox, it intends in the replay of what the sandbox heard."""

import json
from decimal import Decimal

import pytest
import twin_sessions
from twin_stage import replay, twins, write_results

TOLD = ("strategy_id", "instrument_id", "order_side", "price", "quantity", "time_in_force", "post_only")
FILLED = ("strategy_id", "instrument_id", "order_side", "last_px", "last_qty", "commission", "liquidity_side")


EVERYONE = {"edge-1", "quote-2", "coin-3", "kelly-4", "leak-5"}


def book(series, kelly_on, stolen, speed):
    """Return every shipped strategy in one book, with its times at the speed of the playback."""
    of = {"series": f"kalshi:{series}-*"}
    index = of | {"oracle_symbol": "BRTI", "oracle_source": "CFBENCHMARKS", "half_life_secs": 60 / speed}

    def one(path, name, **config):
        return {"strategy": f"strategies.{path}", "id": name, "config": config}

    return {
        "name": "twin",
        "instruments": [f"kalshi:{series}-*"],
        "strategies": [
            one("digital_edge:DigitalEdge", "edge-1", **index, min_edge=Decimal("0.01"), bankroll=1000,
                max_stake=100, cooldown_secs=2 / speed, stop_secs=2 / speed),
            one("passive_quote:PassiveQuote", "quote-2", **index, margin=Decimal("0.02"), contracts=10,
                max_contracts=50, stop_secs=10 / speed),
            one("coin_flip:CoinFlip", "coin-3", **of, seed=1, wait_secs=5 / speed),
            one("kelly:Kelly", "kelly-4", instrument_id=kelly_on, probability=0.9, bankroll=500),
            one("oracle_leak:OracleLeak", "leak-5", **of, catalog=stolen),
        ],
        "risk": [
            {"rule": "risk.rules.sanity:PriceOnGrid", "config": {}},
            {"rule": "risk.rules.sanity:SufficientBalance", "config": {}},
            {"rule": "risk.rules.exposure:MaxStakePerOutcome", "config": {"limit": 150}},
        ],
        "simulation": {"latency_ms": 0},
        "backtest": {"starting_usd": {"KALSHI": 2000}},
        "live": {"venues": ["KALSHI"], "settings": {"KALSHI": {"indices": ["BRTI"]}}},
    }  # fmt: skip


def told(file, kind, names):
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    wanted = [one for one in lines if one["event"] == kind and one["client_order_id"] != "EXPIRATION-"]
    return [tuple(one.get(name) for name in names) for one in wanted]


def must_be_twins(folder, sandbox, again):
    intents = [told(folder / f"{name}.jsonl", "OrderInitialized", TOLD) for name in ("sandbox", "backtest")]
    assert intents[0] == intents[1]
    fills = [told(folder / f"{name}.jsonl", "OrderFilled", FILLED) for name in ("sandbox", "backtest")]
    assert fills[0] == fills[1]
    assert sandbox.facts.ledger_net_usd == again.facts.ledger_net_usd
    return intents[0], fills[0]


def test_a_made_up_session_makes_the_same_orders_in_both(tmp_path, monkeypatch):
    session = twin_sessions.made_up(780, 960)
    ticker = session[0][0].body["market_ticker"]
    raw = book("SYNBTC15M", f"kalshi:{ticker}:YES", write_results(tmp_path, session[1]), speed=15)
    both = twins(raw, tmp_path, monkeypatch, session, speed=15)
    intents, fills = must_be_twins(tmp_path, *both)
    assert {one[0] for one in intents} == EVERYONE
    assert len(intents) > 20
    assert {(one.is_taker, one.evidence) for one in both[0].fills} == {(True, "B"), (False, "C")}
    assert {one[-1] for one in fills} == {"TAKER", "MAKER"}
    slow = raw | {"simulation": {"latency_ms": 400}}
    replay(slow, tmp_path)
    assert told(tmp_path / "backtest.jsonl", "OrderFilled", FILLED) != fills


def test_an_excerpt_of_a_real_recording_makes_the_same_orders_in_both(tmp_path, monkeypatch):
    if not twin_sessions.REAL.exists():
        pytest.skip(f"no real recording at {twin_sessions.REAL}")
    session = twin_sessions.real("20260511T121730Z", 700, 860)
    ticker = session[0][0].body["market_ticker"]
    raw = book("KXBTC15M", f"kalshi:{ticker}:NO", write_results(tmp_path, session[1]), speed=8)
    intents, fills = must_be_twins(tmp_path, *twins(raw, tmp_path, monkeypatch, session, speed=8))
    assert {one[0] for one in intents} == EVERYONE
    assert len(intents) > 10
    assert fills
