"""One book twice: in a sandbox that hears a double play, then as a replay of what that sandbox heard."""

import asyncio
import contextlib
import json
import time
from decimal import Decimal

from node_stage import now_ns

from markets.facts import DataGap, MarketResolution
from markets.names import find_instrument, outcome_of
from simulation.wire.fault_plan import FaultPlan
from simulation.wire.kalshi import KalshiDouble
from simulation.wire.kalshi_playback import Playback
from simulation.wire.kalshi_recordings import Recorded
from simulation.wire.kalshi_settings import KalshiSettings
from storage.catalog import CatalogWriter
from storage.reading import CatalogReader
from system.backtest import Backtest, Plan
from system.event_log import EventLog
from system.feed import Feed, first_versions
from system.importing import import_kalshi
from system.loading import load
from system.node import BookNode
from system.node_plan import NodePlan
from system.recording import Recording

QUICK = {"removal_ms": 50, "removal_steps": 2, "clear_snapshot_ms": 100, "determination_ms": 200}
QUIET_TURNS = 12
DEADLINE_SECS = 120.0
REST_SECS = 1.0
THE_END = "the recording ends"


class CountedRecording(Recording):
    """Counts the frames that arrived, for whoever waits until all have."""

    frames = 0

    def tap(self, venue):
        tap = super().tap(venue)

        def counted(frame, at_ns, epoch):
            self.frames += 1
            tap(frame, at_ns, epoch)

        return counted


class Sandbox:
    """A node in this process and the double that it hears, in step: no frame leaves before the last was digested."""

    def __init__(self, raw, folder, monkeypatch, speed, results):
        self.raw, self.folder, self.speed, self.results = raw, folder, speed, results
        self.monkeypatch = monkeypatch
        self.double = KalshiDouble(
            KalshiSettings(tier="premier", **QUICK), seed=7, now_ns=now_ns, plan=FaultPlan()
        )

    async def play(self, messages):
        """Play, wait for the last payout that is known, and return the record."""
        urls = await self.double.start()
        key = self.double.add_key("alice", "ed25519")
        pem = key.private_pem
        self.monkeypatch.setenv("KALSHI_API_KEY", key.key_id)
        self.monkeypatch.setenv("KALSHI_PRIVATE_KEY", pem if isinstance(pem, str) else pem.decode())
        environ = {"ARGONAUT_KALSHI_REST_URL": urls.rest, "ARGONAUT_KALSHI_SOCKET_URL": urls.socket}
        self.playback = Playback(self.double.control, (), speed=self.speed, results=self.results)
        waiting = list(messages)
        self.shift = now_ns() - waiting[0].recv_ns / self.speed
        while waiting[0].kind in ("watch_market", "listing", "orderbook_snapshot"):
            self.playback.feed(waiting.pop(0))
        try:
            with (
                CountedRecording(
                    self.folder / "recordings", "twin", now_ns=now_ns, on_trouble=self._fail
                ) as recording,
                EventLog(self.folder / "sandbox.jsonl") as log,
            ):
                self.recording = recording
                book = load(self.raw, outcome_of)
                plan = NodePlan(
                    book=book, mode="sandbox", environ=environ, is_recorded=True, recording=recording
                )
                self.node = BookNode(plan, log)
                record = await self._run(waiting)
            assert self.double.errors == []
            return record
        finally:
            await self.double.stop()

    async def _run(self, messages):
        running = asyncio.ensure_future(self.node.run())
        try:
            wanted = {"orderbook_delta", "ticker", "trade", "market_lifecycle_v2", "cfbenchmarks_value"}
            await self._until(lambda: self.node.events and wanted <= self._heard_channels(), running)
            for message in messages:
                self.playback.flush() if message.kind != "orderbook_delta" else None
                await self._digest()
                while (late := message.recv_ns / self.speed + self.shift - now_ns()) > 0:
                    await asyncio.sleep(late / 1e9)
                self.playback.feed(message)
                if message.kind == "watch_market":
                    await self._met(message.body["market_ticker"], running)
            self.playback.flush()
            await self._digest()
            await self._rest()
            self._end()
            await self._digest()
            self.ended_ns = now_ns()
        finally:
            self.node.stop()
            record = await running
        return record

    async def _met(self, ticker, running):
        """Wait until a new market is listened to: before that, a replay hears what a sandbox cannot."""

        def is_listened_to():
            books = self.double.hub.subscriptions.get("orderbook_delta", {}).values()
            return any(one.wants(ticker) for one in books)

        await self._until(is_listened_to, running)
        await (
            self._rest()
        )  # each strategy's wish is a task of its own: the first opens the channel, the last counts

    def _heard_channels(self):
        return {name for name, ones in self.double.hub.subscriptions.items() if ones}

    async def _digest(self):
        """Wait until all that the venue sent has been heard, and acted upon."""
        quiet, before = 0, None
        while quiet < QUIET_TURNS:
            await asyncio.sleep(0)
            pipes = [one.pipe for one in self.double.sockets.connections]
            now = (sum(pipe.sent for pipe in pipes), self.recording.frames, self.node.events)
            is_behind = any(pipe.backlog for pipe in pipes) or now[0] != now[1]
            quiet = 0 if is_behind or now != before else quiet + 1
            before = now

    async def _rest(self):
        """Wait out what the engine's own threads still carry: what comes next would overtake it."""
        before = None
        while before != (before := self.node.events):
            await asyncio.sleep(REST_SECS)
            await self._digest()

    def _end(self):
        """Let a frame be the last that concerns nobody: with it the recording ends, and the replay before it."""
        at_ns = now_ns()
        opens = at_ns // 1_000_000_000 + 3600
        life = {"event_type": "created", "market_ticker": "LAST-1", "open_ts": opens, "close_ts": opens + 900}
        self.playback.feed(Recorded(at_ns, "market_lifecycle_v2", life))

    async def _until(self, condition, running):
        deadline = time.monotonic() + DEADLINE_SECS
        while not condition():
            assert not running.done(), running.exception()
            assert time.monotonic() < deadline, "the node heard nothing"
            await asyncio.sleep(0.01)

    def _fail(self, reason):
        raise AssertionError(reason)


