"""What nobody knows yet: lost answers, matches that are taken back, delays, modes and silence."""

from decimal import Decimal

import pytest
from nautilus_trader.model import TimeInForce
from polymarket_house import CANCEL, POST, rehearse

from adapters.polymarket.http.private import SIGNED_ORDERS
from network.outcomes import Done
from simulation.wire.fault_plan import PlannedFault

SECOND = 1_000_000_000


@pytest.mark.card("polymarket", "TC-E74", "AR-E01")
@pytest.mark.parametrize("kind", ["ack_lost", "status_after"])
def test_an_order_whose_answer_is_lost_is_found_by_its_hash(kind):
    async def work(desk):
        desk.double.faults.add(PlannedFault(kind=kind, route=POST, status=500))
        cid = desk.send("BUY", 10, "0.40")
        await desk.has(cid, "Accepted")
        assert desk.open_there() == {desk.hash_of(cid)}

    rehearse(work)


@pytest.mark.card("polymarket", "AR-E02")
@pytest.mark.parametrize("fault", [{"kind": "drop"}, {"kind": "status", "status": 503}])
def test_an_order_that_never_arrived_is_rejected_only_after_its_hash_was_cancelled_in_vain(fault):
    async def work(desk):
        desk.double.faults.add(PlannedFault(route=POST, **fault))
        cid = desk.send("BUY", 10, "0.40")
        await desk.until(lambda: desk.client.doubts)
        other = desk.send("BUY", 10, "0.30")
        await desk.has(other, "Denied")
        assert "VENUE_UNCERTAIN" in desk.last(other, "Denied").reason
        await desk.has(cid, "Rejected")
        assert desk.last(cid, "Rejected").reason.startswith("NOT_AT_VENUE")
        assert desk.open_there() == set()

    rehearse(work)


@pytest.mark.parametrize("kind", [TimeInForce.GTC, TimeInForce.FOK])
def test_an_order_that_arrived_twice_and_of_whose_end_nothing_was_heard_is_not_doubted_for_ever(kind):
    async def work(desk):
        desk.double.faults.add(PlannedFault(kind="drop", channel="order", times=10))
        desk.double.faults.add(PlannedFault(kind="duplicate", route=POST))
        cid = desk.send("BUY", 10, "0.20", time_in_force=kind)
        await desk.has(cid, "Accepted")
        ended = "ACCEPTED" if kind == TimeInForce.GTC else "CANCELED"
        await desk.until(lambda: not desk.client.doubts and desk.status(cid) == ended)

    rehearse(work)


@pytest.mark.parametrize("kind", [TimeInForce.IOC, TimeInForce.FOK])
def test_a_killed_order_whose_answer_is_cut_off_is_not_doubted_for_ever(kind):
    async def work(desk):
        desk.double.faults.add(PlannedFault(kind="drop", channel="order", times=10))
        desk.double.faults.add(PlannedFault(kind="truncate", route=POST))
        cid = desk.send("BUY", 10, "0.20", time_in_force=kind)
        await desk.until(lambda: desk.client.doubts)
        await desk.until(lambda: not desk.client.doubts and desk.status(cid) == "CANCELED")
        assert desk.filled(cid) == 0

    rehearse(work)


def test_an_order_that_arrives_after_it_was_held_for_absent_is_cancelled():
    async def work(desk):
        http, sent = desk.client._desk.http, []
        post = http.post_order

        async def noting(*order):
            sent.append(order)
            return await post(*order)

        http.post_order = noting
        desk.double.faults.add(PlannedFault(kind="drop", route=POST))
        cid = desk.send("BUY", 10, "0.40")
        await desk.has(cid, "Rejected")
        assert isinstance(await post(*sent[0]), Done)  # its bytes were on their way all the time
        assert desk.hash_of(cid) in desk.double.exchange.orders
        await desk.until(lambda: desk.open_there() == set())
        assert desk.status(cid) == "REJECTED"

    rehearse(work)


@pytest.mark.card("polymarket", "AR-E03")
def test_a_fill_that_comes_before_the_answer_is_told_once():
    async def work(desk):
        await desk.stage.crowd("SELL", "0.50", 20)
        desk.double.faults.add(PlannedFault(kind="delay", route=POST, millis=300.0))
        desk.double.faults.add(PlannedFault(kind="fill_before_ack", route=POST, millis=300.0))
        cid = desk.send("BUY", 10, "0.50")
        await desk.has(cid, "Filled")
        assert desk.events(cid).count("Filled") == 1
        assert desk.events(cid).count("Accepted") == 1

    rehearse(work)


