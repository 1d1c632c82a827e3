"""Each card that a venue must answer has a test or a named gap, and a run of them cannot say more than was run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cards import (
    answers,
    gap_of,
    keys_of,
    load_cards,
    load_gaps,
    markers,
    matrix,
    problems,
    problems_of_marker,
)

HOUSE = Path(__file__).parents[2]
CARDS = load_cards()


def test_every_marker_names_cards_and_venues_that_exist():
    wrong = [(place, problem) for place, args in markers() for problem in problems_of_marker(CARDS, args)]
    assert wrong == []


def test_each_card_has_a_test_or_a_named_gap_at_each_venue():
    marked = [key for _, args in markers() for key in keys_of(args)]
    assert list(problems(CARDS, load_gaps(), marked)) == []


def test_the_list_is_whole():
    assert len(CARDS) == 143
    for card in CARDS.values():
        words = {text.partition(":")[0] for text in card.applies.values()}
        assert words <= {"yes", "partly", "no"}
        assert all(text == "yes" or text.partition(": ")[2] for text in card.applies.values())


A, B, NO = "TC-D01", "TC-D03", "TC-D12"  # at kalshi: partly, yes, no
FEW = {card_id: CARDS[card_id] for card_id in (A, B, NO)}
ELSEWHERE = {"polymarket": {"*": "no adapter yet"}, "bybit": {"*": "no adapter yet"}}


@pytest.mark.parametrize(
    ("gaps", "marked", "expected"),
    [
        ({}, [A, B, NO], []),
        ({}, [A, B], ["kalshi TC-D12: neither a test nor a gap"]),
        ({"TC-D1*": "later"}, [A, B], []),
        ({A: "later"}, [A, B, NO], ["kalshi TC-D01: has a test, so the gap is over"]),
        ({A: " "}, [B, NO], ["kalshi TC-D01: a gap without a reason"]),
        ({"TC-D99": "later"}, [A, B, NO], ["kalshi TC-D99: a gap of no card"]),
    ],
)
def test_what_nobody_answers_is_found(gaps, marked, expected):
    keys = [("kalshi", card_id) for card_id in marked]
    assert list(problems(FEW, ELSEWHERE | {"kalshi": gaps}, keys)) == expected


@pytest.mark.parametrize(
    ("args", "is_good"),
    [
        (("kalshi", A), True),
        (("kalshi", A, B), True),
        (("kalshi",), False),
        (("kalshi", None), False),
        (("nowhere", A), False),
        (("kalshi", "TC-D00"), False),
    ],
)
def test_a_marker_with_a_slip_is_refused(args, is_good):
    assert (list(problems_of_marker(FEW, args)) == []) == is_good


def test_the_most_exact_gap_counts():
    gaps = {"kalshi": {"TC-*": "a", "TC-D0*": "b", A: "c"}}
    assert [gap_of(gaps, "kalshi", one) for one in (A, B, NO, "AR-D01")] == ["c", "b", "a", None]


@pytest.mark.parametrize(
    ("tests", "state"),
    [
        ({}, "missing"),
        ({"one": "passed"}, "passed"),
        ({"one": "passed", "two": "failed"}, "failed"),
        ({"one": "passed", "two": "skipped"}, "skipped"),
    ],
)
def test_a_card_passes_only_by_tests_that_all_passed(tests, state):
    assert answers(FEW, ELSEWHERE, {("kalshi", A): tests})["kalshi", A].state == state


def test_a_venue_that_has_not_gets_its_own_word_and_a_venue_without_adapter_stays_empty():
    found = answers(FEW, ELSEWHERE, {("kalshi", card_id): {"one": "passed"} for card_id in FEW})
    assert found["kalshi", NO].state == "no (asserted)"
    lines = list(matrix(FEW, ELSEWHERE, found))
    assert {"kalshi: 1 no (asserted), 2 passed", "polymarket: no adapter yet"} <= set(lines)


RUN = """
import pytest

@pytest.mark.card("kalshi", "TC-D03")
def test_good(): pass

@pytest.mark.card("kalshi", "TC-D12")
def test_bad(): assert False

@pytest.mark.card("kalshi", "TC-D10", "TC-D11")
@pytest.mark.parametrize("n", [1, 2])
def test_partly_good(n): assert n == 1

@pytest.mark.card("kalshi", "TC-D14")
def test_left_out(): pytest.skip("no data")

@pytest.fixture
def broken():
    yield
    raise RuntimeError("clean-up")

@pytest.mark.card("kalshi", "TC-D20")
def test_broken_after(broken): pass

def test_without_a_card(): assert False
"""


def test_a_run_counts_what_ran_and_ends_with_one_when_a_card_did_not_pass(tmp_path):
    (tmp_path / "test_made_up.py").write_text(RUN)
    words = ["-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "--confcutdir", str(tmp_path)]
    plugin = ["-c", str(HOUSE / "pyproject.toml"), "-p", "tests.conftest"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, *plugin, "--cards", "build/cards.json", "test_made_up.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{HOUSE}:{HOUSE / 'tests' / 'rehearsal'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    cards = json.loads((tmp_path / "build/cards.json").read_text())["venues"]["kalshi"]["cards"]
    states = {name: card["state"] for name, card in cards.items() if card["tests"]}
    assert states == {
        "TC-D03": "passed",
        "TC-D12": "failed",
        "TC-D10": "failed",
        "TC-D11": "failed",
        "TC-D14": "skipped",
        "TC-D20": "failed",
    }
    assert "test_without_a_card" not in done.stdout


def test_make_cards_names_its_file_so_that_pytest_finds_the_tests_by_itself():
    # As a word of its own it would be taken for the folder to look for tests in, before our option is known.
    assert "pytest -q --cards=build/cards.json\n" in (HOUSE / "Makefile").read_text()
