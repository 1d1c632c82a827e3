"""Three who read one stream: our data client, the official client, and the double that sends it."""

import asyncio

import pytest
from nautilus_trader.common import Environment, LoggerConfig, LogLevel
from nautilus_trader.live import LiveNode, LiveNodeConfig
from nautilus_trader.model import TraderId
from polymarket_books import IDS, MOVES, Heard, Trader, decimals, must_agree, until
from polymarket_venue import ADDRESS, KEY, NO, YES, open_venue
from test_polymarket_official_client import environment

from simulation.wire.fault_plan import PlannedFault
from system.polymarket_feed import make
from system.venues import FeedWish

pytestmark = pytest.mark.filterwarnings("ignore")  # of a client that is not ours


def node_of(base):
    """A node that only listens, with our data client."""
    settings = {
        "rest_url": base, "gamma_url": f"{base}/gamma", "data_url": f"{base}/data-api",
        "socket_url": base.replace("http", "ws"), "proof_every_secs": 0.2, "proof_secs": 0.3,
    }  # fmt: skip
    feed = make(FeedWish(settings=settings, series=(), sides=tuple(IDS.values())))
    config = LiveNodeConfig(
        environment=Environment.SANDBOX, trader_id=TraderId("OURS-001"), logging=LoggerConfig(stdout_level=LogLevel.OFF),
        data_clients={"POLYMARKET": feed.config}, timeout_disconnection_secs=3, delay_post_stop_secs=0,
    )  # fmt: skip
    return LiveNode.build("ours", config, data_factories={"POLYMARKET": feed.factory})


def with_listeners(work):
    """Run `work(venue, our trader, the official client's books)` while both listen."""

    async def main():
        from polymarket import AsyncSecureClient
        from polymarket.streams import MarketSpec

        async with open_venue() as venue:
            client = await AsyncSecureClient.create(
                private_key=KEY, wallet=ADDRESS, environment=environment(venue.base)
            )
            node, trader = node_of(venue.base), Trader()
            node.add_strategy(trader)
            handle = node.handle()
            running = asyncio.ensure_future(node.run_async())
            heard = {token: Heard(token) for token in (YES, NO)}
            try:
                async with await client.subscribe(MarketSpec(asset_ids=[YES, NO])) as stream:

                    async def listen():
                        async for event in stream:
                            for book in heard.values():
                                book.hear(event)

                    listening = asyncio.create_task(listen())
                    await asyncio.wait_for(trader.has_started.wait(), 60)
                    await asyncio.wait_for(work(venue, trader, heard), 60)
                    listening.cancel()
                    await asyncio.gather(listening, return_exceptions=True)
            finally:
                handle.stop()
                await running
                node.dispose()
                await client.close()
            assert venue.double.strays == []

    asyncio.run(main())


def test_our_book_the_official_clients_and_the_doubles_are_one_at_every_step():
    async def work(venue, trader, heard):
        for move in (None, *MOVES):
            if move is not None:
                venue.others(*move[:4], is_buy=move[4])
            await must_agree(venue, trader)
            for token, book in heard.items():
                expected = decimals(venue.book(token))
                await until(lambda book=book, expected=expected: book.levels == expected)
        assert {trader.levels(token) == heard[token].levels for token in (YES, NO)} == {True}

    with_listeners(work)


@pytest.mark.parametrize("kind", ["split_burst", "swapped_burst", "duplicate_burst", "drop", "hash_mismatch"])
def test_our_book_is_the_doubles_again_after_a_burst_went_wrong(kind):
    async def work(venue, trader, _heard):
        await must_agree(venue, trader)
        venue.double.faults.add(PlannedFault(kind=kind, channel="price_change", times=2))
        for move in MOVES:
            venue.others(*move[:4], is_buy=move[4])
        await must_agree(venue, trader)
        assert venue.double.faults.kinds()

    with_listeners(work)