@pytest.mark.card("polymarket", "TC-E75")
@pytest.mark.parametrize("kind", ["ack_lost", "drop", "status"])
def test_a_cancel_without_an_answer_is_followed_until_the_order_is_gone(kind):
    async def work(desk):
        cid = desk.send("BUY", 10, "0.40")
        await desk.has(cid, "Accepted")
        desk.double.faults.add(PlannedFault(kind=kind, route=CANCEL, times=2, status=500))
        desk.cancel(cid)
        await desk.has(cid, "Canceled")
        assert "CancelRejected" not in desk.events(cid)

    rehearse(work)


@pytest.mark.card("polymarket", "AR-E07")
def test_a_cancel_waits_for_its_own_submit_only():
    async def work(desk):
        desk.double.faults.add(PlannedFault(kind="delay", route=POST, millis=500.0))
        slow, quick = desk.send("BUY", 10, "0.40"), desk.send("BUY", 10, "0.41")
        desk.cancel(slow)
        await desk.has(quick, "Accepted")
        await desk.has(slow, "Canceled")

    rehearse(work)


@pytest.mark.card("polymarket", "AR-E10")
def test_a_match_whose_settlement_fails_is_taken_back_from_order_position_and_ledger():
    async def work(desk):
        before = desk.ledger.cash_usd("POLYMARKET")
        desk.double.settlement.fates.append("fail")
        await desk.stage.crowd("SELL", "0.50", 20)
        cid = desk.send("BUY", 10, "0.50")
        await desk.has(cid, "Filled", "FillVoided")
        await desk.must_agree()
        assert desk.filled(cid) == 0
        assert desk.ledger.cash_usd("POLYMARKET") == before
        assert any("taken back" in reason for reason in desk.differences)

    rehearse(work)


@pytest.mark.card("polymarket", "AR-E10")
def test_shares_of_a_match_cannot_be_sold_before_it_is_final():
    async def work(desk):
        await desk.stage.crowd("SELL", "0.50", 20)
        cid = desk.send("BUY", 10, "0.50")
        await desk.has(cid, "Filled")
        sale = desk.send("SELL", 1_010, "0.60")
        await desk.has(sale, "Denied")
        assert "INSUFFICIENT_SHARES" in desk.last(sale, "Denied").reason
        await desk.until(lambda: not desk.client._desk.holdings.pending)
        again = desk.send("SELL", 1_010, "0.60")
        await desk.has(again, "Accepted")

    rehearse(work, double={"confirmed_ms": 1_500})


@pytest.mark.card("polymarket", "AR-E04")
def test_a_match_that_is_told_again_with_every_state_counts_once():
    async def work(desk):
        desk.double.settlement.fates.append("retry")
        await desk.stage.crowd("SELL", "0.50", 20)
        cid = desk.send("BUY", 10, "0.50")
        await desk.has(cid, "Filled")
        await desk.until(lambda: not desk.client._desk.holdings.pending)
        passes = desk.client._reconciliation.passes
        await desk.until(lambda: desk.client._reconciliation.passes > passes)
        assert desk.events(cid).count("Filled") == 1

    rehearse(work)


@pytest.mark.card("polymarket", "AR-E11")
def test_an_order_in_the_delay_of_takers_stays_in_flight_and_ends_by_the_stream():
    async def work(desk):
        await desk.stage.crowd("SELL", "0.50", 20)
        cid = desk.send("BUY", 10, "0.50")
        await desk.until(lambda: getattr(desk.client._desk.tickets.find(cid.value), "is_delayed", False))
        assert desk.events(cid) == []
        desk.cancel(cid)
        await desk.has(cid, "Filled")
        assert "Rejected" not in desk.events(cid)

    rehearse(work, market={"delay_secs": 1}, terms={"taker_delay_ms": 1_000})


@pytest.mark.card("polymarket", "AR-E13")
def test_a_rest_below_a_hundredth_of_a_share_is_nothing_that_stays_open():
    async def work(desk):
        await desk.stage.crowd("SELL", "0.30", 30)
        await desk.show("0.29", "0.30")
        cid = desk.market("BUY", 1, params={"worst_price": "0.30"})
        await desk.until(lambda: desk.order(cid).is_closed)
        assert desk.filled(cid) == Decimal("3.333333")

    rehearse(work)