def replay(raw, folder, end_ns=None):
    """Replay what the sandbox heard until `end_ns`, imported from its raw frames, and return the record."""
    if not (folder / "catalog").exists():
        import_kalshi([folder / "recordings"], folder / "catalog", strict=True)
    reader = CatalogReader(folder / "catalog")
    instruments = reader.instruments()
    book = load(raw, lambda name: find_instrument(name, instruments))
    ends_ns = [one.ts_init for one in reader.facts(DataGap, 0, 2**63 - 1) if one.data.reason == THE_END]
    end_ns = min([*ends_ns, end_ns or reader.last_ns + 1])  # no sandbox hears that its recording ends
    plan = Plan(book, folder / "catalog", first_versions(instruments), reader.first_ns, end_ns)
    with EventLog(folder / "backtest.jsonl") as log:
        return Backtest(plan, Feed(reader, plan.markets), log).run()


def write_results(folder, results):
    """Write a catalog that knows how markets end, for the strategy that steals."""
    facts = [
        MarketResolution(
            ts_event=place,
            ts_init=place,
            venue="KALSHI",
            series="STOLEN",
            market=ticker,
            payout=Decimal(int(result == "yes")),
            source="a test",
            is_final=True,
        ).as_data()
        for place, (ticker, result) in enumerate(sorted(results.items()), start=1)
    ]
    with CatalogWriter(folder / "stolen") as writer:
        writer.write([], facts)
    return str(folder / "stolen")


def twins(raw, folder, monkeypatch, session, *, speed):
    """Return what the sandbox and the replay of one book did; the sandbox' log ends when it begins to stop."""
    messages, results = session
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
    sandbox = Sandbox(raw, folder, monkeypatch, speed, results)
    record = asyncio.run(sandbox.play(messages))
    log = folder / "sandbox.jsonl"
    lines = [
        line for line in log.read_bytes().splitlines() if json.loads(line)["ts_event"] < sandbox.ended_ns
    ]
    log.write_bytes(b"\n".join(lines) + b"\n")
    return record, replay(raw, folder, sandbox.ended_ns)
