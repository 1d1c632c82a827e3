"""Turn the moves of a synthetic book into the rows that a recorder would have written."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from nautilus_trader.model import (
    AggressorSide,
    BinaryOption,
    BookAction,
    BookOrder,
    OrderBookDelta,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
    RecordFlag,
    TradeId,
    TradeTick,
)

from markets.instruments import PRICE_DIGITS
from simulation.ladder import Change, Ladder

BURST_STEP_NS: Final = 10_000
"""Time between two messages that one cause sets off."""

_LAST = RecordFlag.F_LAST.value
_SNAPSHOT = RecordFlag.F_SNAPSHOT.value
_NO_BID = Price(0, PRICE_DIGITS)
_NO_ASK = Price(1, PRICE_DIGITS)
_SIZE_DIGITS = 2  # made-up markets count hundredths of a contract
_EMPTY = Quantity(0, _SIZE_DIGITS)


class BookTape:
    """The rows of one market's YES instrument, in the order in which they became known.

    A group of deltas ends with `F_LAST`; a quote follows when the top has changed. An empty side is
    the venue's own sentinel: bid 0 or ask 1 with size 0.
    """

    def __init__(
        self, instrument: BinaryOption, ladder: Ladder, prices: Sequence[Decimal], late_ns: int
    ) -> None:
        """`prices` are those of the ladder's levels; rows become known `late_ns` after they happened."""
        self.rows: list[Any] = []
        self._id = instrument.id
        self._ladder = ladder
        # One below the ladder is "no bid", one above is "no ask": best_bid + 1 and best_ask + 1.
        self._prices = [_NO_BID, *(Price.from_decimal_dp(price, PRICE_DIGITS) for price in prices), _NO_ASK]
        self._late_ns = late_ns
        self._now_ns = 0
        self._sequence = 0
        self._trades = 0
        self._top = (-1, ladder.levels, 0, 0)

    def move_to(self, time_ns: int) -> None:
        """Date what follows `time_ns`, or just after the last message when that is later."""
        self._now_ns = max(time_ns, self._now_ns + BURST_STEP_NS)

    def snapshot(self) -> None:
        """Write the whole book as one message."""
        self._sequence += 1
        changes = self._ladder.occupied()
        clear = BookOrder(None, _NO_BID, _EMPTY, 0)
        self._delta(BookAction.CLEAR, clear, _SNAPSHOT if changes else _SNAPSHOT | _LAST)
        for at, change in enumerate(changes, start=1):
            flags = _SNAPSHOT | _LAST if at == len(changes) else _SNAPSHOT
            self._delta(BookAction.ADD, self._order(change), flags)
        self._quote_if_new()

    def group(self, changes: Sequence[Change]) -> None:
        """Write the changes that one message group made, and the quote that results."""
        for at, change in enumerate(changes, start=1):
            self._sequence += 1
            action = BookAction.UPDATE if change.hundredths else BookAction.DELETE
            self._delta(action, self._order(change), _LAST if at == len(changes) else 0)
        self._quote_if_new()

    def trades(self, prints: Iterable[tuple[int, int]], is_buy: bool) -> None:
        """Write one trade per (level, hundredths); `is_buy` is the taker's side."""
        side = AggressorSide.BUY if is_buy else AggressorSide.SELL
        for level, hundredths in prints:
            self._trades += 1
            trade_id = TradeId(f"{self._id.symbol.value}-{self._trades}")
            price, size = self._prices[level + 1], _quantity(hundredths)
            self.rows.append(
                TradeTick(self._id, price, size, side, trade_id, self._now_ns, self._now_ns + self._late_ns)
            )

    def _order(self, change: Change) -> BookOrder:
        side = OrderSide.BUY if change.is_bid else OrderSide.SELL
        return BookOrder(side, self._prices[change.level + 1], _quantity(change.hundredths), 0)

    def _delta(self, action: BookAction, order: BookOrder, flags: int) -> None:
        now_ns = self._now_ns
        self.rows.append(
            OrderBookDelta(self._id, action, order, flags, self._sequence, now_ns, now_ns + self._late_ns)
        )

    def _quote_if_new(self) -> None:
        ladder = self._ladder
        bid, ask = ladder.best_bid, ladder.best_ask
        bid_size = ladder.bids[bid] if bid >= 0 else 0
        ask_size = ladder.asks[ask] if ask < ladder.levels else 0
        top = (bid, ask, bid_size, ask_size)
        if top == self._top:
            return
        self._top = top
        now_ns = self._now_ns
        self.rows.append(
            QuoteTick(
                self._id,
                self._prices[bid + 1],
                self._prices[ask + 1],
                _quantity(bid_size),
                _quantity(ask_size),
                now_ns,
                now_ns + self._late_ns,
            )
        )


@lru_cache(maxsize=1 << 16)
def _quantity(hundredths: int) -> Quantity:
    return Quantity.from_decimal_dp(Decimal(hundredths).scaleb(-_SIZE_DIGITS), _SIZE_DIGITS)
