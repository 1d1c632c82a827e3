"""Our own execution cards at Kalshi: answers that are lost or late, fills that race, ends that the venue decides."""

import asyncio
from decimal import Decimal

import pytest
from kalshi_house import CANCEL, CREATE, SHARD, side, wall_ns
from kalshi_keeper import kept

from adapters.kalshi.messages.orders import CancelOrder, CreatedOrder
from adapters.kalshi.messages.portfolio import Fill, FillUpdate
from simulation.wire.fault_plan import PlannedFault


@pytest.fixture(scope="module")
def play():
    with kept() as keeper:
        yield keeper


def fault(on, kind, **more):
    on.double.faults.add(PlannedFault(kind=kind, **more))


def held(on, ticker, outcome="YES"):
    return on.ledger.quantity("hand-1", str(side(ticker, outcome)))


def ids(on, ticker):
    return [one["client_order_id"] for one in on.at_venue(ticker)]


@pytest.mark.card("kalshi", "AR-E01")
def test_an_order_whose_answer_is_lost_is_found_by_our_id_and_is_there_once(play):
    async def scene(on):
        ticker = await on.market()
        fault(on, "ack_lost", route=CREATE, nth=1)
        bought = on.send(ticker, "YES", "BUY", "10", "0.50")
        await on.has(bought, "Accepted")
        assert on.events(bought) == ["Accepted"]
        assert ids(on, ticker) == [bought.value]
        assert on.double.faults.kinds()[-1:] == ["ack_lost"]

    play(scene)


@pytest.mark.card("kalshi", "AR-E02")
def test_an_order_that_never_arrived_is_unknown_until_its_absence_is_proved(play):
    async def scene(on):
        ticker = await on.market()
        fault(on, "drop", route=CREATE, nth=1)
        lost = on.send(ticker, "YES", "BUY", "10", "0.50")
        await on.until(lambda: on.execution.doubts)
        assert on.events(lost) == []
        assert on.guardian.exposure.of(lost).usd > 5
        other = on.send(ticker, "YES", "BUY", "1", "0.40")
        await on.has(other, "Denied")
        assert on.last(other, "Denied").reason.startswith("VENUE_UNCERTAIN")
        await on.has(lost, "Rejected")
        assert on.last(lost, "Rejected").reason.startswith("NOT_AT_VENUE")
        assert on.at_venue(ticker) == []
        assert on.double.faults.kinds()[-1:] == ["drop"]

    play(scene)


@pytest.mark.card("kalshi", "AR-E03")
def test_a_fill_that_comes_before_the_answer_is_booked_at_once_and_the_answer_adds_nothing(play):
    async def scene(on):
        ticker = await on.market()
        fault(on, "fill_before_ack", route=CREATE, nth=1, millis=400)
        bought = on.send(ticker, "YES", "BUY", "10", "0.60")
        await on.has(bought, "Filled")
        assert on.events(bought) == ["Accepted", "Filled"]
        assert held(on, ticker) == 10
        assert on.guardian.exposure.of(bought) is None
        await on.agree()
        await asyncio.sleep(0.5)  # the answer comes meanwhile: there is no condition to wait for
        assert on.events(bought) == ["Accepted", "Filled"]
        assert on.double.faults.kinds()[-1:] == ["fill_before_ack"]

    play(scene)


@pytest.mark.card("kalshi", "AR-E04")
def test_a_fill_that_comes_on_the_stream_twice_and_by_every_query_is_booked_once(play):
    async def scene(on):
        ticker = await on.market()
        fault(on, "duplicate", channel="fill", nth=1)
        bought = on.send(ticker, "YES", "BUY", "10", "0.50")
        await on.has(bought, "Accepted")
        on.rest(ticker, "ask", "0.50", "4")
        await on.has(bought, "Filled")
        on.hand.query_order(on.cache.order(bought))
        passes = on.execution._reconciliation.passes
        await on.wire.cut()
        await on.until(lambda: on.execution._reconciliation.passes > passes and not on.execution.doubts)
        assert on.events(bought) == ["Accepted", "Filled"]
        assert held(on, ticker) == 4
        assert on.ledger.duplicates == []
        assert on.double.faults.kinds()[-1:] == ["duplicate"]

    play(scene)


