"""The engine behind the wire: checks, matches, rests, cancels and settles; knows no HTTP and no sockets.

Every command is finished when its call returns; listeners hear of it once, when the books agree again.
"""

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from simulation.wire.polymarket_books import Book, is_filled_by, plan
from simulation.wire.polymarket_errors import VenueError, invalid_order
from simulation.wire.polymarket_ledger import Ledger
from simulation.wire.polymarket_orders import MakerFill, Market, Order, OrderAsk, Trade, TradeStatus
from simulation.wire.polymarket_units import CENT_SHARE, ONE, amount_text, price_text, reserve, taker_fee

FOK_KILLED: Final = "order couldn't be fully filled. FOK orders are fully filled or killed."
FAK_KILLED: Final = (
    "no orders found to match with FAK order. FAK orders are partially filled or killed if no match is found."
)
EXPIRY_LEAD_NS: Final = 60_000_000_000
"""A GTD order ends so much before the second it states (section 5.4)."""


@dataclass(slots=True)
class Notice:
    """What one command did: orders touched, levels changed (bid side or not, YES price), trades, old tick, winner."""

    market: Market
    at_ns: int
    placed: Order | None = None
    touched: list[Order] = field(default_factory=list)
    levels: list[tuple[bool, int]] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    old_tick: int | None = None
    winner: str | None = None


Listener = Callable[[Notice], None]


