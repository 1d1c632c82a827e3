"""The engine behind the wire: checks, matches, rests, cancels and settles; knows no HTTP and no sockets.

Every command is finished when its call returns; listeners hear of it once, when the books agree again.
"""

import random
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from simulation.wire.polymarket_allowances import Allowances
from simulation.wire.polymarket_books import Book, plan
from simulation.wire.polymarket_checks import (
    EXPIRY_LEAD_NS,
    check_funds,
    check_terms,
    check_type,
    fee_of,
    killed,
)
from simulation.wire.polymarket_errors import VenueError, invalid_order
from simulation.wire.polymarket_ledger import Ledger
from simulation.wire.polymarket_orders import CROWD, MakerFill, Market, Order, OrderAsk, Trade, TradeStatus
from simulation.wire.polymarket_signatures import exchange_of
from simulation.wire.polymarket_units import FINE_TICK, ONE_PRICE, reserve, yes_money


@dataclass(slots=True)
class Notice:
    """What one command did: orders touched, levels changed (bid side or not, YES price), trades, old tick.

    `is_new` marks a market that was listed, `is_result` one that was resolved.
    """

    market: Market
    at_ns: int
    placed: Order | None = None
    touched: list[Order] = field(default_factory=list)
    levels: list[tuple[bool, int]] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    old_tick: int | None = None
    is_new: bool = False
    is_result: bool = False


Listener = Callable[[Notice], None]


