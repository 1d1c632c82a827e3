"""One stream of frames that comes back by itself, and says so each time it was gone."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from random import SystemRandom
from typing import override

import aiohttp
import msgspec
from aiohttp import WSMsgType
from aiohttp.http import WSMessageTextBytes

from network.addresses import checked_url
from network.backoff import Backoff
from network.errors import NetworkError, SlowConsumer, SocketClosed
from network.tasks import Tasks

type Send = Callable[[object], Awaitable[None]]
type _Connection = aiohttp.ClientWebSocketResponse[bool]

_BATCH = 16  # frames handed over in one go; then all others have their turn
_NO_ROOM_SECS = 0.001
_TICKS = 4  # the watchdog looks this often during the silence it allows
_MOST_FRAME_BYTES = 16 * 1024 * 1024
_CLOSE_SECS = 1.0  # for the farewell; a dead server does not answer it


@dataclass(repr=False, eq=False)
class ResilientSocket:
    """A WebSocket that reconnects until it is told to stop.

    Each connection is an epoch, counted from 1. `on_epoch(epoch, send)` begins it and subscribes, while
    `on_frame(frame, received_ns, epoch)` gets every frame in the order of arrival; `on_down(epoch, reason)`
    ends it after its last frame. A connection that could not be opened is told to `on_down` too, with the
    epoch before. `tap` gets each frame as it arrives, before anyone else.

    `headers` is asked at each connection, and what it returns is shown nowhere. We ping after
    `heartbeat_secs` without data and expect an answer in half of that. Without a frame or a ping of the
    server for `silence_secs`, we hold it for dead; an answer to our ping alone does not count. More than
    `queue_size` waiting frames end the epoch: they are discarded, and `on_down` says how many. While `has_room()`
    is false, frames wait: who takes them is behind.

    An error in `on_frame`, `tap` or `on_epoch` (a NetworkError excepted, which ends the epoch) closes the
    socket and is raised by `run`.
    """

    url: str
    _: KW_ONLY
    on_frame: Callable[[bytes, int, int], None]
    on_epoch: Callable[[int, Send], Awaitable[None]]
    on_down: Callable[[int, str], None]
    now_ns: Callable[[], int]
    headers: Callable[[], Mapping[str, str]] = dict
    tap: Callable[[bytes, int, int], None] | None = None
    heartbeat_secs: float = 10.0
    silence_secs: float = 30.0
    connect_secs: float = 10.0
    backoff: Backoff = field(default_factory=Backoff)
    queue_size: int = 100_000
    has_room: Callable[[], bool] = lambda: True
    allow_plain: bool = False
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = field(default_factory=lambda: SystemRandom().random)
    epoch: int = field(default=0, init=False)
    last_frame_ns: int = field(default=0, init=False)
    last_down: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._url = checked_url(self.url, ("ws", "wss"), allow_plain=self.allow_plain)
        self._connection: _Connection | None = None
        self._waiting = deque[tuple[bytes, int]]()
        self._has_waiting = asyncio.Event()
        self._was_heard = False
        self._stopping = asyncio.Event()

    @override
    def __repr__(self) -> str:
        state = "up" if self.is_up else "down"
        return f"ResilientSocket({self._url.with_query(None)}, epoch {self.epoch}, {state})"

    @property
    def is_up(self) -> bool:
        """Tell whether there is a connection to send on."""
        return self._connection is not None and not self._connection.closed

    @property
    def has_waiting(self) -> bool:
        """Tell whether frames wait to be handed over."""
        return bool(self._waiting)

    async def send(self, message: object) -> None:
        """Send one text frame: bytes and str as they are, everything else as JSON.

        Raises SocketClosed when there is no connection, or when it breaks; the frame may have left then.
        """
        connection = self._connection
        if connection is None or connection.closed:
            raise SocketClosed(f"expected an open connection to {self._url.host}, found none")
        try:
            await connection.send_frame(_encode(message), WSMsgType.TEXT)
        except (aiohttp.ClientError, OSError) as error:
            raise SocketClosed(f"the connection to {self._url.host} broke: {error}") from error

    def stop(self) -> None:
        """Ask `run` to close the connection and return; frames that have arrived are still handed over."""
        self._stopping.set()

    async def run(self) -> None:
        """Keep a connection open until `stop`; when this returns, nothing of the socket runs any more."""
        loop = asyncio.get_running_loop()
        tries = 0
        async with self._open() as session:
            while not self._stopping.is_set():
                began_secs, before = loop.time(), self.epoch
                self.last_down = await self._live(session)
                self.on_down(self.epoch, self.last_down)
                if self.epoch > before and loop.time() - began_secs >= self.backoff.most_secs:
                    tries = 0  # it held for a while, so this is a new trouble
                await self._first_of({"pause": self._pause(self.backoff.delay_secs(tries, self.random))})
                tries += 1

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, connect=self.connect_secs),
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(_stay_here,),
        )

    async def _live(self, session: aiohttp.ClientSession) -> str:
        try:
            reason = await self._first_of({"connect": self._connect(session)})
            if self._connection is not None:
                self.epoch += 1
                reason = await self._first_of(
                    {
                        "subscribe": self._subscribe(),  # first, so that it can make ready for the first frame
                        "read": self._read(self._connection),
                        "hand over": self._hand_over(),
                        "watch": self._watch(),
                    }
                )
        finally:
            await self._close()
        self._hand_over_batch(len(self._waiting))
        return reason

    async def _first_of(self, works: Mapping[str, Awaitable[str | None]]) -> str:
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        errors = list[BaseException]()

        async def follow(name: str, work: Awaitable[str | None]) -> None:
            try:
                reason = await work
            except NetworkError as error:
                reason = f"{name}: {error}"
            if not ended.done() and reason is not None:
                ended.set_result(reason)

        def fail(_name: str, error: BaseException) -> None:
            errors.append(error)
            if not ended.done():
                ended.set_result("failed")

        async with Tasks(fail) as tasks:
            for name, work in works.items():
                tasks.start(name, follow(name, work))
            tasks.start("stop", follow("stop", self._until_stopped()))
            await ended
        if errors:
            raise errors[0]
        return ended.result()

    async def _pause(self, secs: float) -> str:
        await self.sleep(secs)
        return "paused"

    async def _until_stopped(self) -> str:
        await self._stopping.wait()
        return "stopped"

    async def _connect(self, session: aiohttp.ClientSession) -> str:
        # Errors become words here: aiohttp's own hold the request with its headers, which are secret.
        try:
            async with asyncio.timeout(self.connect_secs):
                self._connection = await session.ws_connect(
                    self._url,
                    headers=self.headers(),
                    heartbeat=self.heartbeat_secs,
                    autoping=False,  # else a ping of the server would not be seen, and it is a sign of life
                    decode_text=False,
                    max_msg_size=_MOST_FRAME_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_SECS),
                )
        except TimeoutError:
            return f"no connection to {self._url.host} in {self.connect_secs:g} s"
        except aiohttp.WSServerHandshakeError as error:
            return f"{self._url.host} refused the handshake with status {error.status}"
        except (aiohttp.ClientError, OSError) as error:
            return f"no connection to {self._url.host}: {type(error).__name__} {error}"
        return "connected"

    async def _subscribe(self) -> None:
        await self.on_epoch(self.epoch, self.send)

    async def _read(self, connection: _Connection) -> str:
        while True:
            message = await connection.receive()
            kind = message.type
            if kind is WSMsgType.TEXT or kind is WSMsgType.BINARY:
                self._accept(message.data)
            elif kind is WSMsgType.PING:
                self._was_heard = True
                await self._pong(connection, message.data)
            elif kind is not WSMsgType.PONG:
                return _farewell(connection, message)

    async def _pong(self, connection: _Connection, body: bytes) -> None:
        try:
            await connection.pong(body)
        except (aiohttp.ClientError, OSError) as error:
            raise SocketClosed(f"the connection to {self._url.host} broke: {error}") from error

    def _accept(self, frame: bytes) -> None:
        received_ns = self.now_ns()
        self._was_heard = True
        self.last_frame_ns = received_ns
        if self.tap is not None:
            self.tap(frame, received_ns, self.epoch)
        self._waiting.append((frame, received_ns))
        if len(self._waiting) > self.queue_size:
            discarded = len(self._waiting)
            self._waiting.clear()
            raise SlowConsumer(discarded)
        self._has_waiting.set()

    async def _hand_over(self) -> None:
        while True:
            await self._has_waiting.wait()
            self._has_waiting.clear()
            while self._waiting:
                self._hand_over_batch(_BATCH)
                await asyncio.sleep(0 if self.has_room() else _NO_ROOM_SECS)

    def _hand_over_batch(self, most: int) -> None:
        waiting, on_frame, epoch = self._waiting, self.on_frame, self.epoch
        for _ in range(min(most, len(waiting))):
            frame, received_ns = waiting.popleft()
            on_frame(frame, received_ns, epoch)

    async def _watch(self) -> str:
        # Ticks are counted, not seconds: after a stall of this process it is the reader's turn first.
        quiet_ticks = 0
        while quiet_ticks < _TICKS:
            self._was_heard = False
            await self.sleep(self.silence_secs / _TICKS)
            quiet_ticks = 0 if self._was_heard else quiet_ticks + 1
        return f"nothing heard for {self.silence_secs:g} s"

    async def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            async with asyncio.timeout(2 * _CLOSE_SECS):  # a flood could keep aiohttp reading for ever
                await connection.close()
        except TimeoutError:
            return  # aiohttp has dropped the connection by then


def _encode(message: object) -> bytes:
    if isinstance(message, bytes):
        return message
    return message.encode() if isinstance(message, str) else msgspec.json.encode(message)


def _farewell(connection: _Connection, message: aiohttp.WSMessage | WSMessageTextBytes) -> str:
    if message.type is WSMsgType.ERROR:
        return f"broken: {message.data}"
    if message.type is WSMsgType.CLOSE:
        return f"closed by the server with code {message.data} {message.extra or ''}".strip()
    return f"closed with code {connection.close_code}"


async def _stay_here(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    response = await handler(request)
    if "Location" in response.headers:  # what we sign for one host must not travel to another
        response.close()
        raise aiohttp.ClientConnectionError(f"sent elsewhere with status {response.status}")
    return response
