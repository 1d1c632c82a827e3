"""A run under the real supervisor, seen from outside: its processes, its journal, the made-up venue's own record."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from storage.journal import commands
from storage.journal.database import address_of, open_engine
from storage.journal.reading import read
from storage.journal.records import Run, RunPhase

HOUSE: Final = Path(__file__).parents[1]
CALM: Final = 'name = "calm"\n'
SERIES: Final = "SYNBTC15M"
_ARGONAUT: Final = Path(sys.executable).with_name("argonaut")
BUSY: Final = f"""
[[strategies]]
strategy = "campaigns.restless:Restless"
id = "restless-1"
config = {{ series = ["kalshi:{SERIES}-*"], seed = 11, pause_secs = 0.1 }}
"""
RESTING: Final = f"""
[[strategies]]
strategy = "campaigns.restless:Rester"
id = "rester-1"
config = {{ series = "kalshi:{SERIES}-*" }}
"""


def now_ns() -> int:
    """Return the wall clock, which the made-up venue shares with us."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def book_text(strategies: str, live: str = "") -> str:
    """Return a book of these strategies with money for all of them."""
    return f"""name = "supervised"
instruments = ["kalshi:{SERIES}-*"]
risk = [{{ rule = "risk.rules.exposure:MaxDeployed", config = {{ limit = 5000 }} }}]
{strategies}
[backtest]
starting_usd = {{ KALSHI = 10000 }}
[live]
venues = ["KALSHI"]
{live}
"""


class Supervised:
    """One process of `run_live.py` in a folder of its own."""

    def __init__(self, folder: Path, process: asyncio.subprocess.Process, mode: str = "rehearsal") -> None:
        self._mode = mode
        self.folder = folder
        self.process = process
        self.journal = folder / "supervised" / "journal.sqlite"

    @property
    def run_folder(self) -> Path:
        """Where this run keeps its files; a path that does not exist before it has begun."""
        return max(self.folder.glob(f"supervised/*-{self._mode}-*"), default=self.folder / "not yet")

    def node_pid(self) -> int | None:
        """Return the process id of the node that lives now."""
        try:
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        except FileNotFoundError:
            return None
        for pid in map(int, children):
            try:
                if b"system.node_process" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
            except (FileNotFoundError, ProcessLookupError):
                continue
        return None

    def venue_record(self) -> list[dict[str, int]]:
        """Return each change in how many orders were open, as the made-up venue booked it."""
        file = self.run_folder / "venue_orders.jsonl"
        lines = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
        return [json.loads(line) for line in lines]

    def open_orders(self) -> int:
        """Return how many orders are open at the venue now."""
        record = self.venue_record()
        return record[-1]["open"] if record else 0

    def ask[T](self, question: Callable[[Connection], T]) -> T:
        """Ask the journal."""
        engine = open_engine(address_of(self.journal), reads_only=True)
        try:
            with engine.begin() as connection:
                return question(connection)
        finally:
            engine.dispose()

    def has_begun(self) -> bool:
        """Return whether a node has written down that it runs."""
        return self.journal.exists() and bool(self.ask(lambda connection: list(read(connection, Run))))

    def command(self, kind: commands.Kind) -> int:
        """Write a row into the command table, as any program could."""
        engine = open_engine(address_of(self.journal))
        try:
            with engine.begin() as connection:
                wish = commands.Wish(kind, "a campaign", "campaign", "row")
                return commands.send(connection, wish, now_ns(), self._mode)
        finally:
            engine.dispose()

    def is_done(self, number: int) -> bool:
        """Return whether somebody has carried a command out."""
        command = self.ask(lambda connection: commands.find(connection, number))
        return command is not None and command.done_ns is not None

    def lives(self) -> int:
        """Return how many nodes of this run have come as far as trading."""
        phases = self.ask(lambda connection: list(read(connection, RunPhase)))
        began = [
            one.phase for one in phases if one.process == "node" and one.phase in ("starting", "running")
        ]
        return sum(pair == ("starting", "running") for pair in pairwise(began))

    async def until(self, condition: Callable[[], bool], what: str, secs: float = 120.0) -> None:
        """Wait for a condition; TimeoutError says what did not happen."""
        deadline = time.monotonic() + secs
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"expected within {secs:g} s: {what}")
            await asyncio.sleep(0.02)

    async def ended(self, secs: float = 120.0) -> tuple[int, dict[str, Any]]:
        """Wait for the end; return its exit code and the made-up venue's verdict."""
        code = await asyncio.wait_for(self.process.wait(), secs)
        verdict: dict[str, Any] = json.loads((self.run_folder / "venue.json").read_text())
        return code, verdict


@asynccontextmanager
async def supervised(folder: Path, book: str, *options: str) -> AsyncIterator[Supervised]:
    """Start a rehearsal of a book under the supervisor; it is gone when this ends."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "book.toml").write_text(book)
    (folder / "calm.toml").write_text(CALM)
    plan = () if "--fault-plan" in options else ("--fault-plan", str(folder / "calm.toml"))
    with (folder / "supervisor.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "run_live.py", str(folder / "book.toml"), "--mode", "rehearsal"),
            *("--out", str(folder), *plan, *options),
            cwd=HOUSE,
            env={**os.environ, "PYTHONPATH": str(HOUSE)},
            stdout=log,
            stderr=log,
        )
    try:
        yield Supervised(folder, process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), 60)
            except TimeoutError:
                process.kill()
                await process.wait()


async def argonaut(run: Supervised, command: str) -> None:
    """Type a command about the run; RuntimeError when it is not obeyed."""
    process = await asyncio.create_subprocess_exec(
        *(str(_ARGONAUT), command, "--journal", str(run.journal)),
        *("--reason", "a campaign", "--operator", "campaign", "--wait", "60"),
        stdout=asyncio.subprocess.DEVNULL,
    )
    if code := await process.wait():
        raise RuntimeError(f"expected argonaut {command} to be obeyed, found exit code {code}")
