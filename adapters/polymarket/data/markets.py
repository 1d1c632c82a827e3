"""The live markets that we know: issued as instruments when they come, and anew when their terms change."""

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from msgspec import MsgspecError
from nautilus_trader.model import BinaryOption

from adapters.polymarket.data.book import Proving
from adapters.polymarket.data.market import LiveMarket
from adapters.polymarket.messages.clob import ClobMarket
from adapters.polymarket.messages.gamma import GammaMarket
from adapters.polymarket.messages.market_stream import TickSizeMessage
from adapters.polymarket.providers.terms import Listing, terms_of_listing
from markets.instruments import MarketTerms, differs
from markets.live.outlet import Note, note_nothing
from markets.mirror import Mirror

_LOG: Final = logging.getLogger(__name__)


class Markets:
    """The live markets that we know, by condition; new ones are issued as instruments and told about.

    `issue` hands an instrument to the engine, `emit` everything else. `note` hears each description by REST.
    `unusable` says why others cannot be traded.
    """

    def __init__(
        self,
        issue: Callable[[BinaryOption], None],
        emit: Callable[[Any], None],
        now_ns: Callable[[], int],
        counts: Counter[str],
        note: Note = note_nothing,
        proving: Proving | None = None,
    ) -> None:
        self.by_condition: dict[str, LiveMarket] = {}
        self.unusable: dict[str, str] = {}
        self.counts = counts
        self.now_ns = now_ns
        self.note = note
        self._issue = issue
        self._emit = emit
        self._mirror = Mirror()
        self._proving = proving or Proving()

    def prove(self, proving: Proving) -> None:
        """Let the books of markets to come prove themselves so."""
        self._proving = proving

    @property
    def seen(self) -> list[str]:
        """Every condition that was described to us, usable or not."""
        return [*self.by_condition, *self.unusable]

    def add(self, listing: Listing) -> LiveMarket | None:
        """Issue a market that is new to us; None, with a warning, for one that cannot be traded."""
        condition, now_ns = listing.market.condition_id, self.now_ns()
        self.note("listing", listing, now_ns)
        try:
            terms = terms_of_listing(listing, now_ns)
            market = LiveMarket(listing, terms, self._emit, self._mirror, self.counts, self._proving)
            self.by_condition[condition] = market
            for side in market.sides:
                self._issue(side)
            market.take_row(listing.market, now_ns)
        except (ValueError, ArithmeticError, MsgspecError) as error:
            _LOG.warning("expected a market that can be traded, found %s: %s", listing.market.slug, error)
            self.unusable[condition] = str(error)
        return self.by_condition.get(condition)

    def restate(self, market: LiveMarket, row: GammaMarket) -> bool:
        """Take how a market stands by the catalogue; return whether its instruments were issued anew.

        ValueError for a row that cannot be.
        """
        now_ns = self.now_ns()
        self.note("row", row, now_ns)
        listing = Listing(market.listing.event, row, market.listing.book, market.listing.says)
        has_changed = self.amend(market, terms_of_listing(listing, now_ns, before=market.terms))
        market.take_row(row, now_ns)
        return has_changed

    def take_result(self, market: LiveMarket, said: ClobMarket) -> None:
        """Take what the order book's description says of a result."""
        now_ns = self.now_ns()
        self.note("result", said, now_ns)
        market.take_result(said, now_ns)

    def take_tick(self, message: TickSizeMessage, recv_ns: int) -> LiveMarket | None:
        """Take another price grid of a token; return the market when its instruments were issued anew.

        Each token says so by itself: the first one counts. ValueError for a tick that nobody can sign at.
        """
        market = self.by_condition.get(message.market)
        if market is None:
            return None
        terms = market.with_tick(message.new_tick_size, recv_ns)
        market.book.take_tick(message.asset_id, message.new_tick_size)
        return market if self.amend(market, terms) else None

    def amend(self, market: LiveMarket, terms: MarketTerms) -> bool:
        """Issue both instruments anew when the terms differ for a trader; return whether they did."""
        if not differs(market.terms, terms):
            return False
        for side in market.revise(terms):
            self._issue(side)
        return True
