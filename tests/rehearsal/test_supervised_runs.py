"""Whole runs of the real node under the real supervisor: a little of `make halts`, `supervised-kills`, `sandbox`, `soak`.

They mostly wait, so they run at once.
"""

import asyncio
import json
import os
import signal
import sys
from collections import Counter

import pytest

from campaigns import halts, soak
from campaigns.supervised import BUSY, HOUSE, RESTING, argonaut, book_text, supervised
from campaigns.supervised_kills import run_one
from simulation.generator import GeneratorSettings
from storage.journal.overview import orders
from storage.journal.scope import last_scope
from system.made_up_recording import write_recording


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """What came of all runs, by name."""
    folder = tmp_path_factory.mktemp("runs")
    works = {
        "halts": halted(folder / "halts"),
        "kill": run_one(folder / "kill", seed=3, kills=1),
        "sandbox": sandbox(folder / "sandbox"),
        "rehearsal": rehearsed(folder / "rehearsal"),
        "soak": soak.soak(folder / "soak", 0.3, 200, lambda sample: None),
    }

    async def at_once():
        return dict(zip(works, await asyncio.gather(*works.values()), strict=True))

    return asyncio.run(at_once())


async def halted(folder):
    async with supervised(folder, book_text(RESTING)) as run:
        found = [await halts.halt(run, "command row", halts.by_row)]
        await argonaut(run, "resume")
        found.append(await halts.halt(run, "SIGKILL", halts.by_sigkill))
        # The next node may only reduce until it knows what became of every order, then it trades again.
        found.append(await halts.halt(run, "SIGTERM", halts.by_sigterm))
        return found, *await run.ended(), run.run_folder


async def rehearsed(folder):
    """A busy book through the start of the afternoon that a rehearsal has by default."""
    plan = HOUSE / "configs" / "faults" / "afternoon.toml"
    async with supervised(folder, book_text(BUSY), "--fault-plan", str(plan)) as run:
        await run.until(lambda: len(run.venue_record()) > 40, "orders at the venue", 240)
        run.process.send_signal(signal.SIGTERM)
        code, verdict = await run.ended()
        report = json.loads((run.run_folder / "report.json").read_text())
        left = run.ask(lambda connection: orders(connection, last_scope(connection)))
        return code, verdict, report, left


async def sandbox(folder):
    settings = GeneratorSettings(markets=1, events_per_second=2.0)
    write_recording(folder / "session.jsonl.gz", settings, lambda done: None)
    environ = {name: text for name, text in os.environ.items() if not name.startswith("KALSHI")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "run_live.py", "configs/demo.toml", "--out", str(folder / "runs")),
        *("--playback", str(folder / "session.jsonl.gz"), "--speed", "90", "--duration", "25s"),
        cwd=HOUSE,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return (
        process.returncode,
        output.decode(),
        list((folder / "runs" / "demo").glob("*-sandbox-*/report.json")),
    )


def test_a_run_is_halted_by_a_row_by_the_supervisor_of_a_killed_node_and_by_a_signal(runs):
    found, code, verdict, folder = runs["halts"]
    assert [(one.door, one.open_before >= halts.BIDS) for one in found] == [
        *(("command row", True), ("SIGKILL", True), ("SIGTERM", True)),
    ]
    assert (code, verdict["open_orders"], verdict["audit"], verdict["errors"]) == (0, 0, [], [])
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    ends = Counter(event["event"] for event in events)
    assert ends["OrderCanceled"] >= halts.BIDS  # what rested was cancelled, and its strategy heard of it


def test_a_busy_node_that_is_killed_doubles_and_loses_nothing(runs):
    found = runs["kill"]
    assert found.laws == ()
    assert (found.kills, found.orders > 5) == (1, True)


def test_a_busy_book_comes_through_a_bad_afternoon_with_nothing_open_lost_or_unknown(runs):
    code, verdict, report, left = runs["rehearsal"]
    assert (code, left) == (0, [])
    assert (verdict["open_orders"], verdict["audit"], verdict["errors"]) == (0, [], [])
    assert verdict["faults"].keys() >= {"ack_lost", "fill_before_ack", "status_after", "drop"}
    assert report["ledger_conserved"] is True


def test_the_demo_runs_in_a_sandbox_on_a_made_up_recording_without_a_key_of_ours(runs):
    code, output, reports = runs["sandbox"]
    assert code == 0, output
    assert "no order leaves this process" in output
    assert "SYNTHETIC session" in output
    assert "ended well" in output
    (report,) = reports
    assert json.loads(report.read_text())["ledger_conserved"] is True


def test_a_soak_counts_every_frame_and_finds_what_grows(runs):
    found = runs["soak"]
    assert (found.exit_code, found.blind_notes) == (0, 0)
    assert found.frames > 500
    growing = [soak.Sample(float(at), 100 + at / 36, 0.0) for at in range(0, 3600, 5)]
    assert round(soak.growth_mb_per_hour(growing)) == 100
