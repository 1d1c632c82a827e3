"""One book per market, kept on the YES leg with price-time priority.

Kalshi shows only bids: a NO bid at q is the ask at 1 - q here (kalshi.md section 9).
"""

from bisect import bisect_left, insort
from collections.abc import Iterator

from simulation.wire.kalshi_orders import Order
from simulation.wire.kalshi_units import ONE_PRICE


class Level:
    """All orders at one price, oldest first."""

    __slots__ = ("orders", "size")

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.size = 0

    def first(self) -> Order:
        """The order whose turn it is."""
        return next(iter(self.orders.values()))


class Side:
    """The bids or the asks of one book."""

    def __init__(self, *, is_bid: bool) -> None:
        self.is_bid = is_bid
        self.levels: dict[int, Level] = {}
        self._prices: list[int] = []

    def best(self) -> int | None:
        """The price that trades first, None when nobody rests here."""
        if not self._prices:
            return None
        return self._prices[-1] if self.is_bid else self._prices[0]

    def prices(self) -> Iterator[int]:
        """Prices from the best to the worst."""
        return reversed(self._prices) if self.is_bid else iter(self._prices)

    def ascending(self) -> list[int]:
        """Prices from low to high."""
        return list(self._prices)

    def add(self, order: Order) -> None:
        """Put an order at the end of its price's queue."""
        level = self.levels.get(order.price)
        if level is None:
            level = self.levels[order.price] = Level()
            insort(self._prices, order.price)
        level.orders[order.order_id] = order
        level.size += order.remaining
        order.on_book = True

    def shrink(self, order: Order, count: int) -> None:
        """Take `count` off a resting order, at its place in the queue; at zero it leaves."""
        level = self.levels[order.price]
        level.size -= count
        order.remaining -= count
        if order.remaining == 0:
            del level.orders[order.order_id]
            order.on_book = False
        if not level.orders:
            del self.levels[order.price]
            self._prices.pop(bisect_left(self._prices, order.price))

    def size_at(self, price: int) -> int:
        """Contracts resting at a price, in hundredths."""
        level = self.levels.get(price)
        return level.size if level else 0


class Book:
    """Bids and asks for YES in one market."""

    def __init__(self) -> None:
        self.bids = Side(is_bid=True)
        self.asks = Side(is_bid=False)

    def side(self, *, is_bid: bool) -> Side:
        """The side on which such an order rests."""
        return self.bids if is_bid else self.asks

    def opposite(self, *, is_bid: bool) -> Side:
        """The side with which such an order trades."""
        return self.asks if is_bid else self.bids

    def available(self, order: Order) -> int:
        """Contracts that an order could take within its limit, own ones counted."""
        side, total = self.opposite(is_bid=order.is_bid), 0
        for price in side.prices():
            if not order.crosses(price):
                break
            total += side.levels[price].size
        return total

    def is_crossed(self) -> bool:
        """True if a bid reaches an ask: never, between two actions."""
        bid, ask = self.bids.best(), self.asks.best()
        return bid is not None and ask is not None and bid >= ask

    def ahead_of(self, order: Order) -> int:
        """Contracts that trade before a resting order: better prices, then older at its price."""
        side, total = self.side(is_bid=order.is_bid), 0
        for price in side.prices():
            if price == order.price:
                break
            total += side.levels[price].size
        for other in side.levels[order.price].orders.values():
            if other is order:
                return total
            total += other.remaining
        return total

    def orders(self) -> list[Order]:
        """Every resting order."""
        return [
            order
            for side in (self.bids, self.asks)
            for level in side.levels.values()
            for order in level.orders.values()
        ]

    def yes_levels(self) -> list[tuple[int, int]]:
        """(price, size) of the YES bids, ascending."""
        return [(price, self.bids.levels[price].size) for price in self.bids.ascending()]

    def no_levels(self, *, as_yes: bool = False) -> list[tuple[int, int]]:
        """(price, size) of the NO bids, ascending in the NO price, or as YES prices, ascending."""
        asks = self.asks.ascending()
        if as_yes:
            return [(price, self.asks.levels[price].size) for price in asks]
        return [(ONE_PRICE - price, self.asks.levels[price].size) for price in reversed(asks)]
