"""The stream's messages, each to the market that it speaks of; live, and when a recording is told."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from adapters.polymarket.data.market import LiveMarket
from adapters.polymarket.data.markets import Markets
from adapters.polymarket.messages.market_stream import (
    BookMessage,
    MarketMessage,
    NewMarketMessage,
    PriceChangeMessage,
    ResolvedMessage,
    TickSizeMessage,
    TradeMessage,
)

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Followers:
    """Who acts on what concerns more than one market's data; each is called at once and returns at once.

    `renew_book(market)`: its book was lost, ask for both tokens' by REST. `on_change(market)`: its instruments were issued
    anew. `on_result(market)`: a result was announced, look by REST. `on_doubt(market)`: its book is lost unless it proves itself by
    `overdue_ns`. `on_end(tokens, reason, now_ns)`: a connection ended.
    """

    renew_book: Callable[[LiveMarket], None]
    on_change: Callable[[LiveMarket], None]
    on_result: Callable[[LiveMarket], None]
    on_doubt: Callable[[LiveMarket], None]
    on_end: Callable[[tuple[str, ...], str, int], None]


class Dispatch:
    """Hands messages to `markets`; those of others are counted."""

    def __init__(
        self, markets: Markets, followers: Followers, now_ns: Callable[[], int], counts: Counter[str]
    ) -> None:
        self.counts = counts
        self.last_message_ns = 0
        self._markets = markets
        self._followers = followers
        self._now_ns = now_ns
        self._takers: dict[type, Callable[[LiveMarket, Any, int], None]] = {
            BookMessage: self._take_book,
            PriceChangeMessage: self._take_changes,
            TradeMessage: lambda market, message, recv_ns: market.take_trade(message, recv_ns),
            TickSizeMessage: self._take_tick,
            ResolvedMessage: self._take_result,
        }

    def take(self, message: MarketMessage, recv_ns: int) -> None:
        """Take a message; ValueError for one that cannot be used, but a broken book is lost here."""
        self.last_message_ns = recv_ns
        market = self._markets.by_condition.get(message.market)
        if market is None:
            self.counts["messages_of_strangers"] += not isinstance(message, NewMarketMessage)
            return
        take = self._takers.get(type(message))
        if take is not None:
            take(market, message, recv_ns)

    def lose(self, market: LiveMarket, reason: str) -> None:
        """Trust a book no more, and ask for it."""
        now_ns = self._now_ns()
        self.counts["books_broken"] += 1
        _LOG.warning("expected a book of %s that fits together, found: %s", market.terms.name, reason)
        market.book.lose(now_ns, now_ns, reason)
        self._followers.renew_book(market)

    def look_at_doubt(self, market: LiveMarket) -> None:
        """Lose a book that is overdue with its proof."""
        try:
            market.book.must_not_be_overdue(self._now_ns())
        except ValueError as error:
            self.lose(market, str(error))

    def end(self, tokens: tuple[str, ...], reason: str) -> None:
        """Trust no book of these tokens any more: their connection ended."""
        now_ns, gone = self._now_ns(), frozenset(tokens)
        for market in self._markets.by_condition.values():
            if market.book.yes_token in gone:
                market.book.lose(self.last_message_ns or now_ns, now_ns, f"no connection: {reason}")

    def _take_book(self, market: LiveMarket, message: BookMessage, recv_ns: int) -> None:
        self._with_book(market, lambda: market.take_book(message, recv_ns))

    def _take_changes(self, market: LiveMarket, message: PriceChangeMessage, recv_ns: int) -> None:
        self._with_book(market, lambda: market.book.take_changes(message, recv_ns))

    def _take_tick(self, _market: LiveMarket, message: TickSizeMessage, recv_ns: int) -> None:
        changed = self._markets.take_tick(message, recv_ns)
        if changed is not None:
            self._followers.on_change(changed)

    def _take_result(self, market: LiveMarket, message: ResolvedMessage, recv_ns: int) -> None:
        market.take_announcement(message, recv_ns)
        self._followers.on_result(market)

    def _with_book(self, market: LiveMarket, act: Callable[[], None]) -> None:
        try:
            act()
        except ValueError as error:
            self.lose(market, str(error))
            return
        if market.book.overdue_ns is not None:
            self._followers.on_doubt(market)
