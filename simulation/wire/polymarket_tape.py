"""A recorded book inside the live one: its levels are orders of the crowd's wallet `tape`.

So our orders trade against what was recorded, wait behind it at their price, and are filled when the
recorded book comes through them. What we took of a level is back with its next recorded size. An ask on
the tape is a bid for the other token: nobody has to hold anything. Tape orders never trade with each other.
"""

from typing import Final

from simulation.wire.polymarket_exchange import Exchange, Notice
from simulation.wire.polymarket_orders import CROWD, MakerFill, Market, Order, OrderAsk, Trade
from simulation.wire.polymarket_units import ONE, ONE_PRICE, yes_money

WALLET: Final = "tape"
_CASH: Final = 10**9 * ONE

Level = tuple[bool, int]
"""Bid side or not, YES price."""


class Tape:
    """Applies recorded levels and prints to one market."""

    def __init__(self, exchange: Exchange, market: Market) -> None:
        self.exchange = exchange
        self.market = market
        market.refines = False  # the recording says when the tick changes
        self._orders: dict[Level, Order] = {}
        if WALLET not in exchange.ledger.wallets:
            exchange.ledger.deposit(WALLET, _CASH)

    def sizes(self) -> dict[Level, int]:
        """The tape's part of the book."""
        return {level: order.remaining for level, order in self._orders.items() if order.status == "LIVE"}

    def apply(self, changes: dict[Level, int]) -> None:
        """Set levels to absolute sizes, all at once; what comes through orders of ours trades with them first."""
        notice = Notice(self.market, self.exchange.now_ns())
        held = self.sizes()
        for level, size in changes.items():
            if held.get(level, 0) == size:
                continue
            if level in held:
                self.exchange.lift(self._orders.pop(level), "CANCELED")
            notice.levels.append(level)
        for level in notice.levels:
            if left := self._hit(level, changes[level]):
                self._orders[level] = self._make(level, left)
                self.exchange.rest(self._orders[level])
        if notice.levels:
            self.exchange.announce(notice)

    def replace(self, levels: dict[Level, int]) -> None:
        """Make the tape's part of the book equal to a snapshot."""
        self.apply(dict.fromkeys(self.sizes(), 0) | levels)

    def print(self, token: str, price: int, shares: int, *, is_buy: bool) -> None:
        """Tell of a recorded trade; the book's part of it is in the levels."""
        order = self._order(token, price, shares, is_buy=is_buy)
        leg = price if self.market.is_yes(token) else ONE_PRICE - price
        fill = MakerFill(self._order(self.market.other(token), ONE_PRICE - price, shares, is_buy=is_buy), leg, shares,
                         yes_money(leg, shares))  # fmt: skip
        self.exchange.record(Trade(self.exchange.new_id(), order, (fill,), 0, self.exchange.now_ns()))

    def _hit(self, level: Level, size: int) -> int:
        """Trade a level that arrives with the orders of ours that it crosses, best price first; return what is left."""
        book, probe = self.exchange.books[self.market.condition_id], self._make(level, size)
        for price, order in list(book.side(is_bid=not level[0]).queue()):
            if not size or not probe.crosses(price):
                break
            if order.ask.wallet != WALLET and order.status == "LIVE":
                count = min(size, order.remaining)
                self.exchange.hit(self._make((level[0], price), count), order, count)
                size -= count
        return size

    def _make(self, level: Level, size: int) -> Order:
        is_bid, price = level
        yes, no = self.market.tokens
        token, own = (yes, price) if is_bid else (no, ONE_PRICE - price)
        return self._order(token, own, size, is_buy=True)

    def _order(self, token: str, price: int, size: int, *, is_buy: bool) -> Order:
        order_id = f"0x{self.exchange.chance.getrandbits(256):064x}"
        ask = OrderAsk(order_id, WALLET, CROWD, token, is_buy, price, size, "GTC")
        return Order(ask, self.market, 0, self.exchange.now_ns(), size)
