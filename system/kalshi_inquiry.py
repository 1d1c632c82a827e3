"""What became of an order that a crash overtook on its way to Kalshi; loaded in rehearsal and live only."""

import os
import time
from decimal import Decimal
from typing import Final

from adapters.kalshi.config import KalshiExecutionConfig
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.messages.queries import FillsQuery, OrdersQuery
from adapters.kalshi.providers.catalogue import KalshiCatalogue
from adapters.kalshi.providers.life import MarketLife
from adapters.kalshi.providers.terms import terms_of_listing
from adapters.kalshi.signing import Credentials
from markets.facts import MarketResolution
from network.errors import Unreachable
from storage.journal.records import Intent
from system.book import Raw
from system.kalshi_settings import read_settings

_SECOND_NS: Final = 1_000_000_000
_LATE_NS: Final = 3 * _SECOND_NS  # a dead process' bytes may still be on their way
_WINDOW_SECS: Final = 120


async def ask(settings: Raw, intent: Intent) -> str | None:
    """Return the venue's id of the order, or None: it never arrived, and cannot any more.

    That is proved as the adapter proves it: the read side had come past the time at which the order could have
    arrived, and then neither the market's orders nor its fills know our id. NetworkError until it is.
    """
    config = read_settings(settings, KalshiExecutionConfig)
    credentials = Credentials.from_environment(os.environ)
    async with KalshiHttp(config, credentials, now_ns=_now_ns, monotonic=time.monotonic) as http:
        complete_ns = await http.complete_until_ns()
        found = await _find(http, intent)
        if found is None and complete_ns < intent.at_ns + _LATE_NS:
            raise Unreachable(f"expected to read past {intent.at_ns + _LATE_NS}, found {complete_ns}")
        return found


async def payout(settings: Raw, instrument: str) -> Decimal | None:
    """Return what a contract of an instrument paid in the end, or None while that is open; raises from `network.errors`."""
    ticker, _, outcome = instrument.removesuffix(".KALSHI").rpartition("-")
    config = read_settings(settings, KalshiExecutionConfig)
    async with KalshiHttp(config, None, now_ns=_now_ns, monotonic=time.monotonic) as http:
        listing = await KalshiCatalogue(http, _now_ns).list_market(ticker)
    if listing is None:
        return None
    life = MarketLife(terms_of_listing(listing, _now_ns()))
    for fact in life.take_row(listing.market, _now_ns()):
        if isinstance(fact, MarketResolution) and fact.is_final and not fact.is_disputed:
            return fact.payout if outcome == "YES" else 1 - fact.payout
    return None


async def _find(http: KalshiHttp, intent: Intent) -> str | None:
    ticker = intent.instrument.removesuffix(".KALSHI").rpartition("-")[0]
    row = await http.find_order(intent.order_id, OrdersQuery(ticker=ticker))
    if row is not None:
        return row.order_id
    since = max(0, intent.at_ns // _SECOND_NS - _WINDOW_SECS)
    fills = await http.get_fills(FillsQuery(ticker=ticker, min_ts=since))
    for order_id in dict.fromkeys(fill.order_id for fill in fills):
        if (await http.get_order(order_id)).client_order_id == intent.order_id:
            return order_id
    return None


def _now_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_REALTIME)