class Exchange:
    """All markets, books, orders, trades and wallets of the double.

    `redeems` has the operator redeem for everybody when a market is resolved. `held_ns` takes the delays
    that a fault lays on the next marketable orders of clients, whatever their market says.
    """

    def __init__(self, seed: int, now_ns: Callable[[], int]) -> None:
        self.now_ns = now_ns
        self.chance = random.Random(seed)
        self.ledger = Ledger()
        self.allowances = Allowances()
        self.redeems = True
        self.held_ns: deque[int] = deque()
        self.markets: dict[str, Market] = {}
        self.books: dict[str, Book] = {}
        self.orders: dict[str, Order] = {}
        self.trades: dict[str, Trade] = {}
        self.listeners: list[Listener] = []
        self._resting: dict[str, Order] = {}
        self._resting_of: dict[str, dict[str, Order]] = {}
        self._expiring: dict[str, Order] = {}
        self._delayed: dict[str, tuple[int, Order]] = {}
        self._by_token: dict[str, Market] = {}

    def list_market(self, market: Market) -> None:
        """Open a market with an empty book."""
        self.markets[market.condition_id] = market
        self.books[market.condition_id] = Book()
        self.books[market.condition_id].changed_ns = self.now_ns()
        self._by_token |= dict.fromkeys(market.tokens, market)
        self.announce(Notice(market, self.now_ns(), is_new=True))

    def market_of(self, token: str) -> Market:
        """The market of a token; 404 when there is no book for it."""
        market = self.find_market(token)
        if market is None or market.is_resolved:
            raise VenueError(404, "No orderbook exists for the requested token id")
        return market

    def find_market(self, token: str) -> Market | None:
        """The market of a token, resolved or not; None for a token that was never listed."""
        return self._by_token.get(token)

    def place(self, ask: OrderAsk) -> tuple[Order, list[Trade]]:
        """Take an order: trade what crosses, rest what may, hold what must wait; VenueError when refused.

        A FOK or FAK order that finds nothing is told on the stream as cancelled, besides.
        """
        self.advance()
        market = self.market_of(ask.token)
        if ask.order_id in self.orders:
            raise invalid_order(ask.order_id, "Duplicated.")
        check_terms(market, ask, self.now_ns())
        order = Order(ask, market, len(self.orders), self.now_ns(), ask.size)
        fills = plan(self.books[market.condition_id], order)
        check_type(order, fills)
        check_funds(self.ledger, self.allowances, order, fills, self._reserved(order))
        self.orders[ask.order_id] = order
        if reason := killed(order, fills):
            order.status = f"CANCELED_{reason}"
            self.announce(Notice(market, self.now_ns(), touched=[order]))
            raise VenueError(400, reason)
        if fills and (delay_ns := self._delay_ns(order)):
            order.status = "DELAYED"
            self._delayed[ask.order_id] = (self.now_ns() + delay_ns, order)
            self.announce(Notice(market, self.now_ns(), placed=order))
            return order, []
        return order, self._execute(Notice(market, self.now_ns(), placed=order), order, fills)

    def advance(self) -> None:
        """Do what is due: orders that expire, orders that waited, books that a game's start empties."""
        self.expire()
        for due_ns, order in list(self._delayed.values()):
            if due_ns <= self.now_ns():
                self._release(order)
        for market in self.markets.values():
            if market.clears_at_ns is not None and market.clears_at_ns <= self.now_ns():
                market.clears_at_ns = None
                for order in self.books[market.condition_id].orders():
                    self.cancel(order)

    def cancel(self, order: Order, status: str = "CANCELED") -> None:
        """End a resting order; ValueError when it does not rest."""
        if order.status != "LIVE":
            raise ValueError(f"expected a resting order, found {order.ask.order_id} {order.status}")
        self._take_off(order, status)
        notice = Notice(order.market, self.now_ns(), touched=[order])
        notice.levels.append((order.is_bid, order.book_price))
        self.announce(notice)

    def open_orders(self, wallet: str | None = None) -> list[Order]:
        """What rests, of one wallet or of all, oldest first."""
        return list((self._resting if wallet is None else self._resting_of.get(wallet, {})).values())

    def delayed_orders(self) -> list[Order]:
        """What waits for its delay to pass, oldest first."""
        return [order for _, order in self._delayed.values()]

    def expire(self) -> None:
        """Cancel GTD orders a minute before their stated second, as the venue does."""
        for order in list(self._expiring.values()):
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
        self.announce(Notice(trade.taker.market, self.now_ns(), trades=[trade]))
        if status == "FAILED":
            self._drop_unfunded(trade)

    def resolve(self, market: Market, winner: str | None) -> None:
        """End a market: orders cancelled, trades under way confirmed, results named; None pays one half each."""
        market.accepting = False
        for order in self.delayed_orders():
            if order.market is market:
                self._end_delayed(order, "CANCELED_MARKET_RESOLVED")
        for order in self.books[market.condition_id].orders():
            self.cancel(order, "CANCELED_MARKET_RESOLVED")
        for trade in list(self.trades.values()):
            if trade.taker.market is market and trade.status not in ("CONFIRMED", "FAILED"):
                self.move_trade(trade, "CONFIRMED")
        half = ONE_PRICE // 2
        paid = ONE_PRICE if winner == market.tokens[0] else 0
        market.payouts = (half, half) if winner is None else (paid, ONE_PRICE - paid)
        market.closed_ns = self.now_ns()
        self.ledger.settle(market)
        if self.redeems:
            for address in list(self.ledger.wallets):
                self.ledger.redeem(address, market)
        self.announce(Notice(market, self.now_ns(), is_result=True))

    def convert(self, wallet: str, market: Market, amount: int) -> None:
        """Turn NO of one outcome of a neg-risk event into YES of each other; ValueError without an event."""
        if not market.neg_risk_id:
            raise ValueError(f"expected a market of a neg-risk event, found {market.condition_id}")
        event = [one for one in self.markets.values() if one.neg_risk_id == market.neg_risk_id]
        self.ledger.convert(wallet, market, [one for one in event if one is not market], amount)

    def change_tick(self, market: Market, tick: int) -> None:
        """Give a market another tick, in units of 1e-4; what rests on the old grid stays (section 14)."""
        before, market.tick = market.tick, tick
        self.announce(Notice(market, self.now_ns(), old_tick=before))

    # -- for a recorded book -------------------------------------------------------------------

    def rest(self, order: Order) -> None:
        """Put an order on the book unchecked and untold; `announce` tells."""
        self.books[order.market.condition_id].add(order)
        self._resting[order.ask.order_id] = order
        self._resting_of.setdefault(order.ask.wallet, {})[order.ask.order_id] = order
        if order.ask.expires_at_ns is not None:
            self._expiring[order.ask.order_id] = order

    def lift(self, order: Order, status: str) -> None:
        """Take a resting order off untold."""
        self._take_off(order, status)

    def hit(self, taker: Order, maker: Order, shares: int) -> None:
        """Trade with one resting order at its price, past whoever stands before it, and tell."""
        fill = MakerFill(maker, maker.book_price, shares, yes_money(maker.book_price, shares))
        notice = Notice(maker.market, self.now_ns())
        self._trade(notice, taker, [fill], 0)
        taker.status = "MATCHED"
        self.announce(notice)
        self._drop_unfunded(notice.trades[0])

    def record(self, trade: Trade) -> None:
        """Tell of a trade that moves nothing here."""
        self.trades[trade.trade_id] = trade
        trade.updated_ns = trade.matched_ns
        market = trade.taker.market
        market.last_price, market.yes_price = trade.price, trade.fills[0].price
        market.last_side = "BUY" if trade.taker.ask.is_buy else "SELL"
        self.announce(Notice(market, trade.matched_ns, trades=[trade]))

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

    # -- money ---------------------------------------------------------------------------------

    def _reserved(self, like: Order) -> int:
        """What the wallet's open orders hold in one market: money of its buys, or shares of one token."""
        waiting = (order for _, order in self._delayed.values() if order.ask.wallet == like.ask.wallet)
        mine = [
            order
            for order in (*self.open_orders(like.ask.wallet), *waiting)
            if order.market is like.market and order.ask.is_buy == like.ask.is_buy
        ]
        if like.ask.is_buy:
            return sum(reserve(order.ask.price, order.remaining) for order in mine)
        return sum(order.remaining for order in mine if order.ask.token == like.ask.token)

    # -- what happens --------------------------------------------------------------------------

    def _delay_ns(self, order: Order) -> int:
        if self.held_ns and order.ask.owner != CROWD:
            return self.held_ns.popleft()
        return order.market.delay_ns

    def _execute(self, notice: Notice, order: Order, fills: list[MakerFill]) -> list[Trade]:
        for bucket, price in enumerate(dict.fromkeys(fill.price for fill in fills)):
            self._trade(notice, order, [fill for fill in fills if fill.price == price], bucket)
        self._rest_or_end(notice, order)
        self.announce(notice)
        for trade in notice.trades:
            self._drop_unfunded(trade)
        self._refine(order.market)
        return notice.trades

    def _release(self, order: Order) -> None:
        """Let an order that waited meet the book as it is now."""
        fills = plan(self.books[order.market.condition_id], order)
        if reason := killed(order, fills):
            self._end_delayed(order, f"CANCELED_{reason}")
            return
        del self._delayed[order.ask.order_id]
        try:
            check_funds(self.ledger, self.allowances, order, fills, self._reserved(order))
        except VenueError:
            self._end_delayed(order, "CANCELED_NOT_ENOUGH_BALANCE")
            return
        order.status = "LIVE"
        self._execute(Notice(order.market, self.now_ns(), touched=[order]), order, fills)

    def _end_delayed(self, order: Order, status: str) -> None:
        self._delayed.pop(order.ask.order_id, None)
        order.status = status
        self.announce(Notice(order.market, self.now_ns(), touched=[order]))

    def _refine(self, market: Market) -> None:
        """Make the tick finer when the last price or the middle of the book has come near 0 or 1."""
        book = self.books[market.condition_id]
        bid, ask = book.best(is_bid=True), book.best(is_bid=False)
        prices = [] if bid is None or ask is None else [(bid + ask) // 2]
        if market.last_price is not None:
            prices.append(market.last_price)
        if any(market.must_refine(price) for price in prices):
            self.change_tick(market, FINE_TICK)

    def _trade(self, notice: Notice, order: Order, fills: list[MakerFill], bucket: int) -> None:
        trade = Trade(self.new_id(), order, tuple(fills), fee_of(order.market, fills), notice.at_ns)
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
        order.market.last_price, order.market.yes_price = trade.price, fills[0].price
        order.market.last_side = "BUY" if order.ask.is_buy else "SELL"
        self.ledger.book(trade)
        self._use_allowances(trade)
        notice.trades.append(trade)

    def _use_allowances(self, trade: Trade) -> None:
        spender = exchange_of(neg_risk=trade.taker.market.neg_risk)
        if trade.taker.ask.is_buy:
            self.allowances.spend(trade.taker.ask.wallet, spender, trade.taker_money + trade.fee)
        for fill in trade.fills:
            if fill.order.ask.is_buy:
                self.allowances.spend(fill.order.ask.wallet, spender, fill.own_money(fill.order))

    def _rest_or_end(self, notice: Notice, order: Order) -> None:
        if order.ask.order_type in ("GTC", "GTD") and order.remaining:
            self.rest(order)
            notice.levels.append((order.is_bid, order.book_price))
        else:
            order.status = "MATCHED"

    def _take_off(self, order: Order, status: str) -> None:
        order.status = status
        self.books[order.market.condition_id].remove(order)
        del self._resting[order.ask.order_id]
        del self._resting_of[order.ask.wallet][order.ask.order_id]
        self._expiring.pop(order.ask.order_id, None)

    def _drop_unfunded(self, trade: Trade) -> None:
        """Cancel what the wallets of a trade no longer cover, the youngest of each market first (4.4)."""
        for wallet in sorted({trade.taker.ask.wallet, *(fill.order.ask.wallet for fill in trade.fills)}):
            for order in reversed(self.open_orders(wallet)):
                held = self.ledger.wallet(wallet)
                balance = held.cash if order.ask.is_buy else held.holds(order.ask.token)
                if self._reserved(order) > balance:
                    self.cancel(order, "CANCELED_NOT_ENOUGH_BALANCE")

    def announce(self, notice: Notice) -> None:
        """Tell the listeners what was done."""
        for order in (*notice.touched, *([notice.placed] if notice.placed else ())):
            order.changed_ns = notice.at_ns
        if notice.levels:
            self.books[notice.market.condition_id].changed_ns = notice.at_ns
        for listener in self.listeners:
            listener(notice)

    def new_id(self) -> str:
        """A UUID from the seed."""
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))
