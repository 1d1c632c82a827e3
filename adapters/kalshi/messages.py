"""What Kalshi sends, field by field, and the lines in which recorders kept it.

One struct per payload, spelt as sent. Unknown keys are ignored, since the venue adds fields unannounced.
Two generations live in recordings: decimal text (`price_dollars`, `count_fp`) and, until March 2026, whole
cents and contracts (`price`, `count`). So a `Dollars` is text in dollars or a number of cents, and a
`Contracts` is decimal text or a number of whole contracts: the type tells which. Source: socket description
2.0.0 (Oct 2026) and recorded frames, read 2026-11-20.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar, Final, Literal

from msgspec import Struct, ValidationError, field
from msgspec.json import Decoder

type Dollars = str | int
type Contracts = str | int
type Level = tuple[Dollars, Contracts]
type Side = Literal["yes", "no"]

_PRICE_DIGITS: Final = 4
_SIZE_DIGITS: Final = 2
ONE_DOLLAR: Final = 10**_PRICE_DIGITS
"""One dollar in steps of 0.0001, the finest price step that any structure has (reference, section 9)."""
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)", re.ASCII)
_DECIMAL: Final = re.compile(r"(-?)(\d+)(?:\.(\d+))?", re.ASCII)


class OrderbookSnapshot(Struct, frozen=True):
    """All bids for YES and for NO, ascending by price; a side without orders is missing."""

    market_ticker: str
    clock: int | None = None
    yes_dollars_fp: tuple[Level, ...] | None = None
    no_dollars_fp: tuple[Level, ...] | None = None
    yes_dollars: tuple[Level, ...] | None = None
    no_dollars: tuple[Level, ...] | None = None
    yes: tuple[Level, ...] | None = None
    no: tuple[Level, ...] | None = None

    def levels(self, side: Side) -> tuple[Level, ...]:
        """Return the bids of one side in the newest spelling that was sent."""
        if side == "yes":
            return self.yes_dollars_fp or self.yes_dollars or self.yes or ()
        return self.no_dollars_fp or self.no_dollars or self.no or ()


class OrderbookDelta(Struct, frozen=True):
    """A change of one level; deltas of one matching action share `clock`, before Sept 2026 `ts`."""

    market_ticker: str
    side: Side
    price_dollars: str | None = None
    delta_fp: str | None = None
    price: int | None = None
    delta: int | None = None
    clock: int | None = None
    ts: str | None = None
    ts_ms: int | None = None


class Ticker(Struct, frozen=True):
    """The venue's own top of the book, throttled to about one a second."""

    market_ticker: str
    yes_bid_dollars: str | None = None
    yes_ask_dollars: str | None = None
    yes_bid: int | None = None
    yes_ask: int | None = None
    time: str | None = None
    ts_ms: int | None = None


class Trade(Struct, frozen=True):
    """One print; the socket says `market_ticker` and `ts_ms`, REST says `ticker` and `created_time`."""

    trade_id: str
    market_ticker: str | None = None
    ticker: str | None = None
    yes_price_dollars: str | None = None
    yes_price: int | None = None
    count_fp: str | None = None
    count: int | None = None
    taker_book_side: Literal["bid", "ask"] | None = None
    taker_outcome_side: Side | None = None
    taker_side: Side | None = None
    is_block_trade: bool = False
    created_time: str | None = None
    ts_ms: int | None = None
    ts: int | None = None

    @property
    def market(self) -> str:
        """The market's ticker; ValueError when neither key came."""
        market = self.market_ticker or self.ticker
        if market is None:
            raise ValueError(f"expected trade {self.trade_id} to name its market, found none")
        return market

    @property
    def happened_ns(self) -> int:
        """The venue's time, in nanoseconds since the epoch; ValueError when none came."""
        if self.created_time is not None:
            return time_ns(self.created_time)
        if self.ts_ms is None and self.ts is None:
            raise ValueError(f"expected a time on trade {self.trade_id}, found none")
        return (self.ts or 0) * 1_000_000_000 if self.ts_ms is None else self.ts_ms * 1_000_000


class MarketLifecycle(Struct, frozen=True):
    """A step in a market's life; every `*_ts` is in seconds. Before 2026 without `seq` and value."""

    event_type: str
    market_ticker: str
    open_ts: int | None = None
    close_ts: int | None = None
    determination_ts: int | None = None
    settled_ts: int | None = None
    result: str | None = None
    settlement_value: Decimal | None = None


class PriceStep(Struct, frozen=True):
    """A part of `price_ranges`."""

    start: Decimal
    end: Decimal
    step: Decimal


