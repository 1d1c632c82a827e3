"""Who keeps books of what a Polymarket double says: a strategy in a node, and the official client's events."""

import asyncio
from decimal import Decimal

from nautilus_trader.model import BookType, InstrumentId, OrderBook, Price, Quantity, TimeInForce
from nautilus_trader.trading import Strategy  # noqa: TID251  the clients are tested below our engine
from polymarket_venue import CONDITION, NO, YES

IDS = {token: InstrumentId.from_str(f"{CONDITION}-{token}.POLYMARKET") for token in (YES, NO)}
MOVES = (
    (YES, 41, 20, "GTC", True), (NO, 45, 30, "GTC", True), (YES, 39, 10, "GTC", True), (YES, 56, 10, "FAK", True),
    (NO, 60, 15, "FAK", True), (NO, 41, 7, "GTC", True), (YES, 59, 25, "FAK", True),
)  # fmt: skip


class Trader(Strategy):
    """Keeps both books from the client's deltas and what happens to its orders."""

    def __init__(self):
        super().__init__()
        self.books = {token: OrderBook(IDS[token], BookType.L2_MBP) for token in IDS}
        self.happened, self.prints = [], []
        self.has_started = asyncio.Event()

    def on_start(self):
        for instrument_id in IDS.values():
            self.subscribe_book_deltas(instrument_id, BookType.L2_MBP)
            self.subscribe_trades(instrument_id)
        self.has_started.set()

    def on_book_deltas(self, deltas):
        [token] = [token for token in IDS if IDS[token] == deltas.instrument_id]
        self.books[token].apply_deltas(deltas)

    def on_trade(self, trade):
        self.prints.append((str(trade.price), str(trade.size)))

    def on_order_event(self, event):
        self.happened.append((event.client_order_id, type(event).__name__))

    def send(self, token, side, price, shares, tif=TimeInForce.GTC):
        """Send a limit order; return its client id."""
        order = self.order_factory.limit(
            IDS[token], side, Quantity.from_str(f"{shares}.000000"), Price.from_str(f"{price:.4f}"), time_in_force=tif
        )  # fmt: skip
        self.submit_order(order)
        return order.client_order_id

    def levels(self, token):
        book = self.books[token]
        return tuple(
            [(level.price.as_decimal(), Decimal(str(level.size()))) for level in side]
            for side in (book.bids(), book.asks())
        )


class Heard:
    """A token's book, kept from the official client's events."""

    def __init__(self, token):
        self.token, self.sides = token, {"BUY": {}, "SELL": {}}

    def hear(self, event):
        name, payload = type(event).__name__, event.payload
        if name == "MarketBookEvent" and payload.asset_id == self.token:
            for side, rows in (("BUY", payload.bids), ("SELL", payload.asks)):
                self.sides[side] = {row.price: row.size for row in rows}
        elif name == "MarketPriceChangeEvent":
            for change in payload.price_changes:
                if change.asset_id == self.token:
                    self.sides[change.side][change.price] = change.size

    @property
    def levels(self):
        bids = sorted(((price, size) for price, size in self.sides["BUY"].items() if size), reverse=True)
        asks = sorted((price, size) for price, size in self.sides["SELL"].items() if size)
        return bids, asks


async def until(test, what=lambda: ""):
    for _ in range(3_000):
        if test():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never happened: {what()}")


def decimals(book):
    return tuple([(Decimal(price), Decimal(size)) for price, size in side] for side in book)


async def must_agree(venue, trader):
    """Wait until the client's books are the double's."""
    for token in IDS:
        expected = decimals(venue.book(token))
        await until(
            lambda token=token, expected=expected: trader.levels(token) == expected,
            lambda token=token, expected=expected: f"expected {expected}, found {trader.levels(token)}",
        )
