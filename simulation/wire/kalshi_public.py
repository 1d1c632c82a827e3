"""Market data over REST: exchange, series, events, markets, books, trades, candles (kalshi.md section 4)."""

from collections.abc import Callable
from functools import partial
from typing import Any

from aiohttp import web

from simulation.wire.kalshi_calendar import schedule_row, status_row
from simulation.wire.kalshi_candles import merged
from simulation.wire.kalshi_errors import ParameterError, VenueError, not_found
from simulation.wire.kalshi_http import (
    PREFIX,
    Desk,
    bool_param,
    int_param,
    json_response,
    limit_param,
    ns_param,
    page,
    required_int,
    within,
)
from simulation.wire.kalshi_markets import ACTIVE, FINALIZED, INACTIVE, INITIALIZED, Event, Market
from simulation.wire.kalshi_rows import (
    book_row,
    candle_row,
    event_row,
    market_row,
    number,
    series_row,
    trade_row,
)
from simulation.wire.kalshi_units import time_text

_STATUS_WORDS = {"unopened": INITIALIZED, "open": ACTIVE, "paused": INACTIVE, "settled": FINALIZED}
_TIME_FILTERS: dict[str, tuple[tuple[str, ...], Callable[[Market], int]]] = {
    "created": (("", "unopened", "open"), lambda market: market.created_ns),
    "close": (("", "closed"), lambda market: market.close_ns),
    "settled": (("", "settled"), lambda market: market.settled_ns or -1),
    "updated": (("",), lambda market: market.updated_ns),
}


