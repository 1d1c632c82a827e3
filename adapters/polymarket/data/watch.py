"""What no message tells: openings and closes by the clock, new markets and proved results by REST."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from msgspec import MsgspecError

from adapters.polymarket.data.market import LiveMarket
from adapters.polymarket.data.markets import Markets
from adapters.polymarket.messages.gamma import GammaMarket
from adapters.polymarket.providers.catalogue import PolymarketCatalogue
from adapters.polymarket.providers.terms import Listing
from markets.live.conditions import Conditions
from network.errors import NetworkError, Refusal
from network.tasks import wait_at_most

_LOG: Final = logging.getLogger(__name__)
_SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    """How often we look, in seconds.

    Series and the rows of open markets are looked at every `discovery_secs`: no message tells that orders are not taken any
    more. A market whose close has passed is asked about from `settlement_secs` after it on, again after that time, and
    slower the longer it takes.
    """

    discovery_secs: float = 20.0
    settlement_secs: float = 15.0
    most_settlement_secs: float = 300.0
    clock_secs: float = 1.0


class Watch:
    """Follows series and the lives of their markets.

    `on_change(market)` is called when a market was added or settled, or its instruments were issued anew; `conditions`
    hears how the venue does.
    """

    def __init__(
        self,
        markets: Markets,
        catalogue: PolymarketCatalogue,
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

    # commands

    def follow(self, series: Iterable[str]) -> None:
        """Find the markets of these series, now and as they come."""
        news = [one for one in series if one not in self.series]
        self.series |= dict.fromkeys(news)
        if news:
            self._wake.set()

    def look_now(self, market: LiveMarket | None = None) -> None:
        """Look at the lists, and at a market whose result was announced."""
        if market is not None and not market.is_settled:
            self._rows_due_ns[market.condition] = 0
        self._wake.set()

    async def load(self, condition: str) -> LiveMarket | None:
        """Return a market by its condition, asking the venue when it is new to us; raises from `network.errors`."""
        if condition not in self._markets.by_condition:
            listing = await self._catalogue.list_market(condition)
            if listing is not None:
                self._add([listing])
        return self._markets.by_condition.get(condition)

    async def discover(self) -> None:
        """List what is new in each followed series; raises from `network.errors`."""
        for series in tuple(self.series):
            await self.list_series(series)

    async def list_series(self, series: str) -> None:
        """List what is new in a series, followed or not; raises from `network.errors`."""
        self._add(await self._catalogue.find_open(series, self._markets.seen))

    # loops

    async def watch_clock(self) -> None:
        """Tell openings and closes when their time has come, for ever."""
        while True:
            now_ns = self._markets.now_ns()
            dues = []
            for market in self._markets.by_condition.values():
                market.look_at_clock(now_ns)
                if (due_ns := market.next_due_ns()) is not None:
                    dues.append(due_ns)
            wait_secs = (min(dues) - now_ns) / _SECOND_NS if dues else self._pace.clock_secs
            await wait_at_most(self._alarm, min(max(wait_secs, 0.001), self._pace.clock_secs))

    async def watch_venue(self) -> None:
        """Look at the lists and at markets whose result is due, for ever; trouble is logged and tried again."""
        while True:
            await self._try("lists of markets", self.discover())
            await self._try("states of markets", self._look_at_rows())
            await self._try("clock of the venue", self._look_at_venue())
            await wait_at_most(self._wake, min(self._pace.discovery_secs, self._pace.settlement_secs))

    async def _look_at_venue(self) -> None:
        await self._catalogue.venue_time()
        self._markets.note("alive", None, self._markets.now_ns())
        self._conditions.take_status(is_paused=False)

    async def _look_at_rows(self) -> None:
        due = self._due_rows()
        if not due:
            return
        for row in await self._catalogue.find_rows(due):
            self._take_row(row)
        for condition in due:
            market = self._markets.by_condition[condition]
            if not market.is_settled and (market.is_announced or market.listing.market.closed):
                await self._look_at_result(market)

    async def _look_at_result(self, market: LiveMarket) -> None:
        try:
            self._markets.take_result(market, await self._catalogue.find_result(market.condition))
        except Refusal as refusal:
            _LOG.info("expected a description of %s, found %s", market.terms.name, refusal)
        if market.is_settled:
            self._on_change(market)

    def _due_rows(self) -> list[str]:
        now_ns = self._markets.now_ns()
        due = []
        for condition, market in self._markets.by_condition.items():
            if market.is_settled:
                self._rows_due_ns.pop(condition, None)
            elif self._rows_due_ns.get(condition, 0) <= now_ns:
                due.append(condition)
                self._rows_due_ns[condition] = now_ns + self._pause_ns(market, now_ns)
        return due

    def _pause_ns(self, market: LiveMarket, now_ns: int) -> int:
        """Return how long a market's row is good: until its close is due, and then ever longer while no result comes."""
        settlement_ns = round(self._pace.settlement_secs * _SECOND_NS)
        due_ns = market.closes_ns + settlement_ns
        if now_ns < due_ns:
            return min(round(self._pace.discovery_secs * _SECOND_NS), due_ns - now_ns)
        most_ns = round(self._pace.most_settlement_secs * _SECOND_NS)
        return min(max((now_ns - market.closes_ns) // 4, settlement_ns), most_ns)

    def _take_row(self, row: GammaMarket) -> None:
        market = self._markets.by_condition.get(row.condition_id)
        if market is None:
            return
        try:
            if self._markets.restate(market, row) or market.is_settled:
                self._on_change(market)
        except (ValueError, ArithmeticError, MsgspecError) as error:
            _LOG.warning("expected a state of %s that can be, found: %s", row.slug, error)
        self._alarm.set()

    def _add(self, listings: Iterable[Listing]) -> None:
        for listing in listings:
            if listing.market.condition_id in self._markets.by_condition:
                continue
            market = self._markets.add(listing)
            if market is not None:
                self._on_change(market)
        self._alarm.set()

    async def _try(self, what: str, work: Awaitable[None]) -> None:
        try:
            await work
        except (NetworkError, MsgspecError) as error:
            self._markets.counts["failed_looks"] += 1
            self._conditions.take_trouble(f"{what}: {error}")
            _LOG.warning("expected %s, found %s", what, error)
