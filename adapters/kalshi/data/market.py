"""One live market: its terms, its book, its trades and its life, each thing told once."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from nautilus_trader.model import (
    BinaryOption,
)

from adapters.kalshi.data.book import KalshiBook
from adapters.kalshi.messages.market_data import MarketLifecycle, OrderbookSnapshot, Trade
from adapters.kalshi.messages.reference import Market
from adapters.kalshi.parsing import parse_trade
from adapters.kalshi.providers.life import MarketLife
from adapters.kalshi.providers.terms import Listing
from markets.facts import Phase
from markets.instruments import MarketTerms, OutcomePair, make_pair
from markets.live.life_telling import LifeTelling
from markets.live.outlet import Outlet, Wants
from markets.mirror import Mirror

_REMEMBERED_TRADES: Final = 4096
_NOT_TRADING: Final = (Phase.PENDING, Phase.PAUSED)
_BEFORE_CLOSE: Final = frozenset({Phase.PENDING, Phase.OPEN, Phase.PAUSED})


class LiveMarket:
    """A market from the day it is listed to its payout; `emit` gets data for the engine.

    Facts and closes are told always, the rest as `wants` says. The final payout closes both sides, once:
    the engine acts on the first close that it sees (run on rc7).
    """

    def __init__(
        self,
        listing: Listing,
        terms: MarketTerms,
        emit: Callable[[Any], None],
        mirror: Mirror,
        counts: Counter[str],
    ) -> None:
        self.listing = listing
        self.wants = Wants()
        self.told = LifeTelling(make_pair(terms), self.wants, emit, counts)
        self._life = MarketLife(terms)
        self._outlet = Outlet(self.pair.yes.id, self.pair.no.id, emit, mirror)
        self.book = KalshiBook(self._outlet, self.wants, lambda: self.closes_ns, counts)
        self._counts = counts
        self.last_trade_ns = 0
        self._trade_ids: dict[str, None] = {}
        self._is_shard_paused = self._is_doubted = False

    @property
    def pair(self) -> OutcomePair:
        """Both sides as they were issued last."""
        return self.told.pair

    @property
    def phase(self) -> Phase | None:
        """What the market is doing, None before that is known."""
        return self.told.phase

    @property
    def is_settled(self) -> bool:
        """Whether its final payout was told."""
        return self.told.is_settled

    @property
    def ticker(self) -> str:
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

    @property
    def sides(self) -> tuple[BinaryOption, BinaryOption]:
        """YES and NO as they were issued last."""
        return self.pair.yes, self.pair.no

    def revise(self, terms: MarketTerms) -> tuple[BinaryOption, BinaryOption]:
        """Take new terms and return both sides anew; the book will be shown whole, as its ticks may differ."""
        self.told.pair = make_pair(terms)
        self._life.terms = terms
        self._life.closes_ns = terms.closes_ns
        self._counts["instruments_reissued"] += 1
        self.book.owe_whole(self.wants.books)
        return self.sides

    def take_snapshot(self, snapshot: OrderbookSnapshot, recv_ns: int, seq: int) -> None:
        """Tell a whole new book, and the gap that it ends; ValueError when it cannot be."""
        self.told.tell_gap(self.book.take_snapshot(snapshot, recv_ns, seq), recv_ns, self._life.gap)

    def take_trade(self, trade: Trade, recv_ns: int) -> None:
        """Tell a trade and who vouches for its aggressor; of a block trade only the latter."""
        if trade.trade_id in self._trade_ids:
            return  # asked by REST after a gap, and told by both
        tick, provenance = parse_trade(trade, self.pair.yes.id, recv_ns)
        self._trade_ids[trade.trade_id] = None
        if len(self._trade_ids) > _REMEMBERED_TRADES:
            del self._trade_ids[next(iter(self._trade_ids))]
        self.last_trade_ns = max(self.last_trade_ns, trade.happened_ns)
        self._counts["block_trades"] += tick is None
        if self.wants.trades:
            self.told.tell_fact(provenance)
            if tick is not None:
                self._outlet.trade(tick, self.wants.trades)

    def forget_trades(self) -> None:
        """Keep no more trades to compare with: the market is over, and there are many in a day."""
        self._trade_ids.clear()

    def take_lifecycle(self, step: MarketLifecycle, recv_ns: int) -> None:
        """Tell what a step in the market's life changes; ValueError for a result without a payout."""
        facts = self._life.take(step, recv_ns)
        if step.event_type == "close_date_updated" and self.phase in _NOT_TRADING:
            facts = [
                self._life.stands(self.phase, recv_ns)
            ]  # a later close opens no market that waits or pauses
        self.told.tell(facts)

    def take_row(self, row: Market, recv_ns: int) -> None:
        """Tell what a description by REST changes; ValueError for a result without a payout."""
        self.told.tell(self._life.take_row(row, recv_ns))

    def look_at_clock(self, now_ns: int) -> None:
        """Tell the opening and the close: the venue sends no message at either time."""
        if self.phase is Phase.PENDING and self.terms.opens_ns <= now_ns:
            self.told.tell([self._life.opened()])
        if self.phase in _BEFORE_CLOSE and self.closes_ns <= now_ns:
            self.told.tell([self._life.closed()])
            self.end_watch(self.closes_ns)

    def judge_book(self, now_ns: int) -> list[str]:
        """Compare the book with the venue's tickers, and tell when they begin and end to contradict it."""
        differing = self.book.judge_tickers(now_ns)
        if self.book.is_contradicted != self._is_doubted:
            self._is_doubted = self.book.is_contradicted
            self.told.tell_fact(self._life.doubt(now_ns, differing[-1] if self._is_doubted else None))
        return differing

    def end_watch(self, until_ns: int) -> None:
        """Tell the gap that is open, if one is: no book will end it."""
        self.told.tell_gap(self.book.forget_gap(), until_ns, self._life.gap)

    def note_shard(self, now_ns: int, *, is_paused: bool) -> None:
        """Tell that trading on the market's shard pauses or goes on: no message of the market says so."""
        was_paused, self._is_shard_paused = self._is_shard_paused, is_paused
        if is_paused and self.phase is Phase.OPEN:
            self.told.tell([self._life.stands(Phase.PAUSED, now_ns)])
        elif was_paused and not is_paused and self.phase is Phase.PAUSED:
            self.told.tell([self._life.stands(Phase.OPEN, now_ns)])

    def next_due_ns(self) -> int | None:
        """Return when `look_at_clock` will have something to tell; None when never."""
        if self.phase is Phase.PENDING:
            return min(self.terms.opens_ns, self.closes_ns)
        return self.closes_ns if self.phase in _BEFORE_CLOSE else None