@pytest.mark.card("polymarket", "AR-E20", "AR-E21")
@pytest.mark.parametrize(
    ("mode", "word", "told"),
    [("cancel_only", "VENUE_CANCEL_ONLY", "cancel_only"), ("disabled", "VENUE_DISABLED", "paused")],
)
def test_a_mode_of_the_venue_stops_new_orders_and_no_cancels(mode, word, told):
    async def work(desk):
        rests = desk.send("BUY", 10, "0.40")
        await desk.has(rests, "Accepted")
        desk.double.desk.set_mode(mode)
        first = desk.send("SELL", 10, "0.60")
        await desk.until(lambda: desk.client._desk.modes.problem_of(is_post_only=False))
        second = desk.send("SELL", 10, "0.61")
        await desk.has(second, "Denied")
        assert word in desk.last(second, "Denied").reason
        if mode == "disabled":
            desk.double.desk.set_mode("open")
        desk.cancel(rests)
        await desk.has(rests, "Canceled")
        desk.double.desk.set_mode("open")
        await desk.has(first, "Rejected")
        assert desk.conditions == ["normal", told]

    rehearse(work)


@pytest.mark.card("polymarket", "AR-E21")
def test_in_post_only_mode_makers_pass_and_takers_are_denied():
    async def work(desk):
        desk.double.desk.set_mode("post_only")
        first = desk.send("BUY", 10, "0.40")
        await desk.until(lambda: desk.client._desk.modes.problem_of(is_post_only=False))
        await desk.has(first, "Rejected")
        taker = desk.send("SELL", 10, "0.60")
        await desk.has(taker, "Denied")
        assert "VENUE_POST_ONLY" in desk.last(taker, "Denied").reason
        maker = desk.send("SELL", 10, "0.60", post_only=True)
        await desk.has(maker, "Accepted")
        assert desk.conditions == ["normal", "post_only"]

    rehearse(work)


@pytest.mark.card("polymarket", "AR-E25")
def test_an_account_that_may_only_close_opens_no_risk_and_still_sells():
    async def work(desk):
        desk.double.desk.standing.closed_only.add(desk.stage.ours.owner.address.lower())
        desk.double.desk.standing.closed_only.add(desk.stage.ours.owner.address)
        cid = desk.send("BUY", 10, "0.40")
        await desk.has(cid, "Rejected")
        assert desk.client.doubts
        buy, sale = desk.send("BUY", 10, "0.40"), desk.send("SELL", 10, "0.60")
        await desk.has(buy, "Denied")
        await desk.has(sale, "Accepted")
        assert len(desk.differences) == 1
        assert desk.conditions == ["normal", "closed_only"]

    rehearse(work, agrees=False)


@pytest.mark.card("polymarket", "AR-E21", "AR-E22")
def test_a_restart_of_the_matching_engine_is_told_and_its_end_when_its_time_is_over():
    async def work(desk):
        desk.double.desk.set_mode("restarting")
        cid = desk.send("BUY", 10, "0.40")
        await desk.until(lambda: desk.conditions == ["normal", "restarting"])
        desk.double.desk.set_mode("open")
        await desk.until(lambda: desk.conditions == ["normal", "restarting", "normal"])
        await desk.has(cid, "Rejected")

    rehearse(work)


@pytest.mark.card("polymarket", "AR-E35")
def test_what_happens_while_the_stream_is_down_is_fetched_before_new_risk():
    async def work(desk):
        cid = desk.send("BUY", 10, "0.40")
        gone = desk.send("BUY", 10, "0.39")
        await desk.has(cid, "Accepted")
        await desk.has(gone, "Accepted")
        # What is fetched takes its time: else all may be over between two looks of this test.
        desk.double.faults.add(PlannedFault(kind="delay", route="GET /data/", times=0, millis=300.0))
        desk.double.faults.add(PlannedFault(kind="disconnect_all", after_secs=0.0))
        await desk.until(lambda: desk.client.doubts)
        await desk.stage.crowd("SELL", "0.40", 10)
        await desk.has(cid, "Filled")
        await desk.until(lambda: not desk.client.doubts)
        assert desk.events(cid).count("Filled") == 1

    rehearse(work)


@pytest.mark.card("polymarket", "AR-E41")
def test_money_that_an_exchange_may_not_take_is_no_money_of_an_order():
    async def work(desk):
        wallet, spender = (
            desk.stage.ours.funder,
            desk.client._desk.contracts.of(desk.limit("BUY", 5, "0.5").instrument_id).spender,
        )
        desk.double.exchange.allowances.approve(wallet, spender, 1_000_000)
        await desk.client._desk.http.update_collateral(0)
        await desk.client._reconciliation.read_cash()
        cid = desk.send("BUY", 10, "0.40")
        await desk.has(cid, "Denied")
        assert "INSUFFICIENT_ALLOWANCE" in desk.last(cid, "Denied").reason
        assert spender in desk.last(cid, "Denied").reason

    rehearse(work)


