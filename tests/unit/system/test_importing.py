import hashlib
import json
import os
from decimal import Decimal
from pathlib import Path

import pytest
from nautilus_trader.model import Price, Quantity, QuoteTick
from typer.testing import CliRunner

from adapters.kalshi.history import BadRecording, Problem, Session, TickerCheck
from markets.facts import MarketResolution, Method, OraclePrice
from markets.instruments import MarketTerms, PriceRange, make_pair
from storage.coverage import coverage
from storage.errors import Overlap
from storage.reading import CatalogReader
from system import importing
from system.cli import app
from system.importing import import_kalshi

DATA = Path(os.environ.get("ARGONAUT_DATA", Path(__file__).parents[3] / "../shared/data")).resolve()
SESSION = DATA / "real/kalshi_btc15m_l2/20260511T121730Z.kalshi_ws.ndjson.zst"
START = 1_790_000_000_000_000_000


def make_session(number, problems=()):
    """One market with two quotes, and an oracle price that comes while the next session is recorded."""
    at = START + number * 100
    pair = make_pair(
        MarketTerms(
            market="KXBTC15M-A-15",
            venue="KALSHI",
            series="KXBTC15M",
            event="KXBTC15M-A",
            title="A toy market",
            opens_ns=START,
            closes_ns=START + 900,
            known_ns=at,
            price_ranges=(PriceRange(Decimal(0), Decimal(1), Decimal("0.01")),),
            fees=(),
        )
    )
    bid, ask = Price.from_decimal_dp(Decimal("0.4"), 4), Price.from_decimal_dp(Decimal("0.5"), 4)
    size = Quantity.from_decimal_dp(Decimal(1), 2)
    oracle = [
        OraclePrice(
            ts_event=known,
            ts_init=known,
            source="COINBASE",
            symbol="BTC-USD",
            value=Decimal(7),
            method=Method.SPOT,
        ).as_data()
        for known in (at, at + 150)
    ]
    quotes = [QuoteTick(pair.yes.id, bid, ask, size, size, known, known) for known in (at, at + 50)]
    return Session(
        name=f"session {number}",
        instruments=(pair.yes, pair.no),
        data=[*quotes, *oracle],
        problems=tuple(problems),
        counts={"lines": 10, "quotes": 2},
        ticker=TickerCheck(compared=4, differing=(f"at {number}",)),
    )


@pytest.fixture
def history(monkeypatch, tmp_path):
    """A folder with one recording, and the sessions that reading it gives; an error in the list is raised."""
    told = [make_session(1), make_session(2, [Problem("b.ndjson.zst", 3, "not JSON")])]

    def read(sources, *, strict=False, on_bytes=None):
        for session in told:
            if isinstance(session, Exception):
                raise session
            if on_bytes:
                on_bytes(5)
            yield session

    monkeypatch.setattr(importing, "read_recordings", read)
    return told


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "recordings" / "20260511T121730Z.kalshi_ws.ndjson"
    path.parent.mkdir()
    path.write_text('{"event_type": "ws_connected", "local_recv_ns": 1}\n')
    return path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def fingerprint(root):
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "/"
        for path in sorted(root.rglob("*"))
    }


def test_sessions_are_stored_and_counted_together(history, recording, tmp_path):
    heard = []
    result = import_kalshi([recording], tmp_path / "catalog", progress=heard.append)
    assert [(one.name, one.messages, one.instruments, one.problems) for one in result.sessions] == [
        ("session 1", 10, 2, 0),
        ("session 2", 10, 0, 1),
    ]
    assert result.rows == {"OraclePrice": 4, "QuoteTick": 4}
    assert result.problems == (Problem("b.ndjson.zst", 3, "not JSON"),)
    assert result.ticker == TickerCheck(compared=8, differing=("at 1", "at 2"))
    assert (result.messages, heard) == (20, [5, 5])
    held = coverage(tmp_path / "catalog")
    assert {kind: rows for kind, rows in held.rows.items() if kind != "BinaryOption"} == result.rows


