import os
import subprocess
import sys
from pathlib import Path

import pytest

from system.book import BadBook, Live, read_book
from system.loading import load
from system.modes import Locked, check_locks, double_addresses, trader_id_of
from system.node_plan import NodePlan

HOUSE = Path(__file__).parents[3]
OPEN = Live(["KALSHI"], mode="live")
KEY = {"ARGONAUT_LIVE": "fed-LIVE"}
BOOK = """
name = "fed"
instruments = ["kalshi:KXFED-*"]
strategies = []
risk = []
[live]
venues = ["KALSHI"]
mode = "{mode}"
"""


def test_all_locks_open_let_a_book_trade():
    check_locks("live", "fed", OPEN, KEY)


@pytest.mark.parametrize("mode", ["sandbox", "rehearsal"])
def test_no_lock_keeps_a_book_from_what_costs_nothing(mode):
    check_locks(mode, "fed", Live(["KALSHI"]), {})


@pytest.mark.parametrize("environ", [{}, {"ARGONAUT_LIVE": "1"}, {"ARGONAUT_LIVE": "fed-SANDBOX"}])
def test_the_environment_must_name_the_trader(environ):
    with pytest.raises(Locked, match="ARGONAUT_LIVE=fed-LIVE"):
        check_locks("live", "fed", OPEN, environ)


@pytest.mark.parametrize("said", ["sandbox", "rehearsal"])
def test_the_book_itself_must_say_live(said):
    with pytest.raises(Locked, match=r'mode = "live" in \[live\]'):
        check_locks("live", "fed", Live(["KALSHI"], mode=said), KEY)


def start(tmp_path, *options, mode="live", **environ):
    book = tmp_path / "fed.toml"
    book.write_text(BOOK.format(mode=mode))
    command = [
        sys.executable,
        "-m",
        "system.node_process",
        str(book),
        *options,
        "--out",
        str(tmp_path / "runs"),
    ]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ARGONAUT", "KALSHI"))}
    return subprocess.run(
        command, cwd=HOUSE, env=clean | environ, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    ("options", "mode", "environ", "found"),
    [
        ((), "live", KEY, "--mode"),
        (("--mode", "live"), "sandbox", KEY, 'expected mode = "live"'),
        (("--mode", "live"), "live", {}, "ARGONAUT_LIVE=fed-LIVE"),
    ],
    ids=["not typed", "not in the book", "not in the environment"],
)
def test_a_process_with_a_closed_lock_ends_with_code_2_and_says_which(
    tmp_path, options, mode, environ, found
):
    ended = start(tmp_path, *options, mode=mode, **environ)
    assert ended.returncode == 2
    assert found in ended.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("name", ["fed", "Fed decision.2", "fed-decision"])
def test_the_traders_name_ends_with_the_mode_alone(name):
    assert trader_id_of(name, "sandbox").rpartition("-")[2] == "SANDBOX"


DOUBLE = {
    "ARGONAUT_KALSHI_REST_URL": "http://127.0.0.1:1/trade-api/v2",
    "ARGONAUT_KALSHI_SOCKET_URL": "ws://127.0.0.1:1/trade-api/ws/v2",
}


def test_a_double_is_found_in_the_environment():
    assert double_addresses("KALSHI", "sandbox", {}) == {}
    found = {
        "rest_url": DOUBLE["ARGONAUT_KALSHI_REST_URL"],
        "socket_url": DOUBLE["ARGONAUT_KALSHI_SOCKET_URL"],
    }
    assert double_addresses("KALSHI", "rehearsal", DOUBLE) == found


@pytest.mark.parametrize(
    ("mode", "environ"),
    [
        ("rehearsal", {}),
        ("live", DOUBLE),
        ("sandbox", {"ARGONAUT_KALSHI_REST_URL": DOUBLE["ARGONAUT_KALSHI_REST_URL"]}),
        ("rehearsal", DOUBLE | {"ARGONAUT_KALSHI_REST_URL": "https://external-api.kalshi.com/trade-api/v2"}),
    ],
    ids=["a rehearsal without a double", "live with one", "half of one", "an address elsewhere"],
)
def test_addresses_that_cannot_be_a_doubles_are_refused(mode, environ):
    with pytest.raises(BadBook):
        double_addresses("KALSHI", mode, environ)


@pytest.mark.parametrize(
    ("address", "is_double"),
    [("http://127.0.0.1:1/trade-api/v2", True), ("https://external-api.kalshi.com/trade-api/v2", False)],
)
def test_a_venue_on_this_machine_is_a_double_whoever_named_it(address, is_double):
    settings = f'settings = {{ KALSHI = {{ rest_url = "{address}" }} }}'
    book = load(read_book(BOOK.format(mode="live") + settings))
    assert NodePlan(book=book, mode="live", environ={}).is_against_double is is_double
    environ = {} if is_double else DOUBLE
    assert NodePlan(book=book, mode="sandbox", environ=environ).is_against_double
