"""What recordings say about markets: the notes beside them, and the stream of each. Pure."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace
from nautilus_trader.model import BinaryOption, CustomData, QuoteTick, TradeTick

from adapters.kalshi import constants as venue
from adapters.kalshi.messages.market_data import OrderbookDelta, OrderbookSnapshot, Trade
from adapters.kalshi.messages.recordings import ControlInfo, ResultRow, decode_results
from adapters.kalshi.messages.reference import Event, Market, decode_event
from adapters.kalshi.parsing import BookBuilder, TickerComparison, parse_trade
from adapters.kalshi.providers.life import MarketLife
from adapters.kalshi.providers.terms import WINDOW, terms_of_market, terms_of_watch, terms_of_window
from markets.instruments import MarketTerms, make_pair, outcome_id
from markets.live.yes_book import BookData


class MarketNotes:
    """What was written about markets beside their recordings, and when each was first announced."""

    def __init__(self) -> None:
        self._announced: dict[str, MarketTerms] = {}
        self._results: dict[str, ResultRow] = {}
        self._described: dict[str, tuple[Event, Market]] = {}

    def take_results(self, text: bytes) -> None:
        """Take a recording's `markets.json`."""
        self._results |= {row.ticker: row for row in decode_results(text)}

    def take_event(self, line: bytes) -> None:
        """Take an event with its markets, as REST describes them."""
        found = decode_event(line)
        self._described |= {market.ticker: (found.event, market) for market in found.markets}

    def watched(self, info: ControlInfo, recv_ns: int) -> MarketLife:
        """Return the market that a recorder announces, known since its first announcement of all."""
        ticker = info.market_ticker or ""
        later = self._results.get(ticker)
        is_news = ticker not in self._announced
        if is_news:
            self._announced[ticker] = terms_of_watch(info, recv_ns, later)
        return MarketLife(self._announced[ticker], later, is_news=is_news)

    def traded(self, ticker: str) -> MarketLife | None:
        """Return a market of a trade dump; None when neither a description nor the ticker tells its close."""
        if ticker in self._described:
            event, market = self._described[ticker]
            return MarketLife(terms_of_market(event, market, "trades"), market)
        return MarketLife(terms_of_window(ticker, "trades")) if WINDOW.fullmatch(ticker) else None


class FollowedMarket:
    """One market's stream: its book, its blind spells, trades and quotes, in the order in which to tell them.

    While the market is blind its published book is empty; the book comes back whole. After the close
    nothing is a gap: the venue removes every level within 0.7 s and sends an empty snapshot 6 s later.
    """

    def __init__(self, life: MarketLife) -> None:
        self.life = life
        self.book = BookBuilder(outcome_id(life.terms.market, venue.VENUE, "YES"))
        self.tickers = TickerComparison()
        self.sid: int | None = None
        self.has_book = False
        self.has_trades = False
        self.first_book_ns: int | None = None
        self.blind: tuple[int, str] | None = None
        self.gaps = 0

    def instruments(self) -> tuple[BinaryOption, BinaryOption]:
        """Return YES and NO."""
        pair = make_pair(replace(self.life.terms, has_trades=self.has_trades))
        return pair.yes, pair.no

    def take_delta(self, delta: OrderbookDelta, recv_ns: int, seq: int) -> Sequence[BookData]:
        """Return the action that this delta ends, if any; errors as `BookBuilder.take_delta`."""
        due = self.book.take_delta(delta, recv_ns, seq)
        return self._noted(due, is_snapshot=False) if due else due

    def take_snapshot(self, snapshot: OrderbookSnapshot, recv_ns: int, seq: int) -> list[Any]:
        """Return the new book, and the gap that it ends."""
        due = self._noted(self.book.take_snapshot(snapshot, recv_ns, seq), is_snapshot=True)
        self.has_book = True
        self.first_book_ns = self.first_book_ns or recv_ns
        return [*due, *self.end_gap(recv_ns)]

    def end_action(self) -> Sequence[BookData]:
        """Return the action that was held back."""
        return self._noted(self.book.end_group(), is_snapshot=False)

    def take_trade(self, trade: Trade, recv_ns: int) -> list[TradeTick | CustomData]:
        """Return the trade and its provenance, of a block trade the provenance only."""
        tick, provenance = parse_trade(trade, self.book.instrument_id, recv_ns)
        self.has_trades = True
        return [provenance.as_data()] if tick is None else [tick, provenance.as_data()]

    def lose(self, since_ns: int, reason: str) -> list[BookData]:
        """Return the empty book of a market that is blind from now on; before the close, that is a gap."""
        if not self.has_book:
            return []
        self.has_book = False
        if since_ns >= self.life.closes_ns:
            return []
        self.blind = (since_ns, reason)
        return self.book.publish_blank(since_ns)

    def bridge(self, since_ns: int, until_ns: int, reason: str) -> list[Any]:
        """Return a gap after which the book is as good as before: nothing was lost, it was only late."""
        if not self.has_book or since_ns >= self.life.closes_ns:
            return []
        blank = self.lose(since_ns, reason)
        self.has_book = True
        return [*blank, *self.end_gap(until_ns), *self.book.publish_whole(until_ns)]

    def end_gap(self, until_ns: int) -> list[CustomData]:
        """Return the gap that ends now, if one was open."""
        if self.blind is None:
            return []
        since_ns, reason = self.blind
        self.blind = None
        if until_ns <= since_ns:  # recordings overlap
            return []
        self.gaps += 1
        return [self.life.gap(since_ns, until_ns, reason).as_data()]

    def _noted(self, due: Sequence[BookData], *, is_snapshot: bool) -> Sequence[BookData]:
        if due and isinstance(due[-1], QuoteTick):
            self.tickers.note_quote(due[-1], is_snapshot)
        return due
