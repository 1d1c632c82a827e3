"""A made-up Polymarket as a process of its own: found through its environment, judged when it ends."""

import asyncio
import json
from decimal import Decimal

import aiohttp
import pytest
from test_polymarket_official_client import environment

from system.book import BadBook
from system.double import Double
from system.polymarket_stand import crowd_of
from system.venue_task import VenueTask

pytestmark = pytest.mark.filterwarnings("ignore")  # of a client that is not ours


def test_a_client_finds_it_trades_at_it_and_leaves_a_verdict(tmp_path):
    from polymarket import AsyncSecureClient

    async def main():
        task = VenueTask(folder=str(tmp_path), venue="POLYMARKET", series="btc-updown-5m", markets=("will-it-rain",),
                         cash_usd="250", events_per_second=60)  # fmt: skip
        double = await Double.start(task)
        environ = double.environ({"HOME": "/", "POLYMARKET_PRIVATE_KEY": "of the user"})
        assert environ["HOME"] == "/"
        base = environ["ARGONAUT_POLYMARKET_REST_URL"]
        key = environ["POLYMARKET_PRIVATE_KEY"]
        from eth_account import Account

        client = await AsyncSecureClient.create(
            private_key=key, wallet=Account.from_key(key).address, environment=environment(base)
        )
        async with aiohttp.ClientSession() as session:
            url = environ["ARGONAUT_POLYMARKET_GAMMA_URL"] + "/events"
            async with session.get(url, params={"closed": "false"}) as answer:
                slugs = [row["slug"] for row in await answer.json()]
            async with session.get(environ["ARGONAUT_POLYMARKET_SITE_URL"] + "/api/geoblock") as answer:
                assert (await answer.json())["blocked"] is False
        assert slugs[0] == "will-it-rain"
        assert [slug.rpartition("-")[0] for slug in slugs[1:]] == ["btc-updown-5m"] * 3
        market = await client.get_market(slug="will-it-rain")
        token = market.outcomes.yes.token_id
        kept = await client.place_limit_order(
            token_id=token, price="0.01", size=5, side="BUY", post_only=True
        )
        gone = await client.place_limit_order(
            token_id=token, price="0.02", size=5, side="BUY", post_only=True
        )
        await client.cancel_order(order_id=gone.order_id)
        await client.close()
        verdict = await double.stop()
        assert (verdict["open_orders"], verdict["audit"], verdict["errors"]) == (1, [], [])
        assert verdict["strays"] == []
        assert [row["id"] for row in verdict["orders"]] == [kept.order_id, gone.order_id]
        assert list(map(Decimal, verdict["cash"].values())) == [250]
        lines = (tmp_path / "venue_orders.jsonl").read_text().splitlines()
        assert [json.loads(line)["open"] for line in lines] == [1, 2, 1]

    asyncio.run(asyncio.wait_for(main(), 120))


def test_it_plays_a_recording_to_whoever_has_connected(tmp_path):
    book = {"event_type": "book", "market": "0x" + "cd" * 32, "asset_id": "333", "bids": [{"price": "0.4", "size": "10"}],
            "asks": [], "tick_size": "0.01", "timestamp": "1", "hash": "x"}  # fmt: skip
    path = tmp_path / "session.jsonl"
    path.write_text("\n".join(json.dumps({"recv": 100 + number, "frame": book}) for number in range(2)))

    async def main():
        task = VenueTask(folder=str(tmp_path), venue="POLYMARKET", recording=str(path), speed=100)
        double = await Double.start(task)
        socket_url = double.environ({})["ARGONAUT_POLYMARKET_SOCKET_URL"]
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{socket_url}/ws/market") as socket,
        ):
            await socket.send_json({"type": "market", "assets_ids": ["333"]})
            await asyncio.wait_for(double.played.wait(), 60)
        assert double.played_secs == 1
        assert (await double.stop())["orders"] == []

    asyncio.run(asyncio.wait_for(main(), 120))


def test_a_series_without_windows_is_refused_by_name():
    with pytest.raises(BadBook, match="found 'weather'"):
        crowd_of(VenueTask(folder="", venue="POLYMARKET", series="weather"))
