"""One run from its first process to its last: a made-up venue if it needs one, the supervisor, the node. No Nautilus."""

import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from msgspec.structs import replace

from adapters.kalshi.config import KalshiConfig
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.signing import Credentials
from adapters.polymarket.config import PolymarketExecutionConfig
from adapters.polymarket.http.client import PolymarketHttp
from adapters.polymarket.signing.keys import ApiCredentials, Owner
from network.errors import NetworkError
from storage.journal.journal import Journal
from system.book import BadBook, Live
from system.child import Child, Patience
from system.closing import Closer, KalshiCloser
from system.double import Double
from system.kalshi_settings import read_settings
from system.live_plan import LivePlan
from system.live_view import LiveView, cancelled, pulse_words, session_words
from system.logbook import JournalLogbook
from system.modes import double_addresses
from system.polymarket_closing import PolymarketCloser
from system.polymarket_settings import read_settings as read_polymarket
from system.redis_channel import relay
from system.run_journal import RunJournal
from system.supervisor import Supervisor, Terms

NODE: Final = (sys.executable, "-m", "system.node_process")

_AFTER_PLAYBACK_SECS: Final = 20.0
_CLOSING_TIMEOUT_SECS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: its exit code, how often a node was started, what the made-up venue says, if any."""

    code: int
    nodes: int
    verdict: dict[str, Any] | None


def now_ns() -> int:
    """Return the wall clock: this is where time enters."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


