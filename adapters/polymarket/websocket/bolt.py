"""PolyBolt: the newer stream of reference prices. It wants API credentials, and numbers its frames per channel.

Source: reference, section 10 (the SDK 0.14.0, read 2026-11-20); no frame of it was ever recorded by us.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Final, override

from adapters.polymarket import constants as venue
from adapters.polymarket.config import PolymarketDataConfig
from adapters.polymarket.messages.prices_stream import (
    BoltAnswer,
    BoltFilter,
    BoltFrame,
    BoltLogin,
    BoltSubscribe,
    BoltWish,
    decode_bolt_frame,
)
from adapters.polymarket.messages.user_stream import Auth
from adapters.polymarket.websocket.price_stream import PriceStream, Tap
from network.socket import Send

_LOG: Final = logging.getLogger(__name__)
_SPACING_SECS: Final = 0.11  # 20 operations a second are the most
_FIRST_EPOCH: Final = 950_000_000
_CHANNELS: Final = frozenset({"price.crypto", "price.crypto.twap", "price.equity", "price.equity.twap"})


class BoltSocket(PriceStream[BoltFrame | BoltAnswer]):
    """Hears `wishes`; `on_price(frame, received_ns)` gets every frame of a channel that was subscribed.

    `on_down(reason)` is told when values may be missing: the connection ended, a number was left out, or the server says
    that it dropped some. `counts` tells those, malformed frames and wishes that were refused. `auth` is shown nowhere.
    """

    def __init__(  # noqa: PLR0913  who is told what
        self,
        config: PolymarketDataConfig,
        auth: Auth,
        wishes: Sequence[BoltWish],
        on_price: Callable[[BoltFrame, int], None],
        on_down: Callable[[str], None],
        *,
        now_ns: Callable[[], int],
        tap: Tap | None = None,
    ) -> None:
        self._auth = auth
        self._wishes = tuple(wishes)
        self._on_price = on_price
        self._on_down = on_down
        self._is_known = asyncio.Event()
        self._next: dict[str, int] = {}
        url = config.polybolt_url or venue.POLYBOLT_URL
        super().__init__(url, config, on_down, _FIRST_EPOCH, now_ns=now_ns, tap=tap)

    @override
    async def speak(self, epoch: int, send: Send) -> None:
        self._is_known.clear()
        self._next.clear()
        numbers = count(1)
        await send(BoltLogin(rid=str(next(numbers)), auth=self._auth))
        await self._is_known.wait()
        for wish in self._wishes:
            await asyncio.sleep(_SPACING_SECS)
            await send(BoltSubscribe(rid=str(next(numbers)), subscriptions=(wish,)))
        await asyncio.Event().wait()  # until the connection ends

    @override
    def decode(self, raw: bytes) -> BoltFrame | BoltAnswer:
        return decode_bolt_frame(raw)

    @override
    def take(self, frame: BoltFrame | BoltAnswer, received_ns: int) -> None:
        if isinstance(frame, BoltAnswer):
            self._take_answer(frame)
            return
        due = self._next.get(frame.channel, frame.seq)
        self._next[frame.channel] = frame.seq + 1
        if frame.seq != due or frame.dropped:
            self.counts["gaps"] += 1
            self._on_down(
                f"{frame.channel}: expected frame {due}, found {frame.seq}, {frame.dropped} dropped"
            )
        self._on_price(frame, received_ns)

    def _take_answer(self, answer: BoltAnswer) -> None:
        if answer.op == "authed":
            self._is_known.set()
        elif answer.op == "error":
            self.counts["refused"] += 1
            _LOG.error("expected %s, found it refused: %s", answer.channel or "to be known", answer.code)


def bolt_wish(text: str) -> BoltWish:
    """Return a wish such as `price.crypto:btcusd`, or `price.crypto.twap:btcusd:60`; ValueError for any other text."""
    channel, _, rest = text.partition(":")
    symbol, _, window = rest.partition(":")
    is_mean = channel.endswith(".twap")
    if channel not in _CHANNELS or not symbol or is_mean != window.isdecimal():
        known = ", ".join(sorted(_CHANNELS))
        raise ValueError(f"expected `channel:symbol`, with `:seconds` for a mean, of {known}, found {text!r}")
    return BoltWish(channel, BoltFilter(symbol, int(window) if is_mean else None))


def is_bolt(text: str) -> bool:
    """Return whether a wish is one for this stream."""
    return text.startswith("price.")


class PriceSockets:
    """Several streams of reference prices as one."""

    def __init__(self, sockets: Sequence[Any]) -> None:
        self.sockets = tuple(sockets)

    async def run(self) -> None:
        """Keep all connections until `stop`; what fails in one is raised here."""
        async with asyncio.TaskGroup() as group:
            for socket in self.sockets:
                group.create_task(socket.run())

    def stop(self) -> None:
        """Ask `run` to return."""
        for socket in self.sockets:
            socket.stop()
