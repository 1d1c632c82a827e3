"""Orders at Polymarket's double, through a live node: how they rest, take, are cancelled and denied."""

from decimal import Decimal

import pytest
from nautilus_trader.model import TimeInForce
from polymarket_house import NO, TOKENS, YES, rehearse, wall_ns

from risk.state import State
from simulation.wire.fault_plan import PlannedFault

MINUTE_NS = 60 * 10**9


@pytest.mark.card("polymarket", "TC-E10", "TC-E11", "TC-E12", "TC-E40", "TC-E44")
def test_a_buy_and_a_sale_rest_until_each_is_cancelled():
    async def work(desk):
        buy, sale = desk.send("BUY", 10, "0.40"), desk.send("SELL", "7.5", "0.60")
        await desk.has(buy, "Accepted")
        await desk.has(sale, "Accepted")
        assert desk.open_there() == {desk.hash_of(buy), desk.hash_of(sale)}
        assert [order.venue_order_id.value for order in (desk.order(buy), desk.order(sale))] == [
            desk.hash_of(buy),
            desk.hash_of(sale),
        ]
        for one in (buy, sale):
            desk.cancel(one)
            await desk.has(one, "Canceled")
        desk.cancel(buy)
        assert desk.open_there() == set()

    rehearse(work)


@pytest.mark.card("polymarket", "TC-E13", "TC-E15", "AR-E14")
@pytest.mark.parametrize("kind", [TimeInForce.IOC, TimeInForce.FOK])
def test_a_buy_that_takes_is_filled_at_once_with_the_fee_of_the_schedule(kind):
    async def work(desk):
        await desk.stage.crowd("SELL", "0.50", 20)
        cid = desk.send("BUY", 10, "0.50", time_in_force=kind)
        await desk.has(cid, "Filled")
        assert desk.status(cid) == "FILLED"
        assert desk.last(cid, "Filled").commission.as_decimal() == Decimal("0.175")

    rehearse(work)


@pytest.mark.card("polymarket", "TC-E14", "TC-E16")
@pytest.mark.parametrize("kind", [TimeInForce.IOC, TimeInForce.FOK])
def test_an_order_that_takes_and_finds_nothing_ends_as_cancelled(kind):
    async def work(desk):
        cid = desk.send("BUY", 10, "0.20", time_in_force=kind)
        await desk.has(cid, "Canceled")
        assert "Rejected" not in desk.events(cid)

    rehearse(work)


@pytest.mark.parametrize("kind", [TimeInForce.IOC, TimeInForce.FOK])
def test_a_buy_that_gets_a_better_price_is_told_with_all_the_shares_of_its_money_and_halts_nothing(kind):
    async def work(desk):
        await desk.stage.crowd("SELL", "0.40", 100)
        cid = desk.send("BUY", 10, "0.60", time_in_force=kind)
        await desk.has(cid, "Updated", "Filled")
        await desk.until(lambda: desk.order(cid).is_closed)
        assert desk.status(cid) == "FILLED"
        assert desk.filled(cid) == 15  # 6 pUSD at 0.40
        assert (desk.guardian.state, desk.guardian.exposure.live_count()) == (State.ACTIVE, 0)

    rehearse(work)


@pytest.mark.card("polymarket", "TC-E01", "TC-E03", "TC-E05")
def test_a_market_buy_spends_its_money_and_is_filled_in_shares():
    async def work(desk):
        await desk.stage.crowd("SELL", "0.45", 6)
        await desk.stage.crowd("SELL", "0.50", 100)
        await desk.show("0.40", "0.45")
        cid = desk.market("BUY", 10, params={"worst_price": "0.50"})
        await desk.until(lambda: desk.order(cid) is not None and desk.order(cid).is_closed)
        assert desk.status(cid) == "FILLED"
        assert desk.filled(cid) == Decimal(6) + (Decimal(10) - Decimal("2.70")) / Decimal("0.50")

    rehearse(work)


@pytest.mark.card("polymarket", "TC-E06", "TC-E82", "AR-E42")
def test_a_market_sale_takes_bids_down_to_its_worst_price():
    async def work(desk):
        await desk.stage.crowd("BUY", "0.55", 8)
        await desk.show("0.55", "0.60")
        cid = desk.market("SELL", 20, params={"worst_price": "0.50"})
        await desk.until(lambda: desk.order(cid) is not None and desk.order(cid).is_closed)
        assert desk.filled(cid) == 8
        assert desk.events(cid)[-1] == "Canceled"

    rehearse(work)


@pytest.mark.card("polymarket", "AR-E12")
def test_a_buy_that_meets_a_buy_of_the_complement_is_booked_on_its_own_token_at_its_own_price():
    async def work(desk):
        cid = desk.send("BUY", 10, "0.30", on=NO)
        await desk.has(cid, "Accepted")
        await desk.stage.crowd("BUY", "0.70", 10, token=TOKENS[0])
        await desk.has(cid, "Filled")
        filled = desk.last(cid, "Filled")
        assert (str(filled.last_px), filled.instrument_id) == ("0.3000", NO)
        assert filled.commission.as_decimal() == 0

    rehearse(work)


@pytest.mark.card("polymarket", "TC-E60", "TC-E70")
def test_post_only_rests_or_is_rejected_for_it():
    async def work(desk):
        rests = desk.send("BUY", 10, "0.30", post_only=True)
        await desk.has(rests, "Accepted")
        await desk.stage.crowd("SELL", "0.50", 20)
        crosses = desk.send("BUY", 10, "0.55", post_only=True)
        await desk.has(crosses, "Rejected")
        assert desk.last(crosses, "Rejected").due_post_only

    rehearse(work)


