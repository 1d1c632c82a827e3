"""One combined book per market on the YES leg, in price-time priority (polymarket.md sections 9.4 and 14)."""

from collections.abc import Iterator
from typing import Final

from simulation.wire.polymarket_orders import MakerFill, Order
from simulation.wire.polymarket_units import ONE_PRICE, yes_money

DUST: Final = 100
"""Money that a market buy may leave unspent: 0.0001 pUSD."""


class Side:
    """The bids or the asks of one book: price to orders, oldest first."""

    def __init__(self, *, is_bid: bool) -> None:
        self.is_bid = is_bid
        self.levels: dict[int, dict[str, Order]] = {}

    def prices(self) -> list[int]:
        """Prices from the best to the worst."""
        return sorted(self.levels, reverse=self.is_bid)

    def queue(self) -> Iterator[tuple[int, Order]]:
        """Orders in the order in which they trade."""
        for price in self.prices():
            for order in self.levels[price].values():
                yield price, order

    def size_at(self, price: int) -> int:
        """Shares resting at a price, in base units."""
        return sum(order.remaining for order in self.levels.get(price, {}).values())


class Book:
    """Bids and asks for the YES token; those of the NO token are its mirror."""

    def __init__(self) -> None:
        self.bids = Side(is_bid=True)
        self.asks = Side(is_bid=False)
        self.changed_ns = 0

    def side(self, *, is_bid: bool) -> Side:
        """The side on which such an order rests."""
        return self.bids if is_bid else self.asks

    def add(self, order: Order) -> None:
        """Put an order at the end of its price's queue."""
        self.side(is_bid=order.is_bid).levels.setdefault(order.book_price, {})[order.ask.order_id] = order

    def remove(self, order: Order) -> None:
        """Take an order off; nothing happens if it does not rest here."""
        levels = self.side(is_bid=order.is_bid).levels
        level = levels.get(order.book_price, {})
        level.pop(order.ask.order_id, None)
        if not level:
            levels.pop(order.book_price, None)

    def best(self, *, is_bid: bool) -> int | None:
        """The YES price that trades first on a side, None when it is empty."""
        return next(iter(self.side(is_bid=is_bid).prices()), None)

    def orders(self) -> list[Order]:
        """Everything that rests."""
        return [order for side in (self.bids, self.asks) for _, order in side.queue()]

    def levels(self, *, is_yes: bool, is_bid: bool) -> list[tuple[int, int]]:
        """Price and size of one token's side as its holder sees it, worst first as on the wire."""
        side = self.side(is_bid=is_bid == is_yes)
        rows = [(price, side.size_at(price)) for price in reversed(side.prices())]
        return rows if is_yes else [(ONE_PRICE - price, size) for price, size in rows]


def plan(book: Book, taker: Order) -> list[MakerFill]:
    """What an order would trade now, in order, without moving anything; improvement goes to the taker."""
    fills: list[MakerFill] = []
    shares, budget = taker.remaining, taker.ask.budget
    for price, maker in book.side(is_bid=not taker.is_bid).queue():
        if not taker.crosses(price):
            break
        if budget is not None:
            own = price if taker.market.is_yes(taker.ask.token) else ONE_PRICE - price
            shares = budget * ONE_PRICE // own if budget > DUST else 0
        count = min(shares, maker.remaining)
        if not count:
            break
        fill = MakerFill(maker, price, count, yes_money(price, count))
        fills.append(fill)
        shares -= count
        if budget is not None:
            budget -= fill.own_money(taker)
    return fills


def is_filled_by(taker: Order, fills: list[MakerFill]) -> bool:
    """Whether a plan gives an order all it asked for."""
    if taker.ask.budget is not None:
        return taker.ask.budget - sum(fill.own_money(taker) for fill in fills) <= DUST
    return sum(fill.shares for fill in fills) == taker.remaining
