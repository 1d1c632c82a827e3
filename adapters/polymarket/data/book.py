"""One market's book at Polymarket: one per token, each proving the other, told as YES and its mirror.

Nothing numbers the frames. What proves a book: its top after each burst is what the burst says, its hash is what the
venue says, and the two tokens' books mirror each other. A book that fails is lost, and asked for by REST; what the
stream says meanwhile is kept and applied to the answer. Source: reference, sections 9.3 and 9.4 (read 2026-11-20).
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, override

from adapters.polymarket import constants as venue
from adapters.polymarket.messages.clob import BookAnswer
from adapters.polymarket.messages.market_stream import BookMessage, PriceChange, PriceChangeMessage
from adapters.polymarket.messages.numbers import decimal_of
from adapters.polymarket.parsing.book import (
    BrokenBook,
    Terms,
    TokenBook,
    implied_prices,
    price_steps,
    size_lots,
)
from markets.instruments import OutcomePair
from markets.live.live_book import LiveBook
from markets.live.outlet import Blindness, Outlet, Wants
from markets.live.yes_book import YesBook

_MILLISECOND_NS: Final = 1_000_000
_MOST_WAITING: Final = 20_000
_REMEMBERED_PRICES: Final = 16


@dataclass(frozen=True, slots=True)
class Proving:
    """How often a book proves itself by its hash, and how long it may fail before it is lost, in nanoseconds."""

    every_ns: int = 1_000_000_000
    patience_ns: int = 2_000_000_000


class PolymarketBook(LiveBook):
    """Both tokens' books of one market.

    `counts` gets `proofs`, `proofs_failed`, `tops_differing`, `stale_changes`, `changes_without_book` and
    `changes_kept`. Methods raise BrokenBook when the book cannot be right, or has failed to prove itself for too long: then it is
    for the caller to lose it and to ask for it.
    """

    def __init__(
        self,
        pair: OutcomePair,
        outlet: Outlet,
        wants: Wants,
        closes_ns: Callable[[], int],
        counts: Counter[str],
        proving: Proving,
    ) -> None:
        self._published = YesBook(pair.yes.id, venue.FILL_DECIMALS)
        super().__init__(self._published, outlet, wants, closes_ns, counts)
        info = pair.info
        self._proving = proving
        self._tally = counts
        least = f"{decimal_of(info['min_size']).normalize():f}"
        terms = Terms(least, is_neg_risk=info["neg_risk"])
        self.yes_token, self.no_token = info["tokens"]
        self._tokens = {one: TokenBook(info["market"], one, terms) for one in info["tokens"]}
        self._hashes: dict[str, str] = {}
        self._last: dict[str, PriceChange] = {}
        self._prices: deque[str] = deque(maxlen=_REMEMBERED_PRICES)
        self._kept: list[PriceChangeMessage] = []
        self._proven_ns = 0
        self._doubted_ns: int | None = None

    @property
    def overdue_ns(self) -> int | None:
        """When the book is lost unless it has proved itself; None while nothing speaks against it."""
        return None if self._doubted_ns is None else self._doubted_ns + self._proving.patience_ns

    @property
    def is_proven(self) -> bool:
        """Whether both tokens' books have their hash and mirror each other now."""
        return self._proves()

    def take_book(self, book: BookMessage, recv_ns: int) -> Blindness | None:
        """Take a token's whole book; return the blindness that it ends once both are there."""
        self._take_token(book)
        return self._go_on(recv_ns, int(book.timestamp) * _MILLISECOND_NS)

    def take_answers(self, answers: Iterable[BookAnswer], recv_ns: int) -> Blindness | None:
        """Take both tokens' books by REST, then what the stream said since; return the blindness that ends."""
        answers = tuple(answers)
        for answer in answers:
            if answer.asset_id in self._tokens:
                self._take_token(answer.as_message())
        if not all(one.is_known for one in self._tokens.values()):
            missing = sorted(set(self._tokens) - {one.asset_id for one in answers})
            raise BrokenBook(f"expected the books of both tokens, found none of {', '.join(missing)}")
        kept, self._kept = self._kept, []
        for message in kept:
            self._apply(message)
        return self._go_on(recv_ns, max(one.at_ms for one in self._tokens.values()) * _MILLISECOND_NS)

    def take_changes(self, message: PriceChangeMessage, recv_ns: int) -> None:
        """Take a burst, or a part of one, and tell it when the top is what it should be by then."""
        if not self.is_known:
            self._keep(message)
            return
        at_ns = int(message.timestamp) * _MILLISECOND_NS
        self._apply(message, at_ns)
        self._published.learn(recv_ns)
        self._judge(recv_ns)

    def take_last_price(self, price: str) -> None:
        """Remember a price of the market's last trade: it is part of the hash."""
        self._prices.append(price)
        self._prices.append(f"{decimal_of(price):.3f}")

    def take_tick(self, token_id: str, tick: str) -> None:
        """Take a finer or coarser grid; the levels stay, and must prove themselves with it."""
        self._tokens[token_id].tick = tick
        self._proven_ns = 0

    def must_not_be_overdue(self, now_ns: int) -> None:
        """Raise BrokenBook when the book was doubtful for too long, and nothing more came."""
        overdue_ns = self.overdue_ns
        if overdue_ns is not None and now_ns >= overdue_ns:
            seconds = self._proving.patience_ns / 1e9
            raise BrokenBook(f"expected the book to prove itself within {seconds:g} s, found it did not")

    @override
    def lose(self, since_ns: int, now_ns: int, reason: str) -> None:
        super().lose(since_ns, now_ns, reason)
        self._forget()

    @override
    def stop(self) -> None:
        super().stop()
        self._forget()

    def _forget(self) -> None:
        for one in self._tokens.values():
            one.is_known = False
        self._kept = []
        self._doubted_ns = None

    def _take_token(self, book: BookMessage) -> None:
        token = self._tokens[book.asset_id]
        token.take_book(book)
        self._hashes[book.asset_id] = book.hash
        self._last.pop(book.asset_id, None)

    def _apply(self, message: PriceChangeMessage, at_ns: int | None = None) -> None:
        """Set the levels of a burst; with `at_ns` those of YES that have changed are to be told."""
        at_ms = int(message.timestamp)
        for change in message.price_changes:
            token = self._tokens.get(change.asset_id)
            if token is None:
                continue
            before = (token.bids if change.side == "BUY" else token.asks).get(price_steps(change.price))
            if not token.take_change(change, at_ms):
                self._tally["stale_changes"] += 1
                continue
            if before is not None and size_lots(change.size) < size_lots(before.size):
                self._prices.extend(implied_prices(change))
            self._last[change.asset_id] = change
            if change.hash is not None:
                self._hashes[change.asset_id] = change.hash
            if at_ns is not None and change.asset_id == self.yes_token:
                self._publish(change, at_ns)

    def _publish(self, change: PriceChange, at_ns: int) -> None:
        is_bid, steps, lots = change.side == "BUY", price_steps(change.price), size_lots(change.size)
        shown = (self._published.bids if is_bid else self._published.asks).get(steps, 0)
        if lots != shown:
            self._published.date_group(at_ns)
            self._published.change(is_bid, steps, lots)

    def _keep(self, message: PriceChangeMessage) -> None:
        self._tally["changes_without_book"] += 1
        self._kept.append(message)
        if len(self._kept) > _MOST_WAITING:
            del self._kept[: _MOST_WAITING // 2]

    def _go_on(self, recv_ns: int, at_ns: int) -> Blindness | None:
        """Tell what whole books have changed: everything when nothing was known, else the difference."""
        if not all(one.is_known for one in self._tokens.values()):
            return None
        bids, asks = self._tokens[self.yes_token].lots()
        ended = None
        if self.is_known:
            self._published.date_group(at_ns)
            self._tell_difference(bids, asks)
            self._published.learn(recv_ns)
        else:
            self._proven_ns = 0
            ended = self._begin(self._published.replace(bids, asks, recv_ns))
        self._judge(recv_ns)
        return ended

    def _tell_difference(self, bids: dict[int, int], asks: dict[int, int]) -> None:
        for is_bid, wanted, shown in (
            (True, bids, self._published.bids),
            (False, asks, self._published.asks),
        ):
            for steps in [one for one in shown if one not in wanted]:
                self._published.change(is_bid, steps, 0)
            for steps, lots in wanted.items():
                if shown.get(steps) != lots:
                    self._published.change(is_bid, steps, lots)

    def _judge(self, recv_ns: int) -> None:
        if not self._tops_agree():
            self._tally["tops_differing"] += 1
            self._doubt(recv_ns)
            return
        self.flush()
        if self._doubted_ns is None and recv_ns - self._proven_ns < self._proving.every_ns:
            return
        if self._proves():
            self._tally["proofs"] += 1
            self._proven_ns, self._doubted_ns = recv_ns, None
        else:
            self._tally["proofs_failed"] += 1
            self._doubt(recv_ns)

    def _tops_agree(self) -> bool:
        return all(self._tokens[token].agrees_with(change) for token, change in self._last.items())

    def _proves(self) -> bool:
        yes, no = self._tokens[self.yes_token], self._tokens[self.no_token]
        for token in (yes, no):
            wanted = self._hashes.get(token.token_id)
            if wanted is None or not token.verify(wanted, (yes.last_price, no.last_price, *self._prices)):
                return False
        return yes.at_ms != no.at_ms or yes.mirrors(no)

    def _doubt(self, recv_ns: int) -> None:
        if self._doubted_ns is None:
            self._doubted_ns = recv_ns
        self.must_not_be_overdue(recv_ns)
