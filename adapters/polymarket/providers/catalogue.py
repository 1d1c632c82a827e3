"""The venue's list of markets, asked by REST: what trades now or will, and how a market stands."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from msgspec import MsgspecError, Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from adapters.polymarket.http.market_data import MarketData
from adapters.polymarket.messages.clob import ClobMarket, CompactMarket
from adapters.polymarket.messages.gamma import EventRow, GammaEvent, GammaMarket
from adapters.polymarket.providers.terms import Listing
from adapters.polymarket.providers.windows import Windows
from network.errors import Refusal

_LOG: Final = logging.getLogger(__name__)
_NOT_FOUND: Final = 404
_SAYS: Final = Decoder(dict[str, Any], float_hook=str)  # numbers as they were written, never as floats
_MARKET: Final = Decoder(GammaMarket)


class _EventText(Struct, frozen=True):
    """An event before its markets are read."""

    markets: tuple[Raw, ...] = ()


_EVENT_TEXT: Final = Decoder(_EventText)
_EVENT: Final = Decoder(GammaEvent)


class PolymarketCatalogue:
    """What the venue lists; `now_ns` is the wall clock. All methods raise from `network.errors`.

    The catalogue is behind a cache and young markets appear there before the order book has them: such a market
    is left out, and found at the next look.
    """

    def __init__(self, http: MarketData, now_ns: Callable[[], int], windows_ahead: int = 3) -> None:
        self._http = http
        self._now_ns = now_ns
        self._windows_ahead = windows_ahead
        self._series_ids: dict[str, str | None] = {}

    async def find_open(self, series: str, known: Iterable[str] = ()) -> list[Listing]:
        """Return the markets of a series, or of an event of that name, that trade or will, but those `known`.

        `known` are condition ids. Windows are asked for by their computed names, ahead of time.
        """
        windows = Windows.of(series)
        if windows is not None:
            slugs = windows.slugs(self._now_ns(), self._windows_ahead)
            rows = _without_event(await self._http.get_markets_by_slug(slugs, closed=False))
        else:
            rows = [pair for event in await self._events_of(series) for pair in _markets_of(event)]
        return await self._listings(rows, frozenset(known))

    async def list_market(self, condition_id: str) -> Listing | None:
        """Return one market by its condition; None when the venue does not know it."""
        return await self._first("condition_ids", condition_id)

    async def list_slug(self, slug: str) -> Listing | None:
        """Return one market by its name; None when the venue does not know it."""
        return await self._first("slug", slug)

    async def find_rows(self, condition_ids: Sequence[str]) -> tuple[GammaMarket, ...]:
        """Return how these markets stand now; those that the catalogue does not know are missing."""
        found = await self._http.get_markets_by_condition(condition_ids, closed=False)
        rows = [row for raw in found if (row := _read(raw)) is not None]
        missing = sorted(set(condition_ids) - {row.condition_id for row in rows})
        if missing:
            found = await self._http.get_markets_by_condition(missing, closed=True)
            rows += [row for raw in found if (row := _read(raw)) is not None]
        return tuple(rows)

    async def find_result(self, condition_id: str) -> ClobMarket:
        """Return the order book's description of a market, which may name its winner."""
        return await self._http.get_market(condition_id)

    async def venue_time(self) -> int:
        """Return the order book's clock in seconds: it answers, so it is there."""
        return await self._http.get_time()

    async def _first(self, key: str, name: str) -> Listing | None:
        ask = self._http.get_markets_by_slug if key == "slug" else self._http.get_markets_by_condition
        for closed in (False, True):
            rows: list[tuple[EventRow | None, Raw]] = [
                (None, raw) for raw in await ask([name], closed=closed)
            ]
            for found in await self._listings(rows, frozenset()):
                return found
        return None

    async def _events_of(self, name: str) -> tuple[Raw, ...]:
        series_id = await self._series_id_of(name)
        if series_id is not None:
            return await self._http.get_open_events(series_id)
        try:
            return (await self._http.get_event_by_slug(name),)
        except Refusal as refusal:
            if refusal.status != _NOT_FOUND:
                raise
            _LOG.warning("expected a series or an event of Polymarket called %s, found none", name)
            return ()

    async def _series_id_of(self, name: str) -> str | None:
        if name not in self._series_ids:
            rows = await self._http.get_series(name)
            self._series_ids[name] = str(rows[0]["id"]) if rows else None
        return self._series_ids[name]

    async def _listings(
        self, rows: Iterable[tuple[EventRow | None, Raw]], known: frozenset[str]
    ) -> list[Listing]:
        found = []
        for event, raw in rows:
            market = _read(raw)
            if market is None or market.condition_id in known:
                continue
            book = await self._book_of(market)
            if book is not None:
                row = event or next(iter(market.events), None)
                found.append(Listing(row, market, book, _SAYS.decode(raw)))
        return found

    async def _book_of(self, market: GammaMarket) -> CompactMarket | None:
        try:
            return await self._http.get_clob_market(market.condition_id)
        except Refusal as refusal:
            if refusal.status != _NOT_FOUND:
                raise
            _LOG.info("expected the order book to know %s, found that it does not yet", market.slug)
            return None


def _without_event(rows: Iterable[Raw]) -> list[tuple[EventRow | None, Raw]]:
    return [(None, row) for row in rows]


def _markets_of(event: Raw) -> list[tuple[EventRow | None, Raw]]:
    row = replace(_EVENT.decode(event), markets=()).row
    return [(row, market) for market in _EVENT_TEXT.decode(event).markets]


def _read(raw: Raw) -> GammaMarket | None:
    try:
        return _MARKET.decode(raw)
    except MsgspecError as error:
        _LOG.warning("expected a market of Polymarket, found %s", error)
        return None
