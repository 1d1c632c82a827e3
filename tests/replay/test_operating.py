"""What an operator types, on the journal of a run that happened, and on one whose node is played by a thread."""

import json
import threading
import time
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
from tapes import EDGE, LIMITS, QUOTE, book, made_up
from typer.testing import CliRunner

from risk.guardian import Guardian
from risk.ledger import Ledger
from storage.journal.commands import Kind, finish, take, unfinished
from storage.journal.journal import Journal
from storage.journal.records import Alert, RunPhase
from system.backtest import Backtest, Plan
from system.cli import app
from system.event_log import EventLog
from system.feed import Feed, Pace, first_versions
from system.guard_store import GuardStore
from system.loading import load
from system.run_journal import RunJournal

BOOK = """
name = "test"
instruments = ["kalshi:SYNBTC15M-*"]
strategies = []
risk = []
[live]
venues = ["KALSHI"]
journal = "{}"
"""
TIGHT = [*LIMITS[:2], {"rule": "risk.rules.exposure:MaxStakePerOutcome", "config": {"limit": 60}}]


def call(*words):
    result = CliRunner().invoke(app, list(map(str, words)))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def asked(*words):
    result = call(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A journal with a whole run in it, its book, and the report's record."""
    folder = tmp_path_factory.mktemp("ran")
    file, ticks = folder / "journal.sqlite", count(1_700_000_000_000_000_000)
    journal = Journal.open(file, lambda: next(ticks))
    writes = RunJournal(journal, "r-1", "sandbox", "test", lambda: next(ticks))
    writes.begin("test-SANDBOX", "rc7", {"book": "ff"})
    catalog = made_up(seed=5, markets=3, events_per_second=4.0)
    markets = first_versions(catalog.instruments())
    plan = Plan(
        load(book(EDGE, QUOTE, risk=TIGHT)), Path("memory"), markets, catalog.first_ns, catalog.last_ns + 1
    )
    with EventLog(None) as events:
        one = Backtest(plan, Feed(catalog, markets, Pace()), events, writes)
        record = one.run()
    about = {"run": "r-1", "at_ns": 1_790_000_000_000_000_000}
    writes.note(RunPhase(**about, phase="stopped", process="node", detail=""))
    writes.note(Alert(**about, severity="critical", source="node", text="look [here]"))
    Guardian([], Ledger(), store=GuardStore(writes)).halt("smoke", 1_790_000_000_000_000_000)
    journal.close()
    (folder / "book.toml").write_text(BOOK.format(file))
    return folder / "book.toml", file, record


def test_the_profit_is_that_of_the_report(ran):
    book_file, file, record = ran
    found = asked("pnl", book_file)
    net = sum(float(row["realized_usd"]) - float(row["fees_usd"]) for row in found["strategies"])
    assert net == pytest.approx(float(record.facts.ledger_net_usd))
    assert [row["strategy"] for row in found["strategies"]] == ["edge-1", "quote-2"]
    assert sum(row["trades"] for row in found["strategies"]) == len(record.fills)
    assert float(found["accounts"]["cash:KALSHI"]) == pytest.approx(1000 + net)
    assert asked("pnl", "--journal", file) == found
    assert f"{net:,.4f}" in call("pnl", book_file).stdout


def test_positions_and_orders_are_over_when_the_run_is(ran):
    book_file, _, record = ran
    assert asked("positions", book_file) == {"positions": []}
    everything = asked("positions", book_file, "--all")["positions"]
    assert {row["instrument"] for row in everything} == {fill.instrument for fill in record.fills}
    open_orders = asked("orders", book_file)["orders"]
    all_orders = asked("orders", book_file, "--all")["orders"]
    assert len(all_orders) == record.facts.orders
    assert len([o for o in all_orders if o["state"] == "denied"]) == record.facts.denied
    assert all(o["state"] == "resting" for o in open_orders)
    filled = sum(float(o["filled"]) for o in all_orders)
    assert filled == pytest.approx(float(sum(fill.quantity for fill in record.fills)))
    assert "orders" in call("orders", book_file, "--all").stdout


def test_the_status_says_the_state_and_why(ran):
    book_file, _, _ = ran
    found = asked("status", book_file)
    assert (found["run"]["mode"], found["state"], found["cause"]) == ("sandbox", "halted", "smoke")
    assert found["phase"]["phase"] == "stopped"
    assert [one["text"] for one in found["alerts"]] == ["look [here]"]
    words = call("status", book_file).stdout
    assert "halted: smoke" in words
    assert "look [here]" in words


def test_a_trace_tells_an_order_from_its_signal_to_its_profit(ran):
    book_file, _, _ = ran
    orders = asked("orders", book_file, "--all")["orders"]
    filled = next(o for o in orders if o["strategy"] == "edge-1" and o["state"] == "filled")
    found = asked("journal", "trace", filled["order_id"], book_file)
    assert found["signals"]
    assert [v["rule"] for v in found["verdicts"]] == [None]
    kinds = [event["kind"] for event in found["events"]]
    assert kinds[0] == "OrderInitialized"
    assert "OrderSubmitted" in kinds
    assert kinds[-1] == "OrderFilled"
    assert sum(float(fill["quantity"]) for fill in found["fills"]) == float(filled["filled"])
    assert float(found["settlement"]["payout"]) in (0, 1)
    assert found["position"]["quantity"] == "0.00"
    words = call("journal", "trace", filled["order_id"], book_file).stdout
    parts = [
        "signal: believes",
        "proposal (new): BUY",
        "passed",
        "OrderFilled",
        "fill ",
        "settlement of",
        "position of",
    ]
    places = [words.index(part) for part in parts]
    assert places == sorted(places)
    denied = next(o for o in orders if o["state"] == "denied")
    assert (
        "refused by max_stake_per_outcome" in call("journal", "trace", denied["order_id"], book_file).stdout
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["status"], "expected a book or --journal"),
        (["status", "nowhere.toml"], "expected a book at nowhere.toml"),
        (["pnl", "--journal", "nowhere.sqlite"], "expected a journal at nowhere.sqlite, found no file"),
        (["orders", "--journal", "mysql://x"], "sqlite:// or postgresql://"),
        (["halt", "--journal", "sqlite:///{}/new.sqlite"], "found no file"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(tmp_path, words, said):
    result = call(*(word.format(tmp_path) for word in words))
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_an_order_and_a_mode_that_the_journal_does_not_know_are_refused(ran):
    book_file, _, _ = ran
    assert "found none with the id 'O-1'" in call("journal", "trace", "O-1", book_file).stderr
    assert "a run in mode live" in call("pnl", book_file, "--mode", "live").stderr


# Commands


class Node(threading.Thread):
    """Obeys what it finds in the table, as a node would."""

    def __init__(self, url):
        super().__init__()
        self.journal = Journal.open(url, lambda: time.clock_gettime_ns(time.CLOCK_REALTIME))
        RunJournal(self.journal, "r-1", "sandbox", "test", lambda: 1).begin("test-SANDBOX", "rc7", {})
        self.obeyed, self.is_wanted = [], True

    def run(self):
        said = {Kind.WITHDRAW: "refused: no"}
        while self.is_wanted:
            for one in self.journal.find(unfinished):
                assert self.journal.find(lambda c, one=one: take(c, one.id, "node", one.at_ns + 1))
                self.obeyed.append(one)
                self.journal.find(
                    lambda c, one=one: finish(c, one.id, said.get(one.kind, "0 orders open"), one.at_ns + 2)
                )
            time.sleep(0.005)
        self.journal.close()


def run(url, name, mode, phase):
    """Write down a run that has come as far as `phase`."""
    journal = Journal.open(url, lambda: 1)
    RunJournal(journal, name, mode, "test", lambda: 1).begin("T", "rc7", {})
    journal.note(RunPhase(run=name, at_ns=1, phase=phase, process="node", detail=""))
    journal.close()


def waiting(url, mode=None):
    journal = Journal.open(url, lambda: 1)
    found = journal.find(lambda connection: unfinished(connection, mode))
    journal.close()
    return [(one.kind, one.mode) for one in found]


@pytest.fixture
def node(journal_url):
    one = Node(journal_url)
    one.start()
    yield one
    one.is_wanted = False
    one.join()


def test_a_halt_and_a_resume_are_done_when_the_command_returns(node, journal_url):
    (done,) = asked("halt", "--journal", journal_url, "--reason", "smoke", "--wait", 60)["commands"]
    assert (done["taken_by"], done["outcome"]) == ("node", "0 orders open")
    result = call(
        "resume", "--journal", journal_url, "--reason", "the fire is out", "--operator", "ann", "--wait", 60
    )
    assert result.exit_code == 0
    assert "resume sandbox by ann (the fire is out): done" in result.stdout
    assert [(one.kind, one.reason, one.source) for one in node.obeyed] == [
        (Kind.HALT, "smoke", "cli"),
        (Kind.RESUME, "the fire is out", "cli"),
    ]


@pytest.mark.parametrize(
    "words", [["--reason", "x"], ["--operator", "ann"], ["--reason", " ", "--operator", "ann"], []]
)
def test_nobody_resumes_without_a_reason_and_a_name(node, journal_url, words):
    assert call("resume", "--journal", journal_url, *words).exit_code == 2
    assert node.obeyed == []


def test_money_that_was_paid_in_is_told_and_a_refusal_is_a_failure(node, journal_url):
    words = ["--journal", journal_url, "--venue", "KALSHI", "--operator", "ann", "--wait", 60]
    result = call("deposit", "--amount", "250.00", *words)
    assert result.exit_code == 0
    assert "deposit 250.00 USD at KALSHI sandbox by ann (a deposit): done" in result.stdout
    assert call("withdraw", "--amount", "1", *words).exit_code == 3
    assert call("withdraw", "--amount", "much", *words).exit_code == 2
    assert [(one.kind, one.venue, one.amount_usd) for one in node.obeyed] == [
        (Kind.DEPOSIT, "KALSHI", Decimal("250.00")),
        (Kind.WITHDRAW, "KALSHI", Decimal(1)),
    ]


def test_a_halt_that_nobody_hears_says_so_and_stays(journal_url):
    run(journal_url, "r-1", "live", "running")
    result = call("halt", "--journal", journal_url, "--wait", 0)
    assert result.exit_code == 3
    assert "nobody has taken it" in result.stdout
    assert waiting(journal_url) == [(Kind.HALT, "live")]


def test_a_command_is_for_the_runs_under_way_and_a_mode_narrows_it(journal_url):
    run(journal_url, "r-1", "sandbox", "stopped")
    run(journal_url, "r-2", "live", "running")
    run(journal_url, "r-3", "rehearsal", "running")
    call("halt", "--journal", journal_url, "--wait", 0)
    assert waiting(journal_url) == [(Kind.HALT, "live"), (Kind.HALT, "rehearsal")]
    assert waiting(journal_url, "live") == [(Kind.HALT, "live")]
    words = ("resume", "--journal", journal_url, "--reason", "r", "--operator", "ann", "--wait", 0)
    refused = call(*words)
    assert refused.exit_code == 2
    assert "expected a mode to resume, found runs in live and rehearsal" in refused.stderr
    call(*words, "--mode", "live")
    assert waiting(journal_url, "live") == [(Kind.HALT, "live"), (Kind.RESUME, "live")]


def test_when_no_run_is_under_way_a_command_is_for_the_last_and_without_any_for_nobody(journal_url):
    Journal.open(journal_url, lambda: 1).close()
    assert "expected a run in the journal to halt" in call("halt", "--journal", journal_url).stderr
    run(journal_url, "r-1", "live", "stopped")
    run(journal_url, "r-2", "sandbox", "stopped")
    replayed = Journal.open(journal_url, lambda: 1)
    RunJournal(replayed, "a replay", "backtest", "test", lambda: 1).begin("T", "rc7", {})
    replayed.close()
    assert asked("status", "--journal", journal_url)["run"]["run"] == "r-2"
    call("halt", "--journal", journal_url, "--wait", 0)
    assert waiting(journal_url) == [(Kind.HALT, "sandbox")]


def test_an_upgrade_of_a_new_journal_makes_its_tables(journal_url):
    assert asked("journal", "upgrade", "--journal", journal_url) == {"before": None, "now": "0003"}
    assert asked("journal", "upgrade", "--journal", journal_url) == {"before": "0003", "now": "0003"}
