"""What travels on the market stream: JSON objects or arrays of them, told apart by `event_type`.

Numbers are decimal text, times are milliseconds since the epoch as text. There is no sequence: what proves
that nothing is missing is the hash of a book. Source: reference, section 9 (read 2026-11-20).
"""

from typing import Any, Final, Literal

from msgspec import UNSET, Raw, Struct, UnsetType, ValidationError, field
from msgspec.json import Decoder

type Side = Literal["BUY", "SELL"]


class Level(Struct, frozen=True):
    """A price and the whole size that rests there, as text."""

    price: str
    size: str


class MarketEvent(Struct, frozen=True, kw_only=True, tag_field="event_type"):
    """What every message says: the market's condition id, and when."""

    market: str
    timestamp: str


class BookMessage(MarketEvent, frozen=True, kw_only=True, tag="book"):
    """A whole book: bids ascend, asks descend. After a trade it comes without tick and last price."""

    asset_id: str
    hash: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    tick_size: str | None = None
    last_trade_price: str | None = None


class PriceChange(Struct, frozen=True, kw_only=True):
    """The new size of one level ("0" takes it away), and the book's hash and top after the whole burst."""

    asset_id: str
    price: str
    size: str
    side: Side
    hash: str | None = None
    best_bid: str | None = None
    best_ask: str | None = None


class PriceChangeMessage(MarketEvent, frozen=True, kw_only=True, tag="price_change"):
    """Changes of one burst, or of a part of it, for both tokens of a market."""

    price_changes: tuple[PriceChange, ...]


class TradeMessage(MarketEvent, frozen=True, kw_only=True, tag="last_trade_price"):
    """A print; `side` is the taker's. It has no id of its own."""

    asset_id: str
    price: str
    size: str
    side: Side
    fee_rate_bps: str | None = None
    transaction_hash: str | None = None


class TickSizeMessage(MarketEvent, frozen=True, kw_only=True, tag="tick_size_change"):
    """Another price grid from now on."""

    asset_id: str
    new_tick_size: str
    old_tick_size: str | None = None


class TopMessage(MarketEvent, frozen=True, kw_only=True, tag="best_bid_ask"):
    """The best prices; "0" and "1" stand for an empty side."""

    asset_id: str
    best_bid: str
    best_ask: str
    spread: str | None = None


class NewMarketMessage(MarketEvent, frozen=True, kw_only=True, tag="new_market"):
    """A market was made, subscribed to or not."""

    id: str
    slug: str
    assets_ids: tuple[str, ...]
    outcomes: tuple[str, ...] = ()


class ResolvedMessage(MarketEvent, frozen=True, kw_only=True, tag="market_resolved"):
    """A subscribed market has a result; the strict rule of section 15 decides whether it counts."""

    id: str
    assets_ids: tuple[str, ...]
    winning_asset_id: str
    winning_outcome: str


class OtherMessage(Struct, frozen=True, kw_only=True):
    """A message of a type that we do not read."""

    kind: str = field(name="event_type", default="")


type MarketMessage = (
    BookMessage
    | PriceChangeMessage
    | TradeMessage
    | TickSizeMessage
    | TopMessage
    | NewMarketMessage
    | ResolvedMessage
)

_MESSAGE: Final[Any] = MarketMessage.__value__  # an alias of its own would be one more level to msgspec
_FRAME: Final[Decoder[Any]] = Decoder(list[_MESSAGE] | _MESSAGE)
_PARTS: Final = Decoder(list[Raw])
_KIND: Final = Decoder(OtherMessage)
READ_TYPES: Final = frozenset(str(kind.__struct_config__.tag) for kind in MarketEvent.__subclasses__())
"""The types of messages that we read; all others come as `OtherMessage`."""


def decode_market_frame(frame: bytes) -> list[MarketMessage | OtherMessage]:
    """Return the messages of a frame in their order, those of a type that is new to us as `OtherMessage`.

    msgspec's errors when a message of a known type is malformed; then none of the frame is returned.
    """
    try:
        found = _FRAME.decode(frame)
    except ValidationError:
        parts = _PARTS.decode(frame) if frame.lstrip().startswith(b"[") else [frame]
        return [_message(bytes(part)) for part in parts]
    return found if isinstance(found, list) else [found]


def _message(part: bytes) -> MarketMessage | OtherMessage:
    kind = _KIND.decode(part)
    if kind.kind not in READ_TYPES:
        return kind
    message: MarketMessage = _FRAME.decode(part)
    return message


class Subscribe(Struct, frozen=True, kw_only=True):
    """The first frame that we send; `custom_feature_enabled` also brings tops, new markets and results."""

    assets_ids: tuple[str, ...]
    type: Literal["market"] = "market"
    custom_feature_enabled: bool = True


class Change(Struct, frozen=True, kw_only=True):
    """Tokens that are added to a subscription, or taken out of it."""

    operation: Literal["subscribe", "unsubscribe"]
    assets_ids: tuple[str, ...]
    custom_feature_enabled: bool | UnsetType = UNSET
