"""A whole run around a node that is not Nautilus: made-up venue, supervisor, journal, ends."""

import asyncio
import io
import json
import os
import sys
import time
from pathlib import Path

import pytest
from redis import Redis
from rich.console import Console

from network.backoff import Backoff
from risk.state import State, Switch
from storage.journal import commands
from storage.journal.database import address_of, open_engine
from storage.journal.reading import kept_in, read
from storage.journal.records import Alert, RunPhase
from system.child import Patience
from system.live_plan import Wish, make_plan
from system.live_run import LiveRun, now_ns
from system.live_view import LiveView
from system.redis_channel import stream_of
from system.supervisor import Terms

NODE = [sys.executable, str(Path(__file__).with_name("fake_live_node.py"))]
TERMS = Terms(
    grace_secs=0.4, second_look_secs=0.1, backoff=Backoff(first_secs=0.2, most_secs=0.4, jitter=0.0)
)
PATIENCE = Patience(start_secs=240, silence_secs=120, stop_secs=120)
SERIES = {"KALSHI": "kalshi:SYNBTC15M-*", "POLYMARKET": "polymarket:btc-updown-5m-*"}
BOOK = """
name = "one"
instruments = ["{series}"]
strategies = []
risk = []
[backtest]
starting_usd = {{ {venue} = 1000 }}
[live]
venues = ["{venue}"]
"""
CALM = 'name = "calm"\n'


class Stage:
    """One run in a folder, and what it left."""

    def __init__(self, folder, node, *, venue="KALSHI", redis=None, **wishes):
        book = BOOK.format(venue=venue, series=SERIES[venue])
        (folder / "book.toml").write_text(book + (f'redis = "{redis}"\n' if redis else ""))
        (folder / "calm.toml").write_text(CALM)
        wish = Wish(
            book=folder / "book.toml",
            mode="rehearsal",
            fault_plan=folder / "calm.toml",
            out=folder,
            **({"duration": "3s"} | wishes),
        )
        self.plan = make_plan(wish, {}, now_ns())
        self.file = folder / "nodes.jsonl"
        environ = {
            "FAKE_NODE": node,
            "FAKE_NODE_VENUE": venue,
            "FAKE_NODE_FILE": str(self.file),
            "PYTHONPATH": os.getcwd(),
        }
        self.console = Console(file=io.StringIO(), width=200)
        self.run = LiveRun(
            self.plan,
            dict(os.environ) | environ,
            LiveView(self.console, "rehearsal", now_ns),
            node=NODE,
            terms=TERMS,
            patience=PATIENCE,
        )

    def nodes(self):
        return [json.loads(line) for line in self.file.read_text().splitlines()] if self.file.exists() else []

    def open_orders(self):
        file = self.plan.folder / "venue_orders.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [json.loads(line)["open"] for line in lines]

    def ask(self, question):
        engine = open_engine(address_of(self.plan.journal), reads_only=True)
        with engine.begin() as connection:
            found = question(connection)
        engine.dispose()
        return found

    def phases(self):
        return [record.phase for record in self.ask(lambda c: list(read(c, RunPhase)))]

    async def until(self, condition):
        deadline = time.monotonic() + 240
        while not condition():
            assert time.monotonic() < deadline, "never happened"
            await asyncio.sleep(0.02)

    def stop(self, writer):
        with writer.begin() as connection:
            commands.send(connection, commands.Wish(commands.Kind.STOP, "enough", "ann", "cli"), now_ns())

    async def run_until(self, condition):
        """Run, however long a slow machine needs, until `condition` holds; then stop as an operator does."""
        running = asyncio.create_task(self.run.run())
        await self.until(condition)
        writer = open_engine(address_of(self.plan.journal))
        self.stop(writer)
        writer.dispose()
        return await running