@pytest.mark.card("kalshi", "AR-E05")
def test_an_order_that_the_venue_throttled_was_not_applied(play):
    async def scene(on):
        ticker = await on.market()
        fault(on, "status", route=CREATE, nth=1, status=429)
        refused = on.send(ticker, "YES", "BUY", "10", "0.50")
        await on.has(refused, "Rejected")
        assert on.execution.doubts == ()
        assert on.at_venue(ticker) == []

    play(scene)


@pytest.mark.card("kalshi", "AR-E06")
def test_fills_before_a_cancel_are_booked_also_when_they_are_told_after_it(play):
    async def scene(on):
        ticker = await on.market()
        partly = on.send(ticker, "YES", "BUY", "10", "0.50")
        wholly = on.send(ticker, "YES", "BUY", "5", "0.49")
        for one in (partly, wholly):
            await on.has(one, "Accepted")
        fault(on, "delay", channel="fill", nth=1, millis=300)
        fault(on, "delay", route=CANCEL, nth=1, times=2, millis=150)
        on.hand.cancel_order(partly)
        on.rest(ticker, "ask", "0.50", "4")
        await on.has(partly, "Canceled", "Filled")
        assert on.events(partly) == ["Accepted", "PendingCancel", "Filled", "Canceled"]
        on.hand.cancel_order(wholly)
        on.rest(ticker, "ask", "0.49", "5")
        await on.until(lambda: on.status(wholly) == "FILLED")
        await on.agree()
        assert on.events(wholly) == ["Accepted", "PendingCancel", "Filled"]
        assert held(on, ticker) == 9

    play(scene)


@pytest.mark.card("kalshi", "AR-E07")
def test_a_cancel_waits_for_its_own_submit_only_and_is_not_sent_after_a_refusal(play):
    async def scene(on):
        ticker = await on.market()
        fault(on, "delay", route=CREATE, nth=1, millis=500)
        slow = on.send(ticker, "YES", "BUY", "10", "0.50")
        await on.until(lambda: on.status(slow) == "SUBMITTED")
        on.hand.cancel_order(slow)
        quick = on.send(ticker, "YES", "BUY", "1", "0.45")
        await on.has(quick, "Accepted")
        assert on.status(slow) == "PENDING_CANCEL"
        await on.has(slow, "Canceled")
        assert on.events(slow)[-1] == "Canceled"
        assert [one["status"] for one in on.at_venue(ticker)] == ["resting", "canceled"]
        cancels = [one for one in on.routes if one.startswith(CANCEL)]
        fault(on, "delay", route=CREATE, nth=1, millis=200)
        on.double.control.pause_shard(SHARD)
        refused = on.send(ticker, "YES", "BUY", "10", "0.50")
        await on.until(lambda: on.status(refused) == "SUBMITTED")
        on.hand.cancel_order(refused)
        await on.has(refused, "Rejected")
        await on.until(lambda: on.execution._desk.modes.problem_of(SHARD))
        on.double.control.resume_shard(SHARD)
        await on.agree()
        assert [one for one in on.routes if one.startswith(CANCEL)] == cancels

    play(scene)


@pytest.mark.card("kalshi", "AR-E09")
@pytest.mark.parametrize("how", ["own orders meet", "pause"])
def test_what_the_venue_cancels_by_itself_ends_as_cancelled_and_is_not_replaced(play, how):
    async def scene(on):
        ticker = await on.market()
        rests = on.send(ticker, "YES", "BUY", "10", "0.50")
        await on.has(rests, "Accepted")
        if how == "pause":
            on.double.life.deactivate(ticker)
            gone = rests
        else:
            gone = on.send(ticker, "NO", "BUY", "10", "0.50")
        await on.has(gone, "Canceled")
        await on.agree()
        assert len(on.at_venue(ticker)) == (1 if how == "pause" else 2)
        if how == "pause":
            on.double.life.activate(ticker)

    play(scene)


