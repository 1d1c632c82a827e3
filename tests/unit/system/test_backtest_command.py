"""The command as a user types it; most calls are made in this process, since a new one takes seconds."""

import os
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest
import typer
from msgspec import json
from typer.testing import CliRunner

from system.backtest_command import command

HOUSE = Path(__file__).parents[3]
BOOK = """
name = "tiny"
instruments = ["kalshi:SYNBTC15M-*"]

[[strategies]]
strategy = "strategies.coin_flip:CoinFlip"
id = "coin-1"
config = { series = "kalshi:SYNBTC15M-*", seed = 1 }

[[strategies]]
strategy = "strategies.digital_edge:DigitalEdge"
id = "edge-2"
config = { series = "kalshi:SYNBTC15M-*", oracle_source = "SYNTH", min_edge = 0.01, bankroll = 1000, max_stake = 50 }

[[risk]]
rule = "risk.rules.sanity:PriceOnGrid"
config = {}

[backtest]
catalog = "catalog"
starting_usd = { KALSHI = 1000 }
synthetic = { seed = 7, markets = 2, events_per_second = 0.5 }
"""
BROKEN_STRATEGY = """
from strategies.coin_flip import CoinFlip

class Broken(CoinFlip):
    def {hook}(self, *_):
        raise KeyError("typo [bold]")
"""
KEYS = {
    "book", "engine", "catalog", "start", "end", "events", "events_per_sec", "wall_s", "peak_rss_mb", "orders",
    "fills", "denied", "rejected", "settled_positions", "pnl_net", "fees", "pnl_by_class", "pnl_by_strategy",
    "independent_events", "brier_model", "brier_market", "ledger_conserved", "event_log_sha256",
}  # fmt: skip


@dataclass
class Answer:
    code: int
    stdout: str
    stderr: str


