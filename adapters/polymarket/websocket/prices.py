"""RTDS: the stream of reference prices. Each topic is asked for in a frame of its own: a bad one spoils its frame."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import MsgspecError

from adapters.polymarket import constants as venue
from adapters.polymarket.config import PolymarketDataConfig
from adapters.polymarket.messages.prices_stream import (
    PRICE_TOPICS,
    PriceFrame,
    RtdsSubscribe,
    RtdsWish,
    decode_rtds_frame,
    symbol_filter,
)
from network.backoff import Backoff
from network.socket import ResilientSocket, Send

_LOG: Final = logging.getLogger(__name__)
_PING_SECS: Final = 5.0
_EPOCHS: Final = 900_000_000
"""Connections of this stream are counted from here on, so that a recorder can tell them from the market stream's."""


class PriceSocket:
    """Hears `topics`, each as (topic, symbol); `on_price(frame, received_ns)` gets every value.

    `on_down(reason)` is told when values may be missing. `counts` tells malformed frames and topics that are no prices.
    """

    def __init__(
        self,
        config: PolymarketDataConfig,
        topics: Sequence[tuple[str, str]],
        on_price: Callable[[PriceFrame, int], None],
        on_down: Callable[[str], None],
        *,
        now_ns: Callable[[], int],
        tap: Callable[[bytes, int, int], None] | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._topics = tuple(topics)
        self._on_price = on_price
        self._on_down = on_down
        self.socket = ResilientSocket(
            config.rtds_url or venue.RTDS_URL,
            on_frame=self._take,
            on_epoch=self._speak,
            on_down=lambda _, reason: self._on_down(reason),
            now_ns=now_ns,
            tap=None if tap is None else lambda raw, ns, epoch: tap(raw, ns, _EPOCHS + epoch),
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

    async def _speak(self, _epoch: int, send: Send) -> None:
        for topic, symbol in self._topics:
            wish = RtdsWish(topic=topic, type="*", filters=symbol_filter(symbol))
            await send(RtdsSubscribe(subscriptions=(wish,)))
        while True:
            await asyncio.sleep(_PING_SECS)
            await send("PING")

    def _take(self, raw: bytes, received_ns: int, _epoch: int) -> None:
        if not raw.startswith(b"{"):
            return  # an answer to our PING, or nothing
        try:
            frame = decode_rtds_frame(raw)
        except (MsgspecError, UnicodeDecodeError) as error:
            self.counts["malformed"] += 1
            _LOG.warning("expected a reference price, found %r: %s", raw[:200], error)
            return
        if isinstance(frame, PriceFrame):
            self._on_price(frame, received_ns)
        else:
            self.counts["no_prices"] += 1


def topic_of(wish: str) -> tuple[str, str]:
    """Return topic and symbol of a wish such as `crypto_prices_chainlink:btc/usd`; ValueError for any other text."""
    topic, colon, symbol = wish.partition(":")
    if topic not in PRICE_TOPICS or not colon or not symbol:
        known = ", ".join(sorted(PRICE_TOPICS))
        raise ValueError(f"expected `topic:symbol` with a topic among {known}, found {wish!r}")
    return topic, symbol
