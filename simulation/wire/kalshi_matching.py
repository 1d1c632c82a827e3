"""Price-time matching on one book: what happens when an order meets what rests."""

from typing import Protocol

from simulation.wire.kalshi_books import Book
from simulation.wire.kalshi_events import Action, LevelChange
from simulation.wire.kalshi_markets import Market
from simulation.wire.kalshi_orders import Order


class Venue(Protocol):
    """What matching asks of the exchange around it."""

    def can_pay(self, order: Order, price: int, count: int, *, is_taker: bool) -> bool:
        """Whether the owner's cash covers this execution and its fee."""

    def execute(self, action: Action, maker: Order, taker: Order, count: int) -> bool:
        """Book one trade; False stops the taker (its group was triggered)."""

    def finish(self, action: Action, order: Order, reason: str | None) -> None:
        """End an order as cancelled; a resting one leaves the book."""


def cross(venue: Venue, market: Market, action: Action, taker: Order) -> str | None:
    """Trade until nothing crosses; return why the remainder must die, None if it may rest."""
    opposite = market.book.opposite(is_bid=taker.is_bid)
    while taker.remaining:
        price = opposite.best()
        if price is None or not taker.crosses(price):
            return None
        maker = opposite.levels[price].first()
        if maker.user == taker.user:
            if taker.ask.self_trade == "taker_at_cross":
                return "SelfTradeCancel"
            venue.finish(action, maker, "SelfTradeCancel")
            continue
        count = min(maker.remaining, taker.remaining)
        if not venue.can_pay(maker, price, count, is_taker=False):
            venue.finish(action, maker, "MarginCancel")
            continue
        if not venue.can_pay(taker, price, count, is_taker=True):
            return "MarginCancel"
        if not venue.execute(action, maker, taker, count):
            return "GroupTrigger"
    return None


def rest(market: Market, action: Action, order: Order, *, shown_first: bool) -> None:
    """Put what is left on the book; `shown_first` tells its level before the ones that it removed."""
    market.book.side(is_bid=order.is_bid).add(order)
    change = LevelChange(order.is_bid, order.price, order.remaining, order)
    if shown_first:
        action.levels.insert(0, change)
    else:
        action.levels.append(change)


def would_cross(book: Book, order: Order) -> bool:
    """Whether an order reaches the other side now."""
    best = book.opposite(is_bid=order.is_bid).best()
    return best is not None and order.crosses(best)


def fillable(book: Book, order: Order) -> bool:
    """Whether a fill-or-kill finds its whole size, own resting orders counted (they make it act like IOC)."""
    return book.available(order) >= order.remaining
