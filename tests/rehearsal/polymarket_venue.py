"""A Polymarket double with one market, a made-up counterparty and one funded wallet, for clients that are not ours."""

import random
import time
from contextlib import asynccontextmanager
from fractions import Fraction

from coincurve import PrivateKey
from eth_utils.crypto import keccak

from simulation.wire.polymarket import PolymarketDouble
from simulation.wire.polymarket_desk import PolymarketSettings
from simulation.wire.polymarket_orders import CROWD, About, Market, OrderAsk
from simulation.wire.polymarket_units import ONE, amount_text, price_text

SECRET = (
    0xAC0974BEC39A17E36BA4A6B4D238FF944BACB478CBED5EFCAE784D7BF4F2FF80  # public, of every development chain
)
KEY = f"0x{SECRET:064x}"
ADDRESS = "0x" + keccak(PrivateKey.from_int(SECRET).public_key.format(compressed=False)[1:])[-20:].hex()
CONDITION = "0x" + "ab" * 32
YES, NO = (str(random.Random(number).getrandbits(250)) for number in (1, 2))
SLUG = "will-it-rehearse"


def wall_ns():
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


class Venue:
    """The double, its address, and what the others do."""

    def __init__(self, double, base):
        self.double, self.base = double, base
        self.market = double.exchange.markets[CONDITION]

    def others(self, token, price, shares, kind="GTC", *, is_buy=True):
        """Place an order of others; price in cents."""
        number = len(self.double.exchange.orders)
        size, price = shares * ONE, price * 100
        budget = price * size // 10_000 if kind == "FAK" and is_buy else None
        ask = OrderAsk(f"0x{number:064x}", "others", CROWD, token, is_buy, price, size, kind, budget=budget)
        return self.double.exchange.place(ask)[0]

    def order(self, order_id):
        """An order as the double keeps it: price, size, matched, status."""
        order = self.double.exchange.orders[order_id]
        ask = order.ask
        return price_text(ask.price), amount_text(ask.size), amount_text(order.matched), order.status

    def book(self, token):
        """A token's bids and asks at the double, best first, as text."""
        book = self.double.exchange.books[CONDITION]
        rows = [book.levels(is_yes=token == YES, is_bid=is_bid)[::-1] for is_bid in (True, False)]
        return tuple([(price_text(price), amount_text(size)) for price, size in side] for side in rows)


@asynccontextmanager
async def open_venue(**settings):
    """A started venue with bids at 0.40 and asks at 0.60; its books and handlers are checked at the end."""
    quick = {"mined_ms": 100, "confirmed_ms": 200, "tick_ms": 5}
    double = PolymarketDouble(PolymarketSettings(**quick | settings), 7, wall_ns)
    base = await double.start()
    now_ns = wall_ns()
    about = About(
        1, "Will it rehearse?", SLUG, SLUG, start_ns=now_ns - 10**12, end_ns=now_ns + 10**14, tags=("Test",)
    )
    double.exchange.list_market(Market(CONDITION, (YES, NO), fee_rate=Fraction(7, 100), about=about))
    double.exchange.ledger.deposit(ADDRESS, 1_000 * ONE)
    double.exchange.ledger.deposit("others", 10_000 * ONE)
    venue = Venue(double, base)
    venue.others(YES, 40, 100)
    venue.others(NO, 40, 100)
    try:
        yield venue
    finally:
        await double.stop()
    assert double.errors == []
    assert double.audit() == []
