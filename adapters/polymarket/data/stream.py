"""The stream's messages, each to the market that it speaks of; and what to do when a book cannot be trusted."""

import asyncio
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
from adapters.polymarket.websocket.client import Listener

_LOG: Final = logging.getLogger(__name__)
_SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Followers:
    """Who acts on what concerns more than one market's data; each is called on the loop and returns at once.

    `renew_book(market)`: ask for both books by REST. `on_change(market)`: its instruments were issued anew. `on_result(market)`: a
    result was announced, look by REST. `on_end(tokens, reason, now_ns)`: a connection ended.
    """

    renew_book: Callable[[LiveMarket], None]
    on_change: Callable[[LiveMarket], None]
    on_result: Callable[[LiveMarket], None]
    on_end: Callable[[tuple[str, ...], str, int], None]


class MarketStream:
    """Hands messages to the markets that they name; those of others are counted."""

    def __init__(
        self, markets: Markets, followers: Followers, now_ns: Callable[[], int], counts: Counter[str]
    ) -> None:
        self.counts = counts
        self.last_message_ns = 0
        self._last_book_ns = 0
        self._markets = markets
        self._followers = followers
        self._now_ns = now_ns
        self._doubted: dict[str, asyncio.TimerHandle] = {}
        self._takers: dict[type, Callable[[LiveMarket, Any, int], None]] = {
            BookMessage: self._take_book,
            PriceChangeMessage: self._take_changes,
            TradeMessage: self._take_trade,
            TickSizeMessage: self._take_tick,
            ResolvedMessage: self._take_result,
        }

    def listener(self, tap: Callable[[bytes, int, int], None] | None = None) -> Listener:
        """Return what a socket talks to."""
        return Listener(on_message=self._take, on_down=self._end, tap=tap)

    def stop(self) -> None:
        """Wait for nothing any more."""
        for waiting in self._doubted.values():
            waiting.cancel()
        self._doubted.clear()

    def lose(self, market: LiveMarket, reason: str) -> None:
        """Trust a book no more, and ask for it."""
        now_ns = self._now_ns()
        self.counts["books_broken"] += 1
        _LOG.warning("expected a book of %s that fits together, found: %s", market.terms.name, reason)
        market.book.lose(now_ns, now_ns, reason)
        self._followers.renew_book(market)

    def _take(self, message: MarketMessage, recv_ns: int, _epoch: int) -> None:
        self.last_message_ns = recv_ns
        market = self._markets.by_condition.get(message.market)
        if market is None:
            self.counts["messages_of_strangers"] += not isinstance(message, NewMarketMessage)
            return
        take = self._takers.get(type(message))
        if take is None:
            return
        try:
            take(market, message, recv_ns)
        except (ValueError, ArithmeticError) as error:
            self.counts["unusable_messages"] += 1
            _LOG.warning("expected a message that can be used, found %s: %s", type(message).__name__, error)

    def _take_book(self, market: LiveMarket, message: BookMessage, recv_ns: int) -> None:
        self._last_book_ns = recv_ns
        self._with_book(market, lambda: market.take_book(message, recv_ns))

    def _take_changes(self, market: LiveMarket, message: PriceChangeMessage, recv_ns: int) -> None:
        self._last_book_ns = recv_ns
        self._with_book(market, lambda: market.book.take_changes(message, recv_ns))

    def _take_trade(self, market: LiveMarket, message: TradeMessage, recv_ns: int) -> None:
        market.take_trade(message, recv_ns)

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
        if market.book.overdue_ns is not None and market.condition not in self._doubted:
            self._look_again(market)

    def _look_again(self, market: LiveMarket) -> None:
        overdue_ns = market.book.overdue_ns
        if overdue_ns is None:
            self._doubted.pop(market.condition, None)
            return
        secs = max(0.0, (overdue_ns - self._now_ns()) / _SECOND_NS) + 0.001
        loop = asyncio.get_running_loop()
        self._doubted[market.condition] = loop.call_later(secs, self._end_doubt, market)

    def _end_doubt(self, market: LiveMarket) -> None:
        del self._doubted[market.condition]
        try:
            market.book.must_not_be_overdue(self._now_ns())
        except ValueError as error:
            self.lose(market, str(error))
        else:
            self._look_again(market)

    def _end(self, tokens: tuple[str, ...], epoch: int, reason: str) -> None:
        _LOG.warning("expected a connection, found connection %s ended: %s", epoch, reason)
        self.counts["connections_lost"] += 1
        now_ns = self._now_ns()
        gone = frozenset(tokens)
        self._followers.on_end(tokens, reason, now_ns)
        for market in self._markets.by_condition.values():
            if market.book.yes_token in gone:
                market.book.lose(self.last_message_ns or now_ns, now_ns, f"no connection: {reason}")
