"""When a recorded message is due: a recording's own time, shifted to now, at any speed. Venue-neutral."""

import asyncio
from collections.abc import Callable
from typing import Final

_SECOND_NS: Final = 1_000_000_000
_YIELD_EVERY: Final = 64


class Pacing:
    """One recording's clock: it starts with the first message seen.

    `speed` 1 is real time, 10 is ten times as fast, 0 is as fast as the readers can follow: they are given
    way when `backlog()` frames exceed `most_waiting`.
    """

    def __init__(self, speed: float, now_ns: Callable[[], int], most_waiting: int) -> None:
        self.speed = speed
        self.now_ns = now_ns
        self.most_waiting = most_waiting
        self.backlog: Callable[[], int] = lambda: 0
        self.at_ns = 0
        self._zero: tuple[int, int] | None = None

    @property
    def played_secs(self) -> float:
        """How much of the recording's own time has been played."""
        return 0.0 if self._zero is None else (self.at_ns - self._zero[0]) / _SECOND_NS

    def see(self, recv_ns: int) -> None:
        """Take note of a message that is being played."""
        self.at_ns = recv_ns
        if self._zero is None:
            self._zero = (recv_ns, self.now_ns())

    def shifted(self, at_ns: int) -> int:
        """A time of the recording on the double's clock."""
        recorded, now = self._zero or (at_ns, self.now_ns())
        return now + int((at_ns - recorded) / (self.speed or 1.0))

    async def wait(self, recv_ns: int, count: int) -> None:
        """Wait until a message is due; `count` is how many were played before."""
        if self.speed > 0 and self._zero is not None:
            due_ns = self.shifted(recv_ns)
            if due_ns > self.now_ns():
                await asyncio.sleep((due_ns - self.now_ns()) / _SECOND_NS)
        elif count % _YIELD_EVERY == 0:
            await asyncio.sleep(0)
            while self.backlog() > self.most_waiting:
                await asyncio.sleep(0.001)
