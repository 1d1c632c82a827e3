"""What a recording of Polymarket tells, told by the very books and lives that told it while it was made."""

from collections.abc import Callable
from typing import Any, Final, override

from adapters.polymarket import constants as venue
from adapters.polymarket.data.book import Proving
from adapters.polymarket.data.dispatch import Dispatch, Followers
from adapters.polymarket.data.market import LiveMarket
from adapters.polymarket.data.markets import Markets
from adapters.polymarket.messages.clob import BookAnswer, ClobMarket
from adapters.polymarket.messages.gamma import GammaMarket
from adapters.polymarket.messages.market_stream import (
    OtherMessage,
    decode_market_frame,
)
from adapters.polymarket.messages.notes import Down
from adapters.polymarket.messages.past_trades import TradeRow
from adapters.polymarket.messages.prices_stream import (
    BoltFrame,
    PriceFrame,
    decode_bolt_frame,
    decode_rtds_frame,
)
from adapters.polymarket.parsing.oracles import parse_oracle
from adapters.polymarket.providers.terms import Listing
from markets.live.conditions import Conditions
from markets.live.harvest import Harvest
from markets.live.recorded_lines import Blind, Line, Trouble, Unwatched, frame_of
from markets.live.story import Story, reader

_TOPIC: Final = b'"topic"'
_PRICE_EPOCHS: Final = 900_000_000


class _Quiet(Dispatch):
    """Takes books so that what is shown whole again is no news: it was told when it changed."""

    def __init__(self, harvest: Harvest, *others: Any) -> None:
        super().__init__(*others)
        self._harvest = harvest

    @override
    def _with_book(self, market: LiveMarket, act: Callable[[], None]) -> None:
        def quietly() -> None:
            self._harvest.is_flushing = market.book.is_known
            try:
                act()
            finally:
                self._harvest.is_flushing = False

        super()._with_book(market, quietly)
        if market.book.is_known:
            self._harvest.blind.pop(market.condition, None)

    def take_answers(self, market: LiveMarket, answers: tuple[BookAnswer, ...]) -> None:
        """Take both tokens' books by REST."""
        self._with_book(market, lambda: market.take_answers(answers, self._now_ns()))


