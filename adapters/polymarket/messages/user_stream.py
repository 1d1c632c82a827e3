"""What travels on the user stream: our orders and our trades. No replay: after each connection ask by REST.

Recorded frames are of 2024 or from the documentation, so what may be missing is optional here. Times are
seconds in the documentation and milliseconds in recordings: `numbers.time_ns` tells by their size. Source:
reference, section 7 (read 2026-11-20).
"""

from typing import Final, Literal

from msgspec import Struct, ValidationError
from msgspec.json import Decoder

from adapters.polymarket.messages.market_stream import OtherMessage, Side

type TradeStatus = Literal["MATCHED", "MINED", "CONFIRMED", "RETRYING", "FAILED", "MATCHED_NOT_BROADCASTED"]


class UserEvent(Struct, frozen=True, kw_only=True, tag_field="event_type"):
    """What every message of ours says."""

    id: str
    market: str
    asset_id: str
    side: Side
    price: str
    status: str
    timestamp: str | None = None
    owner: str | None = None


class OrderMessage(UserEvent, frozen=True, kw_only=True, tag="order"):
    """An order of ours was placed, matched in part, or cancelled; `size_matched` may be empty."""

    type: Literal["PLACEMENT", "UPDATE", "CANCELLATION"]
    original_size: str
    size_matched: str = ""
    order_type: str | None = None
    outcome: str | None = None
    created_at: str | None = None
    expiration: str | None = None
    maker_address: str | None = None
    associate_trades: tuple[str, ...] | None = None


class MakerOrder(Struct, frozen=True, kw_only=True):
    """One resting order that a trade met: its own token, price and side, which may be the complement's."""

    order_id: str
    asset_id: str
    matched_amount: str
    price: str
    owner: str = ""
    maker_address: str = ""
    outcome: str | None = None
    side: Side | None = None


class UserTradeMessage(UserEvent, frozen=True, kw_only=True, tag="trade"):
    """A trade of ours as its taker saw it; the same id comes again with every status."""

    taker_order_id: str
    size: str
    maker_orders: tuple[MakerOrder, ...] = ()
    trader_side: Literal["TAKER", "MAKER"] | None = None
    match_time: str | None = None
    matchtime: str | None = None
    last_update: str | None = None
    transaction_hash: str | None = None
    bucket_index: int | None = None
    outcome: str | None = None
    maker_address: str | None = None
    trade_owner: str | None = None


type UserMessage = OrderMessage | UserTradeMessage

_FRAME: Final[Decoder[UserMessage]] = Decoder(OrderMessage | UserTradeMessage)
_KIND: Final = Decoder(OtherMessage)
READ_TYPES: Final = frozenset({"order", "trade"})


def decode_user_frame(frame: bytes) -> UserMessage | OtherMessage:
    """Return the message of a frame, `OtherMessage` when its type is new; msgspec's errors for a malformed one."""
    try:
        return _FRAME.decode(frame)
    except ValidationError:
        other = _KIND.decode(frame)
        if other.kind in READ_TYPES:
            raise
        return other


class Auth(Struct, frozen=True, kw_only=True, rename="camel"):
    """Credentials, as the first frame carries them; shown nowhere."""

    api_key: str
    secret: str
    passphrase: str

    def __repr__(self) -> str:  # type: ignore[explicit-override]
        return "Auth(...)"


class Login(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first frame that we send; without markets all of ours are heard."""

    auth: Auth
    type: Literal["user"] | None = None
    markets: tuple[str, ...] = ()
