"""What the venue does by itself while our orders stand there, and what a second node finds."""

import asyncio
import time

import pytest
from msgspec import to_builtins
from nautilus_trader.model import TimeInForce
from polymarket_house import CANCEL, OURS, How, Stage, rehearse, wall_ns

from simulation.wire.fault_plan import PlannedFault
from system.doctor import Look
from system.polymarket_doctor import examine_for_book


@pytest.mark.card("polymarket", "TC-E77")
def test_a_batch_that_fails_as_a_whole_leaves_all_its_orders_in_flight_until_the_venue_tells():
    async def work(desk):
        desk.double.faults.add(PlannedFault(kind="ack_lost", route="POST /orders"))
        orders = [desk.limit("BUY", 10, f"0.3{n}") for n in range(3)]
        desk.trader.submit_order_list(orders)
        for order in orders:
            await desk.has(order.client_order_id, "Accepted")
        assert "Rejected" not in desk.events()

    rehearse(work)


@pytest.mark.card("polymarket", "AR-E06")
def test_a_fill_that_overtakes_a_cancel_is_booked_and_the_cancel_is_not_rejected():
    async def work(desk):
        cid = desk.send("BUY", 10, "0.40")
        await desk.has(cid, "Accepted")
        desk.double.faults.add(PlannedFault(kind="delay", route=CANCEL, millis=800.0))
        desk.cancel(cid)
        await desk.stage.crowd("SELL", "0.40", 6)
        await desk.has(cid, "Filled")
        await desk.until(lambda: desk.order(cid).is_closed)
        assert "CancelRejected" not in desk.events(cid)
        assert desk.filled(cid) == 6

    rehearse(work)


@pytest.mark.card("polymarket", "AR-E09", "AR-E23")
def test_orders_that_rest_when_the_market_ends_are_cancelled_by_the_venue():
    async def work(desk):
        cid = desk.send("BUY", 10, "0.40")
        await desk.has(cid, "Accepted")
        desk.double.exchange.resolve(desk.stage.market, desk.stage.market.tokens[0])
        await desk.has(cid, "Canceled")
        assert "CancelRejected" not in desk.events(cid)

    rehearse(work, agrees=False)


@pytest.mark.card("polymarket", "AR-E22")
def test_a_restart_of_the_venue_leaves_orders_unknown_until_all_was_asked_again():
    async def work(desk):
        desk.double.desk.set_mode("restarting", 1_500)
        cid = desk.send("BUY", 10, "0.40")
        await desk.until(lambda: desk.client.doubts)
        assert desk.events(cid) == []
        await desk.until(lambda: desk.order(cid).is_closed or desk.events(cid))
        await desk.until(lambda: not desk.client.doubts)

    rehearse(work, double={"post_only_ms": 500.0})


@pytest.mark.card("polymarket", "AR-E24")
def test_an_order_of_an_old_tick_is_refused_by_name_and_what_rests_stays():
    async def work(desk):
        rests = desk.send("BUY", 10, "0.41")
        await desk.has(rests, "Accepted")
        desk.double.exchange.change_tick(desk.stage.market, 1_000)
        cid = desk.send("BUY", 10, "0.42")
        await desk.has(cid, "Rejected")
        assert desk.last(cid, "Rejected").reason.startswith("tick")
        assert desk.status(rests) == "ACCEPTED"

    rehearse(work)


@pytest.mark.card("polymarket", "AR-E26")
def test_a_clock_that_the_venue_does_not_share_is_learnt_and_the_request_signed_again():
    async def work(desk):
        session = desk.client._desk.http.private
        desk.double.faults.add(PlannedFault(kind="clock_skew", after_secs=0.0, millis=60_000.0))
        await desk.until(lambda: "clock_skew" in desk.double.faults.kinds())
        sent = session.counters["order"]
        first = desk.send("BUY", 10, "0.40")
        await desk.has(first, "Accepted")
        assert 58 < session.clock_skew_ns / 10**9 < 62
        assert session.signed_ahead_ns == pytest.approx(session.clock_skew_ns, abs=2 * 10**9)
        assert sent.requests == 3  # refused, the venue's time, signed again
        second = desk.send("BUY", 10, "0.41")
        await desk.has(second, "Accepted")
        assert sent.requests == 4

    rehearse(work)


@pytest.mark.card("polymarket", "AR-E26")
@pytest.mark.parametrize(("ahead_secs", "state"), [(0, "ok"), (60, "failed")])
def test_nothing_that_trades_starts_while_our_clock_is_too_far_from_the_venues(ahead_secs, state):
    async def main():
        async with asyncio.timeout(120), Stage(How()).standing() as stage:
            skew = PlannedFault(kind="clock_skew", after_secs=0.0, millis=ahead_secs * 1000.0)
            stage.double.faults.add(skew)
            while "clock_skew" not in stage.double.faults.kinds():
                await asyncio.sleep(0.01)
            settings = {
                name: url for name, url in to_builtins(stage.config()).items() if name.endswith("_url")
            }
            found = await examine_for_book(
                settings,
                Look(trades=True, series=(), now_ns=wall_ns),
                {"POLYMARKET_PRIVATE_KEY": OURS},
                monotonic=time.monotonic,
            )
            states = {one.about: one.state for one in found.findings}
            assert (states["clock"], states["key"], found.is_ready) == (state, "ok", state == "ok")

    asyncio.run(main())


@pytest.mark.card("polymarket", "TC-E04")
def test_a_market_order_that_must_fill_whole_takes_nothing_less():
    async def work(desk):
        await desk.stage.crowd("BUY", "0.55", 8)
        await desk.show("0.55", "0.60")
        cid = desk.market("SELL", 20, kind=TimeInForce.FOK, params={"worst_price": "0.50"})
        await desk.until(lambda: desk.order(cid) is not None and desk.order(cid).is_closed)
        assert (desk.status(cid), desk.filled(cid)) == ("CANCELED", 0)

    rehearse(work)


@pytest.mark.card("polymarket", "TC-E85")
def test_orders_that_filled_before_a_node_came_are_rebuilt_from_their_trades():
    hashes = []

    async def first(desk):
        await desk.stage.crowd("SELL", "0.50", 20)
        cid = desk.send("BUY", 10, "0.50")
        await desk.has(cid, "Filled")
        await desk.until(lambda: not desk.client._desk.holdings.pending)
        hashes.append(desk.hash_of(cid))

    async def second(desk):
        found = [one for one in desk.cache.orders_closed() if one.venue_order_id.value == hashes[0]]
        assert len(found) == 1
        assert (str(found[0].filled_qty), found[0].status.name) == ("10.000000", "FILLED")

    rehearse(first, second)
