"""Does our book show what the venue says it shows? The ticker tells, late and throttled."""

from collections import Counter, deque
from decimal import Decimal
from typing import Final

from nautilus_trader.model import Price, QuoteTick

from adapters.kalshi.messages.market_data import Ticker
from adapters.kalshi.messages.numbers import time_ns

_MOST_QUOTES: Final = 1024
_MILLISECOND_NS: Final = 1_000_000
PATIENCE_NS: Final = 2_000_000_000
"""A ticker may overtake the deltas that it speaks of: it is judged when they must have come."""


class TopCheck:
    """Compares one market's rebuilt top with the venue's tickers (as `parsing.TickerComparison`, endlessly).

    A ticker counts against the quote of the last action that the venue dates at or before it. A ticker from
    before the last whole book says nothing, since a book from a snapshot has no venue time. `counts` gets
    `tickers_compared` and `tickers_differing`; `is_contradicted` is what the last one said.
    """

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._tops: deque[tuple[int, Price, Price]] = deque(maxlen=_MOST_QUOTES)
        self._tickers: deque[tuple[int, Decimal, Decimal]] = deque(maxlen=_MOST_QUOTES)
        self.is_contradicted = False

    def begin(self) -> None:
        """Forget everything: the next quote is that of a new book."""
        self._tops.clear()
        self._tickers.clear()
        self.is_contradicted = False

    def note_quote(self, quote: QuoteTick) -> None:
        """Remember what our top became, and since when."""
        self._tops.append((quote.ts_event, quote.bid_price, quote.ask_price))

    def note_ticker(self, ticker: Ticker) -> None:
        """Remember a ticker; ValueError when it has no time or no price."""
        bid, ask = ticker.yes_bid_dollars, ticker.yes_ask_dollars
        if bid is None or ask is None or not (ticker.time or ticker.ts_ms):
            raise ValueError(
                f"expected a time, bid and ask on a ticker of {ticker.market_ticker}, found less"
            )
        # A whole millisecond speaks of its end: what happened within it may be part of it.
        at_ns = time_ns(ticker.time) if ticker.time else ((ticker.ts_ms or 0) + 1) * _MILLISECOND_NS - 1
        self._tickers.append((at_ns, Decimal(bid), Decimal(ask)))

    def judge(self, now_ns: int) -> list[str]:
        """Return a line for each ticker, old enough to be judged, that our book contradicts."""
        differing = []
        while self._tickers and self._tickers[0][0] + PATIENCE_NS <= now_ns:
            at_ns, bid, ask = self._tickers.popleft()
            ours = next((top for top in reversed(self._tops) if top[0] <= at_ns), None)
            if ours is None:
                continue
            self._counts["tickers_compared"] += 1
            _, our_bid, our_ask = ours
            self.is_contradicted = (our_bid.as_decimal(), our_ask.as_decimal()) != (bid, ask)
            if self.is_contradicted:
                self._counts["tickers_differing"] += 1
                differing.append(f"at {at_ns} ours {our_bid}/{our_ask}, the venue's {bid}/{ask}")
        return differing