class Exchange:
    """All markets, books, orders, trades and wallets of the double."""

    def __init__(self, seed: int, now_ns: Callable[[], int]) -> None:
        self.now_ns = now_ns
        self.chance = random.Random(seed)
        self.ledger = Ledger()
        self.markets: dict[str, Market] = {}
        self.books: dict[str, Book] = {}
        self.orders: dict[str, Order] = {}
        self.trades: dict[str, Trade] = {}
        self.listeners: list[Listener] = []
        self._resting: dict[str, Order] = {}

    def list_market(self, market: Market) -> None:
        """Open a market with an empty book."""
        self.markets[market.condition_id] = market
        self.books[market.condition_id] = Book()
        self.books[market.condition_id].changed_ns = self.now_ns()

    def market_of(self, token: str) -> Market:
        """The market of a token; 404 when there is no book for it."""
        for market in self.markets.values():
            if token in market.tokens and market.winner is None:
                return market
        raise VenueError(404, "No orderbook exists for the requested token id")

    def place(self, ask: OrderAsk) -> tuple[Order, list[Trade]]:
        """Take an order: trade what crosses, rest what may; VenueError, and nothing moved, when refused."""
        self.expire()
        market = self.market_of(ask.token)
        self._check(market, ask)
        order = Order(ask, market, len(self.orders), self.now_ns(), ask.size)
        fills = plan(self.books[market.condition_id], order)
        self._check_type(order, fills)
        self._check_funds(order, fills)
        self.orders[ask.order_id] = order
        notice = Notice(market, self.now_ns(), placed=order)
        for bucket, price in enumerate(dict.fromkeys(fill.price for fill in fills)):
            self._trade(notice, order, [fill for fill in fills if fill.price == price], bucket)
        self._rest_or_end(notice, order)
        self._tell(notice)
        for trade in notice.trades:
            self._drop_unfunded(trade)
        return order, notice.trades

    def cancel(self, order: Order, status: str = "CANCELED") -> None:
        """End a resting order; ValueError when it does not rest."""
        if order.status != "LIVE":
            raise ValueError(f"expected a resting order, found {order.ask.order_id} {order.status}")
        self._take_off(order, status)
        notice = Notice(order.market, self.now_ns(), touched=[order])
        notice.levels.append((order.is_bid, order.book_price))
        self._tell(notice)

    def open_orders(self, wallet: str | None = None) -> list[Order]:
        """What rests, of one wallet or of all, oldest first."""
        return [order for order in self._resting.values() if wallet in (None, order.ask.wallet)]

    def expire(self) -> None:
        """Cancel GTD orders a minute before their stated second, as the venue does."""
        for order in self.open_orders():
            ends = order.ask.expires_at_ns
            if ends is not None and ends - EXPIRY_LEAD_NS <= self.now_ns():
                self.cancel(order, "CANCELED_EXPIRED_ORDER")

    def move_trade(self, trade: Trade, status: TradeStatus, transaction: str = "") -> None:
        """Take a trade one step along its settlement; FAILED gives money and tokens back."""
        if trade.status in ("CONFIRMED", "FAILED"):
            raise ValueError(f"expected a trade under way, found {trade.trade_id} {trade.status}")
        trade.status, trade.updated_ns = status, self.now_ns()
        trade.transaction = transaction or trade.transaction
        if status == "FAILED":
            self.ledger.unbook(trade)
        self._tell(Notice(trade.taker.market, self.now_ns(), trades=[trade]))
        if status == "FAILED":
            self._drop_unfunded(trade)

    def resolve(self, market: Market, winner: str) -> None:
        """End a market: orders cancelled, winners paid."""
        market.accepting = False
        for order in self.books[market.condition_id].orders():
            self.cancel(order, "CANCELED_MARKET_RESOLVED")
        for trade in self.trades.values():
            if trade.taker.market is market and trade.status not in ("CONFIRMED", "FAILED"):
                self.move_trade(trade, "CONFIRMED")
        market.winner = winner
        self.ledger.resolve(market, winner)
        self._tell(Notice(market, self.now_ns(), winner=winner))

    def change_tick(self, market: Market, tick: int) -> None:
        """Give a market another tick, in units of 1e-4; what rests on the old grid stays (section 14)."""
        before, market.tick = market.tick, tick
        self._tell(Notice(market, self.now_ns(), old_tick=before))

    def audit(self) -> list[str]:
        """Every broken invariant in words; an empty list is the only good answer."""
        found = self.ledger.violations(list(self.markets.values()))
        for condition, book in self.books.items():
            bid, ask = book.best(is_bid=True), book.best(is_bid=False)
            if bid is not None and ask is not None and bid >= ask:
                found.append(f"book {condition}: crossed, {bid} >= {ask}")
            found += [
                f"order {order.ask.order_id}: rests as {order.status} with {order.remaining}"
                for order in book.orders()
                if order.status != "LIVE" or order.remaining <= 0
            ]
        on_books = {order.ask.order_id for book in self.books.values() for order in book.orders()}
        found += [f"order {order_id}: live on one side only" for order_id in on_books ^ self._resting.keys()]
        return found

    # -- checks --------------------------------------------------------------------------------

    def _check(self, market: Market, ask: OrderAsk) -> None:
        if ask.order_id in self.orders:
            raise invalid_order(ask.order_id, "Duplicated.")
        if not market.accepting:
            raise VenueError(400, "the market is not yet ready to process new orders")
        if not market.is_on_grid(ask.price):
            reason = (
                f"Price ({price_text(ask.price)}) breaks minimum tick size rule: {price_text(market.tick)}"
            )
            raise invalid_order(ask.order_id, reason)
        if ask.order_type in ("GTC", "GTD") and ask.size < market.minimum_size:
            least = amount_text(market.minimum_size)
            raise invalid_order(
                ask.order_id, f"Size ({amount_text(ask.size)}) lower than the minimum: {least}"
            )
        if ask.order_type in ("GTC", "GTD") and ask.size % CENT_SHARE:
            raise VenueError(400, "Invalid order payload")
        self._check_expiry(ask)

    def _check_expiry(self, ask: OrderAsk) -> None:
        if (ask.order_type == "GTD") != (ask.expires_at_ns is not None):
            raise VenueError(400, "invalid expiration")
        if ask.expires_at_ns is not None and ask.expires_at_ns - EXPIRY_LEAD_NS <= self.now_ns():
            raise VenueError(400, "invalid expiration")

    def _check_type(self, order: Order, fills: list[MakerFill]) -> None:
        kind = order.ask.order_type
        if order.ask.post_only and kind not in ("GTC", "GTD"):
            raise VenueError(400, "Invalid order payload")
        if order.ask.post_only and fills:
            raise VenueError(400, "invalid post-only order: order crosses book")
        if kind == "FOK" and not is_filled_by(order, fills):
            raise VenueError(400, FOK_KILLED)
        if kind == "FAK" and not fills:
            raise VenueError(400, FAK_KILLED)
        asked = order.ask.budget or reserve(order.ask.price, order.ask.size)
        if fills and asked < ONE:
            side = "BUY" if order.ask.is_buy else "SELL"
            raise VenueError(
                400, f"invalid amount for a marketable {side} order (${amount_text(asked)}), min size: $1"
            )

    def _check_funds(self, order: Order, fills: list[MakerFill]) -> None:
        wallet = self.ledger.wallet(order.ask.wallet)
        if order.ask.is_buy:
            traded = sum(fill.shares for fill in fills)
            rests = order.ask.size - traded if order.ask.order_type in ("GTC", "GTD") else 0
            needed = (
                sum(fill.own_money(order) for fill in fills)
                + _fee(order.market, fills)
                + reserve(order.ask.price, rests)
            )
            balance = wallet.cash
        else:
            needed, balance = order.ask.size, wallet.holds(order.ask.token)
        if needed + self._reserved(order) > balance:
            raise VenueError(
                400,
                "not enough balance / allowance: the balance is not enough -> "
                f"balance: {balance}, order amount: {needed}",
            )

    def _reserved(self, like: Order) -> int:
        """What the wallet's open orders hold in one market: money of its buys, or shares of one token."""
        mine = [
            order
            for order in self.open_orders(like.ask.wallet)
            if order.market is like.market and order.ask.is_buy == like.ask.is_buy
        ]
        if like.ask.is_buy:
            return sum(reserve(order.ask.price, order.remaining) for order in mine)
        return sum(order.remaining for order in mine if order.ask.token == like.ask.token)

    # -- what happens --------------------------------------------------------------------------

    def _trade(self, notice: Notice, order: Order, fills: list[MakerFill], bucket: int) -> None:
        trade = Trade(self.new_id(), order, tuple(fills), _fee(order.market, fills), notice.at_ns)
        trade.updated_ns, trade.bucket = notice.at_ns, bucket
        self.trades[trade.trade_id] = trade
        for fill in fills:
            for part in (fill.order, order):
                part.remaining -= min(fill.shares, part.remaining)
                part.matched += fill.shares
            fill.order.trade_ids.append(trade.trade_id)
            notice.touched.append(fill.order)
            notice.levels.append((fill.order.is_bid, fill.price))
            if not fill.order.remaining:
                self._take_off(fill.order, "MATCHED")
        order.trade_ids.append(trade.trade_id)
        order.market.last_price = trade.price
        self.ledger.book(trade)
        notice.trades.append(trade)

    def _rest_or_end(self, notice: Notice, order: Order) -> None:
        if order.ask.order_type in ("GTC", "GTD") and order.remaining:
            self.books[order.market.condition_id].add(order)
            self._resting[order.ask.order_id] = order
            notice.levels.append((order.is_bid, order.book_price))
        else:
            order.status = "MATCHED"

    def _take_off(self, order: Order, status: str) -> None:
        order.status = status
        self.books[order.market.condition_id].remove(order)
        del self._resting[order.ask.order_id]

    def _drop_unfunded(self, trade: Trade) -> None:
        """Cancel what the wallets of a trade no longer cover, the youngest of each market first (4.4)."""
        for wallet in sorted({trade.taker.ask.wallet, *(fill.order.ask.wallet for fill in trade.fills)}):
            for order in reversed(self.open_orders(wallet)):
                held = self.ledger.wallet(wallet)
                balance = held.cash if order.ask.is_buy else held.holds(order.ask.token)
                if self._reserved(order) > balance:
                    self.cancel(order, "CANCELED_NOT_ENOUGH_BALANCE")

    def _tell(self, notice: Notice) -> None:
        if notice.levels:
            self.books[notice.market.condition_id].changed_ns = notice.at_ns
        for listener in self.listeners:
            listener(notice)

    def new_id(self) -> str:
        """A UUID from the seed."""
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))


def _fee(market: Market, fills: list[MakerFill]) -> int:
    return sum(taker_fee(market.fee_rate, market.fee_exponent, fill.price, fill.shares) for fill in fills)
