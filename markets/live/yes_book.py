"""One market's YES book, published change by change: the half of it that no venue differs in. Pure.

Prices are whole steps of 0.0001 dollars, sizes whole lots of the instrument's last digit, so nothing is rounded on the way.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final

from nautilus_trader.model import (
    BookAction,
    BookOrder,
    InstrumentId,
    OrderBookDelta,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
    RecordFlag,
)

from markets.instruments import PRICE_DIGITS

type BookData = OrderBookDelta | QuoteTick

ONE_DOLLAR: Final = 10**PRICE_DIGITS

_ONE_RAW: Final = Quantity(1, 0).raw
_LAST: Final = RecordFlag.F_LAST.value
_SNAPSHOT: Final = RecordFlag.F_SNAPSHOT.value
_NO_TOP: Final = (0, 0, ONE_DOLLAR, 0)


class YesBook:
    """Levels by price step, `bids` and `asks`, and the changes of them that are not published yet.

    Changes are held back and published together, known at the receipt of the last one. A quote follows when the best
    price or size changed; an empty side is 0 or 1 dollar with size 0. `ts_init` never goes back, even if the
    receiver's clock does.
    """

    def __init__(self, instrument_id: InstrumentId, size_digits: int) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.groups = 0
        self.crossed_groups = 0
        self.instrument_id = instrument_id
        self._size_digits = size_digits
        self._best_bid, self._best_ask = 0, ONE_DOLLAR
        self._shown: tuple[int, int, int, int] | None = None
        self._group: list[tuple[bool, int, int, int]] = []
        self._group_ns = 0
        self._known_ns = 0

    @property
    def is_crossed(self) -> bool:
        """Whether a bid stands at or above an ask: more must come."""
        return bool(self.bids and self.asks) and self._best_bid >= self._best_ask

    @property
    def is_holding(self) -> bool:
        """Whether changes are held back."""
        return bool(self._group)

    def replace(
        self, bids: dict[int, int], asks: dict[int, int], recv_ns: int, seq: int = 0
    ) -> list[BookData]:
        """Replace the book; return what is due: a group that this ends, the new book, its quote."""
        due = self.end_group()
        self.bids, self.asks = bids, asks
        self._best_bid, self._best_ask = max(bids, default=0), min(asks, default=ONE_DOLLAR)
        return [*due, *self.publish_whole(recv_ns, seq)]

    def change(self, is_bid: bool, price: int, size: int, seq: int = 0) -> None:
        """Set a level and hold the change back; 0 takes the level away."""
        levels = self.bids if is_bid else self.asks
        if size:
            levels[price] = size
        else:
            levels.pop(price, None)
        if is_bid and price >= self._best_bid:
            self._best_bid = price if size else max(levels, default=0)
        elif not is_bid and price <= self._best_ask:
            self._best_ask = price if size else min(levels, default=ONE_DOLLAR)
        self._group.append((is_bid, price, size, seq))

    def date_group(self, happened_ns: int) -> None:
        """Say when the changes to come happened."""
        self._group_ns = happened_ns

    def learn(self, recv_ns: int) -> None:
        """Say when the last change was received."""
        if recv_ns > self._known_ns:
            self._known_ns = recv_ns

    def end_group(self) -> Sequence[BookData]:
        """Return the deltas held back, the last one marked as such, and the quote if the top changed."""
        if not self._group:
            return ()
        *others, last = self._group
        self._group = []
        due: list[BookData] = [self._delta(change, 0) for change in others]
        due.append(self._delta(last, _LAST))
        self.groups += 1
        return due + self._close_group(self._group_ns)

    def publish_whole(self, at_ns: int, seq: int = 0) -> list[BookData]:
        """Return the whole book as it stands, as one snapshot with its quote: nobody else repeats it."""
        self._known_ns = self._group_ns = max(self._known_ns, at_ns)
        sides = ((OrderSide.BUY, self.bids), (OrderSide.SELL, self.asks))
        orders = [
            BookOrder(side, price_of(price), quantity_of(size, self._size_digits), 0)
            for side, levels in sides
            for price, size in levels.items()
        ]
        due: list[BookData] = [self._snapshot_delta(BookAction.CLEAR, self._nothing(), seq, not orders)]
        due += [self._snapshot_delta(BookAction.ADD, order, seq, order is orders[-1]) for order in orders]
        self._shown = None
        return due + self._close_group(self._known_ns)

    def publish_blank(self, at_ns: int) -> list[BookData]:
        """Return a group that is due and an empty book: from `at_ns` on nothing is known.

        The levels are kept; `publish_whole` or `take_snapshot` shows a book again.
        """
        due = [*self.end_group()]
        self._known_ns = self._group_ns = max(self._known_ns, at_ns)
        due.append(self._snapshot_delta(BookAction.CLEAR, self._nothing(), 0, is_last=True))
        return due + self._quote(_NO_TOP, self._known_ns)

    def _delta(self, change: tuple[bool, int, int, int], flags: int) -> OrderBookDelta:
        is_bid, price, size, seq = change
        side = OrderSide.BUY if is_bid else OrderSide.SELL
        order = BookOrder(side, price_of(price), quantity_of(size, self._size_digits), 0)
        action = BookAction.UPDATE if size else BookAction.DELETE
        return OrderBookDelta(self.instrument_id, action, order, flags, seq, self._group_ns, self._known_ns)

    def _snapshot_delta(
        self, action: BookAction, order: BookOrder, seq: int, is_last: bool
    ) -> OrderBookDelta:
        flags = _SNAPSHOT | _LAST if is_last else _SNAPSHOT
        return OrderBookDelta(self.instrument_id, action, order, flags, seq, self._known_ns, self._known_ns)

    def _nothing(self) -> BookOrder:
        return BookOrder(None, price_of(0), quantity_of(0, self._size_digits), 0)

    def _close_group(self, happened_ns: int) -> list[BookData]:
        bid, ask = self._best_bid, self._best_ask
        if bid >= ask:
            self.crossed_groups += 1
        return self._quote((bid, self.bids.get(bid, 0), ask, self.asks.get(ask, 0)), happened_ns)

    def _quote(self, top: tuple[int, int, int, int], happened_ns: int) -> list[BookData]:
        if top == self._shown:
            return []
        self._shown = top
        bid, bid_size, ask, ask_size = top
        sizes = quantity_of(bid_size, self._size_digits), quantity_of(ask_size, self._size_digits)
        return [
            QuoteTick(self.instrument_id, price_of(bid), price_of(ask), *sizes, happened_ns, self._known_ns)
        ]


@lru_cache(maxsize=1 << 14)
def price_of(steps: int) -> Price:
    """Return a price of whole steps."""
    return Price.from_decimal_dp(Decimal(steps).scaleb(-PRICE_DIGITS), PRICE_DIGITS)


@lru_cache(maxsize=1 << 12)  # sizes are without end: to keep more of them is memory that grows for an hour
def quantity_of(lots: int, digits: int) -> Quantity:
    """Return a size of whole lots, each one of the last of `digits`."""
    return Quantity.from_raw(lots * (_ONE_RAW // 10**digits), digits)
