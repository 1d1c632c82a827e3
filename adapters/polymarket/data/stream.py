"""The live stream: messages to markets, and a timer for each book that is in doubt."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Final

from adapters.polymarket.data.dispatch import Dispatch, Followers
from adapters.polymarket.data.market import LiveMarket
from adapters.polymarket.data.markets import Markets
from adapters.polymarket.messages.market_stream import MarketMessage
from adapters.polymarket.websocket.client import Listener

_LOG: Final = logging.getLogger(__name__)
_SECOND_NS: Final = 1_000_000_000
_LEAST_SECS: Final = 0.005


class MarketStream:
    """What a socket talks to.

    While `is_behind()` frames wait that may prove a book: it is not given up by the clock, but by what they say.
    """

    def __init__(
        self,
        markets: Markets,
        followers: Followers,
        now_ns: Callable[[], int],
        counts: Counter[str],
        is_behind: Callable[[], bool] = lambda: False,
    ) -> None:
        self.dispatch = Dispatch(markets, followers, now_ns, counts)
        self._followers = followers
        self._now_ns = now_ns
        self._counts = counts
        self._is_behind = is_behind
        self._doubted: dict[str, asyncio.TimerHandle] = {}

    @property
    def last_message_ns(self) -> int:
        """When the last message was received."""
        return self.dispatch.last_message_ns

    def listener(self, tap: Callable[[bytes, int, int], None] | None = None) -> Listener:
        """Return what a socket talks to."""
        return Listener(on_message=self._take, on_down=self._end, tap=tap)

    def stop(self) -> None:
        """Wait for nothing any more."""
        for waiting in self._doubted.values():
            waiting.cancel()
        self._doubted.clear()

    def watch(self, market: LiveMarket) -> None:
        """Look at a doubtful book again when it is overdue, if nothing has come to prove it."""
        overdue_ns = market.book.overdue_ns
        if overdue_ns is None or market.condition in self._doubted:
            return
        secs = max(_LEAST_SECS, (overdue_ns - self._now_ns()) / _SECOND_NS)
        loop = asyncio.get_running_loop()
        self._doubted[market.condition] = loop.call_later(secs, self._look, market)

    def _look(self, market: LiveMarket) -> None:
        del self._doubted[market.condition]
        if not self._is_behind():
            self.dispatch.look_at_doubt(market)
        self.watch(market)

    def _take(self, message: MarketMessage, recv_ns: int, _epoch: int) -> None:
        try:
            self.dispatch.take(message, recv_ns)
        except (ValueError, ArithmeticError) as error:
            self._counts["unusable_messages"] += 1
            _LOG.warning("expected a message that can be used, found %s: %s", type(message).__name__, error)

    def _end(self, tokens: tuple[str, ...], epoch: int, reason: str) -> None:
        _LOG.warning("expected a connection, found connection %s ended: %s", epoch, reason)
        self._counts["connections_lost"] += 1
        self._followers.on_end(tokens, reason, self._now_ns())
        self.dispatch.end(tokens, reason)
