"""The lines in which recorders kept the venue's frames, and their own notes between them.

A flat line is the recorder's own layout beside its notes; a raw line holds the frame as it came; a trade
dump is one REST row to a line.
"""

from decimal import Decimal
from typing import Any, ClassVar, Final, Literal

from msgspec import Struct, ValidationError, field
from msgspec.json import Decoder

from adapters.kalshi.messages.frames import DeltaFrame, LifecycleFrame, SnapshotFrame, TickerFrame, TradeFrame
from adapters.kalshi.messages.market_data import (
    MarketLifecycle,
    OrderbookDelta,
    OrderbookSnapshot,
    Ticker,
    Trade,
)


class ResultRow(Struct, frozen=True):
    """A row of a recording's `markets.json`: what its author later learnt from the venue."""

    ticker: str
    strike: Decimal | None = None
    result: str | None = None
    close_time: str | None = None
    settlement_ts: str | None = None


class SpotTrade(Struct, frozen=True):
    """A Coinbase print as the recorder kept it beside the books; it has no size."""

    exchange_ts_utc: str
    local_recv_ns: int
    price: Decimal
    symbol: str = "BTC-USD"


class ControlInfo(Struct, frozen=True):
    """What a recorder noted about itself; `watch_market` announces a market."""

    market_ticker: str | None = None
    close_time: str | None = None
    strike: Decimal | None = None


class Control(Struct, frozen=True):
    """A line that is no market data: the recorder's own note or a frame that we do not read."""

    kind: str = field(name="type")
    info: ControlInfo | None = None
    seq: int | None = None
    sid: int | None = None


class _FlatLine(Struct, frozen=True, kw_only=True, tag_field="event_type"):
    sid: ClassVar[None] = None  # this recorder laid the frame flat beside its own notes and lost the `sid`
    recv_ns: int = field(name="local_recv_ns")
    seq: int | None = field(name="sequence_number", default=None)


class _SnapshotLine(_FlatLine, frozen=True, kw_only=True, tag="orderbook_snapshot"):
    msg: OrderbookSnapshot = field(name="payload_json")


class _DeltaLine(_FlatLine, frozen=True, kw_only=True, tag="orderbook_delta"):
    msg: OrderbookDelta = field(name="payload_json")


class _TickerLine(_FlatLine, frozen=True, kw_only=True, tag="ticker"):
    msg: Ticker = field(name="payload_json")


class _TradeLine(_FlatLine, frozen=True, kw_only=True, tag="trade"):
    msg: Trade = field(name="payload_json")


class _LifecycleLine(_FlatLine, frozen=True, kw_only=True, tag="market_lifecycle_v2"):
    msg: MarketLifecycle = field(name="payload_json")


class _OtherFlatLine(Struct, frozen=True):
    event_type: str
    local_recv_ns: int
    payload_json: ControlInfo | None = None
    sequence_number: int | None = None


class _OtherRawLine(Struct, frozen=True):
    recv_ns: int
    frame: Control


type RecordedFrame = SnapshotFrame | DeltaFrame | TickerFrame | TradeFrame | LifecycleFrame
type FlatFrame = _SnapshotLine | _DeltaLine | _TickerLine | _TradeLine | _LifecycleLine
type AnyFrame = RecordedFrame | FlatFrame | Control


class _RawLine(Struct, frozen=True):
    recv_ns: int
    frame: RecordedFrame | None = None
    control: str = "unnamed"
    info: ControlInfo | None = None


_FLAT: Final = Decoder[FlatFrame](FlatFrame)
_OTHER_FLAT: Final = Decoder(_OtherFlatLine)
_RAW: Final = Decoder(_RawLine)
_OTHER_RAW: Final = Decoder(_OtherRawLine)
_READ: Final = {"orderbook_snapshot", "orderbook_delta", "ticker", "trade", "market_lifecycle_v2"}
_OBJECT: Final = Decoder(dict[str, Any])

_TRADE: Final = Decoder(Trade)

decode_results: Final = Decoder(tuple[ResultRow, ...]).decode
decode_spot_trade: Final = Decoder(SpotTrade).decode


def decode_flat(line: bytes) -> tuple[int, AnyFrame]:
    """Return when a flat line was received, in nanoseconds since the epoch, and what it holds.

    Kinds that we do not read come back as `Control`. Raises msgspec's errors for a malformed line.
    """
    try:
        found = _FLAT.decode(line)
    except ValidationError:
        other = _OTHER_FLAT.decode(line)
        if other.event_type in _READ:
            raise
        return other.local_recv_ns, Control(other.event_type, other.payload_json, other.sequence_number)
    return found.recv_ns, found


def decode_raw(line: bytes) -> tuple[int, AnyFrame]:
    """Return when a raw frame was received, in nanoseconds since the epoch, and the frame.

    Kinds that we do not read come back as `Control`, with their `seq`, which counts all the same.
    Raises msgspec's errors for a malformed line.
    """
    try:
        found = _RAW.decode(line)
    except ValidationError:
        other = _OTHER_RAW.decode(line)
        if other.frame.kind in _READ:
            raise
        return other.recv_ns, other.frame
    if found.frame is None:
        return found.recv_ns, Control(found.control, found.info)
    return found.recv_ns, found.frame


def decode_trade(line: bytes) -> tuple[int, AnyFrame]:
    """Return a line of a trade dump as a frame, received when it happened: nobody noted anything else."""
    trade = _TRADE.decode(line)
    return trade.happened_ns, TradeFrame(msg=trade)


def shape_of(line: bytes) -> Literal["flat", "raw", "trades"] | None:
    """Return which kind of recording this line belongs to, None when it belongs to none that we read.

    Raises msgspec's errors for a line that is no JSON object.
    """
    keys = _OBJECT.decode(line).keys()
    if {"event_type", "local_recv_ns"} <= keys:
        return "flat"
    if "recv_ns" in keys and keys & {"frame", "control"}:
        return "raw"
    return "trades" if "trade_id" in keys and keys & {"yes_price", "yes_price_dollars"} else None


DECODERS: Final = {"flat": decode_flat, "raw": decode_raw, "trades": decode_trade}
"""How to read the lines of each shape."""
