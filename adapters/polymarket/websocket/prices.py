"""RTDS: the stream of reference prices. Each topic is asked for in a frame of its own: a bad one spoils its frame."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, override

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
from adapters.polymarket.websocket.price_stream import PriceStream, Tap
from network.socket import Send

_PING_SECS: Final = 5.0
_FIRST_EPOCH: Final = 900_000_000


class PriceSocket(PriceStream[PriceFrame]):
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
        tap: Tap | None = None,
    ) -> None:
        self._topics = tuple(topics)
        self._on_price = on_price
        url = config.rtds_url or venue.RTDS_URL
        super().__init__(url, config, on_down, _FIRST_EPOCH, now_ns=now_ns, tap=tap)

    @override
    async def speak(self, epoch: int, send: Send) -> None:
        for topic, symbol in self._topics:
            wish = RtdsWish(topic=topic, type="*", filters=symbol_filter(symbol))
            await send(RtdsSubscribe(subscriptions=(wish,)))
        while True:
            await asyncio.sleep(_PING_SECS)
            await send("PING")

    @override
    def decode(self, raw: bytes) -> PriceFrame | None:
        if not raw.startswith(b"{"):
            return None  # an answer to our PING, or nothing
        frame = decode_rtds_frame(raw)
        if isinstance(frame, PriceFrame):
            return frame
        self.counts["no_prices"] += 1
        return None

    @override
    def take(self, frame: PriceFrame, received_ns: int) -> None:
        self._on_price(frame, received_ns)


def topic_of(wish: str) -> tuple[str, str]:
    """Return topic and symbol of a wish such as `crypto_prices_chainlink:btc/usd`; ValueError for any other text."""
    topic, colon, symbol = wish.partition(":")
    if topic not in PRICE_TOPICS or not colon or not symbol:
        known = ", ".join(sorted(PRICE_TOPICS))
        raise ValueError(f"expected `topic:symbol` with a topic among {known}, found {wish!r}")
    return topic, symbol
