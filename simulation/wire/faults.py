"""The hand that carries out a fault plan, and the record of what it did. Venue-neutral.

A double asks `on_request`, `on_frame` and `due`; `request_middleware` does the HTTP half for any aiohttp
application. Every injected fault is recorded, so that a test can assert that it happened.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
from aiohttp import web

from simulation.wire.fault_plan import FaultPlan, PlannedFault

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ErrorWriter = Callable[[int], web.StreamResponse]


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault that happened: when, where (a route, a channel, "time"), which match it was."""

    at_ns: int
    where: str
    nth: int
    fault: PlannedFault


class Faults:
    """Counts requests and frames and hands out the faults planned for them."""

    def __init__(self, plan: FaultPlan, now_ns: Callable[[], int]) -> None:
        self.now_ns = now_ns
        self.injected: list[Injected] = []
        self.held_requests = 0
        self.plan = plan
        self._faults: list[PlannedFault] = []
        self._counts: list[int] = []
        self._done: set[int] = set()
        self._started_ns = now_ns()
        for fault in plan.faults:
            self.add(fault)

    def add(self, fault: PlannedFault) -> None:
        """Plan one more fault; its count and its seconds start now."""
        if fault.after_secs is not None:
            offset = (self.now_ns() - self._started_ns) / 1e9
            fault = msgspec.structs.replace(fault, after_secs=fault.after_secs + offset)
        self._faults.append(fault)
        self._counts.append(0)

    def on_request(self, route: str) -> PlannedFault | None:
        """The fault for this request ("METHOD /path"), if one is due."""
        return self._match(route, lambda fault: fault.route is not None and route.startswith(fault.route))

    def on_frame(self, channel: str) -> PlannedFault | None:
        """The fault for this frame, if one is due; channel "*" in a plan means any."""
        if not self._faults:
            return None
        return self._match(channel, lambda fault: fault.channel in (channel, "*"))

    def due(self) -> list[PlannedFault]:
        """Timed faults whose moment has come, each once."""
        elapsed_secs = (self.now_ns() - self._started_ns) / 1e9
        found = []
        for place, fault in enumerate(self._faults):
            if fault.after_secs is not None and place not in self._done and fault.after_secs <= elapsed_secs:
                self._done.add(place)
                self.injected.append(Injected(self.now_ns(), "time", 1, fault))
                found.append(fault)
        return found

    def end(self) -> None:
        """Plan nothing more; what is under way goes on, and `held_requests` says how many requests wait."""
        self._faults.clear()
        self._counts.clear()
        self._done.clear()

    def kinds(self) -> list[str]:
        """What was injected so far, in order."""
        return [entry.fault.kind for entry in self.injected]

    def _match(self, where: str, test: Callable[[PlannedFault], bool]) -> PlannedFault | None:
        hit: PlannedFault | None = None
        for place, fault in enumerate(self._faults):
            if not test(fault):
                continue
            self._counts[place] += 1
            past = self._counts[place] - fault.nth
            if hit is None and past >= 0 and (fault.times == 0 or past < fault.times):
                hit = fault
                self.injected.append(Injected(self.now_ns(), where, self._counts[place], fault))
        return hit


def request_middleware(
    faults: Faults, prefix: str, write_error: ErrorWriter
) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Make the aiohttp middleware that applies request faults; `write_error` writes the venue's error body."""

    @web.middleware
    async def apply(request: web.Request, handler: Handler) -> web.StreamResponse:
        route = f"{request.method} {request.path.removeprefix(prefix)}"
        fault = faults.on_request(route)
        if fault is None:
            return await handler(request)
        faults.held_requests += 1
        try:
            return await _carry_out(fault, request, handler, write_error)
        finally:
            faults.held_requests -= 1

    return apply


async def _carry_out(
    fault: PlannedFault, request: web.Request, handler: Handler, write_error: ErrorWriter
) -> web.StreamResponse:
    kind = fault.kind
    if kind == "status":
        return write_error(fault.status)
    if kind == "drop":
        return _cut(request)
    if kind == "half_open":
        await asyncio.sleep(fault.millis / 1000)
        return _cut(request)
    if kind == "delay":
        await asyncio.sleep(fault.millis / 1000)
        return await handler(request)
    await request.read()
    return await _after(fault, request, await handler(request), handler, write_error)


async def _after(
    fault: PlannedFault,
    request: web.Request,
    response: web.StreamResponse,
    handler: Handler,
    write_error: ErrorWriter,
) -> web.StreamResponse:
    if fault.kind == "ack_lost":
        return _cut(request)
    if fault.kind == "status_after":
        return write_error(fault.status)
    if fault.kind == "fill_before_ack":
        await asyncio.sleep(fault.millis / 1000)
        return response
    if fault.kind == "duplicate":
        return await handler(request)
    return await _truncate(request, response)


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)


async def _truncate(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    body = response.body if isinstance(response, web.Response) else b""
    raw = body if isinstance(body, bytes) else b""
    half = web.StreamResponse(status=response.status, headers={"Content-Type": "application/json"})
    half.content_length = len(raw)
    await half.prepare(request)
    await half.write(raw[: len(raw) // 2])
    return _cut(request)
