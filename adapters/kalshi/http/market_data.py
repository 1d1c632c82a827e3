"""What is traded, at which prices, and since when: the public endpoints. They need no key."""

from collections.abc import AsyncIterator
from typing import Final

from adapters.kalshi.http.connection import Connection
from adapters.kalshi.messages import market_data, queries, reference
from adapters.kalshi.messages.numbers import time_ns

_SECOND_NS: Final = 1_000_000_000
_CLOCK_MARGIN_NS: Final = _SECOND_NS  # until the skew is known to less
_OVERLAP_NS: Final = 86_400 * _SECOND_NS  # live prints may reach further back than the cut-off says


class MarketData(Connection):
    """The exchange, its markets and their past; all raise from `network.errors`."""

    async def get_exchange_status(self) -> reference.ExchangeStatus:
        """Return whether orders are taken, in all and per shard."""
        return await self._get("/exchange/status", reference.ExchangeStatus)

    async def get_exchange_schedule(self) -> reference.Schedule:
        """Return the hours of trading and the planned pauses."""
        return (await self._get("/exchange/schedule", reference.ScheduleAnswer)).schedule

    async def get_user_data_timestamp(self) -> reference.UserDataTimestamp:
        """Return how far orders, fills and positions by REST have come."""
        return await self._get("/exchange/user_data_timestamp", reference.UserDataTimestamp)

    async def complete_until_ns(self) -> int:
        """Return a time of our own clock: what happened before it is in every portfolio answer that is asked for after this.

        The venue states it by a clock that may be another than that of its answers, the one we learn. So a clock that
        seems behind ours is not believed, and no list is newer than the moment at which its age was asked for.
        """
        asked_ns = self._now_ns()
        stated_ns = (await self.get_user_data_timestamp()).as_of_ns
        skew = self.session.skew
        margin_ns = min(skew.uncertainty_ns or _CLOCK_MARGIN_NS, _CLOCK_MARGIN_NS)
        return min(stated_ns - max(skew.skew_ns or 0, 0) - margin_ns, asked_ns)

    async def get_series(self, series_ticker: str) -> reference.Series:
        """Return one series."""
        return (await self._get(f"/series/{series_ticker}", reference.SeriesAnswer)).series

    async def get_series_list(self, query: queries.SeriesQuery) -> tuple[reference.Series, ...]:
        """Return all series in one answer: 18 MB without a filter, within one timeout."""
        return (await self._get("/series", reference.SeriesListAnswer, query)).series

    async def get_series_fee_changes(
        self, query: queries.SeriesFeeChangesQuery
    ) -> tuple[reference.SeriesFeeChange, ...]:
        """Return when fees of series changed or will."""
        answer = await self._get("/series/fee_changes", reference.SeriesFeeChangesAnswer, query)
        return answer.series_fee_change_arr

    async def get_event_fee_changes(
        self, query: queries.EventFeeChangesQuery
    ) -> tuple[reference.EventFeeChange, ...]:
        """Return when fees of single events changed or will."""
        return await self._rows("/events/fee_changes", query, reference.EventFeeChangesPage)

    async def get_events(self, query: queries.EventsQuery) -> tuple[reference.Event, ...]:
        """Return events, combos left out."""
        return await self._rows("/events", query, reference.EventsPage)

    async def get_event(self, event_ticker: str) -> reference.EventAndMarkets:
        """Return one event and its markets."""
        return await self._get(f"/events/{event_ticker}", reference.EventAndMarkets)

    async def get_markets(self, query: queries.MarketsQuery) -> tuple[reference.Market, ...]:
        """Return markets; the venue caches its answers for 15 s."""
        return await self._rows("/markets", query, reference.MarketsPage)

    async def get_market(self, ticker: str) -> reference.Market:
        """Return one market; 404 for a while after its creation and again once it is archived."""
        return (await self._get(f"/markets/{ticker}", reference.MarketAnswer)).market

    async def get_market_orderbook(self, ticker: str, depth: int = 0) -> market_data.OrderbookSnapshot:
        """Return a book, both sides in prices of their own outcome; depth 0 is all of it, 100 the most."""
        query = queries.OrderbookQuery(depth=depth)
        answer = await self._get(f"/markets/{ticker}/orderbook", market_data.OrderbookAnswer, query)
        return market_data.MarketOrderbook(ticker, answer.orderbook_fp).snapshot()

    async def get_market_orderbooks(
        self, query: queries.OrderbooksQuery
    ) -> tuple[market_data.OrderbookSnapshot, ...]:
        """Return the books of 1 to 100 markets."""
        answer = await self._get("/markets/orderbooks", market_data.OrderbooksAnswer, query)
        return tuple(book.snapshot() for book in answer.orderbooks)

    def get_trades(self, query: queries.TradesQuery) -> AsyncIterator[tuple[market_data.Trade, ...]]:
        """Yield pages of recent prints, newest first."""
        return self._pages("/markets/trades", query, market_data.TradesPage)

    def get_trades_historical(
        self, query: queries.TradesQuery
    ) -> AsyncIterator[tuple[market_data.Trade, ...]]:
        """Yield pages of archived prints, newest first."""
        return self._pages("/historical/trades", query, market_data.TradesPage)

    async def all_trades(self, query: queries.TradesQuery) -> AsyncIterator[market_data.Trade]:
        """Yield recent, then archived prints, each once; newest first but for the overlap of the two."""
        cutoff = (await self.get_historical_cutoff()).trades_created_ts
        overlap_ns = time_ns(cutoff) + _OVERLAP_NS
        seen: set[str] = set()
        async for page in self.get_trades(query):
            seen |= {trade.trade_id for trade in page if trade.happened_ns <= overlap_ns}
            for trade in page:
                yield trade
        if query.min_ts is not None and query.min_ts * 1_000_000_000 > overlap_ns:
            return
        async for page in self.get_trades_historical(query):
            for trade in page:
                if trade.trade_id not in seen:
                    yield trade

    async def get_market_candlesticks(
        self, series_ticker: str, ticker: str, query: queries.CandlesticksQuery
    ) -> tuple[market_data.Candlestick, ...]:
        """Return the candles of one market; periods without a change are missing."""
        path = f"/series/{series_ticker}/markets/{ticker}/candlesticks"
        return (await self._get(path, market_data.CandlesticksAnswer, query)).candlesticks

    async def batch_get_market_candlesticks(
        self, query: queries.BatchCandlesticksQuery
    ) -> tuple[market_data.CandlesticksAnswer, ...]:
        """Return the candles of several markets."""
        answer = await self._get("/markets/candlesticks", market_data.BatchCandlesticksAnswer, query)
        return answer.markets

    async def get_historical_cutoff(self) -> reference.HistoricalCutoff:
        """Return where the live endpoints end."""
        return await self._get("/historical/cutoff", reference.HistoricalCutoff)

    async def get_historical_markets(
        self, query: queries.HistoricalMarketsQuery
    ) -> tuple[reference.Market, ...]:
        """Return archived markets."""
        return await self._rows("/historical/markets", query, reference.MarketsPage)

    async def get_historical_market(self, ticker: str) -> reference.Market:
        """Return one archived market."""
        return (await self._get(f"/historical/markets/{ticker}", reference.MarketAnswer)).market

    async def get_market_candlesticks_historical(
        self, ticker: str, query: queries.CandlesticksQuery
    ) -> tuple[market_data.Candlestick, ...]:
        """Return the candles of one archived market, with the keys of archives."""
        path = f"/historical/markets/{ticker}/candlesticks"
        return (await self._get(path, market_data.CandlesticksAnswer, query)).candlesticks
