"""What strategies ask once: instruments, a book, past trades and bars, as Nautilus' responses."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, Literal, override

from nautilus_trader.model import (
    AggregationSource,
    Bar,
    BarAggregation,
    BarType,
    ClientId,
    Price,
    PriceType,
    Quantity,
    TradeTick,
)

from adapters.kalshi import constants as venue
from adapters.kalshi.data.market import LiveMarket
from adapters.kalshi.http.market_data import MarketData
from adapters.kalshi.messages.market_data import Candlestick, Quotes
from adapters.kalshi.messages.numbers import SIZE_DIGITS
from adapters.kalshi.messages.queries import CandlesticksQuery, TradesQuery
from adapters.kalshi.parsing import BookBuilder, parse_trade
from markets.instruments import PRICE_DIGITS
from markets.live.answering import DEFAULT_LIMIT, SECOND_NS, Answering, seconds_of

_MOST_CANDLES: Final = 5_000
_PERIODS: Final[dict[tuple[BarAggregation, int], Literal[1, 60, 1440]]] = {
    (BarAggregation.MINUTE, 1): 1,
    (BarAggregation.MINUTE, 60): 60,
    (BarAggregation.HOUR, 1): 60,
    (BarAggregation.DAY, 1): 1440,
}
_PRICES: Final = (PriceType.LAST, PriceType.BID, PriceType.ASK)
_MIRRORED: Final = {
    PriceType.LAST: PriceType.LAST,
    PriceType.BID: PriceType.ASK,
    PriceType.ASK: PriceType.BID,
}


class Answers(Answering[LiveMarket]):
    """Answers from what REST says."""

    def __init__(
        self, http: MarketData, client_id: ClientId, respond: Callable[[Any], None], now_ns: Callable[[], int]
    ) -> None:
        super().__init__(venue.VENUE, client_id, respond, now_ns)
        self._http = http

    @override
    async def book(self, request: Any, market: LiveMarket) -> None:
        snapshot = await self._http.get_market_orderbook(market.ticker, min(request.depth or 0, 100))
        builder = BookBuilder(market.pair.yes.id)
        self._tell_book(request, market, builder.take_snapshot(snapshot, self._now_ns()))

    @override
    async def trades(self, request: Any, market: LiveMarket) -> None:
        """Answer with past trades, block trades left out."""
        query = TradesQuery(
            ticker=market.ticker, min_ts=seconds_of(request.start_ns), max_ts=seconds_of(request.end_ns)
        )
        most, found = request.limit or DEFAULT_LIMIT, dict[str, TradeTick]()
        async for trade in self._http.all_trades(query):
            tick, _ = parse_trade(trade, market.pair.yes.id, trade.happened_ns)
            if tick is not None:
                found[trade.trade_id] = tick
            if len(found) >= most:
                break
        self._tell_trades(request, market, found.values())

    @override
    async def bars(self, request: Any, market: LiveMarket) -> None:
        """Answer with bars of trades or of quotes (`bar_of`); ValueError for other kinds of bars."""
        minutes = period_of(request.bar_type)
        end_secs = seconds_of(request.end_ns) or self._now_ns() // SECOND_NS
        most_secs = _MOST_CANDLES * minutes * 60
        start_secs = max(seconds_of(request.start_ns) or 0, end_secs - most_secs)
        candles = await self._http.get_market_candlesticks(
            market.terms.series,
            market.ticker,
            CandlesticksQuery(start_ts=start_secs, end_ts=end_secs, period_interval=minutes),
        )
        is_no = request.bar_type.instrument_id == market.pair.no.id
        made = (bar_of(one, request.bar_type, is_no=is_no) for one in candles)
        self._tell_bars(request, [bar for bar in made if bar is not None])


def period_of(bar_type: BarType) -> Literal[1, 60, 1440]:
    """Return the minutes of a candle; ValueError for what the venue has no candles of."""
    spec = bar_type.spec
    minutes = _PERIODS.get((spec.aggregation, spec.step))
    is_ours = bar_type.aggregation_source == AggregationSource.EXTERNAL and spec.price_type in _PRICES
    if minutes is None or not is_ours:
        raise ValueError(
            f"expected external LAST, BID or ASK bars of 1 minute, hour or day, found {bar_type}"
        )
    return minutes


def bar_of(candle: Candlestick, bar_type: BarType, *, is_no: bool) -> Bar | None:
    """Return a candle as a bar that ends with its period.

    None when nothing was traded in it, or when the side that BID or ASK asks for was empty at one of its four
    prices. A candle tells no sizes of quotes, so BID and ASK bars have no volume.
    """
    kind = bar_type.spec.price_type
    if is_no:
        kind = _MIRRORED[kind]
    four = _four_of(candle.price if kind == PriceType.LAST else _side_of(candle, kind))
    prices = [one for one in four if one is not None and 0 < one < 1]
    if len(prices) < len(four):
        return None
    if is_no:
        first, high, low, last = (1 - one for one in prices)
        prices = [first, low, high, last]
    volume = Decimal(0)
    if kind == PriceType.LAST:
        volume = candle.volume_fp if candle.volume_fp is not None else candle.volume or Decimal(0)
    at_ns = candle.end_period_ts * SECOND_NS
    first_px, high_px, low_px, last_px = (Price.from_decimal_dp(one, PRICE_DIGITS) for one in prices)
    size = Quantity.from_decimal_dp(volume, SIZE_DIGITS)
    return Bar(bar_type, first_px, high_px, low_px, last_px, size, at_ns, at_ns)


def _side_of(candle: Candlestick, kind: PriceType) -> Quotes:
    return candle.yes_bid if kind == PriceType.BID else candle.yes_ask


def _four_of(prices: Quotes) -> list[Decimal | None]:
    return [
        newer if older is None else older
        for newer, older in (
            (prices.open_dollars, prices.open),
            (prices.high_dollars, prices.high),
            (prices.low_dollars, prices.low),
            (prices.close_dollars, prices.close),
        )
    ]
