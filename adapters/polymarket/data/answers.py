"""What strategies ask once: instruments, a book, past trades and bars, as Nautilus' responses."""

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, override

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

from adapters.polymarket import constants as venue
from adapters.polymarket.data.market import LiveMarket
from adapters.polymarket.http.market_data import MarketData
from adapters.polymarket.messages.clob import PricePoint
from adapters.polymarket.parsing.book import Terms, TokenBook
from adapters.polymarket.parsing.trades import parse_past_trade
from markets.instruments import PRICE_DIGITS
from markets.live.answering import DEFAULT_LIMIT, SECOND_NS, Answering, seconds_of
from markets.live.yes_book import YesBook

_DEFAULT_SPAN_SECS: Final = 86_400
_MOST_SPAN_SECS: Final = 15 * 86_400  # in one question (reference, section 12.1)
_FIDELITY_MINS: Final = 1
_MINUTES: Final = {BarAggregation.MINUTE: 1, BarAggregation.HOUR: 60, BarAggregation.DAY: 1440}


class Answers(Answering[LiveMarket]):
    """Answers from what REST says."""

    def __init__(
        self, http: MarketData, client_id: ClientId, respond: Callable[[Any], None], now_ns: Callable[[], int]
    ) -> None:
        super().__init__(venue.VENUE, client_id, respond, now_ns)
        self._http = http

    @override
    async def book(self, request: Any, market: LiveMarket) -> None:
        answer = await self._http.get_book(market.book.yes_token)
        token = TokenBook(
            answer.market, answer.asset_id, Terms(answer.min_order_size or "", bool(answer.neg_risk))
        )
        token.take_book(answer.as_message())
        builder = YesBook(market.pair.yes.id, venue.FILL_DECIMALS)
        self._tell_book(request, market, builder.replace(*token.lots(), self._now_ns()))

    @override
    async def trades(self, request: Any, market: LiveMarket) -> None:
        """Answer with past trades by the time of their blocks."""
        most, found = request.limit or DEFAULT_LIMIT, dict[str, TradeTick]()
        pages = self._http.get_trades(
            market.condition, seconds_of(request.start_ns), seconds_of(request.end_ns)
        )
        async for page in pages:
            for row in page:
                tick, _ = parse_past_trade(row, market.pair)
                found[str(tick.trade_id)] = tick
            if len(found) >= most:
                break
        self._tell_trades(request, market, found.values())

    @override
    async def bars(self, request: Any, market: LiveMarket) -> None:
        """Answer with MID bars of the venue's past prices, which have no volume; ValueError for other kinds of bars."""
        minutes = period_of(request.bar_type)
        end_secs = seconds_of(request.end_ns) or self._now_ns() // SECOND_NS
        start_secs = seconds_of(request.start_ns) or end_secs - _DEFAULT_SPAN_SECS
        points: list[PricePoint] = []
        for since_secs in range(start_secs, max(end_secs, start_secs + 1), _MOST_SPAN_SECS):
            until_secs = min(since_secs + _MOST_SPAN_SECS, end_secs)
            points += await self._http.get_prices_history(
                market.book.yes_token, since_secs, until_secs, _FIDELITY_MINS
            )
        is_no = request.bar_type.instrument_id == market.pair.no.id
        self._tell_bars(request, bars_of(points, request.bar_type, minutes * 60, is_no=is_no))


def period_of(bar_type: BarType) -> int:
    """Return the minutes of a bar; ValueError for what the venue's past prices cannot make."""
    spec = bar_type.spec
    minutes = _MINUTES.get(spec.aggregation)
    is_ours = bar_type.aggregation_source == AggregationSource.EXTERNAL and spec.price_type == PriceType.MID
    if minutes is None or not is_ours:
        raise ValueError(f"expected external MID bars of minutes, hours or days, found {bar_type}")
    return minutes * int(spec.step)


def bars_of(
    points: Sequence[PricePoint], bar_type: BarType, span_secs: int, *, is_no: bool = False
) -> list[Bar]:
    """Return a bar for each span that has a price, closed at its end."""
    spans: dict[int, list[Decimal]] = {}
    for point in sorted(points, key=lambda one: one.at_secs):
        spans.setdefault(point.at_secs // span_secs, []).append(1 - point.price if is_no else point.price)
    nothing = Quantity.from_decimal_dp(Decimal(0), venue.FILL_DECIMALS)
    bars = []
    for span, prices in spans.items():
        first, high, low, last = (_price(one) for one in (prices[0], max(prices), min(prices), prices[-1]))
        at_ns = (span + 1) * span_secs * SECOND_NS
        bars.append(Bar(bar_type, first, high, low, last, nothing, at_ns, at_ns))
    return bars


def _price(value: Decimal) -> Price:
    unit = Decimal(1).scaleb(-PRICE_DIGITS)
    return Price.from_decimal_dp(value.quantize(unit, rounding=ROUND_HALF_EVEN), PRICE_DIGITS)