@pytest.mark.card("kalshi", "AR-E09")
def test_an_order_that_the_venue_ends_for_want_of_cash_is_told_with_its_reason(play):
    async def scene(on):
        ticker = await on.market()
        rests = on.send(ticker, "YES", "BUY", "10", "0.50")
        await on.has(rests, "Accepted")
        taken_usd = on.cash() - 1
        on.double.control.fund("alice", str(-taken_usd), exchange_index=SHARD)
        on.ledger.withdraw("KALSHI", taken_usd, wall_ns())
        on.rest(ticker, "ask", "0.50", "10")
        await on.has(rests, "Canceled")
        await on.until(lambda: on.differences)
        (alert,) = on.differences
        assert rests.value in alert
        assert alert.endswith(": MarginCancel")
        on.differences.clear()
        await on.agree()
        on.double.control.fund("alice", str(taken_usd), exchange_index=SHARD)
        on.ledger.deposit("KALSHI", taken_usd, wall_ns())
        on.execution._reconciliation.ask_cash()

    play(scene)


@pytest.mark.card("kalshi", "AR-E10", "AR-E11")
def test_neither_a_fill_nor_an_answer_has_a_state_in_which_it_could_be_pending_or_delayed():
    for kind in (Fill, FillUpdate, CreatedOrder):
        assert not {"status", "state", "pending"} & set(kind.__struct_fields__), kind


@pytest.mark.card("kalshi", "AR-E12")
@pytest.mark.parametrize(
    ("outcome", "price", "taken"), [("NO", "0.45", ("bid", "0.55")), ("YES", "0.55", ("ask", "0.55"))]
)
def test_a_fill_is_booked_on_the_instrument_that_was_ordered_at_its_own_price(play, outcome, price, taken):
    async def scene(on):
        ticker = await on.market()
        bought = on.send(ticker, outcome, "BUY", "10", price)
        await on.has(bought, "Accepted")
        on.rest(ticker, *taken, "10")
        await on.has(bought, "Filled")
        filled = on.last(bought, "Filled")
        assert (filled.instrument_id, f"{filled.last_px}") == (side(ticker, outcome), f"{price}00")
        assert held(on, ticker, outcome) == 10
        assert on.double.snapshot().positions["alice", SHARD, 0][ticker] == (
            "10.00" if outcome == "YES" else "-10.00"
        )

    play(scene)


@pytest.mark.card("kalshi", "AR-E13")
def test_parts_add_up_to_the_order_and_nothing_smaller_than_a_part_can_be_left(play):
    async def scene(on):
        ticker = await on.market()
        bought = on.send(ticker, "YES", "BUY", "1", "0.50")
        await on.has(bought, "Accepted")
        for part in ("0.33", "0.33", "0.33", "0.01"):
            on.rest(ticker, "ask", "0.50", part)
        await on.until(lambda: on.status(bought) == "FILLED")
        assert held(on, ticker) == 1
        assert str(on.cache.instrument(side(ticker)).size_increment) == "0.01"

    play(scene)


