"""Runs the tests that carry acceptance cards, and says what they say of each venue (`make cards`)."""

import gc
from pathlib import Path

import hypothesis
import pytest
from cards import BAD_STATES, answers, keys_of, load_cards, load_gaps, matrix, problems_of_marker, report
from journal_places import journal_url, postgres
from redis_places import redis_url

__all__ = ["journal_url", "postgres", "redis_url"]  # fixtures for every test below

# No law is timed: a busy machine is no counterexample.
hypothesis.settings.register_profile("house", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("house")

RANK = {"passed": 0, "skipped": 1, "failed": 2}


def pytest_addoption(parser):
    parser.addoption(
        "--cards", metavar="FILE", help="run only tests that carry acceptance cards; write FILE (JSON)"
    )


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "card(venue, *card_ids): the test shows these cards of tests/adapters/cards.toml"
    )
    if config.getoption("--cards"):
        config.pluginmanager.register(CardRun(Path(config.getoption("--cards"))), "card run")


def pytest_collection_modifyitems(items):
    cards = load_cards()
    for item in items:
        for marker in item.iter_markers("card"):
            for problem in problems_of_marker(cards, marker.args):
                raise pytest.UsageError(f"{item.nodeid}: {problem}")


def pytest_collection_finish():
    gc.collect()
    gc.freeze()  # what is there now stays: the collections below look at the rest only
    gc.disable()


def pytest_runtest_setup():
    # Between tests, on this thread, and never within one: in another thread, such as a journal's, Nautilus'
    # objects may not be dropped (rc7, `engine.garbage`), and whichever test runs then would be blamed.
    gc.collect()


class CardRun:
    """One run over the cards: a card is passed only by tests that ran and passed in it."""

    def __init__(self, path):
        self._path = path
        self._cards, self._gaps = load_cards(), load_gaps()
        self._keys = {}
        self._outcomes = {}

    def pytest_collection_modifyitems(self, config, items):
        for item in items:
            keys = [key for marker in item.iter_markers("card") for key in keys_of(marker.args)]
            if keys:
                self._keys[item.nodeid] = keys
        others = [item for item in items if item.nodeid not in self._keys]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item.nodeid in self._keys]

    def pytest_runtest_logreport(self, report):
        if report.when != "call" and report.passed:
            return  # a test is judged by its body, and by a set-up or clean-up that went wrong
        for key in self._keys[report.nodeid]:
            outcomes = self._outcomes.setdefault(key, {})
            before = outcomes.get(report.nodeid, "passed")
            outcomes[report.nodeid] = max(before, report.outcome, key=RANK.__getitem__)

    def pytest_sessionfinish(self, session):
        found = answers(self._cards, self._gaps, self._outcomes)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_bytes(report(self._cards, found))
        if session.exitstatus == 0 and any(answer.state in BAD_STATES for answer in found.values()):
            session.exitstatus = 1

    def pytest_terminal_summary(self, terminalreporter):
        found = answers(self._cards, self._gaps, self._outcomes)
        terminalreporter.section("acceptance cards")
        for line in matrix(self._cards, self._gaps, found):
            terminalreporter.write_line(line)
        terminalreporter.write_line(f"written to {self._path}")
