"""One live market's book at Kalshi: its deltas and snapshots, and what the venue's tickers say of it."""

import logging
from collections import Counter
from collections.abc import Callable
from typing import Final, override

from nautilus_trader.model import QuoteTick

from adapters.kalshi.data.health import TopCheck
from adapters.kalshi.messages.market_data import OrderbookDelta, OrderbookSnapshot, Ticker
from adapters.kalshi.parsing import BookBuilder
from markets.live.live_book import LiveBook
from markets.live.outlet import Blindness, Outlet, Wants

_LOG: Final = logging.getLogger(__name__)

QUIET_NS: Final = 60_000
"""Frames of one action that come further apart are told apart, live and by who reads the recording."""


class KalshiBook(LiveBook):
    """A book rebuilt from the venue's frames; `counts` also gets what `TopCheck` counts."""

    def __init__(
        self, outlet: Outlet, wants: Wants, closes_ns: Callable[[], int], counts: Counter[str]
    ) -> None:
        self._builder = BookBuilder(outlet.yes, uses_yes_prices=True)
        super().__init__(self._builder, outlet, wants, closes_ns, counts)
        self._tickers = TopCheck(counts)

    def take_delta(self, delta: OrderbookDelta, recv_ns: int, seq: int) -> None:
        """Change a level; tell the action before it, if this begins another. ValueError when it cannot be."""
        self._tell(self._builder.take_delta(delta, recv_ns, seq))

    def take_snapshot(self, snapshot: OrderbookSnapshot, recv_ns: int, seq: int) -> Blindness | None:
        """Tell a whole new book; return the blindness that it ends. ValueError when it cannot be."""
        due = self._builder.take_snapshot(snapshot, recv_ns, seq)
        self._tickers.begin()
        return self._begin(due)

    def take_ticker(self, ticker: Ticker) -> None:
        """Remember what the venue says its top is; it is compared, never told."""
        if self.is_known:
            self._tickers.note_ticker(ticker)

    @property
    def is_contradicted(self) -> bool:
        """Whether the last ticker that was judged showed another top."""
        return self._tickers.is_contradicted

    def judge_tickers(self, now_ns: int) -> list[str]:
        """Say, in the log too, where our top and the venue's ticker differ."""
        differing = self._tickers.judge(now_ns)
        for line in differing:
            _LOG.warning("expected the venue's top in the book of %s, found %s", self._outlet.yes, line)
        return differing

    @override
    def _note_quote(self, quote: QuoteTick) -> None:
        self._tickers.note_quote(quote)
