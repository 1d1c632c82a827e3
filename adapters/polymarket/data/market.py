"""One live market: its terms, its book, its trades and its life, each thing told once."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from msgspec import structs

from adapters.polymarket.data.book import PolymarketBook, Proving
from adapters.polymarket.messages.clob import BookAnswer, ClobMarket
from adapters.polymarket.messages.gamma import GammaMarket
from adapters.polymarket.messages.market_stream import BookMessage, ResolvedMessage, TradeMessage
from adapters.polymarket.messages.numbers import decimal_of, time_ns
from adapters.polymarket.messages.past_trades import TradeRow
from adapters.polymarket.parsing.trades import parse_past_trade, parse_trade, trade_key
from adapters.polymarket.providers.life import MarketLife
from adapters.polymarket.providers.terms import Listing, price_ranges
from markets.facts import Phase
from markets.instruments import MarketTerms
from markets.live import live_market
from markets.mirror import Mirror

_BEFORE_CLOSE: Final = frozenset({Phase.PENDING, Phase.OPEN, Phase.PAUSED})


class LiveMarket(live_market.LiveMarket[MarketLife, PolymarketBook]):
    """A market from its listing to its payout."""

    def __init__(
        self,
        listing: Listing,
        terms: MarketTerms,
        emit: Callable[[Any], None],
        mirror: Mirror,
        counts: Counter[str],
        proving: Proving,
    ) -> None:
        super().__init__(MarketLife(terms), emit, mirror, counts)
        self.listing = listing
        self.is_announced = False
        self.book = PolymarketBook(
            self.pair, self._outlet, self.wants, lambda: self.closes_ns, counts, proving
        )

    @property
    def condition(self) -> str:
        """The venue's name of this market."""
        return self.terms.market

    def with_tick(self, tick: str, known_ns: int) -> MarketTerms:
        """Return the terms with another price grid; ValueError for a tick that nobody can sign at."""
        return structs.replace(self.terms, price_ranges=price_ranges(decimal_of(tick)), known_ns=known_ns)

    def take_book(self, book: BookMessage, recv_ns: int) -> None:
        """Take a token's whole book, and tell the gap that it ends; BrokenBook when it cannot be."""
        self.told.tell_gap(self.book.take_book(book, recv_ns), recv_ns, self._life.gap)

    def take_answers(self, answers: Iterable[BookAnswer], recv_ns: int) -> None:
        """Take both tokens' books by REST likewise."""
        self.told.tell_gap(self.book.take_answers(answers, recv_ns), recv_ns, self._life.gap)

    def take_trade(self, trade: TradeMessage, recv_ns: int) -> None:
        """Tell a trade and who vouches for its aggressor; BadTrade when it cannot be one of this market."""
        self.book.take_last_price(trade.price)
        key = trade_key(trade)
        if key in self._trade_keys:
            self._counts["repeated_trades"] += 1
            return
        tick, provenance = parse_trade(trade, self.pair, recv_ns)
        self._remember_trade(key)
        if self.wants.trades:
            self.told.tell_fact(provenance)
            self._outlet.trade(tick, self.wants.trades)

    def take_past_trade(self, row: TradeRow, known_ns: int) -> None:
        """Tell a trade that the chain tells later; BadTrade when it cannot be one of this market."""
        tick, provenance = parse_past_trade(row, self.pair, known_ns)
        if provenance.trade_id not in self._trade_keys:
            self._remember_trade(provenance.trade_id)
            self.told.tell_fact(provenance)
            self._outlet.trade(tick, self.wants.trades)

    def take_announcement(self, message: ResolvedMessage, recv_ns: int) -> None:
        """Tell that a result was announced: it pays only when the strict rule has proved it."""
        self.is_announced = True
        if not self.is_settled:
            self.told.tell([self._life.announced(time_ns(message.timestamp), recv_ns)])

    def take_row(self, row: GammaMarket, known_ns: int) -> None:
        """Tell what the catalogue's row changes; ValueError for one that cannot be read."""
        self.listing = replace(self.listing, market=row)
        facts = self._life.take_row(row, known_ns)
        if self.phase is Phase.DETERMINED and not self.is_settled:
            facts = [
                one for one in facts if getattr(one, "phase", None) not in (*_BEFORE_CLOSE, Phase.CLOSED)
            ]
        self.told.tell(facts)
        if self.is_settled:
            self.end_watch(known_ns)

    def take_result(self, market: ClobMarket, known_ns: int) -> None:
        """Tell the result that the order book's description has, if it has one."""
        self.told.tell(self._life.take_market(market, known_ns))
        if self.is_settled:
            self.end_watch(known_ns)
