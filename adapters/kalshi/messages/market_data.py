"""What the venue says about books, trades and the lives of markets, on the socket and by REST.

Unknown keys are ignored, since the venue adds fields unannounced. Source: socket description 2.0.0 and REST
description 3.34.0 (Oct 2026) and recorded frames, read 2026-11-20.
"""

from decimal import Decimal

from msgspec import Struct

from adapters.kalshi.messages.numbers import BookSide, Level, Row, Side, time_ns


class OrderbookSnapshot(Struct, frozen=True):
    """All bids for YES and for NO, ascending by price; a side without orders is missing.

    By REST (`orderbook_fp`) the same with the keys `yes_dollars` and `no_dollars` and without a market.
    """

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
    """A change of one level; deltas of one matching action share `clock`, before Sept 2026 `ts`.

    `client_order_id` is there only when our own order caused the change.
    """

    market_ticker: str
    side: Side
    price_dollars: str | None = None
    delta_fp: str | None = None
    price: int | None = None
    delta: int | None = None
    clock: int | None = None
    ts: str | None = None
    ts_ms: int | None = None
    client_order_id: str | None = None


class Ticker(Struct, frozen=True):
    """The venue's own top of the book, throttled to about one a second."""

    market_ticker: str
    yes_bid_dollars: str | None = None
    yes_ask_dollars: str | None = None
    yes_bid: int | None = None
    yes_ask: int | None = None
    time: str | None = None
    ts_ms: int | None = None
    yes_bid_size_fp: str | None = None
    yes_ask_size_fp: str | None = None
    price_dollars: str | None = None
    volume_fp: str | None = None
    open_interest_fp: str | None = None


class Trade(Struct, frozen=True):
    """One print; the socket says `market_ticker` and `ts_ms`, REST says `ticker` and `created_time`."""

    trade_id: str
    market_ticker: str | None = None
    ticker: str | None = None
    yes_price_dollars: str | None = None
    yes_price: int | None = None
    count_fp: str | None = None
    count: int | None = None
    taker_book_side: BookSide | None = None
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


class PriceStep(Row, frozen=True):
    """A part of `price_ranges`."""

    start: Decimal
    end: Decimal
    step: Decimal


class MarketLifecycle(Row, frozen=True):
    """A step in a market's life; every `*_ts` is in seconds. Before 2026 without `seq` and value.

    `metadata_updated` brings the strike fields, `price_level_structure_updated` the price ranges.
    """

    event_type: str
    market_ticker: str
    open_ts: int | None = None
    close_ts: int | None = None
    determination_ts: int | None = None
    settled_ts: int | None = None
    result: str | None = None
    settlement_value: Decimal | None = None
    exchange_index: int | None = None
    is_deactivated: bool | None = None
    strike_type: str | None = None
    floor_strike: Decimal | None = None
    cap_strike: Decimal | None = None
    yes_sub_title: str | None = None
    price_level_structure: str | None = None
    price_ranges: tuple[PriceStep, ...] = ()


class EventLifecycle(Struct, frozen=True):
    """A new event; its markets follow on the lifecycle channel."""

    event_ticker: str
    series_ticker: str
    title: str = ""
    exchange_index: int = 0
    collateral_return_type: str = ""


class EventFeeUpdate(Row, frozen=True):
    """A fee override of one event that begins now; null means back to the series."""

    event_ticker: str
    fee_type_override: str | None
    fee_multiplier_override: Decimal | None


class IndexAverage(Row, frozen=True):
    """A mean of index values over a window in milliseconds since the epoch, its end exclusive."""

    value: Decimal
    window_size: int
    window_start_ts_ms: int
    window_end_ts_exclusive: int


class IndexValue(Row, frozen=True):
    """A second of a CF Benchmarks index; `data` is JSON text with the value itself.

    `last_60s_windowed_average_15min` is the running settlement average of a 15-minute market as the venue
    sees it, there only while the last minute of the quarter runs.
    """

    index_id: str
    received_at: int  # milliseconds since the epoch
    data: str
    avg_60s_data: IndexAverage | None = None
    last_60s_windowed_average_15min: IndexAverage | None = None


class RestOrderbook(Struct, frozen=True):
    """Both sides by REST, ascending, best last; in January 2026 an empty side was null."""

    yes_dollars: tuple[Level, ...] | None
    no_dollars: tuple[Level, ...] | None


class OrderbookAnswer(Struct, frozen=True):
    """The answer of `GET /markets/{m}/orderbook`."""

    orderbook_fp: RestOrderbook


class MarketOrderbook(Struct, frozen=True):
    """One of the books of `GET /markets/orderbooks`."""

    ticker: str
    orderbook_fp: RestOrderbook

    def snapshot(self) -> OrderbookSnapshot:
        """Return the book in the form of the socket, NO levels in NO prices."""
        book = self.orderbook_fp
        return OrderbookSnapshot(self.ticker, yes_dollars=book.yes_dollars, no_dollars=book.no_dollars)


class OrderbooksAnswer(Struct, frozen=True):
    """The answer of `GET /markets/orderbooks`."""

    orderbooks: tuple[MarketOrderbook, ...]


class TradesPage(Struct, frozen=True):
    """A page of prints, newest first; by `/markets/trades` and `/historical/trades`."""

    trades: tuple[Trade, ...]
    cursor: str = ""

    @property
    def rows(self) -> tuple[Trade, ...]:
        """The rows of this page."""
        return self.trades


class Quotes(Row, frozen=True):
    """Open, high, low and close of one side of the book; live keys end in `_dollars`, archived ones do not."""

    open_dollars: Decimal | None = None
    high_dollars: Decimal | None = None
    low_dollars: Decimal | None = None
    close_dollars: Decimal | None = None
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    close: Decimal | None = None

    @property
    def last(self) -> Decimal | None:
        """The close, in dollars; None when nothing happened in the period."""
        return self.close if self.close_dollars is None else self.close_dollars


class Prints(Quotes, frozen=True):
    """The same of trades; without a trade only the previous price is there."""

    mean_dollars: Decimal | None = None
    previous_dollars: Decimal | None = None
    mean: Decimal | None = None
    previous: Decimal | None = None


class Candlestick(Row, frozen=True):
    """A period that ends at `end_period_ts` (seconds); quiet periods are left out by the venue."""

    end_period_ts: int
    yes_bid: Quotes
    yes_ask: Quotes
    price: Prints
    volume_fp: Decimal | None = None
    open_interest_fp: Decimal | None = None
    volume: Decimal | None = None
    open_interest: Decimal | None = None


class CandlesticksAnswer(Struct, frozen=True):
    """The candles of one market; the batch spells the key `market_ticker`, and so do archives of 2026-01."""

    candlesticks: tuple[Candlestick, ...]
    ticker: str = ""
    market_ticker: str = ""


class BatchCandlesticksAnswer(Struct, frozen=True):
    """The answer of `GET /markets/candlesticks`."""

    markets: tuple[CandlesticksAnswer, ...]


class EventCandlesticksAnswer(Struct, frozen=True):
    """One row of candles per market of an event; page on `adjusted_end_ts` (seconds)."""

    market_tickers: tuple[str, ...]
    market_candlesticks: tuple[tuple[Candlestick, ...], ...]
    adjusted_end_ts: int
