"""Nautilus' own Rust clients for Polymarket (data and execution) against our double: neither knows the other."""

import asyncio
from decimal import Decimal

from nautilus_trader.adapters.polymarket import (
    PolymarketDataClientConfig,
    PolymarketDataClientFactory,
    PolymarketExecutionClientConfig,
    PolymarketExecutionClientFactory,
    PolymarketInstrumentProviderConfig,
    PolymarketSignatureType,
)
from nautilus_trader.common import Environment, LoggerConfig, LogLevel
from nautilus_trader.live import LiveExecutionEngineConfig, LiveNode, LiveNodeConfig
from nautilus_trader.model import (
    BookType,
    InstrumentId,
    OrderBook,
    OrderSide,
    Price,
    Quantity,
    TimeInForce,
    TraderId,
)
from nautilus_trader.trading import Strategy  # noqa: TID251  the clients are tested below our engine
from polymarket_venue import ADDRESS, CONDITION, KEY, NO, SLUG, YES, open_venue

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


def node_of(base, key):
    socket = base.replace("http", "ws")
    wanted = PolymarketInstrumentProviderConfig(load_ids=list(IDS.values()), market_slugs=[SLUG])
    data = PolymarketDataClientConfig(
        instrument_config=wanted, base_url_http=base, base_url_ws=f"{socket}/ws/market", base_url_gamma=f"{base}/gamma",
        base_url_data_api=f"{base}/data-api",
    )  # fmt: skip
    execution = PolymarketExecutionClientConfig(
        account_id="POLYMARKET-001", private_key=KEY, api_key=key.key, api_secret=key.secret, passphrase=key.passphrase,
        signature_type=PolymarketSignatureType.Eoa, base_url_http=base, base_url_ws=f"{socket}/ws/user",
        base_url_data_api=f"{base}/data-api", instrument_config=wanted,
    )  # fmt: skip
    config = LiveNodeConfig(
        environment=Environment.LIVE, trader_id=TraderId("NATIVE-001"), logging=LoggerConfig(stdout_level=LogLevel.OFF),
        exec_engine=LiveExecutionEngineConfig(reconciliation=True), data_clients={"POLYMARKET": data},
        exec_clients={"POLYMARKET": execution}, timeout_disconnection_secs=3, delay_post_stop_secs=0,
    )  # fmt: skip
    return LiveNode.build(
        "native", config, data_factories={"POLYMARKET": PolymarketDataClientFactory()},
        exec_factories={"POLYMARKET": PolymarketExecutionClientFactory()},
    )  # fmt: skip


def with_node(work):
    """Run `work(venue, trader, cache)` while a node with both native clients runs against a double."""

    async def main():
        async with open_venue() as venue:
            node = node_of(venue.base, venue.double.desk.doorkeeper.create(ADDRESS, 0))
            trader = Trader()
            node.add_strategy(trader)
            cache, handle = node.cache, node.handle()
            running = asyncio.ensure_future(node.run_async())
            try:
                await asyncio.wait_for(trader.has_started.wait(), 60)
                await asyncio.wait_for(work(venue, trader, cache), 60)
            finally:
                handle.stop()
                await running
                node.dispose()

            assert venue.double.strays == []

    asyncio.run(main())


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


def test_their_books_are_the_doubles_at_every_step_and_they_hear_each_trade():
    async def work(venue, trader, _cache):
        await must_agree(venue, trader)
        for token, cents, shares, kind, is_buy in MOVES:
            venue.others(token, cents, shares, kind, is_buy=is_buy)
            await must_agree(venue, trader)
        await until(lambda: len(trader.prints) == len(venue.double.exchange.trades))

    with_node(work)


def test_their_orders_end_in_the_same_state_at_the_double():
    async def work(venue, trader, cache):
        await must_agree(venue, trader)
        resting = trader.send(YES, OrderSide.BUY, 0.3, 10)
        await until(lambda: (resting, "OrderAccepted") in trader.happened, lambda: trader.happened)
        there = cache.order(resting).venue_order_id.value
        assert venue.order(there) == ("0.3", "10", "0", "LIVE")
        taken = trader.send(YES, OrderSide.BUY, 0.6, 10, TimeInForce.IOC)
        await until(lambda: (taken, "OrderFilled") in trader.happened, lambda: trader.happened)
        assert venue.order(cache.order(taken).venue_order_id.value)[2:] == ("10", "MATCHED")
        await must_agree(venue, trader)
        trader.cancel_order(resting)
        await until(lambda: (resting, "OrderCanceled") in trader.happened, lambda: trader.happened)
        assert venue.order(there) == ("0.3", "10", "0", "CANCELED")
        sold = trader.send(YES, OrderSide.SELL, 0.5, 10)
        await until(lambda: (sold, "OrderAccepted") in trader.happened, lambda: trader.happened)
        venue.others(YES, 50, 10, "FAK")
        await until(lambda: (sold, "OrderFilled") in trader.happened, lambda: trader.happened)
        assert venue.order(cache.order(sold).venue_order_id.value)[2:] == ("10", "MATCHED")
        await until(lambda: not cache.positions_open())
        cash = venue.double.exchange.ledger.wallet(ADDRESS).cash
        assert cash == 1_000_000_000 - 6_000_000 - 168_000 + 5_000_000

    with_node(work)