class LiveRun:
    """Runs a plan. `node` is the command that starts a node, less its arguments."""

    def __init__(
        self,
        plan: LivePlan,
        environ: Mapping[str, str],
        view: LiveView,
        *,
        node: Sequence[str] = NODE,
        terms: Terms | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._plan = plan
        self._environ = dict(environ)
        self._view = view
        self._node = node
        self._terms = terms or Terms()
        self._patience = patience or Patience()
        self._double: Double | None = None

    async def run(self) -> Ended:
        """Return how it ended. BadBook, BadJournal, BadCredentials or DoubleFailed when nothing could start."""
        self._plan.folder.mkdir(parents=True, exist_ok=True)
        plan, view = self._plan, self._view
        journal = Journal.open(plan.journal, now_ns)
        ours = RunJournal(journal, plan.run, plan.mode, plan.outline.name, now_ns)
        logbook = JournalLogbook(ours, view.tell, [view.alert])
        try:
            if plan.venue is not None:
                self._double = await Double.start(plan.venue)
                self._environ = self._double.environ(self._environ)
                view.tell(_introduction(plan, self._double.address.rest))
            code, nodes = await self._supervise(await self._open_closers(), logbook, ours)
            verdict = await self._double.stop() if self._double is not None else None
            return Ended(code, nodes, verdict)
        finally:
            if self._double is not None:
                await self._double.stop()
            logbook.close()

    async def _open_closers(self) -> list[Closer]:
        if self._plan.mode == "sandbox":
            return []  # its orders exist in the node's memory only, and no key of it may write
        live = self._plan.outline.live
        assert live is not None
        closers: list[Closer] = []
        for venue in live.venues:
            makers: dict[str, Callable[[Live], Closer]] = {
                "KALSHI": self._kalshi,
                "POLYMARKET": self._polymarket,
            }
            make = makers.get(venue)
            if make is None:
                raise BadBook(f"expected venues that the supervisor can close, found {venue}")
            closers.append(make(live))
        for closer in closers:
            try:
                await closer.open()
            except NetworkError as error:
                raise BadBook(
                    f"expected {closer.venue} to answer before a node may trade, found: {error}"
                ) from error
        return closers

    def _kalshi(self, live: Live) -> KalshiCloser:
        settings = live.settings.get("KALSHI", {})
        addresses = double_addresses("KALSHI", self._plan.mode, self._environ)
        config = replace(
            read_settings({**settings, **addresses}, KalshiConfig), request_timeout_secs=_CLOSING_TIMEOUT_SECS
        )
        credentials = Credentials.from_environment(self._environ)
        http = KalshiHttp(config, credentials, now_ns=now_ns, monotonic=time.monotonic)
        return KalshiCloser(http, now_ns=now_ns, monotonic=time.monotonic)

    def _polymarket(self, live: Live) -> PolymarketCloser:
        settings = live.settings.get("POLYMARKET", {})
        addresses = double_addresses("POLYMARKET", self._plan.mode, self._environ)
        config = replace(
            read_polymarket({**settings, **addresses}, PolymarketExecutionConfig),
            request_timeout_secs=_CLOSING_TIMEOUT_SECS,
        )
        owner = Owner.from_environment(self._environ)
        credentials = ApiCredentials.from_environment(owner.address, self._environ)
        http = PolymarketHttp(config, owner, credentials, now_ns=now_ns, monotonic=time.monotonic)
        return PolymarketCloser(http, monotonic=time.monotonic)

    async def _supervise(
        self, closers: list[Closer], logbook: JournalLogbook, ours: RunJournal
    ) -> tuple[int, int]:
        supervisor = Supervisor(
            self._start_node,
            closers,
            logbook,
            self._terms,
            random=random.SystemRandom().random,
            monotonic=time.monotonic,
        )
        supervisor.listen()
        others = [
            asyncio.create_task(self._view.follow(lambda: self._words(supervisor)), name="view"),
            *(asyncio.create_task(work, name="end of the run") for work in self._ends(supervisor)),
        ]
        live = self._plan.outline.live
        if live is not None and live.redis is not None:
            others.append(asyncio.create_task(relay(live.redis, ours, self._view.tell), name="redis"))
        try:
            return await supervisor.run(), supervisor.runs
        finally:
            for task in others:
                await cancelled(task)

    def _words(self, supervisor: Supervisor) -> str:
        pulse = pulse_words(supervisor.pulse, is_alive=supervisor.child is not None)
        task = self._plan.venue
        if self._double is None or task is None or task.recording is None:
            return pulse
        return pulse + session_words(self._double.played_secs, self._plan.session_secs, task.speed)

    async def _start_node(self, cause: str | None) -> Child:
        command = [*self._node, *self._plan.node_arguments(cause)]
        log = self._plan.folder / "node.log"
        return await Child.start(command, self._environ, log, self._patience, time.monotonic)

    def _ends(self, supervisor: Supervisor) -> Iterator[Coroutine[Any, Any, None]]:
        """Yield what may end a run besides the node and an operator."""
        secs, double = self._plan.duration_secs, self._double
        if secs is not None:
            yield self._end(supervisor, "its time is over", lambda: _time_running(supervisor, secs))
        if double is not None:
            yield self._end(supervisor, "the made-up venue is dead", double.died.wait)
            yield self._end(
                supervisor, "the recording is at its end", double.played.wait, _AFTER_PLAYBACK_SECS
            )

    async def _end(
        self, supervisor: Supervisor, why: str, event: Callable[[], Awaitable[Any]], after_secs: float = 0.0
    ) -> None:
        await event()
        await asyncio.sleep(after_secs)  # markets close, and pay, after the last frame of a recording
        self._view.tell(f"ending: {why}")
        supervisor.end()


async def _time_running(supervisor: Supervisor, secs: float) -> None:
    """Return when `secs` have passed since a node first ran."""
    while supervisor.pulse is None or supervisor.pulse.phase == "starting":
        await asyncio.sleep(0.1)
    await asyncio.sleep(secs)


def _introduction(plan: LivePlan, address: str) -> str:
    if plan.wish.playback is None:
        return f"a made-up venue listens at {address}"
    kind = "a recorded" if plan.is_recorded else "a SYNTHETIC"
    return f"{plan.wish.playback} is played at {address}: {kind} session"
