"""One live market: its terms, its book, its trades and its life, each thing told once."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from adapters.kalshi.data.book import KalshiBook
from adapters.kalshi.messages.market_data import MarketLifecycle, OrderbookSnapshot, Trade
from adapters.kalshi.messages.reference import Market
from adapters.kalshi.parsing import parse_trade
from adapters.kalshi.providers.life import MarketLife
from adapters.kalshi.providers.terms import Listing
from markets.facts import Phase
from markets.instruments import MarketTerms
from markets.live import live_market
from markets.mirror import Mirror

_NOT_TRADING: Final = (Phase.PENDING, Phase.PAUSED)


class LiveMarket(live_market.LiveMarket[MarketLife, KalshiBook]):
    """A market from the day it is listed to its payout."""

    def __init__(
        self,
        listing: Listing,
        terms: MarketTerms,
        emit: Callable[[Any], None],
        mirror: Mirror,
        counts: Counter[str],
    ) -> None:
        super().__init__(MarketLife(terms), emit, mirror, counts)
        self.listing = listing
        self.book = KalshiBook(self._outlet, self.wants, lambda: self.closes_ns, counts)
        self.last_trade_ns = 0
        self._is_shard_paused = self._is_doubted = False

    @property
    def ticker(self) -> str:
        """The venue's name of this market."""
        return self.terms.market

    def take_snapshot(self, snapshot: OrderbookSnapshot, recv_ns: int, seq: int) -> None:
        """Tell a whole new book, and the gap that it ends; ValueError when it cannot be."""
        self.told.tell_gap(self.book.take_snapshot(snapshot, recv_ns, seq), recv_ns, self._life.gap)

    def take_trade(self, trade: Trade, recv_ns: int) -> None:
        """Tell a trade and who vouches for its aggressor; of a block trade only the latter."""
        if trade.trade_id in self._trade_keys:
            return  # asked by REST after a gap, and told by both
        tick, provenance = parse_trade(trade, self.pair.yes.id, recv_ns)
        self._remember_trade(trade.trade_id)
        self.last_trade_ns = max(self.last_trade_ns, trade.happened_ns)
        self._counts["block_trades"] += tick is None
        if self.wants.trades:
            self.told.tell_fact(provenance)
            if tick is not None:
                self._outlet.trade(tick, self.wants.trades)

    def forget_trades(self) -> None:
        """Keep no more trades to compare with: the market is over, and there are many in a day."""
        self._trade_keys.clear()

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

    def judge_book(self, now_ns: int) -> list[str]:
        """Compare the book with the venue's tickers, and tell when they begin and end to contradict it."""
        differing = self.book.judge_tickers(now_ns)
        if self.book.is_contradicted != self._is_doubted:
            self._is_doubted = self.book.is_contradicted
            self.told.tell_fact(self._life.doubt(now_ns, differing[-1] if self._is_doubted else None))
        return differing

    def note_shard(self, now_ns: int, *, is_paused: bool) -> None:
        """Tell that trading on the market's shard pauses or goes on: no message of the market says so."""
        was_paused, self._is_shard_paused = self._is_shard_paused, is_paused
        if is_paused and self.phase is Phase.OPEN:
            self.told.tell([self._life.stands(Phase.PAUSED, now_ns)])
        elif was_paused and not is_paused and self.phase is Phase.PAUSED:
            self.told.tell([self._life.stands(Phase.OPEN, now_ns)])
