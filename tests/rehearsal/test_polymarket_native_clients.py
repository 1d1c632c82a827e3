"""Nautilus' own Rust clients for Polymarket (data and execution) against our double: neither knows the other."""

import asyncio

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
from nautilus_trader.model import OrderSide, TimeInForce, TraderId
from polymarket_books import IDS, MOVES, Trader, must_agree, until
from polymarket_venue import ADDRESS, KEY, SLUG, YES, open_venue


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
