"""Signatures, scopes and rate buckets, over the wire."""

import asyncio

import pytest
from kalshi_stage import MARKET, Client, wall_ns

from simulation.wire.kalshi_errors import VenueError
from simulation.wire.kalshi_rates import Bucket, Rates
from simulation.wire.kalshi_settings import KalshiSettings

BALANCE = "/portfolio/balance"


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_both_kinds_of_key_open_the_door_and_a_bent_signature_does_not(rehearse, kind):
    async def work(stage):
        client = stage.client("alice", kind=kind)
        assert (await client.call("GET", "/portfolio/positions"))[0] == 200
        headers = client.credentials.headers("GET", "/trade-api/v2/portfolio/fills", wall_ns() // 10**6)
        async with stage.session.get(stage.urls.rest + "/portfolio/positions", headers=headers) as answer:
            body = await answer.json()
        assert (answer.status, body["error"]["code"]) == (401, "token_authentication_failure")

    rehearse(work)


def test_a_stale_timestamp_or_a_skewed_venue_clock_is_refused(rehearse):
    async def work(stage):
        headers = stage.alice.credentials.headers(
            "GET", "/trade-api/v2" + BALANCE, wall_ns() // 10**6 - 60_000
        )
        async with stage.session.get(stage.urls.rest + BALANCE, headers=headers) as answer:
            assert answer.status == 401
        stage.double.desk.skew_ns = 60 * 10**9
        assert (await stage.alice.call("GET", BALANCE))[0] == 401

    rehearse(work)


def test_scopes_and_subaccount_locks_are_kept(rehearse):
    async def work(stage):
        reader = stage.client("alice", scopes=frozenset({"read"}))
        assert (await reader.order("bid", "0.40", "1.00"))[0] == 403
        stage.double.control.fund("alice", "5", 2, subaccount=3)
        locked = stage.client("alice", subaccount=3)
        assert (await locked.order("bid", "0.40", "1.00"))[0] == 403
        assert (await locked.order("bid", "0.40", "1.00", subaccount=3))[0] == 201
        _, balance = await locked.call("GET", BALANCE)
        assert balance["balance_dollars"] == "5.0000"
        assert (await locked.call("GET", BALANCE, subaccount=0))[0] == 403

    rehearse(work)


def test_a_socket_without_a_signature_gets_the_bare_code(rehearse):
    async def work(stage):
        async with stage.session.get(stage.urls.socket.replace("ws:", "http:")) as answer:
            assert (answer.status, await answer.json()) == (401, {"code": "token_authentication_failure"})

    rehearse(work)


def test_the_write_bucket_empties_and_both_shapes_of_429_appear(rehearse):
    async def work(stage):
        made = [await stage.alice.order("bid", "0.10", "1.00") for _ in range(14)]
        refused = [body for status, body in made if status == 429]
        assert len(refused) >= 3
        assert {"error": "too many requests"} in refused
        assert {"error": {"code": "too_many_requests", "message": "too many requests"}} in refused
        assert (await stage.alice.order("bid", "0.10", "1.00", exchange_index=2))[0] == 201, (
            "own bucket per shard"
        )

    rehearse(work, KalshiSettings(tier="basic"))


def test_the_balance_has_a_bucket_of_its_own(rehearse):
    async def work(stage):
        statuses = [(await stage.alice.call("GET", BALANCE))[0] for _ in range(3)]
        assert statuses == [200, 429, 429]

    rehearse(work, KalshiSettings(tier="advanced"))


def test_a_batch_must_fit_the_bucket_at_once():
    rates = Rates(KalshiSettings(tier="basic"))
    with pytest.raises(VenueError, match="too_many_requests"):
        rates.require("alice", "write", 110, 0)
    rates.require("alice", "write", 100, 0)


def test_a_bucket_refills_with_time_and_never_beyond_its_size():
    bucket = Bucket(refill=10, capacity=20)
    assert bucket.take(20, 0)
    assert not bucket.take(1, 50_000_000)
    assert bucket.take(1, 100_000_000)
    assert bucket.take(20, 10**12)
    assert not bucket.take(1, 10**12)


def test_two_users_do_not_see_each_other(rehearse):
    async def work(stage):
        stage.double.control.fund("bob", "10", 2)
        bob: Client = stage.client("bob")
        _, made = await stage.alice.order("bid", "0.40", "1.00")
        assert (await bob.call("GET", f"/portfolio/orders/{made['order_id']}"))[0] == 404
        path = f"/portfolio/events/orders/{made['order_id']}"
        assert (await bob.call("DELETE", path, market_ticker=MARKET))[0] == 404
        await asyncio.sleep(0)

    rehearse(work)
