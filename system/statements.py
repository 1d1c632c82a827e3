"""What a venue states about us at one moment, in the words in which our own books can say it too."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Place:
    """Where an instrument counts: the market in which its contracts are netted, with which sign, paid from which purse."""

    market: str
    sign: int
    purse: str


@dataclass(frozen=True, slots=True)
class Stated:
    """An order or a fill as the venue states it: in which market, in comparable words, when (its clock, nanoseconds).

    An open order holds `collateral_usd` in its purse.
    """

    market: str
    words: str
    at_ns: int
    order_id: str
    purse: str = ""
    collateral_usd: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Cash in USD by purse, signed contracts by market, resting orders by the venue's id, fills by trade id.

    Everything that happened before `as_of_ns` of our clock is in it; later things may be.
    """

    as_of_ns: int
    cash: Mapping[str, Decimal]
    positions: Mapping[str, Decimal]
    orders: Mapping[str, Stated]
    fills: Mapping[str, Stated]
    settled: Mapping[str, int]


class VenueBooks(Protocol):
    """A venue's books of us, read by REST."""

    async def read(self, since_ns: int) -> Statement:
        """Return what the venue states now, with fills and settlements since then; raises from `network.errors`."""
        ...

    def place_of(self, instrument: Any) -> Place:
        """Return where an instrument counts."""
        ...

    def words_of(self, order: Any, instrument: Any) -> str:
        """Return an open order of the engine in the words of a statement."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...