@pytest.mark.card("kalshi", "AR-E14")
def test_awkward_fills_across_a_fee_change_are_conserved_to_the_last_unit_after_each(play):
    async def scene(on):
        ticker = await on.market(bid="0.01", ask="0.99")
        trades = [
            ("YES", "3.33", "0.093"), ("NO", "0.07", "0.52"), ("YES", "17.01", "0.907"), ("YES", "0.01", "0.50"),
        ]  # fmt: skip
        for number, (outcome, size, price) in enumerate(trades * 2):
            if number == len(trades):
                on.double.control.override_fee(ticker.rpartition("-")[0], "quadratic_with_maker_fees", None)
                await on.until(lambda: ticker in on.hand.terms)
            await trade(on, ticker, outcome, size, price)
        await on.agree()

    async def trade(on, ticker, outcome, size, price):
        """Rest an order, be met in two parts, and compare each unit of money at once."""
        digits = Decimal(price) if outcome == "YES" else 1 - Decimal(price)
        bought = on.send(ticker, outcome, "BUY", size, price)
        await on.has(bought, "Accepted")
        first = (Decimal(size) / 3).quantize(Decimal("0.01"))
        for part in [one for one in (first, Decimal(size) - first) if one]:
            on.rest(ticker, "ask" if outcome == "YES" else "bid", str(digits), str(part))
        await on.until(lambda: on.status(bought) == "FILLED")
        on.ledger.audit()
        assert on.cash() == on.ledger.cash_usd("KALSHI") + on.netted_usd()
        fees = [
            Decimal(one["fee_cost"])
            for one in on.double.snapshot().fills["alice"]
            if one["order_id"] == on.cache.order(bought).venue_order_id.value
        ]
        ours = [
            one.commission.as_decimal()
            for one in on.hand.happened
            if type(one).__name__ == "OrderFilled" and one.client_order_id == bought
        ]
        assert ours == fees

    play(scene)


@pytest.mark.card("kalshi", "AR-E35")
def test_while_the_private_stream_is_away_no_risk_is_opened_and_what_happened_is_found(play):
    async def scene(on):
        ticker = await on.market()
        fills = on.send(ticker, "YES", "BUY", "10", "0.50")
        goes = on.send(ticker, "YES", "BUY", "5", "0.45")
        for one in (fills, goes):
            await on.has(one, "Accepted")
        fault(on, "disconnect", channel="user_orders", nth=1)
        on.rest(ticker, "ask", "0.50", "4")
        await on.until(lambda: on.execution.doubts)
        on.rest(ticker, "ask", "0.50", "6")
        venue_id = next(
            one["order_id"] for one in on.at_venue(ticker) if one["client_order_id"] == goes.value
        )
        await on.execution._desk.http.cancel_order(CancelOrder(order_id=venue_id, market_ticker=ticker))
        denied = on.send(ticker, "YES", "BUY", "1", "0.40")
        await on.has(denied, "Denied")
        assert on.last(denied, "Denied").reason.startswith("VENUE_UNCERTAIN")
        await on.until(lambda: on.status(fills) == "FILLED" and on.status(goes) == "CANCELED")
        await on.until(lambda: not on.execution.doubts)
        assert held(on, ticker) == 10
        after = on.send(ticker, "YES", "BUY", "1", "0.40")
        await on.has(after, "Accepted")

    play(scene)


@pytest.mark.card("kalshi", "AR-E41")
def test_cash_on_another_shard_buys_nothing_here_until_somebody_moves_it(play):
    async def scene(on):
        before_usd = on.cash()
        ticker = await on.market()
        on.double.control.fund("alice", str(-before_usd + 1), exchange_index=SHARD)
        on.double.control.fund("alice", str(before_usd), exchange_index=0)
        on.execution._reconciliation.ask_cash()
        await on.until(lambda: on.execution.shard_cash_usd[SHARD] < 2)
        denied = on.send(ticker, "YES", "BUY", "10", "0.50")
        await on.has(denied, "Denied")
        reason = on.last(denied, "Denied").reason
        assert reason.startswith(f"INSUFFICIENT_SHARD_CASH shard {SHARD} has ")
        assert reason.endswith(" USD free, the order may cost 5.1751 USD")
        assert on.execution.shard_cash_usd[0] >= before_usd
        on.double.control.fund("alice", str(-before_usd), exchange_index=0)
        on.double.control.fund("alice", str(before_usd - 1), exchange_index=SHARD)
        on.execution._reconciliation.ask_cash()
        await on.until(lambda: on.execution.shard_cash_usd[SHARD] > 2)
        after = on.send(ticker, "YES", "BUY", "10", "0.50")
        await on.has(after, "Accepted")

    play(scene)
