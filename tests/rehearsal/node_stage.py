"""A Kalshi double with a made-up crowd, and the node's process beside it, for tests that run a whole book."""

import asyncio
import json
import os
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

from simulation.wire.fault_plan import FaultPlan
from simulation.wire.kalshi import KalshiDouble
from simulation.wire.kalshi_control import Listing
from simulation.wire.kalshi_crowd import CrowdSettings
from simulation.wire.kalshi_settings import KalshiSettings
from storage.journal.journal import Journal
from storage.journal.reading import read

HOUSE = Path(__file__).parents[2]
SERIES = "SYNBTC15M"
MARKET = "SYNBTC15M-A-45"
SECOND = 1_000_000_000
QUICK = {"removal_ms": 100, "removal_steps": 2, "clear_snapshot_ms": 300, "determination_ms": 300}


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


@asynccontextmanager
async def standing(*, window_secs=5, events_per_second=40, seed=3, **settings):
    """A started double whose crowd opens a market every `window_secs`, and what a node's environment says of it."""
    double = KalshiDouble(
        KalshiSettings(tier="premier", **QUICK | settings), seed=7, now_ns=now_ns, plan=FaultPlan()
    )
    urls = await double.start()
    try:
        key = double.add_key("alice", "ed25519")
        pem = key.private_pem
        if window_secs:
            double.start_crowd(
                CrowdSettings(events_per_second=events_per_second, window_secs=window_secs, series=SERIES),
                seed=seed,
            )
        yield (
            double,
            {
                "KALSHI_API_KEY": key.key_id,
                "KALSHI_PRIVATE_KEY": pem if isinstance(pem, str) else pem.decode(),
                "ARGONAUT_KALSHI_REST_URL": urls.rest,
                "ARGONAUT_KALSHI_SOCKET_URL": urls.socket,
            },
        )
        assert double.errors == []
        assert double.audit() == []
    finally:
        await double.stop()


def open_market(double):
    facts = {"strike_type": "greater_or_equal", "floor_strike": 68000.0}
    at_ns = now_ns()
    double.control.list_market(
        Listing(MARKET, "SYNBTC15M-A", "SYNBTC15M", at_ns - SECOND, at_ns + 3600 * SECOND, "tapered_deci_cent",
                exchange_index=2, facts=facts)
    )  # fmt: skip
    double.control.fund("alice", "1000", exchange_index=2)
    for trusted in ("crowd", "taker"):
        double.control.make_trusted(trusted, 2)
    double.control.trade_as("crowd", MARKET, "bid", "0.39", "100")
    double.control.trade_as("crowd", MARKET, "ask", "0.60", "100")


def coin(number, series=SERIES, wait_secs=0.5):
    return f"""
[[strategies]]
strategy = "strategies.coin_flip:CoinFlip"
id = "coin-{number}"
config = {{ series = "kalshi:{series}-*", seed = {number}, wait_secs = {wait_secs} }}
"""


def write_book(folder, *strategies, live='venues = ["KALSHI"]', series=SERIES):
    file = folder / "book.toml"
    file.write_text(
        f"""name = "staged"
instruments = ["kalshi:{series}-*"]
risk = [{{ rule = "risk.rules.exposure:MaxDeployed", config = {{ limit = 500 }} }}]
{"".join(strategies)}
[simulation]
latency_ms = 5
[backtest]
starting_usd = {{ KALSHI = 1000 }}
[live]
{live}
"""
    )
    return file


@asynccontextmanager
async def node_process(book, environ, *options, code=None):
    """The node's process; with `code`, that is run by Python instead of the module. Killed when the test ends."""
    reading, writing = os.pipe()
    command = [
        sys.executable,
        *(("-c", code) if code else ("-m", "system.node_process")),
        str(book),
        *options,
    ]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=HOUSE,
        env={**os.environ, **environ, "ARGONAUT_HEARTBEAT_FD": str(writing)},
        pass_fds=(writing,),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    os.close(writing)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        os.close(reading)


async def until(condition, *, secs=90.0, what="it"):
    deadline = time.monotonic() + secs
    while not condition():
        assert time.monotonic() < deadline, f"{what} never happened"
        await asyncio.sleep(0.05)


def kept(folder, kind):
    """Return the journal's records of a kind, of the book staged below `folder`; none before there is a journal."""
    file = folder / "runs" / "staged" / "journal.sqlite"
    if not file.exists():
        return []
    journal = Journal.open(file, now_ns)
    try:
        return journal.find(lambda connection: list(read(connection, kind)))
    finally:
        journal.close()


def events_of(folder):
    """Return the event log so far; a line that is being written is left out."""
    file = folder / "events.jsonl"
    lines = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
    return [json.loads(line) for line in lines]