@pytest.mark.card("polymarket", "TC-E17")
def test_an_order_with_an_expiry_tells_the_venue_a_minute_more():
    async def work(desk):
        cid = desk.send(
            "BUY", 10, "0.30", time_in_force=TimeInForce.GTD, expire_time=wall_ns() + 10 * MINUTE_NS
        )
        await desk.has(cid, "Accepted")
        soon = desk.send("BUY", 10, "0.30", time_in_force=TimeInForce.GTD, expire_time=wall_ns() + MINUTE_NS)
        await desk.has(soon, "Denied")
        assert "INVALID_EXPIRY" in desk.last(soon, "Denied").reason

    rehearse(work)


@pytest.mark.card("polymarket", "TC-E18")
def test_an_order_whose_shortest_expiry_has_passed_ends_as_expired():
    async def work(desk):
        soon = wall_ns() + 2 * MINUTE_NS + 5 * 10**9
        cid = desk.send("BUY", 10, "0.30", time_in_force=TimeInForce.GTD, expire_time=soon)
        await desk.has(cid, "Accepted")
        desk.stage.ahead_ns = 3 * MINUTE_NS
        await desk.has(cid, "Expired")
        assert desk.events(cid) == ["Accepted", "Expired"]

    rehearse(work)


@pytest.mark.card("polymarket", "TC-E63")
def test_a_builder_code_is_part_of_what_is_signed():
    code = "0x" + "cd" * 32

    async def work(desk):
        sent, http = [], desk.client._desk.http
        post = http.post_order

        async def noting(order, order_id):
            sent.append((order.order.builder, order_id))
            return await post(order, order_id)

        http.post_order = noting
        cid = desk.send("BUY", 10, "0.30")
        await desk.has(cid, "Accepted")
        assert sent == [(code, desk.hash_of(cid))]
        assert desk.open_there() == {desk.hash_of(cid)}  # which the venue computes from what it got

    rehearse(work, settings={"builder_code": code})


@pytest.mark.card("polymarket", "TC-E32", "TC-E33", "TC-E36")
def test_an_order_is_replaced_by_a_cancel_and_another_one_for_none_can_be_changed():
    async def work(desk):
        first = desk.send("BUY", 10, "0.30")
        await desk.has(first, "Accepted")
        order = desk.order(first)
        desk.trader.modify_order(
            order.client_order_id, quantity=order.quantity, price=desk.limit("BUY", 10, "0.31").price
        )
        await desk.has(first, "ModifyRejected")
        desk.cancel(first)
        second = desk.send("BUY", 10, "0.31")
        await desk.has(first, "Canceled")
        await desk.has(second, "Accepted")
        assert desk.open_there() == {desk.hash_of(second)}

    rehearse(work)


@pytest.mark.card("polymarket", "TC-E78")
def test_a_batch_goes_in_one_request_and_each_order_succeeds_or_fails_alone():
    async def work(desk):
        await desk.stage.crowd("SELL", "0.50", 20)
        orders = [desk.limit("BUY", 10, f"0.3{n}") for n in range(3)]
        orders.append(desk.limit("BUY", 10, "0.55", post_only=True))
        desk.trader.submit_order_list(orders)
        ids = [order.client_order_id for order in orders]
        for cid in ids[:3]:
            await desk.has(cid, "Accepted")
        await desk.has(ids[3], "Rejected")
        assert len(desk.open_there()) == 3

    rehearse(work)


@pytest.mark.card("polymarket", "TC-E41", "TC-E42", "TC-E43", "TC-E81")
def test_all_forms_of_cancel_end_their_orders():
    async def work(desk):
        ids = [desk.send("BUY", 10, f"0.3{n}") for n in range(6)]
        for cid in ids:
            await desk.has(cid, "Accepted")
        desk.cancel(ids[0])
        desk.trader.cancel_orders([desk.order(one).client_order_id for one in ids[1:3]])
        desk.trader.cancel_all_orders(desk.order(ids[3]).instrument_id)
        for cid in ids:
            await desk.has(cid, "Canceled")
        assert desk.open_there() == set()

    rehearse(work)


@pytest.mark.parametrize("is_silent", [False, True])
def test_the_end_of_a_cancelled_order_is_asked_for_only_where_the_stream_does_not_tell_it(is_silent):
    async def work(desk):
        cid = desk.send("BUY", 10, "0.30")
        await desk.has(cid, "Accepted")
        desk.double.faults.add(PlannedFault(kind="delay", route="GET /data/order/", millis=1.0, times=0))
        if is_silent:
            desk.double.faults.add(PlannedFault(kind="drop", channel="order", times=0))
        desk.cancel(cid)
        await desk.has(cid, "Canceled")
        asked = [one for one in desk.double.faults.injected if one.fault.kind == "delay"]
        assert bool(asked) == is_silent

    rehearse(work)


@pytest.mark.card("polymarket", "TC-E80")
def test_a_position_is_opened_by_an_order_that_takes_before_a_quote_rests():
    def held(desk):
        return sum(one.quantity.as_decimal() for one in desk.cache.positions_open(instrument_id=YES))

    async def work(desk):
        before = held(desk)
        await desk.stage.crowd("SELL", "0.50", 20)
        opening = desk.send("BUY", 10, "0.50", time_in_force=TimeInForce.IOC)
        await desk.has(opening, "Filled")
        await desk.until(lambda: not desk.client._desk.holdings.pending)
        quote = desk.send("SELL", 10, "0.60")
        await desk.has(quote, "Accepted")
        assert desk.events()[: len(desk.events(opening))] == desk.events(opening)
        assert held(desk) - before == 10

    rehearse(work)
