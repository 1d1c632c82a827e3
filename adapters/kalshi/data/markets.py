"""The live markets that we know: issued as instruments when they come, and anew when their terms change."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from msgspec import structs
from nautilus_trader.model import BinaryOption

from adapters.kalshi.data.market import LiveMarket
from adapters.kalshi.messages.market_data import EventFeeUpdate
from adapters.kalshi.messages.reference import Market
from adapters.kalshi.providers.schedule import dated_fees
from adapters.kalshi.providers.terms import Listing, overridden, terms_of_listing
from markets.instruments import MarketTerms, differs
from markets.live.outlet import Note, note_nothing
from markets.mirror import Mirror

_LOG: Final = logging.getLogger(__name__)


class Markets:
    """The live markets that we know, by ticker; new ones are issued as instruments and told about.

    `issue` hands an instrument to the engine, `emit` everything else. `note` hears each description by REST.
    """

    def __init__(
        self,
        issue: Callable[[BinaryOption], None],
        emit: Callable[[Any], None],
        now_ns: Callable[[], int],
        counts: Counter[str],
        note: Note = note_nothing,
    ) -> None:
        self.by_ticker: dict[str, LiveMarket] = {}
        self.unusable: dict[str, str] = {}
        self.counts = counts
        self.now_ns = now_ns
        self.note = note
        self._issue = issue
        self._emit = emit
        self._mirror = Mirror()

    def add(self, listing: Listing) -> LiveMarket | None:
        """Issue a market that is new to us; None, with a warning, for one that cannot be traded."""
        ticker, now_ns = listing.market.ticker, self.now_ns()
        self.note("listing", listing, now_ns)
        try:
            market = self._new(listing, terms_of_listing(listing, now_ns))
            market.take_row(listing.market, now_ns)
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
        self.note("row", row, now_ns)
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

    def take_fees(self, update: EventFeeUpdate, recv_ns: int) -> Iterator[LiveMarket]:
        """Date the fees of an event's markets anew; yield each that was issued anew.

        ValueError for a fee type that nobody understands.
        """
        for market in self.of_event(update.event_ticker):
            listing = overridden(market.listing, update, recv_ns)
            if listing.event == market.listing.event:
                continue  # said before: it began then
            fees = dated_fees(listing.facts, listing.event, listing.overrides, recv_ns)
            market.listing = listing
            if self.amend(market, structs.replace(market.terms, fees=fees, known_ns=recv_ns)):
                yield market

    def take_shards(self, paused: frozenset[int] | None, now_ns: int) -> None:
        """Tell which markets pause with their shard; None means that all shards do."""
        self.note("shards", None if paused is None else sorted(paused), now_ns)
        for market in self.by_ticker.values():
            market.note_shard(now_ns, is_paused=paused is None or market.terms.shard in paused)

    def of_event(self, event_ticker: str) -> list[LiveMarket]:
        """Return the known markets of one event."""
        return [one for one in self.by_ticker.values() if one.terms.event == event_ticker]

    def _new(self, listing: Listing, terms: MarketTerms) -> LiveMarket:
        market = LiveMarket(listing, terms, self._emit, self._mirror, self.counts)
        self.by_ticker[listing.market.ticker] = market
        for side in market.sides:
            self._issue(side)
        return market
