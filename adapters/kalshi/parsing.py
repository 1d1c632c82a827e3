"""Kalshi's messages as facts: books, quotes, trades and reference prices. Pure.

Prices become whole steps of 0.0001 dollars and sizes whole lots of 0.01 contracts, read digit by digit, so
nothing is rounded on the way. Times become nanoseconds since the epoch.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from nautilus_trader.model import (
    AggressorSide,
    CustomData,
    DataType,
    InstrumentId,
    Price,
    QuoteTick,
    TradeId,
    TradeTick,
)

from adapters.kalshi.constants import VENUE
from adapters.kalshi.messages.market_data import OrderbookDelta, OrderbookSnapshot, Ticker, Trade
from adapters.kalshi.messages.numbers import (
    ONE_DOLLAR,
    SIZE_DIGITS,
    Contracts,
    price_steps,
    scale_steps,
    size_lots,
    time_ns,
)
from adapters.kalshi.messages.recordings import SpotTrade
from markets.facts import Method, OraclePrice, Provenance, TradeProvenance
from markets.live.yes_book import BookData, YesBook, price_of, quantity_of

_MILLISECOND_NS: Final = 1_000_000
_SECOND_NS: Final = 1_000_000_000


class NegativeLevelError(ValueError):
    """A delta took more from a level than it held: frames were lost, the book is not to be trusted."""


class BookBuilder(YesBook):
    """One market's YES book, rebuilt from the venue's frames and published action by action.

    The venue shows bids only: a bid for NO at p is our YES ask at 1 - p. `bids` and `asks` hold YES price
    steps and lots. With `uses_yes_prices` (the subscription flag `use_yes_price`) NO levels arrive as YES
    prices already.

    One matching action can change several levels; between its deltas the book may look crossed (359 times
    in 7 recordings, never at the end of an action). So consecutive deltas with equal `clock` (before Sept
    2026: `ts`) are held back and published together, when the next book frame shows that the action is over or
    when `end_group` is called. A delta carries the level's new total.
    """

    def __init__(self, instrument_id: InstrumentId, *, uses_yes_prices: bool = False) -> None:
        super().__init__(instrument_id, SIZE_DIGITS)
        self._uses_yes_prices = uses_yes_prices
        self._group_key: int | str | None = None

    def take_snapshot(self, snapshot: OrderbookSnapshot, recv_ns: int, seq: int = 0) -> list[BookData]:
        """Replace the book; return what is due: a group that this ends, the new book, its quote."""
        bids = {price_steps(price): _held(size) for price, size in snapshot.levels("yes")}
        asks = {self._ask_steps(price_steps(price)): _held(size) for price, size in snapshot.levels("no")}
        return self.replace(bids, asks, recv_ns, seq)

    def take_delta(self, delta: OrderbookDelta, recv_ns: int, seq: int = 0) -> Sequence[BookData]:
        """Change one level; return the previous group when this delta begins another one.

        ValueError for a price or size that cannot be, NegativeLevelError when the level holds less; then
        nothing has changed, but the book has missed something: ask for a snapshot.
        """
        price = price_steps(_sent(delta.price_dollars, delta.price, "price", delta.market_ticker))
        change = size_lots(_sent(delta.delta_fp, delta.delta, "change", delta.market_ticker))
        is_bid = delta.side == "yes"
        if not is_bid:
            price = self._ask_steps(price)
        size = (self.bids if is_bid else self.asks).get(price, 0) + change
        if size < 0:
            raise NegativeLevelError(
                f"expected {delta.market_ticker} to hold at least {-change} lots at {delta.side} "
                f"{delta.price_dollars or delta.price}, found {size - change}"
            )
        key = delta.clock or delta.ts or delta.ts_ms
        due: Sequence[BookData] = ()
        if key != self._group_key or key is None:
            due = self.end_group()
            self._group_key = key
            self.date_group(_delta_ns(delta) or recv_ns)
        if change:
            self.change(is_bid, price, size, seq)
        self.learn(recv_ns)
        return due

    def _ask_steps(self, price: int) -> int:
        return price if self._uses_yes_prices else ONE_DOLLAR - price


def parse_trade(
    trade: Trade, instrument_id: InstrumentId, recv_ns: int
) -> tuple[TradeTick | None, TradeProvenance]:
    """Return the trade of the YES instrument and who vouches for its aggressor.

    A block trade was agreed off the book: it has a provenance but no tick, so nothing is filled by it.
    """
    happened_ns = trade.happened_ns
    provenance = TradeProvenance(
        ts_event=happened_ns,
        ts_init=recv_ns,
        venue=VENUE,
        instrument=instrument_id.symbol.value,
        trade_id=trade.trade_id,
        provenance=Provenance.VENUE,
        is_block=trade.is_block_trade,
    )
    if trade.is_block_trade:
        return None, provenance
    price = price_steps(_sent(trade.yes_price_dollars, trade.yes_price, "price", trade.trade_id))
    size = _held(_sent(trade.count_fp, trade.count, "count", trade.trade_id))
    tick = TradeTick(
        instrument_id,
        price_of(price),
        quantity_of(size, SIZE_DIGITS),
        _aggressor(trade),
        TradeId(trade.trade_id),
        happened_ns,
        recv_ns,
    )
    return tick, provenance


def parse_spot_trade(trade: SpotTrade) -> CustomData:
    """Return a Coinbase print as a reference price, in the envelope in which it travels."""
    price = OraclePrice(
        ts_event=time_ns(trade.exchange_ts_utc),
        ts_init=trade.local_recv_ns,
        source="COINBASE",
        symbol=trade.symbol,
        value=trade.price,
        method=Method.SPOT,
    )
    return CustomData(_spot_type(trade.symbol), price)


class TickerComparison:
    """Collects one market's quotes and the venue's tickers, and tells where they differ.

    A ticker is throttled and travels on another channel than the deltas, but says at which time of the
    venue it was true. So it is compared to the book after the last matching action that the venue dates at
    or before that time, whichever of the two arrived first. A snapshot has no venue time: it counts from
    the action before it, and for the tickers that arrive after it.
    """

    def __init__(self) -> None:
        self._times_ns: list[int] = []
        self._quotes: list[QuoteTick] = []
        self._snapshots: set[int] = set()
        self._tickers: list[tuple[int, int, Price, Price]] = []

    def note_quote(self, quote: QuoteTick, is_snapshot: bool) -> None:
        """Remember what the top of the rebuilt book became."""
        before_ns = self._times_ns[-1] if self._times_ns else 0
        if is_snapshot:
            self._snapshots.add(len(self._quotes))
        self._times_ns.append(before_ns if is_snapshot else max(before_ns, quote.ts_event))
        self._quotes.append(quote)

    def note_ticker(self, ticker: Ticker) -> None:
        """Remember a ticker; with `ts_ms` alone it speaks of the end of that millisecond."""
        bid = _sent(ticker.yes_bid_dollars, ticker.yes_bid, "yes_bid", ticker.market_ticker)
        ask = _sent(ticker.yes_ask_dollars, ticker.yes_ask, "yes_ask", ticker.market_ticker)
        if ticker.time:
            at_ns = time_ns(ticker.time)
        elif ticker.ts_ms:
            at_ns = (ticker.ts_ms + 1) * _MILLISECOND_NS - 1
        else:
            raise ValueError(f"expected a time on a ticker of {ticker.market_ticker}, found none")
        self._tickers.append(
            (at_ns, len(self._quotes), price_of(scale_steps(bid)), price_of(scale_steps(ask)))
        )

    def compare(self) -> tuple[int, list[str]]:
        """Return how many tickers were compared, and one line for each that differs."""
        differing = []
        for at_ns, arrived, bid, ask in self._tickers:
            place = max(0, bisect_right(self._times_ns, at_ns) - 1)
            while place >= arrived and place in self._snapshots:
                place -= 1
            ours = self._quotes[place]
            if (ours.bid_price, ours.ask_price) != (bid, ask):
                found = f"ours {ours.bid_price}/{ours.ask_price}, venue {bid}/{ask}"
                differing.append(f"{ours.instrument_id} at {at_ns}: {found}")
        return len(self._tickers), differing


@dataclass(frozen=True, slots=True)
class SpotSettlement:
    """What a market would pay if it settled on one spot exchange: a check of a result, never a result."""

    market: str
    mean_usd: Decimal
    strike_usd: Decimal | None
    payout: Decimal | None


def settle_on_spot(
    prices: Sequence[tuple[int, Decimal]], info: Mapping[str, Any], closes_ns: int
) -> SpotSettlement | None:
    """Return the mean of 60 one-second prices before a close, rounded to cents, and the payout of YES.

    `prices` are (time, price) in order of time. Each second from 60 to 1 before the close counts with the
    last price at or before it; None when they do not reach from the first second to the last, and for
    the NO side. The venue averages an index of several exchanges, so close calls may differ (reference,
    section 14).
    """
    times = [at_ns for at_ns, _ in prices]
    seconds = range(closes_ns - 60 * _SECOND_NS, closes_ns, _SECOND_NS)
    if info["outcome"] == "NO" or not times or times[0] > seconds[0] or times[-1] < seconds[-1]:
        return None
    total = sum((prices[bisect_right(times, second) - 1][1] for second in seconds), Decimal(0))
    mean = round(total / 60, 2)
    strike = None if info["floor_strike"] is None else Decimal(info["floor_strike"])
    payout = None if strike is None else Decimal(int(mean >= strike))
    return SpotSettlement(info["market"], mean, strike, payout)


def _sent(newer: str | None, older: int | None, what: str, whose: str) -> str | int:
    value = older if newer is None else newer
    if value is None:
        raise ValueError(f"expected a {what} for {whose}, found none")
    return value


def _delta_ns(delta: OrderbookDelta) -> int | None:
    if delta.ts is not None:
        return time_ns(delta.ts)
    return None if delta.ts_ms is None else delta.ts_ms * _MILLISECOND_NS


def _aggressor(trade: Trade) -> AggressorSide:
    side = trade.taker_book_side or trade.taker_outcome_side or trade.taker_side
    if side is None:
        raise ValueError(f"expected a taker's side on trade {trade.trade_id}, found none")
    return AggressorSide.BUY if side in ("bid", "yes") else AggressorSide.SELL


def _held(size: Contracts) -> int:
    lots = size_lots(size)
    if lots <= 0:
        raise ValueError(f"expected a size above 0, found {size!r}")
    return lots


@lru_cache(maxsize=1 << 8)
def _spot_type(symbol: str) -> DataType:
    return OraclePrice.data_type(f"{symbol}.COINBASE")
