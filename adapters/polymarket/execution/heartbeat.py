"""The venue's dead-man switch: while it is armed, silence of ten seconds cancels every order of our API key.

The first accepted beat arms it for the key, and nothing disarms it: opt in, and let one process beat per key. Source:
reference, section 6 (read 2026-11-20).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import MsgspecError
from msgspec.json import decode

from adapters.polymarket import constants as venue
from adapters.polymarket.http.client import PolymarketHttp
from adapters.polymarket.messages.orders import BeatRefusal
from network.outcomes import Done, Refused
from orders.doubts import Doubts

_LOG: Final = logging.getLogger(__name__)
HEARTBEAT: Final = "heartbeat"


class Heartbeat:
    """Beats every `every_secs`; `on_lost` is called when the venue may have cancelled everything."""

    def __init__(
        self,
        http: PolymarketHttp,
        every_secs: float,
        doubts: Doubts,
        on_lost: Callable[[], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._every_secs = every_secs
        self._doubts = doubts
        self._on_lost = on_lost
        self._sleep = sleep
        self._id = ""
        self.beats = 0

    async def run(self) -> None:
        """Beat for ever."""
        loop = asyncio.get_running_loop()
        last_secs = loop.time()
        while True:
            if await self.beat():
                last_secs = loop.time()
                self._doubts.clear(HEARTBEAT)
            elif loop.time() - last_secs >= venue.HEARTBEAT_LIMIT_SECS:
                if not self._doubts.has(HEARTBEAT):
                    _LOG.error(
                        "the venue has not heard us for %.0f s: our orders may be cancelled",
                        loop.time() - last_secs,
                    )
                    self._doubts.raise_(
                        HEARTBEAT, "the venue does not hear us, and may have cancelled our orders"
                    )
                self._on_lost()
            await self._sleep(self._every_secs)

    async def beat(self) -> bool:
        """Send one beat, and a second one at once when the first had a stale id; return whether one was taken."""
        for _ in range(2):
            outcome = await self._http.post_heartbeat(self._id)
            match outcome:
                case Done(value):
                    self._id = value.heartbeat_id
                    self.beats += 1
                    return True
                case Refused(body=body):
                    self._id = _expected(body)
                case _:
                    return False
        return False


def _expected(body: bytes) -> str:
    try:
        return decode(body, type=BeatRefusal).heartbeat_id
    except MsgspecError:
        return ""
