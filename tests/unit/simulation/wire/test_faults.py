"""Every kind of fault, carried out by the Kalshi double on real loopback connections."""

import asyncio
import time

import aiohttp
import pytest
from kalshi_stage import MARKET, Reader

from simulation.wire.fault_plan import PlannedFault

CREATE = "POST /portfolio/events/orders"
LOST = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)


def at_route(kind, **more):
    return PlannedFault(kind=kind, route=CREATE, **more)


def at_book(kind, nth=2, **more):
    return PlannedFault(kind=kind, channel="orderbook_delta", nth=nth, **more)


def orders_of(stage):
    return stage.double.snapshot().orders.get("alice", [])


@pytest.mark.parametrize(("kind", "arrived"), [("drop", 0), ("ack_lost", 1), ("half_open", 0)])
def test_a_lost_answer_says_nothing_about_the_order(rehearse, kind, arrived):
    async def work(stage):
        stage.double.faults.add(at_route(kind, millis=30))
        with pytest.raises(LOST):
            await stage.alice.order("bid", "0.40", "1.00", client_order_id="mine")
        assert len(orders_of(stage)) == arrived
        status, _ = await stage.alice.order("bid", "0.40", "1.00", client_order_id="mine")
        assert status == (409 if arrived else 201)
        assert stage.double.faults.kinds() == [kind]

    rehearse(work)


@pytest.mark.parametrize(
    ("kind", "status", "arrived"),
    [
        ("status", 429, 0),
        ("status", 500, 0),
        ("status", 503, 0),
        ("status_after", 500, 1),
        ("status_after", 503, 1),
    ],
)
def test_an_error_status_comes_before_or_after_the_deed(rehearse, kind, status, arrived):
    async def work(stage):
        stage.double.faults.add(at_route(kind, status=status))
        assert (await stage.alice.order("bid", "0.40", "1.00"))[0] == status
        assert len(orders_of(stage)) == arrived

    rehearse(work)


def test_a_truncated_answer_cannot_be_read(rehearse):
    async def work(stage):
        stage.double.faults.add(at_route("truncate"))
        with pytest.raises(LOST):
            await stage.alice.order("bid", "0.40", "1.00")
        assert len(orders_of(stage)) == 1

    rehearse(work)


def test_a_request_carried_out_twice_makes_two_orders_unless_it_has_an_id(rehearse):
    async def work(stage):
        stage.double.faults.add(at_route("duplicate", times=2))
        assert (await stage.alice.order("bid", "0.40", "1.00"))[0] == 201
        assert len(orders_of(stage)) == 2
        assert (await stage.alice.order("bid", "0.40", "1.00", client_order_id="mine"))[0] == 409
        assert len(orders_of(stage)) == 3

    rehearse(work)


@pytest.mark.parametrize("kind", ["delay", "fill_before_ack"])
def test_a_held_answer_comes_late_and_the_fill_may_come_first(rehearse, kind):
    async def work(stage):
        stage.crowd("ask", "0.60", "5")
        reader = await stage.alice.subscribe("fill")
        stage.double.faults.add(at_route(kind, millis=150))
        started = time.perf_counter()
        answer = asyncio.create_task(stage.alice.order("bid", "0.60", "5.00"))
        fill = await reader.until("fill")
        assert fill["msg"]["count_fp"] == "5.00"
        assert answer.done() == (kind == "delay") or not answer.done()
        assert (await answer)[0] == 201
        assert time.perf_counter() - started >= 0.14

    rehearse(work)


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        ("drop", [1, 3, 4]),
        ("sequence_gap", [1, 3, 4]),
        ("duplicate", [1, 2, 2, 3, 4]),
        ("reorder", [1, 3, 2, 4]),
    ],
)
def test_frames_are_lost_repeated_or_swapped(rehearse, kind, seen):
    async def work(stage):
        stage.double.faults.add(at_book(kind))
        reader = await stage.alice.subscribe("orderbook_delta")
        for price in ("0.60", "0.61", "0.62"):
            stage.crowd("ask", price, "5")
        await reader.rest()
        assert [row["seq"] for row in reader.frames if "seq" in row] == seen
        assert stage.double.faults.kinds() == [kind]

    rehearse(work)


def test_half_a_frame_is_no_json(rehearse):
    async def work(stage):
        stage.double.faults.add(at_book("truncate", nth=1))
        reader = Reader(await stage.alice.socket())
        params = {"channels": ["orderbook_delta"], "market_tickers": [MARKET]}
        await reader.send(1, "subscribe", params)
        await reader.next()
        with pytest.raises(ValueError, match=r"delimiter|Unterminated|Expecting"):
            await reader.next()

    rehearse(work)


def test_a_freeze_is_silent_and_then_everything_comes(rehearse):
    async def work(stage):
        stage.double.faults.add(at_book("freeze", millis=200))
        reader = await stage.alice.subscribe("orderbook_delta")
        await reader.next()
        stage.crowd("ask", "0.60", "5")
        stage.crowd("ask", "0.61", "5")
        started = time.perf_counter()
        assert [(await reader.next())["seq"] for _ in range(2)] == [2, 3]
        assert time.perf_counter() - started > 0.15

    rehearse(work)


def test_a_half_open_socket_neither_speaks_nor_closes(rehearse):
    async def work(stage):
        stage.double.faults.add(at_book("half_open"))
        reader = await stage.alice.subscribe("orderbook_delta")
        await reader.next()
        stage.crowd("ask", "0.60", "5")
        await reader.send(5, "list_subscriptions")
        await reader.socket.ping()
        assert await reader.rest(0.2) == []
        assert not reader.socket.closed

    rehearse(work)


def test_a_cut_socket_ends_without_a_closing_handshake(rehearse):
    async def work(stage):
        stage.double.faults.add(at_book("disconnect"))
        reader = await stage.alice.subscribe("orderbook_delta")
        await reader.next()
        stage.crowd("ask", "0.60", "5")
        message = await reader.socket.receive(timeout=2)
        assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSING)
        again = await stage.alice.subscribe("orderbook_delta")
        assert (await again.next())["seq"] == 1
        await again.socket.close()

    rehearse(work)


def test_a_slow_consumer_fault_ends_the_subscription_with_code_25(rehearse):
    async def work(stage):
        stage.double.faults.add(at_book("slow_consumer", frames=5))
        reader = await stage.alice.subscribe("orderbook_delta")
        await reader.next()
        for _ in range(12):
            stage.crowd("ask", "0.60", "1")
            await asyncio.sleep(0)
        assert (await reader.until("error"))["msg"]["code"] == 25

    rehearse(work)


def test_timed_faults_reach_clock_markets_and_shards(rehearse):
    async def work(stage):
        for fault in (
            PlannedFault(kind="clock_skew", after_secs=0.0, millis=60_000),
            PlannedFault(kind="close_moved", after_secs=0.0, millis=0, target=MARKET),
            PlannedFault(kind="resolution_flip", after_secs=0.05, millis=50, target=MARKET),
            PlannedFault(kind="full_pause", after_secs=0.0, millis=50),
        ):
            stage.double.faults.add(fault)
        market = stage.double.exchange.markets[MARKET]
        for _ in range(100):
            await asyncio.sleep(0.03)
            if market.status == "finalized":
                break
        assert (market.status, market.result) == ("finalized", "no")
        assert sorted(stage.double.faults.kinds()) == [
            "clock_skew",
            "close_moved",
            "full_pause",
            "resolution_flip",
        ]
        assert (await stage.alice.call("GET", "/portfolio/fills"))[0] == 401
        assert stage.double.exchange.halted_shards == set()

    rehearse(work)
