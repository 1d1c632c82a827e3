"""A Polymarket to rehearse against: the CLOB on loopback, money and books inside, faults on demand."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from aiohttp import web

from simulation.wire.fault_plan import (
    FRAME_KINDS,
    HASHED_KINDS,
    REQUEST_KINDS,
    SETTLING_KINDS,
    FaultPlan,
    Kind,
    PlannedFault,
    require_known,
)
from simulation.wire.faults import Faults, Handler, request_middleware
from simulation.wire.polymarket_crowd import Crowd, CrowdSettings
from simulation.wire.polymarket_data_api import DataApi
from simulation.wire.polymarket_desk import Desk, Mode, PolymarketSettings, refusal
from simulation.wire.polymarket_entry import EntryApi
from simulation.wire.polymarket_errors import VenueError
from simulation.wire.polymarket_exchange import Exchange
from simulation.wire.polymarket_gamma import GammaApi
from simulation.wire.polymarket_playback import Playback
from simulation.wire.polymarket_prices import PriceApi
from simulation.wire.polymarket_reads import ReadApi
from simulation.wire.polymarket_settlement import Fate, Settlement
from simulation.wire.polymarket_streams import Streams

TIMED: Final[tuple[Kind, ...]] = (
    "clock_skew",
    "maintenance",
    "full_pause",
    "disconnect_all",
    *SETTLING_KINDS,
)


class PolymarketDouble:
    """One made-up CLOB with its own books, wallets and keys.

    `now_ns` is the venue's clock; `seed` decides ids and credentials. `exchange` lists markets and moves
    money, `settlement.fates` decides how trades end, `desk.set_mode` opens and closes the venue, `faults`
    is the record of injected faults, `audit()` lists broken invariants (none, ever). ValueError for
    a fault that cannot happen here. `strays` lists the requests for which it has no route.
    """

    def __init__(
        self,
        settings: PolymarketSettings,
        seed: int,
        now_ns: Callable[[], int],
        plan: FaultPlan | None = None,
    ) -> None:
        self.settings = settings
        self.exchange = Exchange(seed, now_ns)
        self.desk = Desk(self.exchange, settings, seed)
        self.settlement = Settlement(self.exchange, settings)
        self.entry = EntryApi(self.desk)
        plan = plan or FaultPlan()
        require_known(plan, REQUEST_KINDS + FRAME_KINDS + HASHED_KINDS + TIMED, "Polymarket")
        self.faults = Faults(plan, now_ns)
        self.streams = Streams(self.desk, self.faults)
        reads = (ReadApi(self.desk), PriceApi(self.desk), GammaApi(self.desk), DataApi(self.desk))
        self._parts = (*reads, self.entry, self.streams)
        self.errors: list[BaseException] = []
        self.strays: list[str] = []
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> str:
        """Listen on loopback; return the CLOB's base.

        Under it: streams at /ws/market and /ws/user, Gamma at /gamma, the Data API at /data-api, and
        /api/geoblock of the site.
        """
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.settings.host, self.settings.port).start()
        host, port = self._runner.addresses[0][:2]
        self.run("clock", self._tick_forever())
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        """End every task, cut every connection, close the port."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self.streams.abort_all()
        if self._runner is not None:
            await self._runner.cleanup()

    def run(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Own a task: named, cancelled by `stop`, its failure kept in `errors`."""
        task = asyncio.create_task(self._guard(work), name=f"polymarket double {name}")
        self._tasks.append(task)
        return task

    def start_crowd(self, settings: CrowdSettings, seed: int) -> Crowd:
        """Let made-up participants trade until `stop`."""
        crowd = Crowd(self.exchange, settings, seed)
        self.run("crowd", crowd.run())
        return crowd

    def start_playback(self, playback: Playback) -> asyncio.Task[None]:
        """Play a recording; the task ends with it. At speed 0 it waits for slow readers."""
        playback.pacing.backlog = lambda: max(
            (one.pipe.backlog for one in self.streams.subscribers), default=0
        )
        return self.run("playback", playback.run())

    def tick(self) -> None:
        """Do what is due: faults, modes, expiries, dead-man switches, settlement."""
        for fault in self.faults.due():
            self.carry_out(fault)
        self.desk.advance()
        self.exchange.advance()
        self.entry.advance()
        self.settlement.advance()

    def carry_out(self, fault: PlannedFault) -> None:
        """Make a timed fault happen now."""
        modes: dict[str, Mode] = {
            "maintenance": "restarting", "full_pause": "disabled", "post_only": "post_only", "cancel_only": "cancel_only",
        }  # fmt: skip
        if fault.kind in modes:
            self.desk.set_mode(modes[fault.kind], fault.millis)
        elif fault.kind == "clock_skew":
            self.desk.skew_ns = int(fault.millis * 1e6)
        elif fault.kind == "disconnect_all":
            self.streams.abort_all()
        elif fault.kind == "delay_takers":
            self.exchange.held_ns.extend([int(fault.millis * 1e6)] * fault.times)
        elif fault.kind == "revert_matches":
            fate: Fate = "retry" if fault.value == "retry" else "fail"
            self.settlement.fates.extend([fate] * fault.times)
        elif fault.kind == "slow_settlement":
            self.settlement.halt(fault.millis)
        else:
            self.entry.lose_beats()

    def end_faults(self) -> None:
        """Plan nothing more and be a sound venue again; a half-open socket stays so, lost beats stay lost."""
        self.faults.end()
        self.desk.skew_ns = 0
        self.desk.set_mode("open")
        self.exchange.held_ns.clear()
        self.settlement.fates.clear()
        self.settlement.halt(0)
        for subscriber in self.streams.subscribers:
            subscriber.pipe.resume()

    def audit(self) -> list[str]:
        """Every broken invariant in words; an empty list is the only good answer."""
        return self.exchange.audit()

    def _app(self) -> web.Application:
        faulty = request_middleware(self.faults, "", self._fault_error)
        app = web.Application(middlewares=[faulty, self._refusals], client_max_size=1 << 22)
        app.router.add_get("/api/geoblock", self._geoblock)
        for part in self._parts:
            app.add_routes(part.routes())
        return app

    async def _geoblock(self, _request: web.Request) -> web.Response:
        """Where the site thinks that the caller sits."""
        standing = self.desk.standing
        row = {"blocked": standing.is_blocked, "ip": "203.0.113.7"}
        return web.json_response(row | {"country": standing.country, "region": standing.region})

    @web.middleware
    async def _refusals(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            self.desk.rates.count(request.method, request.path, self.exchange.now_ns())
            return await handler(request)
        except VenueError as error:
            return refusal(error)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            self.strays.append(f"{request.method} {request.path}")
            return refusal(VenueError(404, "404 page not found"))

    def _fault_error(self, status: int) -> web.StreamResponse:
        text = "Too Many Requests" if status == 429 else "Internal server error"
        return refusal(VenueError(status, text))

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001  # the owner of the task: it keeps the error and stops
            self.errors.append(error)

    async def _tick_forever(self) -> None:
        while True:
            self.tick()
            await asyncio.sleep(self.settings.tick_ms / 1000)