class Retelling(Story):
    """Polymarket's lines; a book that is lost, unwatched or left by the end of the run is a `DataGap`.

    How often books had to prove themselves, and how patiently, is noted in the recording.
    """

    def __init__(self, *, strict: bool = False) -> None:
        super().__init__(strict=strict)
        self._doubted: dict[str, int] = {}
        self._due_ns = 0
        self._markets = Markets(
            self._harvest.issue, self._harvest.keep, lambda: self._harvest.now_ns, self.counts
        )
        self._dispatch = _Quiet(
            self._harvest,
            self._markets,
            Followers(
                renew_book=self._take_loss,
                on_change=lambda _: None,
                on_result=lambda _: None,
                on_doubt=self._take_doubt,
                on_end=lambda *_: None,
            ),
            lambda: self._harvest.now_ns,
            self.counts,
        )
        self._conditions = Conditions(
            venue.VENUE,
            self._harvest.keep,
            lambda: self._harvest.now_ns,
            lambda: self._dispatch.last_message_ns,
        )
        self._noters |= {
            "proving": reader(Proving, self._markets.prove),
            "listing": reader(Listing, self._take_listing),
            "row": reader(GammaMarket, self._take_row),
            "result": reader(ClobMarket, self._take_result),
            "books": reader(tuple[BookAnswer, ...], self._take_answers),
            "trades": reader(tuple[TradeRow, ...], self._take_trades),
            "alive": reader(Any, lambda _: self._conditions.take_status(is_paused=False)),
            "down": reader(Down, self._take_down),
            "trouble": reader(Trouble, self._take_trouble),
            "unwatched": reader(Unwatched, self._take_unwatched),
            "blind": reader(Blind, self._take_blindness),
        }

    # time

    @override
    def _advance(self, at_ns: int) -> None:
        self._harvest.before_ns = self._now_ns
        self._harvest.now_ns = max(self._now_ns, at_ns)
        for condition in tuple(self._doubted):
            market = self._markets.by_condition[condition]
            if market.book.overdue_ns is None:
                del self._doubted[condition]
            else:
                self._dispatch.look_at_doubt(market)
        if self._now_ns >= self._due_ns:
            self._look_at_clock()

    @override
    def _held_ns(self) -> list[int]:
        return [*self._doubted.values()]

    @override
    def _end_run(self) -> None:
        self._lose_all(self._last_ns, "the recording ends")

    @override
    def _end_watch(self) -> None:
        for market in self._markets.by_condition.values():
            market.end_watch(market.closes_ns)

    def _look_at_clock(self) -> None:
        dues = []
        for condition, market in self._markets.by_condition.items():
            market.look_at_clock(self._now_ns)
            if self._now_ns >= market.closes_ns:
                self._harvest.blind.pop(condition, None)
            if (due_ns := market.next_due_ns()) is not None:
                dues.append(due_ns)
        self._due_ns = min(dues, default=2**63)

    # notes

    def _take_listing(self, listing: Listing) -> None:
        self._due_ns = 0
        condition = listing.market.condition_id
        market = self._markets.by_condition.get(condition)
        if market is not None:
            self._markets.restate(market, listing.market)
            return
        market = self._markets.add(listing)
        if market is None:
            self._report(f"{condition}: {self._markets.unusable[condition]}")
            return
        yes = {market.pair.yes.id}
        market.wants.books, market.wants.quotes, market.wants.trades = set(yes), set(yes), set(yes)

    def _take_row(self, row: GammaMarket) -> None:
        market = self._markets.by_condition.get(row.condition_id)
        if market is not None:
            self._due_ns = 0
            self._markets.restate(market, row)

    def _take_result(self, said: ClobMarket) -> None:
        market = self._markets.by_condition.get(said.condition_id)
        if market is not None:
            self._due_ns = 0
            self._markets.take_result(market, said)

    def _take_answers(self, answers: tuple[BookAnswer, ...]) -> None:
        market = self._markets.by_condition.get(answers[0].market) if answers else None
        if market is not None:
            self._dispatch.take_answers(market, answers)

    def _take_trades(self, rows: tuple[TradeRow, ...]) -> None:
        for row in rows:
            market = self._markets.by_condition.get(row.condition_id)
            if market is not None:
                market.take_past_trade(row, self._now_ns)

    def _take_down(self, said: Down) -> None:
        gone = frozenset(said.tokens)
        for market in self._markets.by_condition.values():
            if market.book.yes_token in gone:
                self._blacken(market, self._last_ns or self._now_ns)
        self._dispatch.end(said.tokens, said.reason)
        self._conditions.end(said.reason, self._now_ns)

    def _take_unwatched(self, said: Unwatched) -> None:
        market = self._markets.by_condition.get(said.market)
        if market is not None:
            self._lose(market, self._now_ns, "nobody watches the book any more")

    def _take_trouble(self, said: Trouble) -> None:
        self._conditions.take_trouble(said.what)

    def _take_blindness(self, said: Blind) -> None:
        self._lose_all(said.since_ns, "the recorder was blind")

    # frames

    @override
    def _take_frame(self, line: Line) -> None:
        raw = frame_of(line)
        if line.epoch >= _PRICE_EPOCHS:
            self._take_price(raw)
            return
        messages = decode_market_frame(raw)
        for message in messages:
            if not isinstance(message, OtherMessage):
                self._dispatch.take(message, self._now_ns)
        self._last_ns = self._now_ns

    def _take_price(self, raw: bytes) -> None:
        if not raw.startswith(b"{"):
            return  # an answer to a word of ours
        frame = decode_rtds_frame(raw) if _TOPIC in raw else decode_bolt_frame(raw)
        if isinstance(frame, PriceFrame | BoltFrame):
            for price in parse_oracle(frame, self._now_ns):
                self._harvest.keep(price.as_data())

    # books

    def _take_doubt(self, market: LiveMarket) -> None:
        self._doubted.setdefault(market.condition, self._now_ns)

    def _take_loss(self, market: LiveMarket) -> None:
        self._harvest.blind.setdefault(market.condition, self._now_ns)

    def _blacken(self, market: LiveMarket, since_ns: int) -> None:
        if market.book.is_known and since_ns < market.closes_ns:
            self._harvest.blind[market.condition] = since_ns

    def _lose(self, market: LiveMarket, since_ns: int, reason: str) -> None:
        if market.is_settled:
            since_ns = max(since_ns, market.closes_ns)  # what was paid is missed by nobody
        self._blacken(market, since_ns)
        self._doubted.pop(market.condition, None)
        market.book.lose(since_ns, self._now_ns, reason)

    def _lose_all(self, since_ns: int, reason: str) -> None:
        for market in self._markets.by_condition.values():
            self._lose(market, since_ns or self._now_ns, reason)