def test_a_run_ends_in_time_with_no_order_open_and_says_so_in_the_journal(tmp_path):
    stage = Stage(tmp_path, "lives")
    ended = asyncio.run(stage.run.run())
    assert (ended.code, ended.nodes) == (0, 1)
    assert (ended.verdict["audit"], ended.verdict["errors"], ended.verdict["open_orders"]) == ([], [], 0)
    assert max(stage.open_orders()) > 0
    assert stage.open_orders()[-1] == 0
    assert stage.phases() == ["started", "ended", "closed"]
    arguments = stage.nodes()[0]
    assert arguments[1:3] == ["--mode", "rehearsal"]
    assert arguments[4] == stage.plan.run


@pytest.mark.parametrize(
    "venue",
    [
        pytest.param("KALSHI", marks=pytest.mark.card("kalshi", "AR-E33")),
        pytest.param("POLYMARKET", marks=pytest.mark.card("polymarket", "AR-E33")),
    ],
)
def test_what_a_killed_node_left_open_is_cancelled_and_the_next_one_may_only_reduce(tmp_path, venue):
    stage = Stage(tmp_path, "dies", venue=venue, duration="10m")
    ended = asyncio.run(stage.run_until(lambda: len(stage.nodes()) == 2))
    assert (ended.code, ended.nodes) == (0, 2)
    assert max(stage.open_orders()) == 3
    assert stage.open_orders()[-1] == 0
    assert "--reduce-only" not in stage.nodes()[0]
    assert "SIGKILL" in stage.nodes()[1][stage.nodes()[1].index("--reduce-only") + 1]
    assert [alert.source for alert in stage.ask(lambda c: list(read(c, Alert)))] == ["supervisor"]


def test_orders_that_a_node_forgot_at_its_graceful_end_are_found_and_cancelled(tmp_path):
    stage = Stage(tmp_path, "forgets")
    ended = asyncio.run(stage.run.run())
    assert ended.code == 0
    assert ended.verdict["open_orders"] == 0
    assert stage.open_orders()[-1] == 0


def test_a_halt_in_the_command_table_that_no_node_takes_is_carried_out_and_kept(tmp_path):
    stage = Stage(tmp_path, "lives", duration="10m")

    async def work():
        running = asyncio.create_task(stage.run.run())
        await stage.until(lambda: stage.open_orders()[-1:] > [1])
        writer = open_engine(address_of(stage.plan.journal))
        with writer.begin() as connection:
            wish = commands.Wish(commands.Kind.HALT, "smoke", "ann", "cli")
            number = commands.send(connection, wish, now_ns())
        await stage.until(lambda: stage.ask(lambda c: commands.find(c, number)).done_ns)
        stage.stop(writer)
        writer.dispose()
        return number, await running

    number, ended = asyncio.run(work())
    assert ended.verdict["open_orders"] == 0
    command = stage.ask(lambda c: commands.find(c, number))
    assert command.taken_by.startswith("supervisor of")
    assert "no order is open" in command.outcome
    switch = Switch.from_plain(stage.ask(lambda c: kept_in(c, "guardian/rehearsal"))["switch"])
    assert (switch.state, switch.cause) == (State.HALTED, "smoke")


def test_a_halt_that_comes_through_redis_leaves_no_order_open(tmp_path, redis_url):
    stage = Stage(tmp_path, "lives", redis=redis_url, duration="10m")
    client = Redis.from_url(redis_url)
    about = {"reason": "smoke", "operator": "ann"}

    async def work():
        running = asyncio.create_task(stage.run.run())
        await stage.until(lambda: stage.open_orders()[-1:] > [1])
        await stage.until(lambda: stage.ask(lambda c: kept_in(c, "redis")))
        client.xadd(stream_of("one"), about | {"kind": "halt"})
        await stage.until(lambda: stage.ask(lambda c: (one := commands.find(c, 1)) and one.done_ns))
        client.xadd(stream_of("one"), about | {"kind": "stop"})
        return await running

    ended = asyncio.run(work())
    client.close()
    assert ended.verdict["open_orders"] == 0
    found = stage.ask(lambda c: commands.find(c, 1))
    assert (found.source, found.operator, found.mode) == ("redis", "ann", "rehearsal")
    assert "no order is open" in found.outcome
