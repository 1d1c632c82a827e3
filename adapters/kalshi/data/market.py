"""One live market: its terms, its book, its trades and its life, each thing told once."""

from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final

from nautilus_trader.model import (
    BinaryOption,
    InstrumentClose,
    InstrumentCloseType,
    InstrumentId,
    InstrumentStatus,
    MarketStatusAction,
    Price,
)

from adapters.kalshi.data.book import Blindness, LiveBook, Outlet, Wants
from adapters.kalshi.messages.market_data import MarketLifecycle, OrderbookSnapshot, Trade
from adapters.kalshi.messages.reference import Market
from adapters.kalshi.parsing import parse_trade
from adapters.kalshi.providers.life import MarketLife
from adapters.kalshi.providers.terms import Listing
from markets.facts import Fact, MarketPhase, MarketResolution, Phase
from markets.instruments import PRICE_DIGITS, MarketTerms, OutcomePair, make_pair
from markets.mirror import Mirror

_STATUS: Final = {
    Phase.PENDING: (MarketStatusAction.PRE_OPEN, False),
    Phase.OPEN: (MarketStatusAction.TRADING, True),
    Phase.PAUSED: (MarketStatusAction.PAUSE, False),
    Phase.CLOSED: (MarketStatusAction.CLOSE, False),
    Phase.DETERMINED: (MarketStatusAction.POST_CLOSE, False),
    Phase.DISPUTED: (MarketStatusAction.POST_CLOSE, False),
    Phase.SETTLED: (MarketStatusAction.POST_CLOSE, False),
}
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
        self.pair: OutcomePair = make_pair(terms)
        self.wants = Wants()
        self.phase: Phase | None = None
        self.is_settled = False
        self._life = MarketLife(terms)
        self._outlet = Outlet(self.pair.yes.id, self.pair.no.id, emit, mirror)
        self.book = LiveBook(self._outlet, self.wants, lambda: self.closes_ns, counts)
        self._counts = counts
        self.last_trade_ns = 0
        self._trade_ids: dict[str, None] = {}
        self._is_shard_paused = False
        self._told_closes_ns = terms.closes_ns
        self._told_result: tuple[Decimal, bool, bool] | None = None

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
        self.pair = make_pair(terms)
        self._life.terms = terms
        self._life.closes_ns = terms.closes_ns
        self._counts["instruments_reissued"] += 1
        self.book.owe_whole(self.wants.books)
        return self.sides

    def take_snapshot(self, snapshot: OrderbookSnapshot, recv_ns: int, seq: int) -> None:
        """Tell a whole new book, and the gap that it ends; ValueError when it cannot be."""
        self._tell_gap(self.book.take_snapshot(snapshot, recv_ns, seq), recv_ns)

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
            self._tell(provenance)
            if tick is not None:
                self._outlet.trade(tick, self.wants.trades)

    def take_lifecycle(self, step: MarketLifecycle, recv_ns: int) -> None:
        """Tell what a step in the market's life changes; ValueError for a result without a payout."""
        facts = self._life.take(step, recv_ns)
        if step.event_type == "close_date_updated" and self.phase in _NOT_TRADING:
            facts = [
                self._life.stands(self.phase, recv_ns)
            ]  # a later close opens no market that waits or pauses
        self._tell_life(facts)

    def take_row(self, row: Market, recv_ns: int) -> None:
        """Tell what a description by REST changes; ValueError for a result without a payout."""
        self._tell_life(self._life.take_row(row, recv_ns))

    def look_at_clock(self, now_ns: int) -> None:
        """Tell the opening and the close: the venue sends no message at either time."""
        if self.phase is Phase.PENDING and self.terms.opens_ns <= now_ns:
            self._tell_life([self._life.opened()])
        if self.phase in _BEFORE_CLOSE and self.closes_ns <= now_ns:
            self._tell_life([self._life.closed()])
            self.end_watch(self.closes_ns)

    def end_watch(self, until_ns: int) -> None:
        """Tell the gap that is open, if one is: no book will end it."""
        self._tell_gap(self.book.forget_gap(), until_ns)

    def note_shard(self, now_ns: int, *, is_paused: bool) -> None:
        """Tell that trading on the market's shard pauses or goes on: no message of the market says so."""
        was_paused, self._is_shard_paused = self._is_shard_paused, is_paused
        if is_paused and self.phase is Phase.OPEN:
            self._tell_life([self._life.stands(Phase.PAUSED, now_ns)])
        elif was_paused and not is_paused and self.phase is Phase.PAUSED:
            self._tell_life([self._life.stands(Phase.OPEN, now_ns)])

    def next_due_ns(self) -> int | None:
        """Return when `look_at_clock` will have something to tell; None when never."""
        if self.phase is Phase.PENDING:
            return min(self.terms.opens_ns, self.closes_ns)
        return self.closes_ns if self.phase in _BEFORE_CLOSE else None

    def tell_status(self, side: InstrumentId, now_ns: int) -> None:
        """Tell one side's trading status as it is now."""
        if self.phase is not None:
            action, is_trading = _STATUS[self.phase]
            self._outlet.emit(InstrumentStatus(side, action, now_ns, now_ns, is_trading=is_trading))

    def _tell_gap(self, blind: Blindness | None, until_ns: int) -> None:
        if blind is not None and until_ns > blind.since_ns:
            self._counts["gaps"] += 1
            self._tell(self._life.gap(blind.since_ns, until_ns, blind.reason))

    def _tell_life(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            if isinstance(fact, MarketPhase):
                self._tell_phase(fact)
            elif isinstance(fact, MarketResolution):
                self._tell_resolution(fact)

    def _tell_phase(self, fact: MarketPhase) -> None:
        is_old = fact.phase is self.phase and fact.closes_ns == self._told_closes_ns
        if is_old or self.phase is Phase.SETTLED:
            return
        before = None if self.phase is None else _STATUS[self.phase]
        self.phase, self._told_closes_ns = fact.phase, fact.closes_ns
        self._tell(fact)
        for side in self.wants.statuses if _STATUS[fact.phase] != before else ():
            self.tell_status(side, fact.ts_init)

    def _tell_resolution(self, fact: MarketResolution) -> None:
        result = (fact.payout, fact.is_final, fact.is_disputed)
        if self.is_settled or result == self._told_result:
            return
        closes = closes_of(self.pair, fact) if fact.is_final else []
        self._told_result = result
        self.is_settled = fact.is_final
        self._tell(fact)
        for close in closes:
            self._outlet.emit(close)

    def _tell(self, fact: Fact) -> None:
        self._outlet.emit(fact.as_data())


def closes_of(pair: OutcomePair, final: MarketResolution) -> list[InstrumentClose]:
    """Return the closes of YES and NO at a payout; ValueError when an instrument's digits cannot hold it."""
    if final.payout.scaleb(PRICE_DIGITS) % 1:
        found = f"{final.payout} for {final.market}"
        raise ValueError(f"expected a payout of at most {PRICE_DIGITS} digits, found {found}")
    return [
        InstrumentClose(
            side.id,
            Price.from_decimal_dp(payout, PRICE_DIGITS),
            InstrumentCloseType.CONTRACT_EXPIRED,
            final.ts_event,
            final.ts_init,
        )
        for side, payout in ((pair.yes, final.payout), (pair.no, 1 - final.payout))
    ]
