"""What no message tells: openings and closes by the clock, new markets and late results by REST."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from msgspec import MsgspecError

from adapters.kalshi.data.market import LiveMarket
from adapters.kalshi.data.markets import Markets
from adapters.kalshi.messages.market_data import EventFeeUpdate, EventLifecycle, MarketLifecycle
from adapters.kalshi.messages.reference import Market
from adapters.kalshi.providers.catalogue import KalshiCatalogue
from adapters.kalshi.providers.terms import Listing, amended
from markets.live.conditions import Conditions
from network.errors import NetworkError
from network.tasks import wait_at_most

_LOG: Final = logging.getLogger(__name__)
_SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    """How often we look, in seconds.

    The venue's lists may be 15 s old, so looking more often shows nothing new. A market that has closed is
    asked about from `settlement_secs` after its close on, again after that time, and slower the longer it takes.
    """

    discovery_secs: float = 20.0
    settlement_secs: float = 15.0
    most_settlement_secs: float = 300.0
    stale_list_secs: float = 15.0
    clock_secs: float = 1.0


class Watch:
    """Follows series and the lives of their markets.

    `on_change(market)` is called when a market was added or its instruments were issued anew; `conditions` hears
    how the venue does.
    """

    def __init__(
        self,
        markets: Markets,
        catalogue: KalshiCatalogue,
        on_change: Callable[[LiveMarket], None],
        pace: Pace,
        conditions: Conditions,
    ) -> None:
        self.series: dict[str, None] = {}
        self._markets = markets
        self._catalogue = catalogue
        self._on_change = on_change
        self._pace = pace
        self._conditions = conditions
        self._alarm = asyncio.Event()
        self._wake = asyncio.Event()
        self._rows_due_ns: dict[str, int] = {}
        self._stepped_ns: dict[str, int] = {}

    # commands

    def follow(self, series: Iterable[str]) -> None:
        """Find the markets of these series, now and as they come."""
        news = [one for one in series if one not in self.series]
        self.series |= dict.fromkeys(news)
        if news:
            self._wake.set()

    def look_now(self) -> None:
        """Look at the lists and at every market, as after messages were lost."""
        for ticker, market in self._markets.by_ticker.items():
            if not market.is_settled:
                self._rows_due_ns[ticker] = 0
        self._wake.set()

    async def load(self, ticker: str) -> LiveMarket | None:
        """Return a market by its ticker, asking the venue when it is new to us; raises from `network.errors`."""
        if ticker not in self._markets.by_ticker:
            listing = await self._catalogue.list_market(ticker)
            if listing is not None:
                self._add([listing])
        return self._markets.by_ticker.get(ticker)

    async def discover(self) -> None:
        """List what is new in each followed series; raises from `network.errors`."""
        for series in tuple(self.series):
            await self.list_series(series)

    async def list_series(self, series: str) -> None:
        """List what is new in a series, followed or not; raises from `network.errors`."""
        rows = await self._catalogue.find_open(series)
        news = [
            row.event_ticker
            for row in rows
            if row.ticker not in self._markets.by_ticker and row.ticker not in self._markets.unusable
        ]
        for event_ticker in dict.fromkeys(news):
            await self._try(f"event {event_ticker}", self._list(event_ticker))

    async def _list(self, event_ticker: str) -> None:
        self._add(await self._catalogue.list_event(event_ticker))

    # messages

    def take_lifecycle(self, step: MarketLifecycle, recv_ns: int) -> None:
        """Let a market live on; ValueError for a result without a payout, which REST will have."""
        market = self._markets.by_ticker.get(step.market_ticker)
        if market is None:
            return  # the channel speaks of every market of the venue
        self._stepped_ns[market.ticker] = recv_ns
        if self._markets.amend(market, amended(market.terms, step, recv_ns)):
            self._on_change(market)
        self._alarm.set()
        market.take_lifecycle(step, recv_ns)

    def take_event(self, event: EventLifecycle) -> None:
        """Look at the lists when a followed series has a new event."""
        if event.series_ticker in self.series:
            self._wake.set()

    def take_fees(self, update: EventFeeUpdate, recv_ns: int) -> None:
        """Date the fees of an event's markets anew; ValueError for a fee type that nobody understands."""
        for market in self._markets.take_fees(update, recv_ns):
            self._on_change(market)

    # loops

    async def watch_clock(self) -> None:
        """Tell openings and closes when their time has come, for ever."""
        while True:
            now_ns = self._markets.now_ns()
            dues = []
            for market in self._markets.by_ticker.values():
                market.look_at_clock(now_ns)
                market.judge_book(now_ns)
                if (due_ns := market.next_due_ns()) is not None:
                    dues.append(due_ns)
            wait_secs = (min(dues) - now_ns) / _SECOND_NS if dues else self._pace.clock_secs
            await wait_at_most(self._alarm, min(max(wait_secs, 0.001), self._pace.clock_secs))

    async def watch_venue(self) -> None:
        """Look at the lists and at markets whose result is due, for ever; trouble is logged and tried again."""
        while True:
            await self._try("lists of markets", self.discover())
            await self._try("states of markets", self._look_at_rows())
            await self._try("state of the exchange", self._look_at_shards())
            due_secs = min(self._pace.discovery_secs, self._pace.settlement_secs)
            await wait_at_most(self._wake, due_secs)

    async def _look_at_shards(self) -> None:
        paused = await self._catalogue.find_paused_shards()
        self._markets.take_shards(paused, self._markets.now_ns())
        self._conditions.take_status(is_paused=paused is None)

    async def _look_at_rows(self) -> None:
        due = self._due_rows()
        if not due:
            return
        asked_ns = self._markets.now_ns()
        for row in await self._catalogue.find_rows(due):
            self._take_row(row, asked_ns)

    def _due_rows(self) -> list[str]:
        now_ns = self._markets.now_ns()
        first_ns = round(self._pace.settlement_secs * _SECOND_NS)
        most_ns = round(self._pace.most_settlement_secs * _SECOND_NS)
        due = []
        for ticker, market in self._markets.by_ticker.items():
            if market.is_settled:
                self._rows_due_ns.pop(ticker, None)
                continue
            # Until it was asked after its close, the close decides: that may be moved either way.
            if self._rows_due_ns.get(ticker, market.closes_ns + first_ns) > now_ns:
                continue
            due.append(ticker)
            self._rows_due_ns.pop(ticker, None)
            if now_ns >= market.closes_ns:
                pause_ns = min(max((now_ns - market.closes_ns) // 4, first_ns), most_ns)
                self._rows_due_ns[ticker] = now_ns + pause_ns
        return due

    def _take_row(self, row: Market, asked_ns: int) -> None:
        market = self._markets.by_ticker.get(row.ticker)
        stepped_ns = self._stepped_ns.get(row.ticker, 0)
        if market is None or asked_ns < stepped_ns + self._pace.stale_list_secs * _SECOND_NS:
            return  # the list may be older than what the stream said; it is asked again
        try:
            if self._markets.restate(market, row):
                self._on_change(market)
        except (ValueError, ArithmeticError) as error:
            _LOG.warning("expected a state of %s that can be, found: %s", row.ticker, error)
        self._alarm.set()

    def _add(self, listings: Iterable[Listing]) -> None:
        for listing in listings:
            is_new = listing.market.ticker not in self._markets.by_ticker
            market = self._markets.add(listing)
            if market is not None and is_new:
                self._on_change(market)
        self._alarm.set()

    async def _try(self, what: str, work: Awaitable[None]) -> None:
        try:
            await work
        except (NetworkError, MsgspecError) as error:
            self._markets.counts["failed_looks"] += 1
            self._conditions.take_trouble(f"{what}: {error}")
            _LOG.warning("expected %s, found %s", what, error)
