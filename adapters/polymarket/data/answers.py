"""What strategies ask once: instruments, a book, past trades and bars, as Nautilus' responses."""

from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from nautilus_trader.live import (
    BarsResponse,
    BookResponse,
    InstrumentResponse,
    InstrumentsResponse,
    TradesResponse,
)
from nautilus_trader.model import (
    AggregationSource,
    Bar,
    BarAggregation,
    BarType,
    BookType,
    ClientId,
    InstrumentId,
    OrderBook,
    OrderBookDelta,
    Price,
    PriceType,
    Quantity,
    TradeTick,
    Venue,
)

from adapters.polymarket import constants as venue
from adapters.polymarket.data.market import LiveMarket
from adapters.polymarket.http.market_data import MarketData
from adapters.polymarket.messages.clob import PricePoint
from adapters.polymarket.parsing.book import Terms, TokenBook
from adapters.polymarket.parsing.trades import parse_past_trade
from markets.instruments import PRICE_DIGITS
from markets.live.yes_book import YesBook
from markets.mirror import Mirror

_SECOND_NS: Final = 1_000_000_000
_DEFAULT_LIMIT: Final = 1_000
_DEFAULT_SPAN_SECS: Final = 86_400
_MINUTES: Final = {BarAggregation.MINUTE: 1, BarAggregation.HOUR: 60, BarAggregation.DAY: 1440}


class Answers:
    """Answers requests through `respond`; those that ask the venue raise from `network.errors`.

    What is told of NO is the mirror of what the venue says of YES.
    """

    def __init__(
        self, http: MarketData, client_id: ClientId, respond: Callable[[Any], None], now_ns: Callable[[], int]
    ) -> None:
        self._http = http
        self._client_id = client_id
        self._respond = respond
        self._now_ns = now_ns
        self._mirror = Mirror()

    def instruments(self, request: Any, markets: Iterable[LiveMarket]) -> None:
        """Answer with both sides of these markets."""
        sides = [side for market in markets for side in market.sides]
        self._respond(
            InstrumentsResponse(
                self._client_id,
                Venue(venue.VENUE),
                sides,
                request.request_id,
                self._now_ns(),
                params=request.params,
            )
        )

    def instrument(self, request: Any, market: LiveMarket) -> None:
        """Answer with one side of a market."""
        side = next(one for one in market.sides if one.id == request.instrument_id)
        self._respond(InstrumentResponse(data=side, **self._frame(request)))

    async def book(self, request: Any, market: LiveMarket) -> None:
        """Answer with the book as REST shows it."""
        answer = await self._http.get_book(market.book.yes_token)
        token = TokenBook(
            answer.market, answer.asset_id, Terms(answer.min_order_size or "", bool(answer.neg_risk))
        )
        token.take_book(answer.as_message())
        builder = YesBook(market.pair.yes.id, venue.FILL_DECIMALS)
        book = OrderBook(request.instrument_id, BookType.L2_MBP)
        for item in builder.replace(*token.lots(), self._now_ns()):
            if isinstance(item, OrderBookDelta):
                book.apply_delta(self._seen_from(request.instrument_id, market, item))
        self._respond(BookResponse(data=book, **self._frame(request)))

    async def trades(self, request: Any, market: LiveMarket) -> None:
        """Answer with past trades in ascending order, by the time of their blocks; the newest `limit` of the window."""
        most, found = request.limit or _DEFAULT_LIMIT, dict[str, TradeTick]()
        pages = self._http.get_trades(market.condition, _seconds(request.start_ns), _seconds(request.end_ns))
        async for page in pages:
            for row in page:
                tick, _ = parse_past_trade(row, market.pair)
                found[str(tick.trade_id)] = tick
            if len(found) >= most:
                break
        ticks = sorted(found.values(), key=lambda one: one.ts_event)[-most:]
        if request.instrument_id == market.pair.no.id:
            ticks = [self._mirror.trade(one, market.pair.no.id) for one in ticks]
        self._respond(TradesResponse(data=ticks, **self._window(request)))

    async def bars(self, request: Any, market: LiveMarket) -> None:
        """Answer with MID bars of the venue's past prices, which have no volume; ValueError for other kinds of bars."""
        minutes = period_of(request.bar_type)
        end_secs = _seconds(request.end_ns) or self._now_ns() // _SECOND_NS
        start_secs = _seconds(request.start_ns) or end_secs - _DEFAULT_SPAN_SECS
        points = await self._http.get_prices_history(market.book.yes_token, start_secs, end_secs, 1)
        is_no = request.bar_type.instrument_id == market.pair.no.id
        bars = bars_of(points, request.bar_type, minutes * 60, is_no=is_no)
        window = self._window(request)
        del window["instrument_id"]
        self._respond(
            BarsResponse(
                data=bars[-request.limit :] if request.limit else bars, bar_type=request.bar_type, **window
            )
        )

    def _seen_from(self, side: InstrumentId, market: LiveMarket, delta: OrderBookDelta) -> OrderBookDelta:
        return delta if side == market.pair.yes.id else self._mirror.delta(delta, side)

    def _window(self, request: Any) -> dict[str, Any]:
        return self._frame(request) | {"start": request.start_ns, "end": request.end_ns}

    def _frame(self, request: Any) -> dict[str, Any]:
        return {
            "client_id": self._client_id,
            "instrument_id": getattr(request, "instrument_id", None),
            "correlation_id": request.request_id,
            "ts_init": self._now_ns(),
            "params": request.params,
        }


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
        at_ns = (span + 1) * span_secs * _SECOND_NS
        bars.append(Bar(bar_type, first, high, low, last, nothing, at_ns, at_ns))
    return bars


def _price(value: Decimal) -> Price:
    unit = Decimal(1).scaleb(-PRICE_DIGITS)
    return Price.from_decimal_dp(value.quantize(unit, rounding=ROUND_HALF_EVEN), PRICE_DIGITS)


def _seconds(at_ns: int | None) -> int | None:
    return None if at_ns is None else at_ns // _SECOND_NS