class PublicApi:
    """Handlers of unsigned reads."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.exchange = desk.exchange

    def routes(self) -> list[web.RouteDef]:
        """Every path, the literal ones before the ones with a name in them."""
        table = {
            "/exchange/status": self.status,
            "/exchange/schedule": self.schedule,
            "/exchange/user_data_timestamp": self.user_data_timestamp,
            "/series": self.series_list,
            "/series/fee_changes": self.series_fee_changes,
            "/series/{series}": self.series,
            "/series/{series}/markets/{ticker}/candlesticks": self.candlesticks,
            "/events": self.events,
            "/events/fee_changes": self.event_fee_changes,
            "/events/{event}": self.event,
            "/markets": self.markets,
            "/markets/trades": self.trades,
            "/markets/orderbooks": self.orderbooks,
            "/markets/candlesticks": self.candlesticks_batch,
            "/markets/{ticker}": self.market,
            "/markets/{ticker}/orderbook": self.orderbook,
            "/historical/cutoff": self.cutoff,
            "/historical/trades": self.no_trades,
            "/historical/markets": self.no_markets,
        }
        return [web.get(PREFIX + path, handler, allow_head=False) for path, handler in table.items()]

    async def status(self, request: web.Request) -> web.Response:
        """GET /exchange/status."""
        self.desk.public(request)
        return json_response(status_row(self.exchange))

    async def schedule(self, request: web.Request) -> web.Response:
        """GET /exchange/schedule."""
        self.desk.public(request)
        return json_response(schedule_row(self.desk.settings))

    async def user_data_timestamp(self, request: web.Request) -> web.Response:
        """GET /exchange/user_data_timestamp."""
        self.desk.public(request)
        return json_response({"as_of_time": time_text(self.desk.as_of_ns())})

    async def series_list(self, request: web.Request) -> web.Response:
        """GET /series."""
        self.desk.public(request)
        category = request.query.get("category")
        rows = [
            series_row(series, self.desk.now_ns())
            for series in self.exchange.series.values()
            if category in (None, series.category)
        ]
        return json_response({"series": rows}, max_age_secs=15)

    async def series(self, request: web.Request) -> web.Response:
        """GET /series/{s}."""
        self.desk.public(request)
        series = self.exchange.series.get(request.match_info["series"])
        if series is None:
            raise not_found(request.match_info["series"])
        return json_response({"series": series_row(series, self.desk.now_ns())})

    async def series_fee_changes(self, request: web.Request) -> web.Response:
        """GET /series/fee_changes: future changes, past ones with `show_historical`."""
        self.desk.public(request)
        wanted, past = request.query.get("series_ticker"), bool_param(request, "show_historical")
        rows = [
            {
                "id": f"{series.ticker}-{at_ns}", "series_ticker": series.ticker, "fee_type": kind,
                "fee_multiplier": number(multiplier), "scheduled_ts": time_text(at_ns),
            }
            for series in self.exchange.series.values()
            for at_ns, kind, multiplier in series.fee_changes
            if at_ns and wanted in (None, series.ticker) and (past or at_ns > self.desk.now_ns())
        ]  # fmt: skip
        return json_response({"series_fee_change_arr": rows})

    async def event_fee_changes(self, request: web.Request) -> web.Response:
        """GET /events/fee_changes."""
        self.desk.public(request)
        wanted = request.query.get("event_ticker")
        rows = [
            {
                "id": f"{event.ticker}-{at_ns}", "event_ticker": event.ticker,
                "series_ticker": event.series.ticker, "fee_type_override": kind,
                "fee_multiplier_override": number(multiplier), "scheduled_ts": time_text(at_ns),
            }
            for event in self.exchange.events.values()
            for at_ns, kind, multiplier in event.fee_changes
            if wanted in (None, event.ticker)
        ]  # fmt: skip
        keyed = [(len(rows) - place, row) for place, row in enumerate(rows)]
        cut, cursor = page(request, keyed, limit_param(request, 100, 1000), empty_pages=False)
        return json_response({"event_fee_changes": cut, "cursor": cursor})

    async def events(self, request: web.Request) -> web.Response:
        """GET /events."""
        self.desk.public(request)
        query = request.query
        tickers = query["tickers"].split(",") if query.get("tickers") else None
        nested = bool_param(request, "with_nested_markets")
        rows = [
            (len(self.exchange.events) - place, self._event_row(event, nested=nested))
            for place, event in enumerate(self.exchange.events.values())
            if query.get("series_ticker") in (None, "", event.series.ticker)
            and (tickers is None or event.ticker in tickers)
            and self._event_has(event, query.get("status", ""))
        ]
        cut, cursor = page(
            request, rows, limit_param(request, 200, 200), empty_pages=self.desk.settings.empty_pages
        )
        return json_response({"events": cut, "cursor": cursor})

    async def event(self, request: web.Request) -> web.Response:
        """GET /events/{e}: markets beside the event, or nested."""
        self.desk.public(request)
        event = self.exchange.events.get(request.match_info["event"])
        if event is None:
            raise not_found(request.match_info["event"])
        if bool_param(request, "with_nested_markets"):
            return json_response({"event": self._event_row(event, nested=True), "markets": []})
        rows = [market_row(market, self.desk.now_ns()) for market in self._markets_of(event)]
        return json_response({"event": event_row(event, self.desk.now_ns()), "markets": rows})

    async def markets(self, request: web.Request) -> web.Response:
        """GET /markets with the venue's filter words."""
        self.desk.public(request)
        keep = _market_filter(request, self.desk.now_ns())
        found = [(-market.number, market) for market in self.exchange.markets.values() if keep(market)]
        found.sort(key=lambda row: -row[0])
        cut, cursor = page(
            request, found, limit_param(request, 100, 1000), empty_pages=self.desk.settings.empty_pages
        )
        rows = [market_row(market, self.desk.now_ns()) for market in cut]
        return json_response({"markets": rows, "cursor": cursor}, max_age_secs=15)

    async def market(self, request: web.Request) -> web.Response:
        """GET /markets/{m}."""
        self.desk.public(request)
        return json_response({"market": market_row(self._market(request), self.desk.now_ns())})

    async def orderbook(self, request: web.Request) -> web.Response:
        """GET /markets/{m}/orderbook."""
        self.desk.public(request)
        depth = int_param(request, "depth", 0) or 0
        if not 0 <= depth <= 100:
            raise ParameterError("Parameter validation failed for depth: expected 0 to 100")
        return json_response({"orderbook_fp": self._book(self._market(request), depth)})

    async def orderbooks(self, request: web.Request) -> web.Response:
        """GET /markets/orderbooks?tickers=A&tickers=B; a comma list fails."""
        self.desk.public(request)
        tickers = request.query.getall("tickers", [])
        if not 1 <= len(tickers) <= 100 or any("," in ticker for ticker in tickers):
            raise ParameterError(
                "Parameter validation failed for tickers: expected 1 to 100 repeated tickers"
            )
        rows = [
            {"ticker": ticker, "orderbook_fp": self._book(self.exchange.markets[ticker], 0)}
            for ticker in tickers
            if ticker in self.exchange.markets
        ]
        return json_response({"orderbooks": rows})

    async def trades(self, request: web.Request) -> web.Response:
        """GET /markets/trades, newest first."""
        self.desk.public(request)
        ticker = request.query.get("ticker")
        low, high = ns_param(request, "min_ts"), ns_param(request, "max_ts")
        source = self.exchange.market(ticker).trades if ticker else self.exchange.trades
        found = [(trade.number, trade) for trade in reversed(source) if within(trade.at_ns, low, high)]
        cut, cursor = page(
            request, found, limit_param(request, 100, 1000), empty_pages=self.desk.settings.empty_pages
        )
        rows = [trade_row(trade, legacy=self.desk.settings.legacy_fields) for trade in cut]
        return json_response({"trades": rows, "cursor": cursor})

    async def candlesticks(self, request: web.Request) -> web.Response:
        """GET /series/{s}/markets/{m}/candlesticks; the series is not checked, as at the venue."""
        self.desk.public(request)
        market = self._market(request)
        return json_response({"ticker": market.ticker, "candlesticks": self._candles(request, market, 5_000)})

    async def candlesticks_batch(self, request: web.Request) -> web.Response:
        """GET /markets/candlesticks."""
        self.desk.public(request)
        tickers = [ticker for ticker in request.query.get("market_tickers", "").split(",") if ticker]
        if not 1 <= len(tickers) <= 100:
            raise ParameterError("Parameter validation failed for market_tickers: expected 1 to 100")
        rows = [
            {
                "market_ticker": ticker,
                "candlesticks": self._candles(request, self.exchange.market(ticker), 10_000 // len(tickers)),
            }
            for ticker in tickers
        ]
        return json_response({"markets": rows})

    async def cutoff(self, request: web.Request) -> web.Response:
        """GET /historical/cutoff: sixty days back, so nothing of a rehearsal is history."""
        self.desk.public(request)
        day_ns = 86_400 * 1_000_000_000
        text = time_text((self.desk.now_ns() // day_ns - 60) * day_ns)
        names = (
            "market_settled_ts",
            "trades_created_ts",
            "orders_updated_ts",
            "market_positions_last_updated_ts",
        )
        return json_response(dict.fromkeys(names, text))

    async def no_trades(self, request: web.Request) -> web.Response:
        """GET /historical/trades: empty."""
        self.desk.public(request)
        return json_response({"trades": [], "cursor": ""})

    async def no_markets(self, request: web.Request) -> web.Response:
        """GET /historical/markets: empty."""
        self.desk.public(request)
        return json_response({"markets": [], "cursor": ""})

    def _market(self, request: web.Request) -> Market:
        found = self.exchange.markets.get(request.match_info["ticker"])
        if found is None:
            raise not_found(request.match_info["ticker"])
        return found

    def _markets_of(self, event: Event) -> list[Market]:
        return [market for market in self.exchange.markets.values() if market.event is event]

    def _event_row(self, event: Event, *, nested: bool) -> dict[str, Any]:
        row = event_row(event, self.desk.now_ns())
        if nested:
            row["markets"] = [market_row(market, self.desk.now_ns()) for market in self._markets_of(event)]
        return row

    def _event_has(self, event: Event, word: str) -> bool:
        if not word:
            return True
        keep = _status_filter(word, self.desk.now_ns())
        return any(keep(market) for market in self._markets_of(event))

    def _book(self, market: Market, depth: int) -> dict[str, Any]:
        return book_row(market.book, depth, null_empty=self.desk.settings.null_empty_sides)

    def _candles(self, request: web.Request, market: Market, maximum: int) -> list[dict[str, Any]]:
        start, end = required_int(request, "start_ts"), required_int(request, "end_ts")
        period = required_int(request, "period_interval")
        if period not in (1, 60, 1440):
            raise ParameterError(
                "Parameter validation failed for GetMarketCandlesticks: Key: "
                "'GetMarketCandlesticksParams.PeriodInterval' Error:Field validation for 'PeriodInterval' "
                "failed on the 'oneof' tag"
            )
        span = (end - start) / (60 * period)
        if span > maximum:
            details = f"requested time range with candlesticks: {span:f}, max candlesticks: {maximum}"
            raise VenueError(400, "bad_request", "bad request", details)
        return [candle_row(candle) for candle in merged(market, start, end, period)]


def _status_filter(word: str, now_ns: int) -> Callable[[Market], bool]:
    if word == "closed":
        return lambda market: market.close_ns <= now_ns and market.status != FINALIZED
    if word not in _STATUS_WORDS:
        raise VenueError(400, "bad_request", "bad request", "invalid status filter")
    return lambda market: market.status == _STATUS_WORDS[word]


def _inside(moment: Callable[[Market], int], low: int | None, high: int | None, market: Market) -> bool:
    return within(moment(market), low, high)


def _market_filter(request: web.Request, now_ns: int) -> Callable[[Market], bool]:
    query = request.query
    word = query.get("status", "")
    tests: list[Callable[[Market], bool]] = [_status_filter(word, now_ns)] if word else []
    for name, (allowed, moment) in _TIME_FILTERS.items():
        low, high = ns_param(request, f"min_{name}_ts"), ns_param(request, f"max_{name}_ts")
        if low is None and high is None:
            continue
        if word not in allowed or (name == "updated" and query.get("mve_filter") != "exclude"):
            raise VenueError(400, "bad_request", "bad request", "invalid status filter")
        tests.append(partial(_inside, moment, low, high))
    if query.get("tickers"):
        tickers = set(query["tickers"].split(","))
        tests.append(lambda market: market.ticker in tickers)
    if query.get("event_ticker"):
        tests.append(lambda market: market.event.ticker in query["event_ticker"].split(","))
    if query.get("series_ticker"):
        tests.append(lambda market: market.event.series.ticker == query["series_ticker"])
    if query.get("mve_filter") == "only":
        tests.append(lambda market: "mve_selected_legs" in market.facts)
    return lambda market: all(test(market) for test in tests)
