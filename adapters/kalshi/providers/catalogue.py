"""The venue's list of markets, asked by REST: the terms of what trades now or will, and how a market stands."""

import logging
from collections.abc import Callable, Iterable, Sequence
from itertools import batched
from typing import Any, Final

from msgspec import MsgspecError, Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from adapters.kalshi import constants as venue
from adapters.kalshi.http.market_data import MarketData
from adapters.kalshi.messages.queries import EventFeeChangesQuery, MarketsQuery, SeriesFeeChangesQuery
from adapters.kalshi.messages.reference import Event, Market
from adapters.kalshi.providers.schedule import SeriesFacts
from adapters.kalshi.providers.terms import Listing

_LOG: Final = logging.getLogger(__name__)
_SERIES_LIVES_NS: Final = 900 * 1_000_000_000
_TICKERS_PER_QUERY: Final = 50
_SAYS: Final = Decoder(dict[str, Any], float_hook=str)  # numbers as they were written, never as floats
_EVENT: Final = Decoder(Event)
_MARKET: Final = Decoder(Market)


class _EventText(Struct, frozen=True):
    """The answer of `GET /events/{e}` before it is read: a broken market must not hide its neighbours."""

    event: Raw
    markets: tuple[Raw, ...] = ()


class _NestedText(Struct, frozen=True):
    markets: tuple[Raw, ...] = ()


_NESTED: Final = Decoder(_NestedText)


class KalshiCatalogue:
    """What the venue lists, one request per event that is new to us.

    `now_ns` is the wall clock. Series and the changes of their fees are kept for 15 minutes. All methods raise from `network.errors`.
    """

    def __init__(self, http: MarketData, now_ns: Callable[[], int]) -> None:
        self._http = http
        self._now_ns = now_ns
        self._series: dict[str, tuple[int, SeriesFacts]] = {}

    async def find_open(self, series: str) -> tuple[Market, ...]:
        """Return the markets of a series that trade, or will; the venue's answer may be 15 s old."""
        trading = await self._http.get_markets(MarketsQuery(series_ticker=series, status="open"))
        coming = await self._http.get_markets(MarketsQuery(series_ticker=series, status="unopened"))
        return tuple({row.ticker: row for row in (*trading, *coming)}.values())

    async def find_rows(self, tickers: Sequence[str]) -> tuple[Market, ...]:
        """Return how these markets stand now; those that the venue does not know are missing."""
        rows: list[Market] = []
        for part in batched(tickers, _TICKERS_PER_QUERY, strict=False):
            rows += await self._http.get_markets(MarketsQuery(tickers=part))
        return tuple(rows)

    async def find_paused_shards(self) -> frozenset[int] | None:
        """Return the shards on which no order can be placed now; None when that is true of all of them."""
        status = await self._http.get_exchange_status()
        if not (status.exchange_active and status.trading_active):
            return None
        shards = status.exchange_index_statuses
        return frozenset(
            one.exchange_index for one in shards if not (one.exchange_active and one.trading_active)
        )

    async def list_market(self, ticker: str) -> Listing | None:
        """Return one market with all that decides its terms; None when its event does not list it."""
        row = await self._http.get_market(ticker)
        return next(
            (one for one in await self.list_event(row.event_ticker) if one.market.ticker == ticker), None
        )

    async def list_events(self, events: Iterable[str]) -> list[Listing]:
        """Return the markets of several events."""
        return [one for event in dict.fromkeys(events) for one in await self.list_event(event)]

    async def list_event(self, event_ticker: str) -> list[Listing]:
        """Return all markets of an event; one that cannot be read is named in the log and left out."""
        reply = await self._http.session.read(f"/events/{event_ticker}", cost=venue.DEFAULT_COST)
        text = reply.decode(_EventText)
        event = _EVENT.decode(text.event)
        facts = await self._facts_of(event.series_ticker)
        query = EventFeeChangesQuery(event_ticker=event_ticker)
        overrides = await self._http.get_event_fee_changes(query)
        rows = text.markets or _NESTED.decode(text.event).markets
        event_says = {name: said for name, said in _SAYS.decode(text.event).items() if name != "markets"}
        bare = replace(event, markets=())
        return [
            Listing(facts, bare, market, overrides, _SAYS.decode(row), event_says)
            for row in rows
            if (market := _read(row, event_ticker)) is not None
        ]

    async def _facts_of(self, series: str) -> SeriesFacts:
        now_ns = self._now_ns()
        read_ns, facts = self._series.get(series, (0, None))
        if facts is None or now_ns - read_ns > _SERIES_LIVES_NS:
            changes = await self._http.get_series_fee_changes(SeriesFeeChangesQuery(series_ticker=series))
            ours = tuple(one for one in changes if one.series_ticker == series)
            facts = SeriesFacts(await self._http.get_series(series), ours)
            self._series[series] = (now_ns, facts)
        return facts


def _read(row: Raw, event_ticker: str) -> Market | None:
    try:
        return _MARKET.decode(row)
    except MsgspecError as error:
        _LOG.warning("expected a market in event %s, found %s", event_ticker, error)
        return None
