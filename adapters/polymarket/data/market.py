"""One live market: its terms, its book, its trades and its life, each thing told once."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from msgspec import structs
from nautilus_trader.model import BinaryOption

from adapters.polymarket.data.book import PolymarketBook, Proving
from adapters.polymarket.messages.clob import BookAnswer, ClobMarket
from adapters.polymarket.messages.gamma import GammaMarket
from adapters.polymarket.messages.market_stream import BookMessage, ResolvedMessage, TradeMessage
from adapters.polymarket.messages.numbers import decimal_of, time_ns
from adapters.polymarket.parsing.trades import parse_trade, trade_key
from adapters.polymarket.providers.life import MarketLife
from adapters.polymarket.providers.terms import Listing, price_ranges
from markets.facts import Phase
from markets.instruments import MarketTerms, OutcomePair, make_pair
from markets.live.life_telling import LifeTelling
from markets.live.outlet import Outlet, Wants
from markets.mirror import Mirror

_REMEMBERED_TRADES: Final = 4096
_BEFORE_CLOSE: Final = frozenset({Phase.PENDING, Phase.OPEN, Phase.PAUSED})


class LiveMarket:
    """A market from its listing to its payout; `emit` gets data for the engine.

    Facts and closes are told always, the rest as `wants` says.
    """

    def __init__(
        self,
        listing: Listing,
        terms: MarketTerms,
        emit: Callable[[Any], None],
        mirror: Mirror,
        counts: Counter[str],
        proving: Proving,
    ) -> None:
        self.listing = listing
        self.wants = Wants()
        self.told = LifeTelling(make_pair(terms), self.wants, emit, counts)
        self.is_announced = False
        self._life = MarketLife(terms)
        self._outlet = Outlet(self.pair.yes.id, self.pair.no.id, emit, mirror)
        self.book = PolymarketBook(
            self.pair, self._outlet, self.wants, lambda: self.closes_ns, counts, proving
        )
        self._counts = counts
        self._trade_keys: dict[str, None] = {}

    @property
    def pair(self) -> OutcomePair:
        """Both sides as they were issued last."""
        return self.told.pair

    @property
    def sides(self) -> tuple[BinaryOption, BinaryOption]:
        """YES and NO as they were issued last."""
        return self.pair.yes, self.pair.no

    @property
    def phase(self) -> Phase | None:
        """What the market is doing, None before that is known."""
        return self.told.phase

    @property
    def is_settled(self) -> bool:
        """Whether its final payout was told."""
        return self.told.is_settled

    @property
    def condition(self) -> str:
        """The venue's name of this market."""
        return self.terms.market

    @property
    def terms(self) -> MarketTerms:
        """What the venue states, as it was issued last."""
        return self._life.terms

    @property
    def closes_ns(self) -> int:
        """When trading ends, as far as is known now."""
        return self._life.closes_ns

    def revise(self, terms: MarketTerms) -> tuple[BinaryOption, BinaryOption]:
        """Take new terms and return both sides anew; the book will be shown whole, as its ticks may differ."""
        self.told.pair = make_pair(terms)
        self._life.terms = terms
        self._life.closes_ns = terms.closes_ns
        self._counts["instruments_reissued"] += 1
        self.book.owe_whole(self.wants.books)
        return self.sides

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
        self._trade_keys[key] = None
        if len(self._trade_keys) > _REMEMBERED_TRADES:
            del self._trade_keys[next(iter(self._trade_keys))]
        if self.wants.trades:
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

    def look_at_clock(self, now_ns: int) -> None:
        """Tell the opening and the close: the venue sends no message at either time."""
        if self.phase is Phase.PENDING and self.terms.opens_ns <= now_ns:
            self.told.tell([self._life.opened()])
        if self.phase in _BEFORE_CLOSE and self.closes_ns <= now_ns:
            self.told.tell([self._life.closed()])
            self.end_watch(self.closes_ns)

    def end_watch(self, until_ns: int) -> None:
        """Tell the gap that is open, if one is: no book will end it."""
        self.told.tell_gap(self.book.forget_gap(), until_ns, self._life.gap)

    def next_due_ns(self) -> int | None:
        """Return when `look_at_clock` will have something to tell; None when never."""
        if self.phase is Phase.PENDING:
            return min(self.terms.opens_ns, self.closes_ns)
        return self.closes_ns if self.phase in _BEFORE_CLOSE else None
