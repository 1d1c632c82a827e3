"""Commands at Kalshi whose outcome nobody knows: cards TC-E74 to E78. Unknown is never rejected, and nothing is sent twice."""

import pytest
from kalshi_desk import Stand
from kalshi_trader import to_price
from kalshi_venue import SHARD

from simulation.wire.fault_plan import PlannedFault

CREATE = "POST /portfolio/events/orders"
CANCEL = "DELETE /portfolio/events/orders"
READS = ("GET /portfolio/orders", "GET /exchange/user_data_timestamp")

APPLIED = [
    {"kind": "ack_lost"},
    {"kind": "status_after", "status": 503},
    {"kind": "truncate"},
    {"kind": "delay", "millis": 900},  # later than we wait
]
LOST = [
    {"kind": "drop"},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "half_open", "millis": 900},
]


@pytest.fixture(scope="module")
def stand():
    with Stand(settings={"request_timeout_secs": 0.5}) as one:
        yield one


def named(fault):
    return f"{fault['kind']} {fault.get('status', '')}".strip()


def failed_reads(times):
    return [PlannedFault(kind="drop", route=route, times=times) for route in READS]


def of_order(desk, client_order_id):
    """Return the creates that carry this id."""
    return [
        one for one in desk.sent(CREATE) if (one.body or {}).get("client_order_id") == client_order_id.value
    ]


async def in_doubt(desk, client_order_ids):
    """Wait until the outcome is unknown and the venue cannot be asked either; nothing may be concluded then."""
    await desk.until(lambda: desk.client.doubts)
    before = len(desk.double.sent)
    await desk.until(lambda: sum(one.route in READS for one in desk.double.sent[before:]) >= 2)
    for cid in client_order_ids:
        assert desk.events(cid) == []
        assert desk.status(cid) == "SUBMITTED"
        assert desk.books.guardian.exposure.of(cid) is not None  # what it may cost stays set aside