def test_importing_twice_is_refused_and_changes_nothing(history, recording, tmp_path):
    catalog = tmp_path / "catalog"
    import_kalshi([recording], catalog)
    before = fingerprint(catalog)
    with pytest.raises(Overlap):
        import_kalshi([recording], catalog)
    again = run("import", "kalshi-recording", recording, "--catalog", catalog)
    assert again.exit_code == 2
    assert again.stdout == ""
    assert "error: expected QuoteTick of KXBTC15M-A-15-YES.KALSHI outside of" in again.stderr
    assert "Traceback" not in again.stderr
    assert fingerprint(catalog) == before


def test_a_bad_recording_half_way_stores_nothing(history, recording, tmp_path):
    history.append(BadRecording(Problem("c.ndjson.zst", 7, "not JSON")))
    told = run("import", "kalshi-recording", recording, "--catalog", tmp_path / "catalog", "--strict")
    assert (told.exit_code, told.stdout) == (2, "")
    assert "error: c.ndjson.zst:7: not JSON" in told.stderr
    assert not (tmp_path / "catalog").exists()


def test_a_failure_that_is_not_the_recordings_ends_with_another_code(history, recording, tmp_path):
    history.append(OSError("No space left on device"))
    told = run("import", "kalshi-recording", recording, "--catalog", tmp_path / "catalog")
    assert (told.exit_code, told.stdout) == (3, "")
    assert "error: No space left on device" in told.stderr


def test_sources_without_recordings_are_refused(history, recording, tmp_path):
    history.clear()
    with pytest.raises(FileNotFoundError, match="expected recordings in"):
        import_kalshi([recording], tmp_path / "catalog")
    nowhere = run("import", "kalshi-recording", tmp_path / "nowhere", "--catalog", tmp_path / "catalog")
    assert nowhere.exit_code == 2
    assert not (tmp_path / "catalog").exists()


def test_json_is_all_that_stdout_gets(history, recording, tmp_path):
    told = run("import", "kalshi-recording", recording, "--catalog", tmp_path / "catalog", "--json")
    assert told.exit_code == 0
    result = json.loads(told.stdout)
    assert result["rows"] == {"OraclePrice": 4, "QuoteTick": 4}
    assert result["problems"] == [{"file": "b.ndjson.zst", "line": 3, "reason": "not JSON"}]
    assert result["messages_per_sec"] > 0
    held = run("catalog", "coverage", "--catalog", tmp_path / "catalog", "--json")
    assert json.loads(held.stdout)["totals"]["markets"] == 1


def test_a_reader_gets_tables(history, recording, tmp_path):
    told = run("import", "kalshi-recording", recording, "--catalog", tmp_path / "catalog")
    assert told.exit_code == 0
    assert "session 2" in told.stdout
    assert "b.ndjson.zst:3" in told.stdout
    held = run("catalog", "coverage", "--catalog", tmp_path / "catalog")
    assert held.exit_code == 0
    assert "OraclePrice" in held.stdout


def test_a_missing_catalog_is_told_in_one_line_that_names_what_fills_it(tmp_path):
    told = run("catalog", "coverage", "--catalog", tmp_path / "nowhere")
    assert (told.exit_code, told.stdout) == (2, "")
    assert "argonaut import kalshi-recording" in told.stderr
    assert told.stderr.count("\n") == 1


@pytest.mark.skipif(not SESSION.exists(), reason=f"no recorded session at {SESSION}")
def test_a_recorded_session_goes_in_and_comes_out_the_same(tmp_path):
    catalog = tmp_path / "catalog"
    result = import_kalshi([SESSION], catalog, strict=True)
    (session,) = importing.read_recordings([SESSION])
    reader = CatalogReader(catalog)
    window = reader.window(reader.first_ns, reader.last_ns + 1)
    for rows in (window.deltas, window.quotes, window.trades):
        for name, found in rows.items():
            kind = type(found[0])
            assert found == [one for one in session.data if type(one) is kind and one.instrument_id == name]
    assert sum(result.rows.values()) == len(session.data)
    assert result.rows["OrderBookDelta"] == sum(len(found) for found in window.deltas.values())
    assert len(reader.instruments()) == len(session.instruments)
    assert coverage(catalog).evidence == ("recording",)
    assert [fact for fact in window.facts if isinstance(fact.data, MarketResolution)]
    before = fingerprint(catalog)
    with pytest.raises(Overlap):
        import_kalshi([SESSION], catalog)
    assert fingerprint(catalog) == before
