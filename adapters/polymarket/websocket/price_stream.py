"""What both streams of reference prices are made of: a connection that is kept, and frames that can be read."""

import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import Final

from msgspec import MsgspecError

from adapters.polymarket.config import PolymarketDataConfig
from network.backoff import Backoff
from network.socket import ResilientSocket, Send

_LOG: Final = logging.getLogger(__name__)

type Tap = Callable[[bytes, int, int], None]
"""Gets each raw frame, when it was received in ns, and the number of its connection."""


class PriceStream[F](ABC):
    """Keeps a connection to `url`; `F` is what its frames say.

    `on_down(reason)` is told when values may be missing. `counts` tells malformed frames. Connections are counted from
    `first_epoch` on, so that a recorder can tell them from those of other streams.
    """

    def __init__(
        self,
        url: str,
        config: PolymarketDataConfig,
        on_down: Callable[[str], None],
        first_epoch: int,
        *,
        now_ns: Callable[[], int],
        tap: Tap | None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.socket = ResilientSocket(
            url,
            on_frame=self._read,
            on_epoch=self.speak,
            on_down=lambda _, reason: on_down(reason),
            now_ns=now_ns,
            tap=None if tap is None else lambda raw, ns, epoch: tap(raw, ns, first_epoch + epoch),
            heartbeat_secs=config.ping_secs,
            silence_secs=config.silence_secs,
            backoff=Backoff(config.reconnect_first_secs, 2.0, config.reconnect_most_secs),
            queue_size=config.most_frames_waiting,
        )

    async def run(self) -> None:
        """Keep the connection until `stop`."""
        await self.socket.run()

    def stop(self) -> None:
        """Ask `run` to return."""
        self.socket.stop()

    @abstractmethod
    async def speak(self, epoch: int, send: Send) -> None:
        """Ask for prices on a new connection, and say what keeps it, until it ends."""

    @abstractmethod
    def decode(self, raw: bytes) -> F | None:
        """Return what a frame says, None for one without prices; MsgspecError or UnicodeDecodeError for a malformed one."""

    @abstractmethod
    def take(self, frame: F, received_ns: int) -> None:
        """Hand a frame on."""

    def _read(self, raw: bytes, received_ns: int, _epoch: int) -> None:
        try:
            frame = self.decode(raw)
        except (MsgspecError, UnicodeDecodeError) as error:
            self.counts["malformed"] += 1
            _LOG.warning("expected a reference price, found %r: %s", raw[:200], error)
            return
        if frame is not None:
            self.take(frame, received_ns)
