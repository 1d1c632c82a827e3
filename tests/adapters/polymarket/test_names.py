"""Names of outcomes in books that run at Polymarket: the venue says which ids they stand for."""

import asyncio
import threading
import time
from contextlib import contextmanager

import pytest
from fake_venue import FakeVenue
from typer.testing import CliRunner

from markets.names import outcome_of
from network.errors import NetworkError
from system.book import BadBook
from system.cli import app
from system.naming import spelt_out
from system.node_process import make_plan

NAME = "polymarket:will-it-rain:Yes"
YES, NO = "0xa-11.POLYMARKET", "0xa-12.POLYMARKET"
BOOK = """name = "named"
instruments = ["polymarket:will-it-rain:yes", "polymarket:btc-updown-5m-*"]
risk = [{ rule = "risk.rules.exposure:MaxDeployed", config = { limit = 500 } }]
[[strategies]]
strategy = "strategies.kelly:Kelly"
id = "kelly-1"
config = { instrument_id = "polymarket:will-it-rain:No", probability = 0.6, bankroll = 100 }
[live]
venues = ["POLYMARKET"]
starting_usd = { POLYMARKET = 1000 }
"""


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


@contextmanager
def standing():
    """Run a venue that lists one market, while the caller stands outside of any loop."""
    ready, ended, found = threading.Event(), threading.Event(), {}

    async def serve():
        venue = FakeVenue()
        venue.list(
            {
                "conditionId": "0xa",
                "slug": "will-it-rain",
                "question": "Rain?",
                "clobTokenIds": '["11", "12"]',
                "outcomes": '["Yes", "No"]',
                "endDate": "2030-01-01T00:00:00Z",
            }
        )
        async with venue.running() as base:
            found.update(
                ARGONAUT_POLYMARKET_REST_URL=f"{base}/clob",
                ARGONAUT_POLYMARKET_GAMMA_URL=f"{base}/gamma",
                ARGONAUT_POLYMARKET_DATA_URL=f"{base}/data",
                ARGONAUT_POLYMARKET_SOCKET_URL=base.replace("http", "ws"),
            )
            ready.set()
            while not ended.is_set():
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(30)
        yield found
    finally:
        ended.set()
        thread.join()


def book(*instruments, **config):
    live = {"venues": ["POLYMARKET"], "starting_usd": {"POLYMARKET": 1}}
    strategies = [{"strategy": "s:S", "id": "a-1", "config": config}]
    return {"name": "b", "instruments": [*instruments], "strategies": strategies, "risk": [], "live": live}


def test_names_become_ids_wherever_they_stand_and_nothing_else_changes(tmp_path):
    raw = book(
        NAME, "polymarket:btc-updown-5m-*", one="polymarket:will-it-rain:no", more=[{"two": NAME}], three=NO
    )
    with standing() as environ:
        found = spelt_out(raw, "sandbox", environ, now_ns)
    assert found["instruments"] == [YES, "polymarket:btc-updown-5m-*"]
    assert found["strategies"][0]["config"] == {"one": NO, "more": [{"two": YES}], "three": NO}
    assert {key: found[key] for key in ("name", "risk", "live")} == {
        key: raw[key] for key in ("name", "risk", "live")
    }


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("polymarket:will-it-snow:Yes", "called 'will-it-snow'.*found none: `argonaut markets polymarket"),
        ("polymarket:will-it-rain:Up", "expected an outcome among Yes, No .*found 'Up'"),
    ],
)
def test_a_name_that_is_none_says_what_would_be_one(name, reason):
    with standing() as environ, pytest.raises(BadBook, match=reason):
        spelt_out(book(name), "sandbox", environ, now_ns)


def test_a_venue_whose_ids_are_made_of_names_is_not_asked():
    raw = book("kalshi:KXBTC15M-26OCT031745-45:YES") | {
        "live": {"venues": ["KALSHI"], "starting_usd": {"KALSHI": 1}}
    }
    assert spelt_out(raw, "sandbox", {}, now_ns) == raw
    assert str(outcome_of(raw["instruments"][0])) == "KXBTC15M-26OCT031745-45-YES.KALSHI"


def test_a_book_with_names_is_planned_with_ids_and_passes_the_doctor(tmp_path, monkeypatch):
    file = tmp_path / "book.toml"
    file.write_text(BOOK)
    with standing() as environ:
        plan = make_plan(file, "sandbox", environ)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        words = ["doctor", str(file), "--out", str(tmp_path), "--json"]
        done = CliRunner().invoke(app, words)
    assert plan.book.instruments == [YES, "polymarket:btc-updown-5m-*"]
    assert str(plan.book.strategies[0].config.instrument_id) == NO
    assert '"about": "book"' in done.stdout
    assert '"about": "names"' not in done.stdout


def test_while_nobody_can_be_asked_the_book_waits_and_the_doctor_says_why(tmp_path, monkeypatch):
    file = tmp_path / "book.toml"
    nowhere = "http://127.0.0.1:9"
    kinds = ("REST", "GAMMA", "DATA", "SOCKET")
    environ = {f"ARGONAUT_POLYMARKET_{one}_URL": nowhere for one in kinds}
    file.write_text(BOOK + "[live.settings.POLYMARKET]\nread_attempts = 1\n")
    with pytest.raises(NetworkError):
        make_plan(file, "sandbox", environ)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(app, ["doctor", str(file), "--out", str(tmp_path)])
    assert done.exit_code == 3
    assert "names" in done.stdout