class Market(Struct, frozen=True):
    """A market as REST describes it; only what an instrument and its result need."""

    ticker: str
    open_time: str
    close_time: str
    title: str = ""
    yes_sub_title: str = ""
    expected_expiration_time: str | None = None
    settlement_ts: str | None = None
    settlement_timer_seconds: int = 0
    settlement_value_dollars: Decimal | None = None
    result: str = ""
    strike_type: str | None = None
    floor_strike: Decimal | None = None
    cap_strike: Decimal | None = None
    price_ranges: tuple[PriceStep, ...] = ()
    exchange_index: int = 0
    rules_primary: str = ""


class Event(Struct, frozen=True):
    """The occurrence that decides one or more markets."""

    event_ticker: str
    series_ticker: str
    title: str = ""
    mutually_exclusive: bool = False


class EventAndMarkets(Struct, frozen=True):
    """The answer of `GET /events/{event}`, kept one to a line beside trade dumps."""

    event: Event
    markets: tuple[Market, ...]


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


class _Frame(Struct, frozen=True, kw_only=True, tag_field="type"):
    seq: int | None = None  # counts per `sid`, over all its markets and messages
    sid: int | None = None


class _SnapshotFrame(_Frame, frozen=True, kw_only=True, tag="orderbook_snapshot"):
    msg: OrderbookSnapshot


class _DeltaFrame(_Frame, frozen=True, kw_only=True, tag="orderbook_delta"):
    msg: OrderbookDelta


class _TickerFrame(_Frame, frozen=True, kw_only=True, tag="ticker"):
    msg: Ticker


class _TradeFrame(_Frame, frozen=True, kw_only=True, tag="trade"):
    msg: Trade


class _LifecycleFrame(_Frame, frozen=True, kw_only=True, tag="market_lifecycle_v2"):
    msg: MarketLifecycle


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


type WireFrame = _SnapshotFrame | _DeltaFrame | _TickerFrame | _TradeFrame | _LifecycleFrame
type FlatFrame = _SnapshotLine | _DeltaLine | _TickerLine | _TradeLine | _LifecycleLine
type AnyFrame = WireFrame | FlatFrame | Control


class _RawLine(Struct, frozen=True):
    recv_ns: int
    frame: WireFrame | None = None
    control: str = "unnamed"
    info: ControlInfo | None = None


_FLAT: Final = Decoder[FlatFrame](FlatFrame)
_OTHER_FLAT: Final = Decoder(_OtherFlatLine)
_RAW: Final = Decoder(_RawLine)
_OTHER_RAW: Final = Decoder(_OtherRawLine)
_READ: Final = {"orderbook_snapshot", "orderbook_delta", "ticker", "trade", "market_lifecycle_v2"}
_OBJECT: Final = Decoder(dict[str, Any])

_TRADE: Final = Decoder(Trade)

decode_event: Final = Decoder(EventAndMarkets).decode
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
    return trade.happened_ns, _TradeFrame(msg=trade)


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


@lru_cache(maxsize=1 << 14)
def price_steps(price: Dollars) -> int:
    """Return a price in steps of 0.0001 dollars: "0.5600" is 5600, and so is 56 (cents).

    ValueError when it is not strictly between 0 and 1 dollar or finer than a step.
    """
    steps = scale_steps(price)
    if not 0 < steps < ONE_DOLLAR:
        raise ValueError(f"expected a price in (0, 1) dollars, found {price!r}")
    return steps


@lru_cache(maxsize=1 << 16)
def size_lots(size: Contracts) -> int:
    """Return a signed size in lots of 0.01 contracts: "12.50" is 1250, 12 (contracts) is 1200.

    ValueError when the text is no plain decimal or finer than a lot.
    """
    return _scaled(size, _SIZE_DIGITS) if isinstance(size, str) else size * 100


def time_ns(text: str) -> int:
    """Return an RFC 3339 time in UTC, with up to nine decimals of a second, in nanoseconds since the epoch."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"expected a time in UTC such as 2026-05-13T16:45:00.5Z, found {text!r}")
    second, fraction = found.groups("")
    return _whole_second_ns(second) + int(fraction.ljust(9, "0"))


def scale_steps(price: Dollars) -> int:
    """Return a price in steps like `price_steps`, where 0 and 1 dollar stand for an empty side."""
    steps = _scaled(price, _PRICE_DIGITS) if isinstance(price, str) else price * 100
    if not 0 <= steps <= ONE_DOLLAR:
        raise ValueError(f"expected a price in [0, 1] dollars, found {price!r}")
    return steps


def _scaled(text: str, digits: int) -> int:
    found = _DECIMAL.fullmatch(text)
    if found is None:
        raise ValueError(f"expected a plain decimal number, found {text!r}")
    sign, whole, fraction = found[1], found[2], found[3] or ""
    if fraction[digits:].strip("0"):
        raise ValueError(f"expected at most {digits} decimals, found {text!r}")
    value = int(whole + fraction[:digits].ljust(digits, "0"))
    return -value if sign else value


@lru_cache(maxsize=1 << 12)
def _whole_second_ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000
