"""Who trades in a rehearsal at Kalshi: a strategy that does what a test says, and the desk a test holds."""

import asyncio
from decimal import Decimal

from kalshi_venue import MARKET, market_of, wall_ns
from nautilus_trader.model import OrderSide, Price, Quantity, QuoteTick, TimeInForce
from nautilus_trader.trading import (  # noqa: TID251  the client is tested below our engine
    Strategy,
    StrategyConfig,
)


def to_price(price):
    return Price.from_str(f"{Decimal(price):.4f}")


def to_quantity(size):
    return Quantity.from_str(f"{Decimal(size):.2f}")


class Trader(Strategy):
    """Keeps what happens to its orders; a test tells it what to do."""

    def __new__(cls, *_args, claims=()):
        return super().__new__(cls, StrategyConfig(external_order_instrument_ids=list(claims) or None))

    def __init__(self, started, books, claims=()):
        super().__init__()
        self.happened = []
        self.started, self.books = started, books
        self.at_stop = lambda: None

    def on_start(self):
        self.started.set()

    def on_stop(self):
        self.at_stop()

    def on_order_event(self, event):
        self.books.hear(event)
        self.happened.append(event)

    def limit(self, instrument_id, side, size, price, **more):
        more = {"time_in_force": TimeInForce.GTC} | more
        return self.order_factory.limit(
            instrument_id,
            getattr(OrderSide, side),
            to_quantity(size),
            to_price(price),
            **more,
        )


class Desk:
    """What a test holds: the double, the strategy, the clients, the node's cache, our books."""

    def __init__(self, double, trader, made, cache, books):
        self.double = double
        self.trader = trader
        self.client, self.feed, self.differences = made.client, made.feed, made.differences
        self.cache = cache
        self.books = books
        self.fresh = iter([market_of(MARKET)])
        self._is_determined = False

    def market(self):
        """Return a market that no other test has touched."""
        return next(self.fresh)

    async def must_agree(self):
        """Wait until venue, cache, guard and ledger agree; say what differs when they never do."""
        await self.until(lambda: not self.books.disagreements(), what=self.books.disagreements)

    def sent(self, *beginnings):
        """Return the requests whose "METHOD /path" begins so; without one: all that wanted to change something."""
        beginnings = beginnings or ("POST", "PUT", "DELETE")
        return [request for request in self.double.sent if request.route.startswith(beginnings)]

    def send(self, instrument_id, side, size, price, **more):
        order = self.trader.limit(instrument_id, side, size, price, **more)
        self.trader.submit_order(order)
        return order.client_order_id

    def events(self, client_order_id=None):
        names = [(e.client_order_id, type(e).__name__.removeprefix("Order")) for e in self.trader.happened]
        wanted = [n for cid, n in names if client_order_id in (None, cid)]
        return [name for name in wanted if name not in ("Initialized", "Submitted")]

    def last(self, client_order_id, kind):
        found = [
            e
            for e in self.trader.happened
            if e.client_order_id == client_order_id and type(e).__name__ == f"Order{kind}"
        ]
        return found[-1] if found else None

    def status(self, client_order_id):
        return self.cache.order(client_order_id).status.name

    async def until(self, condition, secs=20.0, what=""):
        deadline = asyncio.get_running_loop().time() + secs
        while not condition():
            if asyncio.get_running_loop().time() > deadline:
                found = what() if callable(what) else what
                raise AssertionError(
                    f"never happened: {found or condition}; events {self.events()}, doubts {self.client.doubts}, "
                    f"reasons {[getattr(e, 'reason', '') for e in self.trader.happened]}"
                )
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.005)  # what is told together is heard one after another

    async def has(self, client_order_id, *names):
        await self.until(
            lambda: set(names) <= set(self.events(client_order_id)), what=f"{names} of {client_order_id}"
        )

    def crowd(self, side, price, size, ticker=MARKET):
        self.double.control.trade_as("crowd", ticker, side, price, str(size))

    async def show(self, market, bid, ask, size="100.00"):
        """Tell the engine a quote of both legs, as a data client would."""
        now_ns, many = wall_ns(), Quantity.from_str(size)
        for leg, prices in ((market.yes, (bid, ask)), (market.no, (1 - Decimal(ask), 1 - Decimal(bid)))):
            quote = QuoteTick(leg, *map(to_price, prices), many, many, now_ns, now_ns)
            self.feed._handle_data(quote)
        await self.until(
            lambda: self.cache.quote(market.no) and self.cache.quote(market.no).ts_init == now_ns
        )

    def determine(self, result):
        """Determine the market as soon as it has closed; falsy, for use in a condition."""
        if not self._is_determined:
            try:
                self.double.life.determine(MARKET, result)
                self._is_determined = True
                self.books.settled.add(MARKET)
            except ValueError:
                pass  # it is still open
        return False

    def at_venue(self):
        """Return the venue's own list of our orders, open and done: their rows as REST shows them."""
        return self.double.snapshot().orders.get("alice", [])

    def faults(self):
        return list(self.double.faults.kinds())
