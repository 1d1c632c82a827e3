"""Past trades, resolutions and prices from the Data API, in both generations of its spelling.

Times are block times in seconds: a row appears 3 to 11 s after the match. Sizes and prices are JSON numbers,
read as they are written. Source: reference, section 12.1 (read 2026-11-20).
"""

from decimal import Decimal

from msgspec import Struct, field

from adapters.polymarket.messages.market_stream import Side


class TradeRow(Struct, frozen=True, kw_only=True, rename="camel"):
    """A row of `/trades` (v1)."""

    asset: str
    condition_id: str
    side: Side
    price: Decimal
    size: Decimal
    timestamp: int
    transaction_hash: str = ""
    outcome: str = ""
    outcome_index: int | None = None
    slug: str = ""
    proxy_wallet: str = ""


class TradeRowV2(Struct, frozen=True, kw_only=True):
    """A row of `/v2/trades`; `outcome_index` 999 stands for unknown."""

    token_id: str
    condition_id: str
    side: Side
    price: Decimal
    size: Decimal
    timestamp: int
    transaction_hash: str = ""
    outcome: str = ""
    outcome_index: int | None = None

    def as_first(self) -> TradeRow:
        """Return the row in the words of v1."""
        return TradeRow(
            asset=self.token_id,
            condition_id=self.condition_id,
            side=self.side,
            price=self.price,
            size=self.size,
            timestamp=self.timestamp,
            transaction_hash=self.transaction_hash,
            outcome=self.outcome,
            outcome_index=self.outcome_index,
        )


class ResolutionRow(Struct, frozen=True, kw_only=True):
    """A row of `/v2/resolutions`; a price of "69" is not set."""

    question_id: str
    condition_id: str
    status: str
    price: str
    was_disputed: bool = False
    proposed_price: str = ""


class PriceRow(Struct, frozen=True, kw_only=True):
    """A row of `/v2/prices-history`."""

    timestamp: int
    price: Decimal
    resolution_seconds: int


class Pagination(Struct, frozen=True, kw_only=True):
    """Where an answer of v2 goes on."""

    next_cursor: str | None = None
    has_more: bool | None = None


class TradesPageV2(Struct, frozen=True, kw_only=True):
    """An answer of `/v2/trades`."""

    rows: tuple[TradeRowV2, ...] = field(name="data", default=())
    pagination: Pagination = Pagination()
