"""Our own books beside a node at the Kalshi double: a guard with wide limits, and whether everybody says the same.

After every execution card the venue's open orders, the engine's cache, the guard's reservations and the ledger
must agree, to the unit (tests/adapters/cards.toml, docs/adapters.md).
"""

import time
from collections import defaultdict
from decimal import Decimal

from nautilus_trader.model import OrderFilled

from risk.guardian import Guardian
from risk.ledger import Ledger
from risk.rules.exposure import MaxDeployed, MaxStakePerOutcome
from risk.state import State

VENUE = "KALSHI"
WIDE = Decimal(1_000_000)


class Books:
    """The guard of one node, which is asked a second time by the client and hears what its strategy hears.

    It is the desk that the guard looks at, too. `user` is whose account the node trades on the double.
    """

    def __init__(self, double, user="alice"):
        self.ledger = Ledger()
        self.guardian = Guardian([MaxStakePerOutcome(limit=WIDE), MaxDeployed(limit=WIDE)], self.ledger)
        self.settled = set()
        self._double, self._user = double, user
        self._cache = self._strategy_id = None

    def open(self, cache, strategy_id):
        """Begin with what the engine found at its start, as a journal would, and with the venue's cash."""
        self._cache, self._strategy_id = cache, strategy_id
        fills = [event for order in cache.orders() for event in fills_of(order)]
        paid = sum((cost(event) for event in fills), Decimal(0))
        if self._cash() + paid > 0:
            self.ledger.deposit(VENUE, self._cash() + paid, self.now_ns())
        for event in fills:
            self.guardian.hear(event, self)
        for order in cache.orders_open(strategy_id=strategy_id):
            self.guardian.adopt(order, self)

    def fund(self, dollars, shard):
        """Pay in at the venue, or take out, and book it."""
        self._double.control.fund(self._user, str(dollars), exchange_index=shard)
        amount = Decimal(dollars)
        book = self.ledger.deposit if amount > 0 else self.ledger.withdraw
        book(VENUE, abs(amount), self.now_ns())

    def refuse(self, order, quantity, price):
        return self.guardian.refuse(order, quantity, price, self)

    def hear(self, event):
        if self._cache is not None:
            self.guardian.hear(event, self)

    # What the guard looks at

    def now_ns(self):
        return time.clock_gettime_ns(time.CLOCK_REALTIME)

    def instrument(self, instrument_id):
        return self._cache.instrument(instrument_id)

    def quote(self, instrument_id):
        return self._cache.quote(instrument_id)

    def mark(self, instrument_id):
        return None

    def belief(self, strategy_id, instrument_id):
        return None

    def free_cash(self, venue):
        return None

    # Whether all say the same

    def disagreements(self):
        """Say what the venue, the cache, the guard and the ledger see differently; nothing is the only good answer."""
        self._hear_strangers()
        self.ledger.audit()
        return [*self._of_orders(), *self._of_guard(), *self._of_fills(), *self._of_money()]

    def _hear_strangers(self):
        for order in self._cache.orders():
            if order.strategy_id != self._strategy_id:
                for event in fills_of(order):
                    self.guardian.hear(event, self)

    def _of_orders(self):
        theirs = {
            row["order_id"]: (
                row["ticker"],
                row["book_side"],
                *numbers(row, "yes_price_dollars", "remaining_count_fp"),
            )
            for row in self._rows("orders")
            if row["status"] == "resting"
        }
        ours = {order.venue_order_id.value: standing(order) for order in self._cache.orders_open()}
        if theirs != ours:
            yield f"open orders: the venue has {theirs}, the cache {ours}"
        flying = [order.client_order_id.value for order in self._cache.orders_inflight()]
        if flying:
            yield f"orders still in flight: {flying}"

    def _of_guard(self):
        live = self.guardian.exposure.live_count()
        ours = len(self._cache.orders_open(strategy_id=self._strategy_id))
        if live != ours:
            yield f"reservations: the guard has {live}, the cache has {ours} open orders"
        if self.guardian.state != State.ACTIVE:
            yield f"the guard is {self.guardian.state}: {self.guardian.switch.cause}"

    def _of_fills(self):
        theirs = sorted(
            (row["order_id"], row["trade_id"], Decimal(row["fee_cost"])) for row in self._rows("fills")
        )
        ours = sorted(
            (event.venue_order_id.value, event.trade_id.value, event.commission.as_decimal())
            for order in self._cache.orders()
            for event in fills_of(order)
        )
        if theirs != ours:
            yield f"fills: the venue has {theirs}, the cache {ours}"

    def _of_money(self):
        theirs, cached, booked, paired = self._positions()
        for ticker in (theirs.keys() | cached.keys() | booked.keys()) - self.settled:
            found = theirs[ticker], cached[ticker], booked[ticker]
            if len(set(found)) > 1:
                yield f"contracts of {ticker}: venue, cache and ledger have {found}"
        if not self.settled and self._cash() != self.ledger.cash_usd(VENUE) + paired:
            yield f"cash: the venue has {self._cash()}, the ledger {self.ledger.cash_usd(VENUE)} and {paired} of pairs"

    def _positions(self):
        """Return signed contracts per market as the venue, the cache and the ledger have them, and pairs held.

        The venue pays a dollar for YES and NO together at once; the ledger keeps both until the end.
        """
        theirs, cached, booked = (defaultdict(Decimal) for _ in range(3))
        pairs = defaultdict(lambda: defaultdict(Decimal))
        for (user, *_), held in self._double.snapshot().positions.items():
            for ticker, contracts in held.items() if user == self._user else ():
                theirs[ticker] += Decimal(contracts)
        for position in self._cache.positions_open():
            ticker, sign = leg_of(str(position.instrument_id))
            cached[ticker] += sign * position.quantity.as_decimal()
        for position in self.ledger.positions():
            ticker, sign = leg_of(position.outcome.instrument)
            booked[ticker] += sign * position.quantity
            pairs[ticker][sign] += position.quantity
        paired = sum((min(held[1], held[-1]) for held in pairs.values()), Decimal(0))
        return theirs, cached, booked, paired

    def _cash(self):
        cash = self._double.snapshot().cash
        return sum((Decimal(usd) for (user, *_), usd in cash.items() if user == self._user), Decimal(0))

    def _rows(self, kind):
        return getattr(self._double.snapshot(), kind).get(self._user, [])


def fills_of(order):
    return [event for event in order.events() if isinstance(event, OrderFilled)]


def cost(event):
    sign = 1 if event.order_side.name == "BUY" else -1
    notional = event.last_qty.as_decimal() * event.last_px.as_decimal()
    return sign * notional + event.commission.as_decimal()


def leg_of(instrument):
    """Return the market of an instrument's name, and the sign of a long position in it on the YES scale."""
    ticker, _, leg = instrument.removesuffix(f".{VENUE}").rpartition("-")
    return ticker, 1 if leg == "YES" else -1


def standing(order):
    """Return market, side of the YES book, YES price and what is left of an order of the cache."""
    ticker, sign = leg_of(str(order.instrument_id))
    is_bid = (order.side.name == "BUY") == (sign > 0)
    price = order.price.as_decimal()
    left = order.quantity.as_decimal() - order.filled_qty.as_decimal()
    return ticker, "bid" if is_bid else "ask", price if sign > 0 else 1 - price, left


def numbers(row, *names):
    return [Decimal(row[name]) for name in names]
