"""Cancelling everything without a node, against the venue double and its faults."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from kalshi_venue import SHARD, list_market, make_double, wall_ns

from adapters.kalshi.config import KalshiConfig
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.signing import Credentials
from simulation.wire.fault_plan import FaultPlan, PlannedFault
from system.closing import KalshiCloser

ORDERS = "DELETE /portfolio/events/orders"
OTHER = "KXA-B-C"


@asynccontextmanager
async def standing(*faults, orders=3, **settings):
    double = make_double(plan=FaultPlan("t", faults), **settings)
    urls = await double.start()
    list_market(double)
    list_market(double, ticker=OTHER, shard=0, event="KXA-B")
    for shard in (0, SHARD):
        double.control.fund("alice", "1000", exchange_index=shard)
    key = double.add_key("alice")
    for number in range(orders):
        ticker = (OTHER, "KXBTC15M-A-45")[number % 2]
        double.control.trade_as("alice", ticker, "bid", "0.1000", "5.00")
    config = KalshiConfig(rest_url=urls.rest, request_timeout_secs=0.5, read_attempts=2)
    http = KalshiHttp(
        config,
        Credentials.from_pem(key.key_id, key.private_pem),
        now_ns=wall_ns,
        monotonic=time.monotonic,
    )
    closer = KalshiCloser(http, now_ns=wall_ns, monotonic=time.monotonic)
    try:
        yield double, closer
        assert double.audit() == []
        assert double.errors == []
    finally:
        await closer.leave()
        await double.stop()


def resting(double):
    rows = double.snapshot().orders.get("alice", [])
    return [row["order_id"] for row in rows if row["status"] == "resting"]


def close(*faults, patience_secs=20.0, looks_only=False, before=None, **settings):
    async def main():
        async with standing(*faults, **settings) as (double, closer):
            if before is not None:
                before(double)
            closing = await (closer.look if looks_only else closer.close)(patience_secs)
            return closing, resting(double)

    return asyncio.run(main())


def test_orders_of_every_shard_are_cancelled_and_the_list_says_so():
    closing, left = close(orders=40)
    assert closing.is_closed
    assert left == []


def test_a_look_at_an_empty_venue_is_enough():
    closing, left = close(orders=0, looks_only=True)
    assert (closing.is_closed, closing.found, left) == (True, 0, [])


def test_a_look_that_finds_orders_cancels_them():
    closing, left = close(orders=5, looks_only=True)
    assert (closing.is_closed, closing.found, left) == (True, 5, [])


@pytest.mark.parametrize("kind", ["drop", "ack_lost", "status", "status_after", "half_open"])
def test_a_cancel_whose_answer_is_lost_or_bad_is_followed_by_others_until_the_list_is_empty(kind):
    fault = PlannedFault(kind=kind, route=ORDERS, status=503, millis=200, times=2)
    closing, left = close(fault)
    assert closing.is_closed
    assert left == []


@pytest.mark.parametrize("route", ["GET /portfolio/orders", "GET /exchange/user_data_timestamp"])
def test_a_list_that_cannot_be_read_is_not_an_empty_list(route):
    fault = PlannedFault(kind="status", route=route, times=0)
    closing, _ = close(fault, patience_secs=1.5)
    assert not closing.is_closed
    assert "could not be read" in closing.doubt


def test_a_list_older_than_the_cancel_proves_nothing():
    closing, _ = close(read_lag_ms=60_000, patience_secs=1.5)
    assert not closing.is_closed
    assert "before" in closing.doubt


def test_a_list_that_lags_a_little_is_waited_for():
    closing, left = close(read_lag_ms=300)
    assert closing.is_closed
    assert left == []


def test_a_venue_in_full_pause_is_not_closed():
    closing, left = close(
        patience_secs=1.0, before=lambda double: [double.control.halt_shard(n) for n in range(4)]
    )
    assert not closing.is_closed
    assert len(left) == 3


def test_a_venue_that_is_gone_is_not_closed():
    async def main():
        async with standing() as (double, closer):
            assert (await closer.close(20.0)).is_closed
            await double.stop()
            return await closer.look(1.0)

    assert not asyncio.run(main()).is_closed