@pytest.mark.card("polymarket", "AR-E36")
def test_an_order_that_somebody_else_sends_with_our_key_appears_as_external():
    async def work(desk):
        stage = desk.stage
        theirs, stage.theirs = stage.theirs, stage.ours
        other, stage.other = stage.other, desk.client._desk.http
        order_id = await stage.crowd("BUY", "0.33", 12)
        stage.theirs, stage.other = theirs, other
        await desk.until(
            lambda: any(
                one.venue_order_id and one.venue_order_id.value == order_id for one in desk.cache.orders()
            )
        )

    rehearse(work, agrees=False)


@pytest.mark.card("polymarket", "TC-E84", "TC-E86", "AR-E30")
def test_a_second_node_finds_what_the_first_left_behind():
    hashes = []

    async def first(desk):
        cid = desk.send("BUY", 10, "0.40")
        await desk.has(cid, "Accepted")
        hashes.append(desk.hash_of(cid))

    async def second(desk):
        found = [one for one in desk.cache.orders_open() if one.venue_order_id.value == hashes[0]]
        assert len(found) == 1
        assert str(found[0].price) == "0.4000"
        desk.cancel(found[0].client_order_id)
        await desk.until(lambda: desk.open_there() == set())

    rehearse(first, second)


@pytest.mark.card("polymarket", "AR-E33")
def test_when_a_node_that_armed_the_switch_falls_silent_the_venue_cancels_its_orders():
    async def work(desk):
        cid = desk.send("BUY", 10, "0.40")
        await desk.has(cid, "Accepted")
        sent = desk.client._desk.http.private.counters["clob"]
        for secs in (8, 16):  # while it beats, its order rests
            desk.stage.ahead_ns, before = secs * SECOND, sent.requests
            await desk.until(lambda at=before: sent.requests > at + 1)
            assert desk.open_there() == {desk.hash_of(cid)}
        await desk.client._desk.tasks.stop()  # as if it had died: nothing is cleaned up
        desk.stage.ahead_ns = 29 * SECOND
        await desk.until(lambda: desk.open_there() == set())

    rehearse(work, agrees=False, settings={"arms_heartbeat": True, "heartbeat_secs": 0.1})


def test_the_switch_of_a_key_is_armed_only_by_a_book_that_says_so():
    async def work(desk):
        cid = desk.send("BUY", 10, "0.40")
        await desk.has(cid, "Accepted")
        desk.stage.ahead_ns = 29 * SECOND
        await desk.stage.crowd("SELL", "0.40", 10)
        await desk.has(cid, "Filled")

    rehearse(work, settings={"heartbeat_secs": 0.1})


@pytest.mark.card("polymarket", "AR-E05")
def test_an_order_that_the_venue_throttles_is_unknown_until_its_hash_was_asked_for():
    async def work(desk):
        rests = desk.send("BUY", 10, "0.30")
        await desk.has(rests, "Accepted")
        desk.double.faults.add(PlannedFault(kind="status", route=POST, status=429))
        cid = desk.send("BUY", 10, "0.40")
        await desk.until(lambda: desk.client.doubts)
        assert desk.status(cid) == "SUBMITTED"
        desk.cancel(rests)
        await desk.has(rests, "Canceled")
        await desk.has(cid, "Rejected")
        assert desk.last(cid, "Rejected").reason.startswith("NOT_AT_VENUE")

    rehearse(work)


@pytest.mark.card("polymarket", "AR-E05")
def test_while_orders_wait_for_our_own_budget_cancels_go_on():
    async def work(desk):
        rests = desk.send("BUY", 10, "0.30")
        await desk.has(rests, "Accepted")
        budget = desk.client._desk.http.buckets[SIGNED_ORDERS]
        budget.refill(0.5, budget.capacity)  # an order each two seconds
        assert budget.try_take(budget.tokens)
        cid = desk.send("BUY", 10, "0.40")
        await desk.until(lambda: desk.status(cid) == "SUBMITTED")
        desk.cancel(rests)
        await desk.has(rests, "Canceled")
        assert desk.events(cid) == []
        await desk.has(cid, "Accepted")

    rehearse(work)
