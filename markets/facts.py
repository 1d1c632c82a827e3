"""The facts that we add to Nautilus' market data, stored and replayed like any tick.

Every fact carries two times in nanoseconds since the epoch: `ts_event`, when it happened at its
source, and `ts_init`, when we knew. A replay delivers it at `ts_init`.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Self

import msgspec
import pyarrow as pa
from nautilus_trader.model import CustomData, DataType, register_custom_data_class

_TIMES = ("ts_event", "ts_init")
_NANOS = pa.timestamp("ns", tz="UTC")
_ARROW = {int: pa.int64(), bool: pa.bool_()}


class Phase(StrEnum):
    """What a market is doing; the words are ours, each adapter translates its venue's."""

    PENDING = "pending"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"
    DETERMINED = "determined"
    DISPUTED = "disputed"
    SETTLED = "settled"


class Method(StrEnum):
    """How a reference price came about."""

    SPOT = "spot"
    TWAP = "twap"
    INDEX = "index"


class Provenance(StrEnum):
    """Who says which side of a trade was the aggressor."""

    VENUE = "venue"
    CHAIN = "chain"
    INFERRED = "inferred"


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, with the interface that Nautilus wants of custom data.

    Fields are text, integers, booleans, enums of text and `Decimal`; the last two are stored as text,
    so a round trip through the catalog is exact.
    """

    topic: ClassVar[tuple[str, ...]]
    ts_event: int
    ts_init: int

    @property
    def identifier(self) -> str:
        """What subscribers ask for, and the folder in the catalog."""
        return ".".join(getattr(self, name) for name in self.topic)

    def as_data(self) -> CustomData:
        """Return this fact in the envelope in which it travels."""
        return CustomData(self.data_type(self.identifier), self)

    @classmethod
    def data_type(cls, identifier: str | None = None) -> DataType:
        """Return what to subscribe to: the facts under `identifier`."""
        return DataType(cls.__name__, identifier=identifier)

    @classmethod
    def type_name_static(cls) -> str:
        return cls.__name__

    def to_dict(self) -> dict[str, Any]:
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain | {"type": type(self).__name__}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        return msgspec.convert(values, cls)

    def to_json(self) -> str:
        return msgspec.json.encode(self.to_dict()).decode()

    @classmethod
    def from_json(cls, data: bytes | str | dict[str, Any]) -> Self:
        return cls.from_dict(msgspec.json.decode(data) if isinstance(data, bytes | str) else data)

    @classmethod
    def arrow_schema_py(cls) -> pa.Schema:
        own = [
            pa.field(field.name, _ARROW.get(field.type, pa.string()))
            for field in msgspec.structs.fields(cls)
            if field.name not in _TIMES
        ]
        return pa.schema([*own, pa.field("type", pa.string()), *(pa.field(name, _NANOS) for name in _TIMES)])

    def encode_record_batch_py(self, items: list[Any]) -> pa.RecordBatch:
        return pa.RecordBatch.from_pylist([item.to_dict() for item in items], schema=self.arrow_schema_py())

    @classmethod
    def decode_record_batch_py(cls, metadata: dict[str, str], batch: pa.RecordBatch) -> list[Self]:
        for name in _TIMES:  # to Python integers: a Python datetime has no nanoseconds
            at = batch.schema.get_field_index(name)
            batch = batch.set_column(at, name, batch.column(at).cast(pa.int64()))
        return msgspec.convert(batch.to_pylist(), list[cls])  # type: ignore[valid-type]


class MarketResolution(Fact, frozen=True):
    """What a market pays: YES gets `payout` dollars a contract, NO the rest of one dollar."""

    topic: ClassVar = ("series", "venue")
    venue: str
    series: str
    market: str
    payout: Decimal
    source: str
    is_final: bool
    is_disputed: bool = False

    def __post_init__(self) -> None:
        """Refuse a payout that no contract can have."""
        if not (self.payout.is_finite() and 0 <= self.payout <= 1):
            raise ValueError(f"expected a payout in [0, 1] for {self.market}, found {self.payout}")


class MarketPhase(Fact, frozen=True):
    """A market changed its state, or its close was moved."""

    topic: ClassVar = ("series", "venue")
    venue: str
    series: str
    market: str
    phase: Phase
    closes_ns: int


class Condition(StrEnum):
    """How a venue works, or what it has told us; the words are ours, each adapter translates its venue's.

    The first nine last until the next word. `unrecorded` is for a replay: the recording has no word on its venue. `closed_only`, `geoblocked` and `banned` are restrictions: they
    outlast the word `normal`. A `failure` and an `api_error` are of one moment.
    """

    NORMAL = "normal"
    UNRECORDED = "unrecorded"
    REDUCE_ONLY = "reduce_only"
    POST_ONLY = "post_only"
    CANCEL_ONLY = "cancel_only"
    PAUSED = "paused"
    RESTARTING = "restarting"
    DOWN = "down"
    CLOSED_ONLY = "closed_only"
    GEOBLOCKED = "geoblocked"
    BANNED = "banned"
    FAILURE = "failure"
    API_ERROR = "api_error"


class VenueCondition(Fact, frozen=True):
    """A venue changed how it works, failed, or restricted us; `detail` is in the venue's words."""

    topic: ClassVar = ("venue",)
    venue: str
    condition: Condition
    detail: str = ""


class OraclePrice(Fact, frozen=True):
    """A reference price, in quote currency per unit, as its source printed it."""

    topic: ClassVar = ("symbol", "source")
    source: str
    symbol: str
    value: Decimal
    method: Method

    def __post_init__(self) -> None:
        """Refuse what cannot be a price."""
        if not (self.value.is_finite() and self.value > 0):
            raise ValueError(f"expected a price above 0 for {self.symbol}, found {self.value}")


class TradeProvenance(Fact, frozen=True):
    """How far a trade's aggressor side can be trusted."""

    topic: ClassVar = ("instrument", "venue")
    venue: str
    instrument: str
    trade_id: str
    provenance: Provenance
    is_block: bool = False


class DataGap(Fact, frozen=True):
    """The recorder was blind for a market: from `ts_event` until `until_ns` nothing is known."""

    topic: ClassVar = ("series", "venue")
    venue: str
    series: str
    market: str
    until_ns: int
    reason: str


class BookDoubt(Fact, frozen=True):
    """The book of a market cannot be right, from now on until `is_over`: its venue shows another top, say."""

    topic: ClassVar = ("series", "venue")
    venue: str
    series: str
    market: str
    is_over: bool
    reason: str = ""


FACTS: tuple[type[Fact], ...] = (
    MarketResolution,
    MarketPhase,
    OraclePrice,
    TradeProvenance,
    DataGap,
    BookDoubt,
    VenueCondition,
)

for _kind in FACTS:
    register_custom_data_class(_kind)
