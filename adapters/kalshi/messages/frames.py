"""What travels on the socket: frames around messages, the commands that we send, and their answers.

Text frames, one JSON object each. `seq` counts per `sid` over all its markets and messages, answers included,
and begins at 1 on each connection. Source: socket description 2.0.0 (Oct 2026), read 2026-11-20.
"""

from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType, ValidationError, field
from msgspec.json import Decoder

from adapters.kalshi.messages.market_data import (
    EventFeeUpdate,
    EventLifecycle,
    IndexValue,
    MarketLifecycle,
    OrderbookDelta,
    OrderbookSnapshot,
    Ticker,
    Trade,
)
from adapters.kalshi.messages.portfolio import FillUpdate, OrderGroupUpdate, PositionUpdate, UserOrder


class Frame(Struct, frozen=True, kw_only=True, tag_field="type"):
    """What every frame may carry; `sending_ts_ms` (milliseconds since the epoch) since Oct 2026."""

    seq: int | None = None
    sid: int | None = None
    sending_ts_ms: int | None = None


class SnapshotFrame(Frame, frozen=True, kw_only=True, tag="orderbook_snapshot"):
    """A whole book; `id` when it answers `get_snapshot`."""

    msg: OrderbookSnapshot
    id: int | None = None


class DeltaFrame(Frame, frozen=True, kw_only=True, tag="orderbook_delta"):
    """A change of one level."""

    msg: OrderbookDelta


class TickerFrame(Frame, frozen=True, kw_only=True, tag="ticker"):
    """A top of the book; never has a `seq`."""

    msg: Ticker


class TradeFrame(Frame, frozen=True, kw_only=True, tag="trade"):
    """A print."""

    msg: Trade


class LifecycleFrame(Frame, frozen=True, kw_only=True, tag="market_lifecycle_v2"):
    """A step in a market's life."""

    msg: MarketLifecycle


class EventLifecycleFrame(Frame, frozen=True, kw_only=True, tag="event_lifecycle"):
    """A new event."""

    msg: EventLifecycle


class EventFeeFrame(Frame, frozen=True, kw_only=True, tag="event_fee_update"):
    """A fee override that begins now."""

    msg: EventFeeUpdate


class IndexFrame(Frame, frozen=True, kw_only=True, tag="cfbenchmarks_value"):
    """A second of an index."""

    msg: IndexValue


class FillFrame(Frame, frozen=True, kw_only=True, tag="fill"):
    """A fill of ours; without `seq`, so a lost one is seen by REST only."""

    msg: FillUpdate


class UserOrderFrame(Frame, frozen=True, kw_only=True, tag="user_order"):
    """The state of an order of ours; without `seq`."""

    msg: UserOrder


class PositionFrame(Frame, frozen=True, kw_only=True, tag="market_position"):
    """A position of ours; without `seq`."""

    msg: PositionUpdate


class OrderGroupFrame(Frame, frozen=True, kw_only=True, tag="order_group_updates"):
    """What happened to an order group of ours."""

    msg: OrderGroupUpdate


class Subscribed(Struct, frozen=True):
    """A channel and the number under which its frames come."""

    channel: str
    sid: int


class SubscribedFrame(Frame, frozen=True, kw_only=True, tag="subscribed"):
    """The answer to `subscribe`, once per channel."""

    msg: Subscribed
    id: int | None = None


class OkFrame(Frame, frozen=True, kw_only=True, tag="ok"):
    """The answer to the other commands; `msg` holds tickers, indices or, as a list, subscriptions."""

    id: int | None = None
    msg: Any = None


class UnsubscribedFrame(Frame, frozen=True, kw_only=True, tag="unsubscribed"):
    """The end of a subscription that we asked for."""

    id: int | None = None


class Complaint(Struct, frozen=True):
    """What the venue dislikes; codes in `constants` (reference, section 8)."""

    code: int
    msg: str = ""
    market_ticker: str | None = None
    market_tickers: tuple[str, ...] = ()


class ErrorFrame(Frame, frozen=True, kw_only=True, tag="error"):
    """A refused command, named by `id`, or the death of a subscription, named by `sid`."""

    msg: Complaint
    id: int | None = None


class OtherFrame(Struct, frozen=True, kw_only=True):
    """A frame of a type that we do not read; it counts in the sequence all the same."""

    kind: str = field(name="type")
    seq: int | None = None
    sid: int | None = None


type MessageFrame = (
    SnapshotFrame
    | DeltaFrame
    | TickerFrame
    | TradeFrame
    | LifecycleFrame
    | EventLifecycleFrame
    | EventFeeFrame
    | IndexFrame
    | FillFrame
    | UserOrderFrame
    | PositionFrame
    | OrderGroupFrame
)
type AnswerFrame = SubscribedFrame | OkFrame | UnsubscribedFrame | ErrorFrame
type WireFrame = MessageFrame | AnswerFrame

_WIRE: Final[Decoder[WireFrame]] = Decoder(WireFrame)
_OTHER: Final = Decoder(OtherFrame)
READ_TYPES: Final = frozenset(kind.__struct_config__.tag for kind in Frame.__subclasses__())
"""The types of frames that we read; all others come as `OtherFrame`."""


def decode_frame(frame: bytes) -> WireFrame | OtherFrame:
    """Return a frame, as `OtherFrame` when its type is new to us; msgspec's errors for a malformed one."""
    try:
        return _WIRE.decode(frame)
    except ValidationError:
        other = _OTHER.decode(frame)
        if other.kind in READ_TYPES:
            raise
        return other


def place_of(frame: bytes) -> OtherFrame:
    """Return type, `sid` and `seq` of a frame whose message is malformed; msgspec's errors when it has none."""
    return _OTHER.decode(frame)


class SubscribeParams(Struct, frozen=True, kw_only=True):
    """What to subscribe to; without tickers everything, where the channel allows that."""

    channels: tuple[str, ...]
    market_tickers: tuple[str, ...] | UnsetType = UNSET
    index_ids: tuple[str, ...] | UnsetType = UNSET
    use_yes_price: bool | UnsetType = UNSET
    send_initial_snapshot: bool | UnsetType = UNSET
    skip_ticker_ack: bool | UnsetType = UNSET


class UpdateParams(Struct, frozen=True, kw_only=True):
    """A change of one subscription; `sids` takes exactly one."""

    sids: tuple[int]
    action: str
    market_tickers: tuple[str, ...] | UnsetType = UNSET
    index_ids: tuple[str, ...] | UnsetType = UNSET


class UnsubscribeParams(Struct, frozen=True):
    """The subscriptions to end."""

    sids: tuple[int, ...]


class Command(Struct, frozen=True):
    """A command as it is sent; the answer carries the same `id`."""

    id: int
    cmd: str
    params: SubscribeParams | UpdateParams | UnsubscribeParams | UnsetType = UNSET
