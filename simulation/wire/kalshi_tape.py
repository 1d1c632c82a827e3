"""A recorded book inside the live engine: its levels are orders of a trusted account named `tape`.

So our orders trade against what was recorded and take it away, wait behind it at their price, and are
filled when the recorded book comes through them. Tape orders never trade with each other.
"""

from simulation.wire.kalshi_events import Action, LevelChange
from simulation.wire.kalshi_exchange import Exchange
from simulation.wire.kalshi_markets import Market
from simulation.wire.kalshi_orders import GTC, IOC, Order, OrderAsk

TAPE_USER = "tape"

Change = tuple[bool, int, int]
"""Bid side or not, YES price, signed size."""


class Tape:
    """Applies recorded changes to one market."""

    def __init__(self, exchange: Exchange, market: Market) -> None:
        self.exchange = exchange
        self.market = market
        market.is_taped = True
        exchange.accounts.deposit(TAPE_USER, market.exchange_index, 0).is_trusted = True

    def apply(self, changes: list[Change]) -> None:
        """Apply one recorded group, then let it trade with the user orders that it came through."""
        action = self.exchange.begin(self.market)
        for is_bid, price, count in changes:
            if count > 0:
                self._add(action, is_bid, price, count)
            elif count < 0:
                self._remove(action, is_bid, price, -count)
        self._uncross(action)
        self.exchange.close(action)

    def replace(self, levels: dict[tuple[bool, int], int]) -> None:
        """Make the tape's part of the book equal to a snapshot."""
        now = self._sizes()
        keys = sorted(now.keys() | levels.keys())
        changes = [(*key, levels.get(key, 0) - now.get(key, 0)) for key in keys]
        self.apply([change for change in changes if change[2]])

    def _sizes(self) -> dict[tuple[bool, int], int]:
        sizes: dict[tuple[bool, int], int] = {}
        for order in self.market.book.orders():
            if order.user == TAPE_USER:
                key = (order.is_bid, order.price)
                sizes[key] = sizes.get(key, 0) + order.remaining
        return sizes

    def _make(self, *, is_bid: bool, price: int, count: int, tif: str) -> Order:
        exchange = self.exchange
        ask = OrderAsk(self.market.ticker, is_bid, price, count, tif)
        return Order(
            exchange.new_id(), exchange.next_number(), TAPE_USER, 0, self.market.exchange_index, ask,
            exchange.now_ns(), price, count, count, "", None,
        )  # fmt: skip

    def _add(self, action: Action, is_bid: bool, price: int, count: int) -> None:  # a change's own order
        order = self._make(is_bid=is_bid, price=price, count=count, tif=GTC)
        self.exchange.orders[order.order_id] = order
        self.market.book.side(is_bid=is_bid).add(order)
        action.levels.append(LevelChange(is_bid, price, count, None))

    def _remove(self, action: Action, is_bid: bool, price: int, count: int) -> None:  # a change's own order
        side = self.market.book.side(is_bid=is_bid)
        level = side.levels.get(price)
        left = count
        for order in reversed(list(level.orders.values())) if level else ():
            if order.user == TAPE_USER and left:
                cut = min(left, order.remaining)
                self._shrink(order, cut)
                left -= cut
        if left < count:  # what a user took before cannot be taken twice
            action.levels.append(LevelChange(is_bid, price, left - count, None))

    def _shrink(self, order: Order, count: int) -> None:
        self.market.book.side(is_bid=order.is_bid).shrink(order, count)
        if not order.on_book:
            self.exchange.orders.pop(order.order_id, None)

    def _uncross(self, action: Action) -> None:
        for order in self._user_orders():
            opposite = self.market.book.opposite(is_bid=order.is_bid)
            while order.on_book:
                price = opposite.best()
                if price is None or not order.crosses(price):
                    break
                against = next(
                    (item for item in opposite.levels[price].orders.values() if item.user == TAPE_USER), None
                )
                if against is None or not self._trade(action, order, against):
                    break

    def _trade(self, action: Action, order: Order, against: Order) -> bool:
        count = min(order.remaining, against.remaining)
        if not self.exchange.can_pay(order, order.price, count, is_taker=False):
            self.exchange.finish(action, order, "MarginCancel")
            return False
        self._shrink(against, count)
        action.levels.append(LevelChange(against.is_bid, against.price, -count, None))
        taker = self._make(is_bid=against.is_bid, price=against.price, count=count, tif=IOC)
        self.exchange.execute(action, order, taker, count)
        return True

    def _user_orders(self) -> list[Order]:
        found = [
            order
            for pocket in self.exchange.accounts.pockets.values()
            if not pocket.is_trusted
            for order in pocket.resting.get(self.market.ticker, {}).values()
        ]
        return sorted(found, key=lambda order: (-order.price if order.is_bid else order.price, order.number))
