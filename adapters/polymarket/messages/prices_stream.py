"""What travels on the streams of reference prices: RTDS, and PolyBolt, which is to follow it.

`full_accuracy_value` is exact: decimal text at Binance and Pyth, a whole number of 1e-18 at Chainlink. One value a
second; a connection begins with a snapshot of the last minutes, which Chainlink's mislabels. Source: reference,
section 10 (read 2026-11-20).
"""

from decimal import Decimal
from typing import Final, Literal

from msgspec import Struct
from msgspec.json import Decoder, encode

from adapters.polymarket.messages.user_stream import Auth

PRICE_TOPICS: Final = frozenset(
    {
        "crypto_prices",
        "crypto_prices_chainlink",
        "crypto_prices_twap_thirty",
        "crypto_prices_twap_sixty",
        "equity_prices",
    }
)
"""The topics of RTDS that are prices."""


class PastPoint(Struct, frozen=True):
    """One value of a snapshot; `timestamp` in milliseconds."""

    timestamp: int
    value: Decimal
    full_accuracy_value: str | None = None


class PricePayload(Struct, frozen=True, kw_only=True):
    """A value, or with `data` those of the last minutes."""

    symbol: str
    timestamp: int | None = None
    value: Decimal | None = None
    full_accuracy_value: str | None = None
    window_s: int | None = None
    received_at: int | None = None
    is_carried_forward: bool = False
    data: tuple[PastPoint, ...] = ()


class Envelope(Struct, frozen=True, kw_only=True):
    """What tells the topics of RTDS apart, `timestamp` in milliseconds."""

    topic: str
    type: str
    timestamp: int


class PriceFrame(Envelope, frozen=True, kw_only=True):
    """A frame of a price topic."""

    payload: PricePayload


class RtdsWish(Struct, frozen=True, kw_only=True):
    """One topic; `filters` is JSON as text, without a space."""

    topic: str
    type: str
    filters: str


class RtdsSubscribe(Struct, frozen=True, kw_only=True):
    """What we say after connecting; a bad topic spoils the whole batch, so each goes alone."""

    subscriptions: tuple[RtdsWish, ...]
    action: Literal["subscribe"] = "subscribe"


class BoltPayload(Struct, frozen=True, kw_only=True):
    """A value of PolyBolt, or with `data` those of the last minutes."""

    symbol: str
    source: str
    value: Decimal | None = None
    full_accuracy_value: str | None = None
    timestamp: int | None = None
    received_at: int | None = None
    is_carried_forward: bool = False
    window_seconds: int | None = None
    market_status: str | None = None
    data: tuple[PastPoint, ...] = ()


class BoltFrame(Struct, frozen=True, kw_only=True):
    """A frame of PolyBolt: `seq` counts per channel and connection, `dropped` is what the server lost."""

    channel: str
    seq: int
    ts: int
    payload: BoltPayload
    dropped: int = 0
    snapshot: bool = False


class BoltAnswer(Struct, frozen=True, kw_only=True):
    """An answer of PolyBolt to something that we said."""

    op: Literal["authed", "subscribed", "unsubscribed", "error", "pong"]
    rid: str = ""
    channel: str = ""
    code: str = ""


class BoltLogin(Struct, frozen=True, kw_only=True):
    """The first frame that we send."""

    rid: str
    auth: Auth
    op: Literal["auth"] = "auth"


class BoltFilter(Struct, frozen=True, omit_defaults=True):
    """Of which symbol, and for a mean over how many seconds."""

    symbol: str
    window_seconds: int | None = None


class BoltWish(Struct, frozen=True):
    """One channel of one symbol."""

    channel: str
    filter: BoltFilter


class BoltSubscribe(Struct, frozen=True, kw_only=True):
    """What we say once we are known; each wish is answered by itself."""

    rid: str
    subscriptions: tuple[BoltWish, ...]
    op: Literal["subscribe"] = "subscribe"


_ENVELOPE: Final = Decoder(Envelope)
_PRICE: Final = Decoder(PriceFrame)
_BOLT: Final = Decoder(BoltFrame)
_ANSWER: Final = Decoder(BoltAnswer)


class _Kind(Struct, frozen=True):
    op: str | None = None


_KIND: Final = Decoder(_Kind)


def decode_rtds_frame(frame: bytes) -> PriceFrame | Envelope:
    """Return a price, or the envelope of a topic that we do not read; msgspec's errors for anything else."""
    envelope = _ENVELOPE.decode(frame)
    return _PRICE.decode(frame) if envelope.topic in PRICE_TOPICS else envelope


def decode_bolt_frame(frame: bytes) -> BoltFrame | BoltAnswer:
    """Return a frame of PolyBolt; msgspec's errors for anything else."""
    return _BOLT.decode(frame) if _KIND.decode(frame).op is None else _ANSWER.decode(frame)


def symbol_filter(symbol: str) -> str:
    """Return how a topic is told of a symbol."""
    return encode({"symbol": symbol}).decode()
