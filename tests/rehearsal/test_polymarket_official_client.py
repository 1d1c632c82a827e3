"""Polymarket's own client (polymarket-client, pinned) against our double: neither knows the other."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from polymarket_books import until
from polymarket_venue import ADDRESS, CONDITION, KEY, NO, SLUG, YES, open_venue, wall_ns

pytestmark = pytest.mark.filterwarnings("ignore")  # of a client that is not ours


def environment(base):
    from polymarket import environments

    socket = base.replace("http", "ws")
    config = replace(
        environments.PRODUCTION._config, clob_url=base, gamma_url=f"{base}/gamma", data_url=f"{base}/data-api",
        clob_market_ws_url=f"{socket}/ws/market", clob_user_ws_url=f"{socket}/ws/user", relayer_url=base,
        rpc_url=base,
    )  # fmt: skip
    return environments._create_environment(name="double", config=config)


def with_client(work, **settings):
    """Run `work(venue, client)` with the official client's asynchronous form."""

    async def main():
        from polymarket import AsyncSecureClient

        async with open_venue(**settings) as venue:
            client = await AsyncSecureClient.create(
                private_key=KEY, wallet=ADDRESS, environment=environment(venue.base)
            )
            try:
                await asyncio.wait_for(work(venue, client), 60)
            finally:
                await client.close()
            assert venue.double.strays == []

    asyncio.run(main())


def test_it_reads_market_book_and_prices():
    async def work(venue, client):
        book = await client.get_order_book(token_id=YES)
        assert [(str(row.price), str(row.size)) for row in book.bids] == [("0.4", "100")]
        assert await client.get_midpoint(token_id=YES) == Decimal("0.5")
        assert await client.get_price(token_id=YES, side="BUY") == Decimal("0.4")
        assert await client.get_spread(token_id=NO) == Decimal("0.2")
        market = await client.get_market(slug=SLUG)
        assert market.condition_id == CONDITION
        assert not await client.get_closed_only_mode()

    with_client(work)


def test_it_places_sees_and_cancels_what_the_double_then_holds():
    async def work(venue, client):
        placed = await client.place_limit_order(
            token_id=YES, price="0.30", size=10, side="BUY", post_only=True
        )
        assert venue.order(placed.order_id) == ("0.3", "10", "0", "LIVE")
        seen = await client.get_order(order_id=placed.order_id)
        assert (seen.price, seen.original_size, seen.size_matched) == (Decimal("0.3"), 10, 0)
        gone = await client.cancel_order(order_id=placed.order_id)
        assert gone.canceled == (placed.order_id,)
        assert venue.order(placed.order_id) == ("0.3", "10", "0", "CANCELED")
        taken = await client.place_market_order(token_id=YES, side="BUY", amount=6, max_price="0.7")
        assert (taken.status, taken.making_amount, taken.taking_amount) == ("matched", 6, 10)
        assert venue.order(taken.order_id)[2:] == ("10", "MATCHED")
        [page] = [page async for page in client.list_account_trades()]
        assert [(str(trade.price), trade.size) for trade in page.items] == [("0.6", 10)]
        sold = await client.place_market_order(token_id=YES, side="SELL", shares=10, min_price="0.4")
        assert (sold.status, sold.taking_amount) == ("matched", 4)
        balance = await client.get_balance_allowance(asset_type="COLLATERAL")
        assert balance.balance == venue.double.exchange.ledger.wallet(ADDRESS).cash

    with_client(work)


def test_it_places_a_batch_with_an_order_that_is_refused_and_cancels_all():
    async def work(venue, client):
        ends = wall_ns() // 10**9 + 600
        good = await client.create_limit_order(token_id=NO, price="0.2", size=5, side="BUY", expiration=ends)
        poor = await client.create_limit_order(token_id=NO, price="0.9", size=9_000, side="BUY")
        kept, refused = await client.post_orders([good, poor])
        assert venue.order(kept.order_id) == ("0.2", "5", "0", "LIVE")
        assert (refused.ok, "not enough balance" in refused.message) == (False, True)
        gone = await client.cancel_all()
        assert gone.canceled == (kept.order_id,)
        assert [order.ask.wallet for order in venue.double.exchange.open_orders()] == ["others", "others"]

    with_client(work)


def test_its_heartbeats_keep_orders_alive_and_their_loss_takes_them():
    from polymarket.errors import OrderHeartbeatMismatchError

    async def work(venue, client):
        placed = await client.place_limit_order(token_id=YES, price="0.30", size=10, side="BUY")
        beat = await client.send_order_heartbeat()
        beat = await client.send_order_heartbeat(heartbeat_id=beat.heartbeat_id)
        with pytest.raises(OrderHeartbeatMismatchError):
            await client.send_order_heartbeat(heartbeat_id="another")
        assert venue.order(placed.order_id)[3] == "LIVE"
        venue.double.entry.lose_beats()
        await until(lambda: venue.order(placed.order_id)[3] == "CANCELED")

    with_client(work)


def test_it_hears_of_its_orders_and_of_a_trade_until_it_is_confirmed():
    from polymarket.streams import UserSpec

    async def work(venue, client):
        heard = []
        async with await client.subscribe(UserSpec()) as stream:

            async def listen():
                async for event in stream:
                    heard.append(event.payload)

            listening = asyncio.create_task(listen())
            await until(lambda: any(one.owner for one in venue.double.streams.subscribers))
            placed = await client.place_limit_order(token_id=YES, price="0.50", size=10, side="BUY")
            venue.others(NO, 50, 10, "FAK")
            await until(lambda: any(str(getattr(one, "status", "")).endswith("CONFIRMED") for one in heard))
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        told = [one.order_event_type for one in heard if getattr(one, "id", "") == placed.order_id]
        assert told == ["PLACEMENT", "UPDATE"]
        assert venue.order(placed.order_id)[2:] == ("10", "MATCHED")

    with_client(work)
