"""One socket's way out: a bounded queue whose writer obeys the fault plan. Venue-neutral.

A reader that is too slow fills the queue; what happens then is the venue's rule, so `on_overflow` says.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from aiohttp import WSMsgType, web

from simulation.wire.fault_plan import HASHED_KINDS, PlannedFault
from simulation.wire.faults import Faults

Frame = tuple[str, int, bytes]
"""Channel, subscription number (0 for none), text."""


class FramePipe:
    """Queue and writer of one socket; `rewrite` is how a venue's own faults change a frame's text."""

    def __init__(
        self, socket: web.WebSocketResponse, faults: Faults, capacity: int, on_overflow: Callable[[int], None]
    ) -> None:
        self.socket = socket
        self.faults = faults
        self.capacity = capacity
        self.on_overflow = on_overflow
        self.cut: Callable[[], None] | None = None
        self.rewrite: Callable[[PlannedFault, bytes], list[bytes]] = lambda _, text: [text]
        self.is_silent = False
        self.is_half_open = False
        self.sent = 0
        self._queue: deque[Frame] = deque()
        self._held: list[Frame] = []
        self._wake = asyncio.Event()
        self._stall_frames: int | None = None

    @property
    def backlog(self) -> int:
        """Frames queued and not yet written."""
        return len(self._queue)

    def put(self, channel: str, number: int, text: bytes) -> None:
        """Queue a frame; at the limit the venue's overflow rule runs instead."""
        limit = self.capacity if self._stall_frames is None else self._stall_frames
        if len(self._queue) >= limit:
            self._stall_frames = None
            self.on_overflow(number)
            self._wake.set()
            return
        self._queue.append((channel, number, text))
        self._wake.set()

    def resume(self) -> None:
        """Let a stalled reader read again."""
        self._stall_frames = None
        self._wake.set()

    def forget(self, number: int) -> None:
        """Throw away what is queued for one subscription."""
        self._queue = deque(frame for frame in self._queue if frame[1] != number)

    async def run(self) -> None:
        """Write until cancelled or the socket closes."""
        while not self.socket.closed:
            await self._wake.wait()
            self._wake.clear()
            while self._queue and not self.is_half_open and self._stall_frames is None:
                await self._pass(self._queue.popleft())

    async def ping(self, body: bytes) -> None:
        """Send a ping unless the socket plays dead."""
        if not (self.is_silent or self.is_half_open or self.socket.closed):
            await self.socket.ping(body)

    async def _pass(self, frame: Frame) -> None:
        fault = self.faults.on_frame(frame[0])
        if fault is None:
            await self._send(frame)
            for late in self._take_held():
                await self._send(late)
            return
        await self._fault(fault, frame)

    async def _fault(self, fault: PlannedFault, frame: Frame) -> None:
        kind = fault.kind
        if (texts := self._texts(fault, frame[2])) is not None:
            for text in texts:
                await self._send((frame[0], frame[1], text))
        elif kind == "reorder":
            self._held.append(frame)
        elif kind == "slow_consumer":
            self._queue.appendleft(frame)
            self._stall_frames = fault.frames
        elif kind == "half_open":
            self.is_half_open = self.is_silent = True
        elif kind == "disconnect":
            self.abort()
        else:
            await self._wait(fault, frame)

    def _texts(self, fault: PlannedFault, text: bytes) -> list[bytes] | None:
        """What is sent at once in place of a frame; None for a fault that does something else."""
        if fault.kind in HASHED_KINDS:
            return self.rewrite(fault, text)
        plain: dict[str, list[bytes]] = {
            "drop": [], "sequence_gap": [], "duplicate": [text, text], "truncate": [text[: len(text) // 2]],
        }  # fmt: skip
        return plain.get(fault.kind)

    async def _wait(self, fault: PlannedFault, frame: Frame) -> None:
        self.is_silent = fault.kind == "freeze"
        await asyncio.sleep(fault.millis / 1000)
        self.is_silent = False
        await self._send(frame)

    def abort(self) -> None:
        """Cut the connection without a closing handshake."""
        if self.cut is not None:
            self.cut()

    def _take_held(self) -> list[Frame]:
        held, self._held = self._held, []
        return held

    async def _send(self, frame: Frame) -> None:
        if self.socket.closed:
            return
        try:
            await self.socket.send_frame(frame[2], WSMsgType.TEXT)
        except (ConnectionError, RuntimeError):  # the peer went away between the check and the write
            return
        self.sent += 1
