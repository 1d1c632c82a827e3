"""A wire between a client and a double's socket, on which frames can be dropped, altered and counted."""

import asyncio
import json
from collections.abc import Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, WSMsgType, web

type Frame = dict[str, Any]

_PATH = "/trade-api/ws/v2"


def as_it_is(frame: Frame) -> Iterable[Frame]:
    """Let a frame pass."""
    return (frame,)


def nothing(command: Frame) -> Frame | None:
    """Leave the answer to the venue."""
    return None


class Wire:
    """Passes frames on; `passes` says what comes out for each frame, `commands` keeps what clients sent.

    What `answers` returns for a command is sent back in place of the venue's answer.
    """

    def __init__(self, socket_url: str) -> None:
        self.url = ""
        self.passes: Callable[[Frame], Iterable[Frame]] = as_it_is
        self.answers: Callable[[Frame], Frame | None] = nothing
        self.commands: list[Frame] = []
        self._socket_url = socket_url
        self._connections: list[web.WebSocketResponse] = []

    @asynccontextmanager
    async def laid(self):
        app = web.Application()
        app.router.add_get(_PATH, self._carry)
        runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"ws://127.0.0.1:{runner.addresses[0][1]}{_PATH}"
        try:
            yield self
        finally:
            await self.cut()
            await runner.cleanup()

    def drop(self, is_lost: Callable[[Frame], bool]) -> None:
        """Lose the frames that `is_lost` says."""
        self.passes = lambda frame: () if is_lost(frame) else (frame,)

    async def cut(self) -> None:
        """End every connection, as a network would."""
        connections, self._connections = self._connections, []
        for one in connections:
            await one.close()

    async def _carry(self, request: web.Request) -> web.WebSocketResponse:
        near = web.WebSocketResponse(timeout=0.1)
        await near.prepare(request)
        keys = {name: value for name, value in request.headers.items() if name.startswith("KALSHI-")}
        async with ClientSession() as session, session.ws_connect(self._socket_url, headers=keys) as far:
            self._connections.append(near)
            upward = asyncio.create_task(self._up(near, far))
            async for message in far:
                if message.type is WSMsgType.TEXT and not near.closed:
                    await self._down(near, message.data)
            upward.cancel()
        await near.close()
        return near

    async def _down(self, near: web.WebSocketResponse, text: str) -> None:
        if self.passes is as_it_is:
            await near.send_str(text)
            return
        for frame in self.passes(json.loads(text)):
            await near.send_str(json.dumps(frame))

    async def _up(self, near: web.WebSocketResponse, far: Any) -> None:
        async for message in near:
            if message.type is not WSMsgType.TEXT:
                continue
            command = json.loads(message.data)
            self.commands.append(command)
            if (answer := self.answers(command)) is None:
                await far.send_str(message.data)
            else:
                await near.send_str(json.dumps(answer))
        await far.close()
