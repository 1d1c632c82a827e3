"""The order book's public words by REST: books, the terms of a market, past prices, the clock, versions.

Source: reference, section 8 (read 2026-11-20). Numbers that are JSON numbers are read as they are written.
"""

from decimal import Decimal

from msgspec import Struct, field

from adapters.polymarket.messages.market_stream import BookMessage, Level


class BookAnswer(Struct, frozen=True, kw_only=True):
    """A whole book by REST; only here do the terms come with it that its hash contains.

    Older copies of the answer have neither tick nor least size.
    """

    market: str
    asset_id: str
    timestamp: str
    hash: str
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()
    min_order_size: str | None = None
    tick_size: str | None = None
    neg_risk: bool | None = None
    last_trade_price: str | None = None

    def as_message(self) -> BookMessage:
        """Return the book as the stream would have sent it."""
        return BookMessage(
            market=self.market,
            asset_id=self.asset_id,
            timestamp=self.timestamp,
            hash=self.hash,
            bids=self.bids,
            asks=self.asks,
            tick_size=self.tick_size,
            last_trade_price=self.last_trade_price,
        )


class BookWish(Struct, frozen=True):
    """One entry of `POST /books`."""

    token_id: str


class CompactToken(Struct, frozen=True):
    """One outcome of `/clob-markets`."""

    token: str = field(name="t")
    outcome: str = field(name="o", default="")


class CompactFees(Struct, frozen=True):
    """What a taker pays, or both sides; a market without any charges nothing."""

    rate: Decimal = field(name="r")
    exponent: int = field(name="e")
    taker_only: bool = field(name="to", default=True)


class CompactMarket(Struct, frozen=True, kw_only=True):
    """`/clob-markets/{condition}`: everything that an order needs, in short words."""

    condition_id: str = field(name="c")
    tokens: tuple[CompactToken, ...] = field(name="t")
    tick: Decimal = field(name="mts")
    min_size: Decimal = field(name="mos")
    is_neg_risk: bool = field(name="nr", default=False)
    fees: CompactFees | None = field(name="fd", default=None)
    is_accepting: bool | None = field(name="ao", default=None)
    accepting_since: str | None = field(name="aot", default=None)
    delay_secs: int = field(name="sd", default=0)
    game_start: str | None = field(name="gst", default=None)
    clears_book_at_start: bool = field(name="cbos", default=False)
    delays_takers: bool = field(name="itode", default=False)


class ClobToken(Struct, frozen=True):
    """One outcome of `/markets/{condition}`; `winner` is how a result is told."""

    token_id: str
    outcome: str
    price: Decimal | None = None
    winner: bool = False


class ClobMarket(Struct, frozen=True, kw_only=True):
    """`/markets/{condition}`: the long form."""

    condition_id: str
    tokens: tuple[ClobToken, ...]
    question: str = ""
    market_slug: str = ""
    active: bool = False
    closed: bool = False
    archived: bool = False
    accepting_orders: bool | None = None
    enable_order_book: bool | None = None
    minimum_order_size: Decimal | None = None
    minimum_tick_size: Decimal | None = None
    neg_risk: bool = False
    seconds_delay: int = 0
    end_date_iso: str | None = None
    game_start_time: str | None = None
    is_50_50_outcome: bool = False


class ClobMarketsPage(Struct, frozen=True):
    """One answer of `/markets`; `LTE=` ends."""

    data: tuple[ClobMarket, ...]
    next_cursor: str = ""


class PricePoint(Struct, frozen=True):
    """A past price, near the middle of the book: nothing that anybody could trade at."""

    at_secs: int = field(name="t")
    price: Decimal = field(name="p")


class PricesAnswer(Struct, frozen=True):
    """The answer of `/prices-history`."""

    history: tuple[PricePoint, ...]


class VersionAnswer(Struct, frozen=True):
    """The answer of `/version`."""

    version: int


class FeeRateAnswer(Struct, frozen=True):
    """The answer of `/fee-rate`: a legacy that says nothing about what is charged."""

    base_fee: int | str
