"""A Kalshi to rehearse against: REST and socket on loopback, money and books inside, faults on demand."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Literal

from aiohttp import web

from simulation.wire.fault_plan import (
    FRAME_KINDS,
    REQUEST_KINDS,
    TIMED_KINDS,
    FaultPlan,
    PlannedFault,
    require_known,
)
from simulation.wire.faults import Faults, Handler, request_middleware
from simulation.wire.kalshi_audit import Snapshot, snapshot_of, violations
from simulation.wire.kalshi_control import Control
from simulation.wire.kalshi_crowd import Crowd, CrowdSettings
from simulation.wire.kalshi_entry import EntryApi
from simulation.wire.kalshi_errors import VenueError, not_found
from simulation.wire.kalshi_exchange import Exchange
from simulation.wire.kalshi_group_entry import GroupApi
from simulation.wire.kalshi_http import PREFIX, Desk
from simulation.wire.kalshi_hub import Hub
from simulation.wire.kalshi_life import Life
from simulation.wire.kalshi_playback import Playback
from simulation.wire.kalshi_portfolio import PortfolioApi
from simulation.wire.kalshi_public import PublicApi
from simulation.wire.kalshi_rates import Rates
from simulation.wire.kalshi_settings import KalshiSettings
from simulation.wire.kalshi_signatures import ALL_SCOPES, ApiKey, Credentials, Doorkeeper, make_key_pair
from simulation.wire.kalshi_socket import SOCKET_PATH, SocketApi


@dataclass(frozen=True, slots=True)
class BaseUrls:
    """Where a started double listens: the REST base with its prefix, and the socket."""

    rest: str
    socket: str


class KalshiDouble:
    """One made-up Kalshi with its own books, accounts and keys.

    `now_ns` is the venue's clock; `seed` decides ids, chance and the crowd. `control` moves markets and
    money, `faults` is the record of injected faults, `audit()` lists broken invariants (none, ever).
    """

    def __init__(
        self, settings: KalshiSettings, seed: int, now_ns: Callable[[], int], plan: FaultPlan | None = None
    ) -> None:
        self.settings = settings
        plan = plan or FaultPlan()
        require_known(plan, REQUEST_KINDS + FRAME_KINDS + TIMED_KINDS, "Kalshi")
        self.exchange = Exchange(settings, seed, now_ns)
        self.life = Life(self.exchange)
        self.hub = Hub(self.exchange)
        self.faults = Faults(plan, now_ns)
        self.desk = Desk(
            self.exchange,
            Doorkeeper(settings.max_skew_ms, enforce=settings.enforce_signatures),
            Rates(settings),
        )
        self.control = Control(self.exchange, self.life)
        self.sockets = SocketApi(self.desk, self.hub, self.faults)
        self.errors: list[BaseException] = []
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> BaseUrls:
        """Listen on loopback and keep the markets' clocks running; return where."""
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.settings.host, self.settings.port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.run("clock", self._tick_forever())
        return BaseUrls(f"http://{host}:{port}{PREFIX}", f"ws://{host}:{port}{SOCKET_PATH}")

    async def stop(self) -> None:
        """Cut every connection, end every task, close the port."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self.sockets.abort_all()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def run(self, name: str, work: Any) -> asyncio.Task[None]:
        """Own a task: named, cancelled by `stop`, its failure kept in `errors`."""
        task = asyncio.create_task(self._guard(work), name=f"kalshi double {name}")
        self._tasks.append(task)
        return task

    def tick(self) -> None:
        """Do what is due: faults, life of markets, tickers. The clock task calls it; a test may too."""
        for fault in self.faults.due():
            self.carry_out(fault)
        self.life.advance()
        self.hub.tick()

    def add_key(
        self,
        user: str,
        kind: Literal["rsa", "ed25519"] = "ed25519",
        scopes: frozenset[str] = ALL_SCOPES,
        subaccount: int | None = None,
    ) -> Credentials:
        """Make a key for a user and return what a client signs with."""
        pem, public = make_key_pair(kind)
        key = ApiKey(self.exchange.new_id(), user, public, scopes, subaccount)
        self.desk.doorkeeper.keys[key.key_id] = key
        return Credentials(key.key_id, pem)

    def carry_out(self, fault: PlannedFault) -> None:
        """Make a timed fault happen now."""
        if fault.kind == "clock_skew":
            self.desk.skew_ns = self.settings.ns(fault.millis)
        elif fault.kind == "disconnect_all":
            self.sockets.abort_all()
        else:
            self.control.carry_out(fault)
            if fault.kind in ("maintenance", "full_pause"):
                self.sockets.abort_all()

    def end_faults(self) -> None:
        """Plan nothing more, set the clock right, let stalled readers read; a half-open socket stays so."""
        self.faults.end()
        self.desk.skew_ns = 0
        for connection in self.sockets.connections:
            connection.pipe.resume()

    def start_crowd(self, settings: CrowdSettings, seed: int) -> Crowd:
        """Let made-up participants trade until `stop`."""
        crowd = Crowd(self.control, settings, seed)
        self.run("crowd", crowd.run())
        return crowd

    def start_playback(self, playback: Playback) -> asyncio.Task[None]:
        """Play a recording; the task ends with it. At speed 0 it waits for slow readers."""
        playback.pacing.backlog = lambda: max(
            (item.pipe.backlog for item in self.sockets.connections), default=0
        )
        return self.run("playback", playback.run())

    def snapshot(self) -> Snapshot:
        """Orders, fills, cash and positions of every user account, for tests."""
        return snapshot_of(self.exchange)

    def audit(self) -> list[str]:
        """Every broken invariant in words; an empty list is the only good answer."""
        return violations(self.exchange)

    def _app(self) -> web.Application:
        faulty = request_middleware(self.faults, PREFIX, self._fault_error)
        app = web.Application(middlewares=[faulty, self._refusals], client_max_size=1 << 22)
        for part in (PublicApi(self.desk), PortfolioApi(self.desk), EntryApi(self.desk), GroupApi(self.desk)):
            app.add_routes(part.routes())
        app.router.add_get(SOCKET_PATH, self.sockets.handle, allow_head=False)
        app.on_response_prepare.append(self._date)
        return app

    async def _date(self, _request: web.Request, response: web.StreamResponse) -> None:
        """State the venue's clock, as every server does (RFC 9110): it may not be the machine's."""
        response.headers["Date"] = formatdate((self.desk.now_ns() + self.desk.skew_ns) / 1e9, usegmt=True)

    @web.middleware
    async def _refusals(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except VenueError as error:
            return self.desk.refusal(error)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            return self.desk.refusal(not_found(request.path))

    def _fault_error(self, status: int) -> web.StreamResponse:
        if status == 429:
            return self.desk.refusal(VenueError(429, "too_many_requests", "too many requests"))
        if status == 503:
            return web.Response(status=503, text="<html>service unavailable</html>", content_type="text/html")
        return self.desk.refusal(VenueError(status, "internal_server_error"))

    async def _guard(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001  # the owner of the task: it keeps the error and stops
            self.errors.append(error)

    async def _tick_forever(self) -> None:
        while True:
            self.tick()
            await asyncio.sleep(self.settings.tick_ms / 1000)
