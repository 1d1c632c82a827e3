"""What a recording of ours tells, told by the very books and lives that told it while it was made."""

from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import Any, Final, override

from msgspec import MsgspecError

from adapters.kalshi import constants as venue
from adapters.kalshi.data.book import QUIET_NS
from adapters.kalshi.data.market import LiveMarket
from adapters.kalshi.data.markets import Markets
from adapters.kalshi.data.stream import parse_index
from adapters.kalshi.messages import frames
from adapters.kalshi.messages.market_data import Trade
from adapters.kalshi.messages.reference import Market
from adapters.kalshi.providers.terms import Listing, amended, terms_of_listing
from markets.live.conditions import Conditions
from markets.live.recorded_lines import (
    Blind,
    Down,
    Line,
    Trouble,
    Unwatched,
    frame_of,
)
from markets.live.story import Story, reader

_ACTION_NS: Final = 1_000_000_000
"""After this much silence an action is over; a book that is crossed then has missed something."""
_KNOWN: Final = attrgetter("ts_init")
_ANSWERS: Final = (
    frames.SubscribedFrame,
    frames.OkFrame,
    frames.UnsubscribedFrame,
    frames.ErrorFrame,
    frames.OtherFrame,
)


class Retelling(Story):
    """Kalshi's lines: sequences are followed per subscription, so a lost frame is found here as it was found live.

    A book that is lost, unwatched or left by the end of the run is a `DataGap` from its last moment on. `differing` names
    each time when the venue's ticker was another than our book's top.
    """

    def __init__(self, *, strict: bool = False) -> None:
        super().__init__(strict=strict)
        self._markets = Markets(
            self._harvest.issue, self._harvest.keep, lambda: self._harvest.now_ns, self.counts
        )
        self._last_book_ns = self._last_message_ns = 0
        self._conditions = Conditions(
            venue.VENUE, self._harvest.keep, lambda: self._harvest.now_ns, lambda: self._last_message_ns
        )
        self._due_ns = 0
        self._epoch = 0
        self._sequences: dict[int, int] = {}
        self._sids: dict[str, int | None] = {}
        self._acting: dict[str, int] = {}
        self._takers: dict[type, Callable[[Any], None]] = {
            frames.DeltaFrame: self._take_delta,
            frames.SnapshotFrame: self._take_snapshot,
            frames.TradeFrame: lambda frame: self._take_trade(frame.msg),
            frames.TickerFrame: self._take_ticker,
            frames.LifecycleFrame: self._take_lifecycle,
            frames.EventFeeFrame: self._take_fees,
            frames.IndexFrame: lambda frame: self._harvest.keep(
                parse_index(frame.msg, self._now_ns).as_data()
            ),
        }
        self._noters |= {
            "listing": reader(Listing, self._take_listing),
            "row": reader(Market, self._take_row),
            "shards": reader(frozenset[int] | None, self._take_shards),
            "trade": reader(Trade, self._take_trade),
            "down": reader(Down, self._take_down),
            "trouble": reader(Trouble, self._take_trouble),
            "unwatched": reader(Unwatched, self._take_unwatched),
            "blind": reader(Blind, self._take_blindness),
        }

    @override
    def _held_ns(self) -> list[int]:
        return [*self._acting.values()]

    @override
    def _end_watch(self) -> None:
        for market in self._markets.by_ticker.values():
            market.end_watch(market.closes_ns)

    # time

    @override
    def _end_run(self) -> None:
        self._lose_all(self._last_ns, "the recording ends")
        self._epoch = 0

    @override
    def _advance(self, at_ns: int) -> None:
        self._harvest.before_ns = self._now_ns
        self._harvest.now_ns = max(self._now_ns, at_ns)
        for ticker in [one for one, last_ns in self._acting.items() if last_ns + _ACTION_NS <= self._now_ns]:
            self._with_book(ticker, partial(self._flush, self._markets.by_ticker[ticker]))
            if ticker in self._acting:
                self._break(ticker, "the book was crossed for 1 s")
        if self._now_ns >= self._due_ns:
            self._look_at_clock()

    def _look_at_clock(self) -> None:
        dues = []
        for ticker, market in self._markets.by_ticker.items():
            market.look_at_clock(self._now_ns)
            if self._now_ns >= market.closes_ns:
                self._harvest.blind.pop(ticker, None)
            if (due_ns := market.next_due_ns()) is not None:
                dues.append(due_ns)
        self._due_ns = min(dues, default=2**63)

    # notes

    def _take_listing(self, listing: Listing) -> None:
        market = self._markets.by_ticker.get(listing.market.ticker)
        if market is None:
            market = self._markets.add(listing)
            if market is None:
                self._report(f"{listing.market.ticker}: {self._markets.unusable[listing.market.ticker]}")
                return
            yes = {market.pair.yes.id}
            market.wants.books, market.wants.quotes, market.wants.trades = set(yes), set(yes), set(yes)
        else:
            market.listing = listing
            self._markets.amend(market, terms_of_listing(listing, self._now_ns))
            market.take_row(listing.market, self._now_ns)
        self._due_ns = 0

    def _take_row(self, row: Market) -> None:
        market = self._markets.by_ticker.get(row.ticker)
        if market is not None:
            self._due_ns = 0
            self._markets.restate(market, row)

    def _take_shards(self, paused: frozenset[int] | None) -> None:
        self._markets.take_shards(paused, self._now_ns)
        self._conditions.take_status(is_paused=paused is None)
        self._due_ns = 0

    def _take_unwatched(self, said: Unwatched) -> None:
        if said.market in self._markets.by_ticker:
            self._lose(said.market, self._now_ns, "nobody watches the book any more")

    def _take_down(self, said: Down) -> None:
        self._lose_all(self._last_ns, f"no connection: {said.reason}")
        self._conditions.end(said.reason, self._now_ns)

    def _take_trouble(self, said: Trouble) -> None:
        self._conditions.take_trouble(said.what)

    def _take_blindness(self, said: Blind) -> None:
        self._lose_all(said.since_ns, "the recorder was blind")

    # frames

    @override
    def _take_frame(self, line: Line) -> None:
        raw = frame_of(line)
        if line.epoch != self._epoch:
            self._lose_all(self._last_ns, "the socket was connected again")
            self._epoch = line.epoch
        try:
            frame = frames.decode_frame(raw)
        except (MsgspecError, UnicodeDecodeError):
            self._skip_malformed(raw)
            raise
        follows = self._follows(frame)
        self._last_ns = self._now_ns
        take = self._takers.get(type(frame))
        if take is not None and follows:
            self._last_message_ns = self._now_ns
            take(frame)

    def _skip_malformed(self, raw: bytes) -> None:
        place = frames.place_of(raw)
        if place.sid is not None:
            self._sequences[place.sid] = place.seq or self._sequences.get(place.sid, 0)
            self._lose_subscription(place.sid, f"malformed {place.kind}")

    def _follows(self, frame: frames.WireFrame | frames.OtherFrame) -> bool:
        if frame.seq is None or frame.sid is None:
            return True
        due = self._sequences.get(frame.sid, frame.seq - 1) + 1
        if frame.seq < due and isinstance(frame, _ANSWERS):
            return True
        self._sequences[frame.sid] = max(frame.seq, due - 1)
        if frame.seq != due:
            self.counts["sequence_gaps"] += 1
            self._lose_subscription(frame.sid, f"expected seq {due}, found {frame.seq}")
        return frame.seq >= due

    def _take_delta(self, frame: frames.DeltaFrame) -> None:
        ticker = frame.msg.market_ticker
        self._end_actions(but=ticker)
        self._last_book_ns = self._now_ns
        market = self._markets.by_ticker.get(ticker)
        if market is None or not market.book.is_known:
            self.counts["deltas_without_book"] += 1
            return
        if self._acting.get(ticker, self._now_ns) + QUIET_NS < self._now_ns:
            self._with_book(ticker, partial(self._flush, market))
        self._acting[ticker] = self._now_ns
        self._with_book(ticker, lambda: market.book.take_delta(frame.msg, self._now_ns, frame.seq or 0))

    def _take_snapshot(self, frame: frames.SnapshotFrame) -> None:
        ticker = frame.msg.market_ticker
        self._end_actions()
        self._last_book_ns = self._now_ns
        market = self._markets.by_ticker.get(ticker)
        if market is None:
            self.counts["books_of_strangers"] += 1
            return
        self._sids[ticker] = frame.sid
        self._with_book(ticker, lambda: market.take_snapshot(frame.msg, self._now_ns, frame.seq or 0))
        if market.book.is_known:
            self._harvest.blind.pop(ticker, None)

    def _take_trade(self, trade: Trade) -> None:
        market = self._markets.by_ticker.get(trade.market)
        if market is not None:
            market.take_trade(trade, self._now_ns)

    def _take_ticker(self, frame: frames.TickerFrame) -> None:
        market = self._markets.by_ticker.get(frame.msg.market_ticker)
        if market is not None:
            market.book.take_ticker(frame.msg)
            differing = market.judge_book(self._now_ns)
            self.differing += [f"{market.pair.yes.id} {line}" for line in differing]

    def _take_lifecycle(self, frame: frames.LifecycleFrame) -> None:
        market = self._markets.by_ticker.get(frame.msg.market_ticker)
        if market is not None:
            self._due_ns = 0
            self._markets.amend(market, amended(market.terms, frame.msg, self._now_ns))
            market.take_lifecycle(frame.msg, self._now_ns)

    def _take_fees(self, frame: frames.EventFeeFrame) -> None:
        for _ in self._markets.take_fees(frame.msg, self._now_ns):
            self.counts["fees_changed"] += 1

    # books

    def _end_actions(self, but: str | None = None) -> None:
        """Tell the actions that a book frame of another market, or a whole book, shows to be over."""
        for ticker in [one for one in self._acting if one != but]:
            self._with_book(ticker, partial(self._flush, self._markets.by_ticker[ticker]))

    def _flush(self, market: LiveMarket) -> None:
        self._harvest.is_flushing = True
        try:
            is_told = market.book.flush()
        finally:
            self._harvest.is_flushing = False
        if is_told:
            self._acting.pop(market.ticker, None)

    def _with_book(self, ticker: str, act: Callable[[], object]) -> None:
        try:
            act()
        except ValueError as error:
            self._report(str(error))
            self._break(ticker, str(error))

    def _break(self, ticker: str, reason: str) -> None:
        self._acting.pop(ticker, None)
        self._blacken(ticker, self._now_ns, reason)

    def _lose(self, ticker: str, since_ns: int, reason: str) -> None:
        market = self._markets.by_ticker[ticker]
        if ticker in self._acting:
            self._with_book(ticker, partial(self._flush, market))
            self._acting.pop(ticker, None)
        self._blacken(ticker, since_ns, reason)

    def _blacken(self, ticker: str, since_ns: int, reason: str) -> None:
        market = self._markets.by_ticker[ticker]
        if market.book.is_known and since_ns < market.closes_ns:
            self._harvest.blind[ticker] = since_ns
        market.book.lose(since_ns, self._now_ns, reason)

    def _lose_subscription(self, sid: int, reason: str) -> None:
        for ticker in [one for one, its in self._sids.items() if its == sid]:
            self._lose(ticker, self._last_book_ns or self._now_ns, reason)

    def _lose_all(self, since_ns: int, reason: str) -> None:
        for ticker in self._markets.by_ticker:
            self._lose(ticker, since_ns or self._now_ns, reason)
        self._sequences.clear()
        self._sids.clear()