def in_a_process_of_its_own(folder, *arguments, path=""):
    """Run the script in `folder`, with `path` before everything else on the search path."""
    environment = os.environ | {"PYTHONPATH": str(path), "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, HOUSE / "run_backtest.py", *map(str, arguments)],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return Answer(done.returncode, done.stdout, done.stderr)


def here(*arguments):
    """Run the command in this process."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Answer(done.exit_code, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Return the folder and the answer of one complete run, with a catalog that it made up."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "tiny.toml").write_text(BOOK)
    return folder, in_a_process_of_its_own(folder, "tiny.toml", "--json", "summary.json")


@pytest.fixture
def desk(done, tmp_path, monkeypatch):
    """Return a folder with the book and the catalog of that run, and go there."""
    (tmp_path / "tiny.toml").write_text(BOOK)
    (tmp_path / "catalog").symlink_to(done[0] / "catalog")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def results(folder):
    """Return the folder of the only run."""
    [found] = (folder / "runs" / "tiny").glob("*/")
    return found


def bad(answer):
    """Return the complaint, after looking whether it is one line and nothing else."""
    assert answer.code == 2, answer
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1
    assert "Traceback" not in answer.stderr
    return answer.stderr


# What a run leaves behind


def test_a_run_writes_report_summary_and_log_into_a_folder_named_by_its_fingerprint(done):
    folder, answer = done
    assert (answer.code, answer.stderr) == (0, "")
    found = results(folder)
    assert sorted(file.name for file in found.iterdir()) == [
        *("events.jsonl", "report.html", "report.json", "report.txt"),
    ]
    report = json.decode((found / "report.json").read_bytes())
    assert report["event_log_sha256"] == sha256((found / "events.jsonl").read_bytes()).hexdigest()
    assert found.name == report["event_log_sha256"][:12]
    assert (folder / "summary.json").read_bytes() == (found / "report.json").read_bytes()
    assert str(found.relative_to(folder)) in answer.stdout
    assert "SYNTHETIC" in answer.stdout


def test_the_summary_has_every_key_that_is_promised_and_money_is_text(done):
    report = json.decode((results(done[0]) / "report.json").read_bytes())
    assert set(report) >= KEYS
    assert report["book"] == "tiny"
    assert report["engine"].startswith("nautilus_trader 2.0.0rc7")
    assert report["ledger_conserved"] is True
    assert set(report["pnl_by_class"]) == {"S"}
    assert set(report["pnl_by_strategy"]) <= {"coin-1", "edge-2"}
    assert sum(map(Decimal, report["pnl_by_strategy"].values())) == Decimal(report["pnl_net"])
    assert Decimal(report["fees"]) > 0
    assert report["orders"] >= report["fills"] > 0
    assert report["independent_events"] == 2
    assert report["events"] > 1000
    for key in ("wall_s", "events_per_sec", "peak_rss_mb"):
        assert report[key] > 0


def test_every_line_of_the_log_is_one_event_in_order_of_time(done):
    lines = (results(done[0]) / "events.jsonl").read_bytes().splitlines()
    events = [json.decode(line) for line in lines]
    assert len(events) > 10
    assert [event["ts_event"] for event in events] == sorted(event["ts_event"] for event in events)
    assert {event["event"] for event in events} >= {"OrderInitialized", "OrderFilled", "PositionClosed"}


def test_the_same_book_over_the_same_catalog_leaves_the_same_fingerprint_in_another_process(done, desk):
    answer = here("tiny.toml", "--quiet", "--no-html")
    assert (answer.code, answer.stdout, answer.stderr) == (0, "", "")
    assert results(desk).name == results(done[0]).name
    assert sorted(file.name for file in results(desk).iterdir()) == [
        *("events.jsonl", "report.json", "report.txt"),
    ]


def test_quiet_prints_nothing_even_when_a_catalog_is_made_up(tmp_path):
    (tmp_path / "tiny.toml").write_text(BOOK.replace("0.5 }", "0.05 }"))
    answer = in_a_process_of_its_own(tmp_path, "tiny.toml", "--quiet", "--no-html", "--out", "elsewhere")
    assert (answer.code, answer.stdout, answer.stderr) == (0, "", "")
    assert len(list(tmp_path.glob("elsewhere/tiny/*/report.json"))) == 1


def test_other_results_of_a_book_count_as_trials_and_the_same_run_again_does_not(desk):
    counts = []
    for options in ([], [], ["--end", "2026-09-01T00:10:00Z"], []):
        assert here("tiny.toml", "--quiet", "--no-html", "--json", "summary.json", *options).code == 0
        counts.append(json.decode((desk / "summary.json").read_bytes())["trials"])
    assert counts == [0, 0, 1, 1]


def test_options_overrule_the_book(done, desk):
    (desk / "catalog").unlink()
    options = ["--start", "2026-09-01T00:02", "--end", "2026-09-01T00:10:00Z", "--json", "summary.json"]
    assert here("tiny.toml", "--catalog", done[0] / "catalog", *options, "--quiet", "--no-html").code == 0
    report = json.decode((desk / "summary.json").read_bytes())
    assert (report["start"][:19], report["end"][:19]) == ("2026-09-01T00:02:00", "2026-09-01T00:10:00")
    assert report["settled_positions"] == 0


def test_the_last_line_says_where_the_results_are_in_one_piece(desk):
    out = desk / ("a-folder-with-a-rather-long-name-" * 4)
    answer = here("tiny.toml", "--no-html", "--out", out)
    [report] = out.glob("tiny/*/report.json")
    assert answer.stdout.rstrip().endswith(str(report.parent))


# What is wrong with the input


def test_bad_input_ends_with_two_and_one_line_and_no_traceback(tmp_path):
    (tmp_path / "tiny.toml").write_text(BOOK.replace("KALSHI = 1000", "KALSHI = 0"))
    complaint = bad(in_a_process_of_its_own(tmp_path, "tiny.toml"))
    assert "expected a starting amount above 0 USD at KALSHI, found 0 - at `$.backtest" in complaint
    assert list(tmp_path.iterdir()) == [tmp_path / "tiny.toml"]


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        (BOOK[BOOK.index("[backtest]") :], "", "expected a [backtest] table in the book, found none"),
        ('name = "tiny"', "name = ", "tiny.toml: expected a TOML file"),
        ("seed = 1 }", "sead = 1 }", "unknown field `sead` - at `$.strategies[0].config`"),
        ('"coin-1"', '"coin"', "expected an id such as `edge-1`, found 'coin' - at `$.strategies[0].id`"),
        ('"coin-1"', '"coin-2"', "expected ids that differ after their last dash"),
        ("KALSHI = 1000", "KALSHI = 1000, NYSE = 5", "expected a venue among KALSHI, POLYMARKET, found 'NYSE'"),
        ("KALSHI = 1000", "", "expected a starting amount at KALSHI"),
        ("strategies.coin_flip:CoinFlip", "strategies.coin_flop:CoinFlip", "No module named 'strategies.coin_flop'"),
        ("kalshi:SYNBTC15M-*", "kalshi:SYNBTC16M-*", "expected a series among SYNBTC15M.KALSHI"),
        ("starting_usd", "start = 2027-01-01T00:00:00Z\nend = 2028-01-01T00:00:00Z\nstarting_usd", "a period within"),
        ("starting_usd", "start = 1500-01-01T00:00:00Z\nstarting_usd", "expected an ISO 8601 start"),
        ("[[risk]]", '[[risk]]\nrule = "risk.rules.sanity:[red]"\nconfig = {}\n[[risk]]', "risk.rules.sanity:[red]"),
        ("[[risk]]", '[[risk]]\nrule = "risk.rules:[/]"\nconfig = {}\n[[risk]]', "risk.rules:[/]"),
    ],
)  # fmt: skip
def test_a_wrong_book_is_refused_with_the_place_of_the_fault(desk, right, wrong, complaint):
    assert right in BOOK
    (desk / "tiny.toml").write_text(BOOK.replace(right, wrong, 1))
    assert complaint in bad(here("tiny.toml", "--quiet"))
    assert list(desk.glob("runs/*/*")) in ([], [desk / "runs/tiny/.events.jsonl"])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--start", "tomorrow"], "expected an ISO 8601 start such as"),
        (["--start", "2026-09-01T00:10", "--end", "2026-09-01T00:05"], "expected a start before the end"),
        (["--start", "2026-10-01", "--end", "2026-10-02"], "expected a period within 2026-08-31T23:59"),
        (["--catalog", "tiny.toml"], "tiny.toml"),
    ],
)
def test_a_wrong_option_is_refused(desk, options, complaint):
    assert complaint in bad(here("tiny.toml", "--quiet", *options))


def test_a_missing_book_and_a_missing_catalog_are_named(desk):
    assert "expected a book at absent.toml, found none" in bad(here("absent.toml", "--quiet"))
    (desk / "tiny.toml").write_text(BOOK.replace("synthetic", "# synthetic"))
    assert "expected a catalog at nowhere, found none" in bad(
        here("tiny.toml", "--catalog", "nowhere", "--quiet")
    )


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("markets = 0", "expected markets between 1 and 40000, found 0"),
        ("makrets = 2", "found 'makrets' - at `$.backtest.synthetic`"),
    ],
)
def test_wrong_settings_of_made_up_markets_are_refused_and_no_catalog_is_left(
    tmp_path, monkeypatch, wrong, complaint
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(BOOK.replace("markets = 2", wrong))
    assert complaint in bad(here("tiny.toml", "--quiet"))
    assert list(tmp_path.iterdir()) == [tmp_path / "tiny.toml"]


# What goes wrong in a run


def failing(hook, desk, library):
    """Let the book name a strategy that raises in `hook`."""
    (library / f"broken_{hook}.py").write_text(BROKEN_STRATEGY.format(hook=hook))
    (desk / "tiny.toml").write_text(BOOK.replace("strategies.coin_flip:CoinFlip", f"broken_{hook}:Broken"))


def test_a_failing_strategy_ends_the_run_with_three_and_leaves_no_report(desk, tmp_path_factory):
    failing("on_quote", desk, library := tmp_path_factory.mktemp("library"))
    answer = in_a_process_of_its_own(desk, "tiny.toml", "--quiet", "--json", "summary.json", path=library)
    assert (answer.code, answer.stdout) == (3, "")
    assert answer.stderr.splitlines()[-1] == "RunFailed: coin-1 stopped with KeyError('typo [bold]')"
    assert list(desk.glob("runs/tiny/*/")) == []
    assert not (desk / "summary.json").exists()


def test_a_strategy_that_cannot_start_ends_the_run_with_three(desk, tmp_path_factory, monkeypatch):
    failing("on_start", desk, library := tmp_path_factory.mktemp("library"))
    monkeypatch.syspath_prepend(library)
    answer = here("tiny.toml", "--quiet")
    assert (answer.code, answer.stdout) == (3, "")
    assert "coin-1 stopped with KeyError('typo [bold]')" in answer.stderr
