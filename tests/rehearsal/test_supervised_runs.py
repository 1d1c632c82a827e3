"""Whole runs of the real node under the real supervisor, a few of what `make halts` and `make supervised-kills` do often."""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter

from campaigns import halts, soak
from campaigns.supervised import HOUSE, RESTING, argonaut, book_text, supervised
from campaigns.supervised_kills import run_one
from simulation.generator import GeneratorSettings
from system.made_up_recording import write_recording


def test_a_run_is_halted_by_a_row_by_the_supervisor_of_a_killed_node_and_by_a_signal(tmp_path):
    async def work():
        async with supervised(tmp_path, book_text(RESTING)) as run:
            found = [await halts.halt(run, "command row", halts.by_row)]
            await argonaut(run, "resume")
            found.append(await halts.halt(run, "SIGKILL", halts.by_sigkill))
            # The next node may only reduce until it knows what became of every order, then it trades again.
            found.append(await halts.halt(run, "SIGTERM", halts.by_sigterm))
            return found, *await run.ended(), run.run_folder

    found, code, verdict, folder = asyncio.run(work())
    assert [(one.door, one.open_before >= halts.BIDS) for one in found] == [
        *(("command row", True), ("SIGKILL", True), ("SIGTERM", True)),
    ]
    assert (code, verdict["open_orders"], verdict["audit"], verdict["errors"]) == (0, 0, [], [])
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    ends = Counter(event["event"] for event in events)
    assert (
        ends["OrderCanceled"] >= halts.BIDS
    )  # on_stop cancelled, and the strategy heard of it before its end


def test_a_busy_node_that_is_killed_doubles_and_loses_nothing(tmp_path):
    found = asyncio.run(run_one(tmp_path, seed=3, kills=1))
    assert found.laws == ()
    assert (found.kills, found.orders > 5) == (1, True)


def test_the_demo_runs_in_a_sandbox_on_a_made_up_recording_without_a_key_of_ours(tmp_path):
    settings = GeneratorSettings(markets=1, events_per_second=2.0)
    write_recording(tmp_path / "session.jsonl.gz", settings, lambda done: None)
    environ = {name: text for name, text in os.environ.items() if not name.startswith("KALSHI")}
    command = [sys.executable, "run_live.py", "configs/demo.toml", "--out", str(tmp_path / "runs")]
    command += ["--playback", str(tmp_path / "session.jsonl.gz"), "--speed", "120", "--duration", "40s"]
    answer = subprocess.run(command, cwd=HOUSE, env=environ, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "no order leaves this process" in answer.stdout
    assert "ended well" in answer.stdout
    (report,) = (tmp_path / "runs" / "demo").glob("*-sandbox-*/report.json")
    assert json.loads(report.read_text())["ledger_conserved"] is True


def test_a_soak_counts_every_frame_and_finds_what_grows(tmp_path):
    found = asyncio.run(soak.soak(tmp_path / "soak", 0.4, 200, lambda sample: None))
    assert (found.exit_code, found.blind_notes) == (0, 0)
    assert found.frames > 500
    growing = [soak.Sample(float(at), 100 + at / 36, 0.0) for at in range(0, 3600, 5)]
    assert round(soak.growth_mb_per_hour(growing)) == 100
