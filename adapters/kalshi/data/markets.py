"""The live markets that we know: issued as instruments when they come, and anew when their terms change."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from msgspec import structs
from nautilus_trader.model import BinaryOption

from adapters.kalshi.data.market import LiveMarket
from adapters.kalshi.messages.reference import Market
from adapters.kalshi.providers.terms import Listing, differs, terms_of_listing
from markets.instruments import MarketTerms
from markets.mirror import Mirror

_LOG: Final = logging.getLogger(__name__)


class Markets:
    """The live markets that we know, by ticker; new ones are issued as instruments and told about.

    `issue` hands an instrument to the engine, `emit` everything else.
    """

    def __init__(
        self,
        issue: Callable[[BinaryOption], None],
        emit: Callable[[Any], None],
        now_ns: Callable[[], int],
        counts: Counter[str],
    ) -> None:
        self.by_ticker: dict[str, LiveMarket] = {}
        self.unusable: dict[str, str] = {}
        self.counts = counts
        self.now_ns = now_ns
        self._issue = issue
        self._emit = emit
        self._mirror = Mirror()

    def add(self, listing: Listing) -> LiveMarket | None:
        """Issue a market that is new to us; None, with a warning, for one that cannot be traded."""
        ticker = listing.market.ticker
        try:
            market = self._new(listing, terms_of_listing(listing, self.now_ns()))
            market.take_row(listing.market, self.now_ns())
        except (ValueError, ArithmeticError) as error:
            _LOG.warning("expected a market that can be traded, found %s: %s", ticker, error)
            self.unusable[ticker] = str(error)
        return self.by_ticker.get(ticker)

    def restate(self, market: LiveMarket, row: Market) -> bool:
        """Take how a market stands by REST; return whether its instruments were issued anew.

        The fees stay: they change with their event and series. ValueError for a row that cannot be.
        """
        market.listing = replace(market.listing, market=row)
        now_ns = self.now_ns()
        terms = terms_of_listing(market.listing, now_ns)
        has_changed = self.amend(market, structs.replace(terms, fees=market.terms.fees))
        market.take_row(row, now_ns)
        return has_changed

    def amend(self, market: LiveMarket, terms: MarketTerms) -> bool:
        """Issue both instruments anew when the terms differ for a trader; return whether they did."""
        if not differs(market.terms, terms):
            return False
        for side in market.revise(terms):
            self._issue(side)
        return True

    def of_event(self, event_ticker: str) -> list[LiveMarket]:
        """Return the known markets of one event."""
        return [one for one in self.by_ticker.values() if one.terms.event == event_ticker]

    def _new(self, listing: Listing, terms: MarketTerms) -> LiveMarket:
        market = LiveMarket(listing, terms, self._emit, self._mirror, self.counts)
        self.by_ticker[listing.market.ticker] = market
        for side in market.sides:
            self._issue(side)
        return market
