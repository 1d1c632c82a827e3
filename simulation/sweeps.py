"""A print through a resting order fills it, whatever the size shown ahead of it."""

from collections.abc import Iterable, Iterator
from heapq import merge

from nautilus_trader.model import (
    AggressorSide,
    BookAction,
    OrderBookDelta,
    OrderSide,
    Price,
    Quantity,
    TradeTick,
)

from markets.sweeps import sweep_id

_SWEPT = {AggressorSide.SELL: OrderSide.BUY, AggressorSide.BUY: OrderSide.SELL}


def _arrival(item: TradeTick | OrderBookDelta) -> int:
    return item.ts_init


def _price(level: tuple[Price, Quantity]) -> int:
    return level[0].raw


class Sweeps:
    """Puts before each print one print for every better level that it proves empty.

    A print at p by a seller proves that all bids above p were filled first. The size of each of these
    prints is what the recorded book shows at its level at that moment, which is the most that can have
    been ahead of us: it empties the queue before our order, and the true print then fills it. Our order
    may gain at most the part of that size that had queued behind it. What was printed at the level
    since the book last showed it, by a trade or by this, is taken off; a level that was refreshed after
    the print happened at the venue is no evidence and is left alone.
    """

    def __init__(self) -> None:
        self._bids: dict[Price, tuple[Quantity, int]] = {}
        self._asks: dict[Price, tuple[Quantity, int]] = {}

    def start_from(self, deltas: Iterable[OrderBookDelta]) -> None:
        """Take the book as `deltas` left it before the replay begins."""
        for delta in deltas:
            self._note(delta)

    def spell_out(self, deltas: Iterable[OrderBookDelta], trades: Iterable[TradeTick]) -> Iterator[TradeTick]:
        """Yield `trades` in their order, each after the levels it swept; both inputs ascend by `ts_init`."""
        streams: list[Iterable[TradeTick | OrderBookDelta]] = [trades, deltas]
        for item in merge(*streams, key=_arrival):  # of one instant, a trade goes before its deltas
            if isinstance(item, TradeTick):
                yield from self._before(item)
                self._take(item)
                yield item
            else:
                self._note(item)

    def _note(self, delta: OrderBookDelta) -> None:
        if delta.action == BookAction.CLEAR:
            self._bids.clear()
            self._asks.clear()
            return
        order = delta.order
        levels = self._bids if order.side == OrderSide.BUY else self._asks
        if delta.action == BookAction.DELETE:
            levels.pop(order.price, None)
        else:
            levels[order.price] = (order.size, delta.ts_event)

    def _take(self, trade: TradeTick) -> None:
        levels = self._bids if trade.aggressor_side == AggressorSide.SELL else self._asks
        if trade.price in levels:
            shown, since_ns = levels[trade.price]
            left = Quantity.from_raw(max(0, shown.raw - trade.size.raw), shown.precision)
            levels[trade.price] = (left, since_ns)

    def _before(self, trade: TradeTick) -> Iterator[TradeTick]:
        side = _SWEPT.get(trade.aggressor_side)
        if side is None:
            return
        is_bid, print_raw = side == OrderSide.BUY, trade.price.raw
        levels = self._bids if is_bid else self._asks
        better = [
            (price, size)
            for price, (size, since_ns) in levels.items()
            if size.raw
            and since_ns <= trade.ts_event
            and (price.raw > print_raw if is_bid else price.raw < print_raw)
        ]
        for level, (price, size) in enumerate(sorted(better, key=_price, reverse=is_bid)):
            del levels[price]  # a second print would fill an order by volume that nobody traded
            yield TradeTick(
                trade.instrument_id,
                price,
                size,
                trade.aggressor_side,
                sweep_id(trade.trade_id, level),
                trade.ts_event,
                trade.ts_init,
            )