@pytest.mark.card("kalshi", "TC-E74")
@pytest.mark.parametrize("fault", APPLIED, ids=named)
def test_a_submit_that_arrived_without_an_answer_is_found(stand, fault):
    async def work(desk):
        for one in (PlannedFault(route=CREATE, **fault), *failed_reads(3)):
            desk.double.faults.add(one)
        cid = desk.send(desk.market().yes, "BUY", 3, "0.40")
        await desk.has(cid, "Accepted")
        assert desk.events(cid) == ["Accepted"]
        assert len(of_order(desk, cid)) == 1
        await desk.until(lambda: not desk.client.doubts)

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E74")
@pytest.mark.parametrize("fault", LOST, ids=named)
def test_a_submit_that_may_not_have_arrived_stays_in_flight_until_its_absence_is_proved(stand, fault):
    async def work(desk):
        for one in (PlannedFault(route=CREATE, **fault), *failed_reads(6)):
            desk.double.faults.add(one)
        cid = desk.send(desk.market().yes, "BUY", 3, "0.40")
        await in_doubt(desk, [cid])
        await desk.has(cid, "Rejected")
        assert desk.last(cid, "Rejected").reason.startswith("NOT_AT_VENUE")
        assert len(of_order(desk, cid)) == 1
        assert all(
            row["client_order_id"] != cid.value for row in desk.double.snapshot().orders.get("alice", ())
        )

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E75")
@pytest.mark.parametrize("fault", APPLIED + LOST, ids=named)
def test_a_cancel_of_unknown_outcome_is_never_rejected(stand, fault):
    async def work(desk):
        cid = desk.send(desk.market().yes, "BUY", 3, "0.40")
        await desk.has(cid, "Accepted")
        desk.double.faults.add(PlannedFault(route=CANCEL, **fault))
        desk.trader.cancel_order(cid)
        await desk.has(cid, "Canceled")
        assert desk.events(cid) == ["Accepted", "PendingCancel", "Canceled"]

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E76")
@pytest.mark.parametrize("fault", APPLIED, ids=named)
def test_a_change_that_arrived_without_an_answer_is_found(stand, fault):
    async def work(desk):
        cid = desk.send(desk.market().yes, "BUY", 3, "0.40")
        await desk.has(cid, "Accepted")
        desk.double.faults.add(PlannedFault(route=f"{CREATE}/", **fault))
        desk.trader.modify_order(cid, price=to_price("0.42"))
        await desk.has(cid, "Updated")
        assert desk.events(cid) == ["Accepted", "PendingUpdate", "Updated"]
        assert desk.cache.order(cid).price == to_price("0.42")
        await desk.until(lambda: not desk.client.doubts)

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E76")
@pytest.mark.parametrize("fault", LOST, ids=named)
def test_a_change_that_may_not_have_arrived_is_open_until_the_old_terms_are_proved(stand, fault):
    async def work(desk):
        cid = desk.send(desk.market().yes, "BUY", 3, "0.40")
        await desk.has(cid, "Accepted")
        for one in (PlannedFault(route=f"{CREATE}/", **fault), *failed_reads(4)):
            desk.double.faults.add(one)
        desk.trader.modify_order(cid, price=to_price("0.42"))
        await desk.until(lambda: desk.client.doubts)
        await desk.until(
            lambda: desk.faults()[-2:].count("drop") == 2
        )  # it was asked about, without an answer
        assert desk.status(cid) == "PENDING_UPDATE"
        await desk.has(cid, "ModifyRejected")
        assert desk.last(cid, "ModifyRejected").reason.startswith("NOT_CHANGED")
        assert (desk.status(cid), desk.cache.order(cid).price) == ("ACCEPTED", to_price("0.40"))

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E77")
@pytest.mark.parametrize("fault", [APPLIED[0], LOST[0], LOST[2]], ids=named)
def test_a_batch_that_fails_as_a_whole_rejects_nothing(stand, fault):
    async def work(desk):
        leg = desk.market().yes
        for one in (PlannedFault(route=f"{CREATE}/batched", **fault), *failed_reads(4)):
            desk.double.faults.add(one)
        orders = [desk.trader.limit(leg, "BUY", 1, f"0.4{n}") for n in range(3)]
        desk.trader.submit_order_list(orders)
        cids = [order.client_order_id for order in orders]
        end = "Accepted" if fault in APPLIED else "Rejected"
        if end == "Rejected":
            await in_doubt(desk, cids)
        for cid in cids:
            await desk.has(cid, end)
            assert desk.events(cid) == [end]
        assert [len(one.body["orders"]) for one in desk.sent(f"{CREATE}/batched")][-1] == 3
        if end == "Accepted":
            desk.double.faults.add(PlannedFault(route=f"{CANCEL}/batched", **fault))
            desk.trader.cancel_orders(cids)
            for cid in cids:
                await desk.has(cid, "Canceled")
                assert desk.events(cid) == ["Accepted", "PendingCancel", "Canceled"]

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E77")
def test_a_batch_cancel_that_never_arrived_rejects_nothing(stand):
    async def work(desk):
        leg = desk.market().yes
        cids = [desk.send(leg, "BUY", 1, f"0.4{n}") for n in range(3)]
        for cid in cids:
            await desk.has(cid, "Accepted")
        desk.double.faults.add(PlannedFault(kind="drop", route=f"{CANCEL}/batched"))
        desk.trader.cancel_orders(cids)
        for cid in cids:
            await desk.has(cid, "Canceled")
            assert desk.events(cid) == ["Accepted", "PendingCancel", "Canceled"]

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E78")
def test_a_batch_in_which_one_order_is_refused_rejects_that_one(stand):
    async def work(desk):
        leg, free = desk.market().yes, desk.client.shard_cash_usd[SHARD]
        orders = [desk.trader.limit(leg, "BUY", size, "0.40") for size in (2, 100, 3)]
        desk.books.fund(10 - free, SHARD)  # spent elsewhere a moment ago: the venue knows, we do not
        desk.trader.submit_order_list(orders)
        good, dear, also_good = (order.client_order_id for order in orders)
        await desk.has(dear, "Rejected")
        assert "insufficient" in desk.last(dear, "Rejected").reason.lower()
        for cid in (good, also_good):
            await desk.has(cid, "Accepted")
        desk.books.fund(free - 10, SHARD)

    stand.run(work)
