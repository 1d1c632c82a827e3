"""The twin test: what a book intends in a sandbox, it intends in the replay of what the sandbox heard."""

import asyncio
import json
from decimal import Decimal
from itertools import dropwhile, groupby

import pytest
import twin_sessions
from twin_stage import Sandbox, replay, twins, write_results

from simulation.wire.kalshi_recordings import load_recording
from storage.reading import CatalogReader
from system.importing import import_kalshi

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


def quotes_of(messages):
    """Return the best prices after each matching action of a recording of ours, from the first that has both."""
    levels, quotes, action = {}, [], None
    for one in messages:
        if one.kind not in ("orderbook_snapshot", "orderbook_delta"):
            continue
        if action != (action := one.body["clock"]):
            quotes.append((max(levels.get("yes") or {"": 0}), min(levels.get("no") or {"": 0})))
        if one.kind == "orderbook_snapshot":
            levels = {side: dict(one.body.get(f"{side}_dollars_fp") or ()) for side in ("yes", "no")}
            continue
        side, price = levels[one.body["side"]], one.body["price_dollars"]
        left = Decimal(side.pop(price, 0)) + Decimal(one.body["delta_fp"])
        if left:
            side[price] = str(left)
    changes = [one for one, _ in groupby(quotes)]
    return list(dropwhile(lambda one: not all(one), changes))


def test_a_recording_of_ours_that_is_played_back_gives_the_same_quotes(tmp_path, monkeypatch):
    session = twin_sessions.made_up(600, 630)
    ticker = session[0][0].body["market_ticker"]
    raw = book("SYNBTC15M", f"kalshi:{ticker}:YES", write_results(tmp_path, session[1]), speed=15)
    messages, told, heard = session[0], [], []
    for name, speed in (("first", 15), ("again", 1)):
        (folder := tmp_path / name).mkdir()
        sandbox = Sandbox(raw | {"strategies": []}, folder, monkeypatch, speed, session[1])
        asyncio.run(sandbox.play(messages))
        kept = list(load_recording(folder / "recordings" / "twin" / "raw"))
        messages = sorted(kept, key=lambda one: one.kind != "listing")
        told.append(quotes_of(kept))
        import_kalshi([folder / "recordings"], folder / "catalog", strict=True)
        (quotes,) = CatalogReader(folder / "catalog").window(0, 2**63 - 1).quotes.values()
        heard.append({(f"{one.bid_price}", f"{one.ask_price}") for one in quotes if one.ask_price < 1})
    assert len(told[0]) > 30
    assert told[1] == told[0]
    assert set(told[0]) <= heard[0] & heard[1]
