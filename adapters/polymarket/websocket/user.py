"""Polymarket's user stream: our orders and trades. Nothing is replayed, so what came before a connection REST must tell.

The venue answers neither a login nor a refused one, which ends the connection. The answer to our first word after the login
shows that it stands. Source: reference, section 7 (read 2026-11-20).
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from msgspec import MsgspecError

from adapters.polymarket.config import PolymarketConfig
from adapters.polymarket.messages.market_stream import OtherMessage
from adapters.polymarket.messages.user_stream import Auth, Login, UserMessage, decode_user_frame
from adapters.polymarket.signing.keys import ApiCredentials
from network.backoff import Backoff
from network.socket import ResilientSocket, Send

_PING: Final = "PING"
_PONG: Final = b"PONG"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserListener:
    """Who is told what, in the order of events.

    `on_whole()`: from now on everything of ours is heard. `on_trouble(reason)`: something may be missing from now on.
    """

    on_message: Callable[[UserMessage], None]
    on_whole: Callable[[], None]
    on_trouble: Callable[[str], None]


class UserSocket:
    """One connection with everything of ours; `epoch` counts the times that it was whole."""

    def __init__(
        self,
        config: PolymarketConfig,
        credentials: ApiCredentials,
        listener: UserListener,
        *,
        now_ns: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.epoch = 0
        self.is_whole = False
        self._listener = listener
        self._ping_secs = config.ping_secs
        self._sleep = sleep
        self._auth = Auth(
            api_key=credentials.key, secret=credentials.secret, passphrase=credentials.passphrase
        )
        self.socket = ResilientSocket(
            config.user_stream_address,
            on_frame=self._take,
            on_epoch=self._speak,
            on_down=self._end,
            now_ns=now_ns,
            heartbeat_secs=config.ping_secs,
            silence_secs=config.silence_secs,
            backoff=Backoff(config.reconnect_first_secs, 2.0, config.reconnect_most_secs),
            queue_size=config.most_frames_waiting,
            sleep=sleep,
        )

    async def run(self) -> None:
        """Keep the connection until `stop`."""
        await self.socket.run()

    def stop(self) -> None:
        """Ask `run` to return."""
        self.socket.stop()

    async def _speak(self, _epoch: int, send: Send) -> None:
        await send(Login(auth=self._auth, type="user"))
        while True:
            await send(_PING)
            await self._sleep(self._ping_secs)

    def _take(self, raw: bytes, _received_ns: int, _epoch: int) -> None:
        if raw == _PONG:
            self._stand()
            return
        try:
            message = decode_user_frame(raw)
        except (MsgspecError, UnicodeDecodeError) as error:
            self.counts["malformed"] += 1
            self._listener.on_trouble(f"a message of the user stream cannot be read: {error}")
            return
        if isinstance(message, OtherMessage):
            self.counts[f"unknown {message.kind}"] += 1
            return
        self._listener.on_message(message)

    def _stand(self) -> None:
        if not self.is_whole:
            self.is_whole = True
            self.epoch += 1
            self._listener.on_whole()

    def _end(self, _epoch: int, reason: str) -> None:
        self.is_whole = False
        self._listener.on_trouble(f"the user stream is down: {reason}")
