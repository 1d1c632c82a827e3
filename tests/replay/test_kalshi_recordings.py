"""The whole way on bytes that the venue sent: recording, catalog, replay, settlement."""

import json
import os
from decimal import Decimal
from pathlib import Path

import pytest
from tapes import book, run, strategy

from adapters.kalshi.history import coinbase_settlement, read_recordings
from research.profit import measure_profit
from storage.catalog import CatalogWriter
from storage.reading import CatalogReader

DATA = Path(os.environ.get("ARGONAUT_DATA", Path(__file__).parents[3] / "shared/data"))
FOLDER = DATA / "real/kalshi_btc15m_l2"
SERIES = "kalshi:KXBTC15M-*"

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"no recordings at {FOLDER}")


@pytest.fixture(scope="module")
def sessions():
    return list(read_recordings([FOLDER], strict=True))


@pytest.fixture(scope="module")
def catalog(sessions, tmp_path_factory):
    root = tmp_path_factory.mktemp("kalshi") / "catalog"
    with CatalogWriter(root) as writer:
        for session in sessions:
            writer.write(session.instruments, session.data)
    return CatalogReader(root)


@pytest.fixture(scope="module")
def results():
    rows = json.loads((FOLDER / "markets.json").read_bytes())
    return {f"{row['ticker']}.KALSHI": row["result"] for row in rows if row["result"]}


@pytest.fixture(scope="module")
def record(catalog):
    acts = [(secs, "take", 1) for secs in range(1, 900, 20)]
    sides = [
        strategy("acting:Actor", f"{side.lower()}-{n}", series=SERIES, outcome=side, acts=acts)
        for n, side in enumerate(("YES", "NO"))
    ]
    return run(catalog, book(*sides, risk=[], instruments=[SERIES]))


def test_every_market_with_an_official_result_settles_at_it(record, results):
    assert {outcome.market: outcome.payout for outcome in record.outcomes} == {
        market: Decimal(result == "yes") for market, result in results.items()
    }
    assert len(record.outcomes) == 22
    paid = {
        (end.market, end.instrument.rpartition("-")[2].partition(".")[0]): end.payout
        for end in record.settlements
    }
    assert len({market for market, _ in paid}) >= 20
    for (market, side), payout in paid.items():
        assert payout == Decimal(results[market] == side.lower())


def test_the_books_of_a_real_replay_balance_and_its_fills_explain_them(record):
    assert record.facts.ledger_conserved
    assert measure_profit(record).reconciles
    assert {fill.evidence for fill in record.fills} == {"B"}


def test_coinbase_alone_gives_the_official_result_wherever_it_was_recorded(sessions, results):
    found = {
        f"{one.market}.KALSHI": one
        for session in sessions
        for one in coinbase_settlement(session)
        if one.payout is not None
    }
    differing = {
        market: one
        for market, one in found.items()
        if results.get(market) and one.payout != Decimal(results[market] == "yes")
    }
    assert len(found.keys() & results.keys()) >= 14
    assert differing == {}


def test_the_same_recordings_replayed_twice_leave_one_fingerprint(catalog):
    raw = book(
        strategy(
            "strategies.digital_edge:DigitalEdge", "edge-1",
            series=SERIES, oracle_source="COINBASE", min_edge=Decimal("0.03"), bankroll=1000, max_stake=50,
        ),
        instruments=[SERIES],
    )  # fmt: skip
    until_ns = catalog.first_ns + 900_000_000_000
    first, second = (run(catalog, raw, end_ns=until_ns).facts.event_log_sha256 for _ in range(2))
    assert first == second
