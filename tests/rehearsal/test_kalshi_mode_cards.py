"""Our own execution cards at Kalshi: what the venue's modes, its settlements and our account do to orders."""

from dataclasses import replace
from decimal import Decimal

import pytest
from kalshi_hand import IOC
from kalshi_house import CANCEL, CREATE, SHARD, Plan, side, wall_ns
from kalshi_keeper import kept
from nautilus_trader.model import Price

from adapters.kalshi.config import KalshiConfig
from markets.facts import Phase
from simulation.wire.fault_plan import PlannedFault

QUICK_END = {"determination_ms": 100, "removal_ms": 100, "clear_snapshot_ms": 200}


@pytest.fixture(scope="module")
def play():
    with kept(Plan(double=QUICK_END)) as keeper:
        yield keeper


def fault(on, kind, **more):
    on.double.faults.add(PlannedFault(kind=kind, **more))


async def buy(on, ticker, outcome="YES", size="10"):
    """Take what the crowd offers at 0.60."""
    bought = on.send(ticker, outcome, "BUY", size, "0.60", time_in_force=IOC)
    await on.has(bought, "Filled")
    return bought


# Matches and money


@pytest.mark.card("kalshi", "AR-E15", "AR-E16", "AR-D21")
def test_a_void_pays_each_side_its_part_and_not_before_the_venue_has_paid(play):
    async def scene(on):
        before_usd = on.ledger.cash_usd("KALSHI")
        sides = {"YES": await on.market(timer_secs=2), "NO": await on.market(timer_secs=2)}
        for outcome, ticker in sides.items():
            await buy(on, ticker, outcome)
        await on.agree()
        invested_usd = on.ledger.cash_usd("KALSHI")
        for ticker in sides.values():
            await on.end(ticker, "scalar", 4300)
        await on.until(lambda: all(on.of("MarketResolution", one) for one in sides.values()))
        assert [on.of("MarketResolution", one)[0].is_final for one in sides.values()] == [False, False]
        assert on.ledger.cash_usd("KALSHI") == invested_usd == on.cash()
        assert len(on.cache.positions_open()) == 2
        await on.until(lambda: not on.ledger.positions())
        await on.agree()
        assert on.ledger.cash_usd("KALSHI") == invested_usd + 10  # YES and NO together pay one each
        for outcome, ticker in sides.items():
            (closed,) = on.cache.positions_closed(instrument_id=side(ticker, outcome))
            part = Decimal("0.43") if outcome == "YES" else Decimal("0.57")
            assert closed.realized_pnl.as_decimal() == 10 * part - 6 - Decimal("0.168")
            assert [one.payout for one in on.of("MarketResolution", ticker)] == [Decimal("0.43")] * 2
        assert on.ledger.cash_usd("KALSHI") == before_usd - 2 * (6 + Decimal("0.168")) + 10

    play(scene)


@pytest.mark.card("kalshi", "AR-D21")
def test_a_result_that_cannot_be_used_waits_and_pays_nothing(play):
    async def scene(on):
        ticker = await on.market()
        await buy(on, ticker)
        puzzling = []

        def alter(frame):
            if frame["type"] == "market_lifecycle_v2" and frame["msg"].get("result"):
                frame["msg"] |= {"result": "maybe", "settlement_value": None}
                puzzling.append(frame)
            return (frame,)

        on.wire.passes = alter
        unusable = on.data.counts["unusable_messages"]
        await on.end(ticker, "yes")
        await on.until(lambda: on.data.counts["unusable_messages"] > unusable)
        assert on.of("InstrumentClose", ticker) == []
        await on.until(lambda: on.of("InstrumentClose", ticker))  # REST says it in words that can be used
        assert puzzling
        assert {
            str(one.close_price)
            for one in on.of("InstrumentClose", ticker)
            if one.instrument_id == side(ticker)
        } == {"1.0000"}
        await on.until(lambda: not on.ledger.positions())

    play(scene)


# Venue modes


@pytest.mark.card("kalshi", "AR-E20")
def test_in_a_pause_new_orders_stop_here_cancels_go_on_and_its_end_is_noticed(play):
    async def scene(on):
        ticker = await on.market()
        rests = on.send(ticker, "YES", "BUY", "1", "0.30")
        await on.has(rests, "Accepted")
        on.double.control.pause_shard(SHARD)
        first = on.send(ticker, "YES", "BUY", "1", "0.31")
        await on.until(lambda: on.events(first))
        await on.until(lambda: on.execution._desk.modes.problem_of(SHARD))
        creates = [one for one in on.routes if one == CREATE]
        second = on.send(ticker, "YES", "BUY", "1", "0.31")
        await on.has(second, "Denied")
        assert on.last(second, "Denied").reason == f"VENUE_PAUSED shard {SHARD} takes cancels only"
        assert [one for one in on.routes if one == CREATE] == creates
        if on.status(rests) == "ACCEPTED":
            on.hand.cancel_order(rests)
        await on.has(rests, "Canceled")
        on.double.control.resume_shard(SHARD)
        await on.until(lambda: on.execution._desk.modes.problem_of(SHARD) is None)
        third = on.send(ticker, "YES", "BUY", "1", "0.31")
        await on.has(third, "Accepted")

    play(scene)


@pytest.mark.card("kalshi", "AR-E22")
def test_a_restart_of_the_venue_leaves_orders_unknown_and_no_risk_before_everything_was_read_again(play):
    assert (KalshiConfig().reconnect_first_secs, KalshiConfig().reconnect_most_secs) == (0.5, 30.0)

    async def scene(on):
        ticker = await on.market()
        rests = on.send(ticker, "YES", "BUY", "1", "0.30")
        await on.has(rests, "Accepted")
        fault(on, "status", route=CREATE, nth=1, status=503)
        fault(on, "half_open", route=CANCEL, nth=1, millis=100)
        flying = on.send(ticker, "YES", "BUY", "5", "0.31")
        await on.until(lambda: on.status(flying) == "SUBMITTED")
        on.hand.cancel_order(rests)
        fault(on, "maintenance", after_secs=0.0, millis=1500)
        await on.until(lambda: "maintenance" in on.double.faults.kinds() and on.execution.doubts)
        denied = on.send(ticker, "YES", "BUY", "1", "0.32")
        await on.has(denied, "Denied")
        passes = on.execution._reconciliation.passes
        await on.has(rests, "Canceled")
        assert "CancelRejected" not in on.events(rests)
        await on.has(flying, "Rejected")
        assert on.last(flying, "Rejected").reason.startswith("NOT_AT_VENUE")
        await on.until(lambda: not on.execution.doubts)
        assert on.execution._reconciliation.passes > passes
        await on.until(lambda: on.execution._desk.modes.problem_of(SHARD) is None)
        after = on.send(ticker, "YES", "BUY", "1", "0.32")
        await on.has(after, "Accepted")

    play(scene)


@pytest.mark.card("kalshi", "AR-E23")
def test_orders_at_the_close_end_as_cancelled_and_the_position_waits_for_its_result(play):
    async def scene(on):
        ticker = await on.market()
        await buy(on, ticker, size="5")
        rests = on.send(ticker, "YES", "BUY", "1", "0.30")
        await on.has(rests, "Accepted")
        cancels = len([one for one in on.routes if one.startswith(CANCEL)])
        on.double.life.move_close(ticker, wall_ns())
        on.hand.cancel_order(rests)
        await on.has(rests, "Canceled")
        assert on.events(rests) == ["Accepted", "PendingCancel", "Canceled"]
        assert len([one for one in on.routes if one.startswith(CANCEL)]) - cancels <= 3
        await on.agree()
        assert on.ledger.quantity("hand-1", str(side(ticker))) == 5
        assert [one.phase for one in on.of("MarketPhase", ticker)][-1] is Phase.CLOSED
        await on.end(ticker, "no")
        await on.until(lambda: not on.ledger.positions())

    play(scene)


@pytest.mark.card("kalshi", "AR-E24")
def test_orders_of_the_old_grid_stay_and_new_ones_and_changes_use_the_new(play):
    async def scene(on):
        ticker = await on.market(structure="linear_cent")
        rests = on.send(ticker, "YES", "BUY", "1", "0.09")
        await on.has(rests, "Accepted")
        early = on.send(ticker, "YES", "BUY", "1", "0.095")
        await on.has(early, "Denied")
        assert "0.0950" in on.last(early, "Denied").reason
        fault(on, "delay", route=CREATE, nth=1, millis=300)
        flying = on.send(ticker, "YES", "BUY", "1", "0.08")
        await on.until(lambda: on.status(flying) == "SUBMITTED")
        on.double.control.change_structure(ticker, "tapered_deci_cent")
        await on.until(lambda: ticker in on.hand.terms)
        await on.has(flying, "Accepted")
        assert on.status(rests) == "ACCEPTED"
        fine = on.send(ticker, "YES", "BUY", "1", "0.095")
        await on.has(fine, "Accepted")
        on.hand.modify_order(rests, price=Price.from_str("0.0915"))
        await on.has(rests, "ModifyRejected")
        on.hand.modify_order(rests, price=Price.from_str("0.0910"))
        await on.has(rests, "Updated")
        prices = {one["client_order_id"]: one["yes_price_dollars"] for one in on.at_venue(ticker)}
        assert prices == {rests.value: "0.0910", flying.value: "0.0800", fine.value: "0.0950"}

    play(scene)


@pytest.mark.card("kalshi", "AR-E25")
def test_an_account_that_is_refused_opens_nothing_more_and_can_still_close_and_cancel(play):
    async def scene(on):
        ticker = await on.market()
        await buy(on, ticker)
        rests = on.send(ticker, "YES", "BUY", "1", "0.30")
        await on.has(rests, "Accepted")
        keys = on.double.desk.doorkeeper.keys
        key = keys[on.key.key_id]
        keys[on.key.key_id] = replace(key, scopes=key.scopes - {"write", "write::trade"})
        refused = on.send(ticker, "YES", "BUY", "1", "0.31")
        await on.has(refused, "Rejected")
        keys[on.key.key_id] = key
        (alert,) = on.differences
        assert alert.startswith("the venue refuses the account: 403")
        creates = len([one for one in on.routes if one == CREATE])
        for price in ("0.31", "0.32"):
            denied = on.send(ticker, "YES", "BUY", "1", price)
            await on.has(denied, "Denied")
            assert on.last(denied, "Denied").reason == f"VENUE_UNCERTAIN {alert}"
        assert len([one for one in on.routes if one == CREATE]) == creates
        sold = on.send(ticker, "YES", "SELL", "10", "0.40", time_in_force=IOC)
        await on.has(sold, "Filled")
        on.hand.cancel_order(rests)
        await on.has(rests, "Canceled")
        assert on.differences == [alert]
        on.differences.clear()
        on.execution._doubts.clear("account")  # what only a restart does

    play(scene)


@pytest.mark.card("kalshi", "AR-E26")
def test_a_request_that_was_signed_by_a_wrong_clock_is_signed_once_more_by_the_venues(play):
    async def scene(on):
        ticker = await on.market()
        fault(on, "clock_skew", after_secs=0.0, millis=60_000)
        await on.until(lambda: "clock_skew" in on.double.faults.kinds())
        creates = len([one for one in on.routes if one == CREATE])
        bought = on.send(ticker, "YES", "BUY", "1", "0.30")
        await on.has(bought, "Accepted")
        assert 58 < on.execution._desk.http.session.clock_skew_ns / 10**9 < 62
        after = on.send(ticker, "YES", "BUY", "1", "0.31")
        await on.has(after, "Accepted")
        assert len([one for one in on.routes if one == CREATE]) - creates <= 3
        fault(on, "clock_skew", after_secs=0.0, millis=0)
        await on.until(lambda: on.double.faults.kinds()[-1] == "clock_skew" and on.double.desk.skew_ns == 0)

    play(scene)


# Sizes and cash


@pytest.mark.card("kalshi", "AR-E40")
def test_fine_prices_and_parts_reach_the_venue_digit_for_digit_and_others_are_denied(play):
    async def scene(on):
        ticker = await on.market(bid="0.05", ask="0.95")
        good = [
            ("YES", "0.01", "0.099"), ("YES", "1.07", "0.1"), ("YES", "2.5", "0.11"), ("NO", "3.33", "0.001"),
            ("NO", "0.01", "0.099"), ("YES", "1", "0.9"),
        ]  # fmt: skip
        for outcome, size, price in good:
            sent = on.send(ticker, outcome, "BUY", size, price)
            await on.has(sent, "Accepted")
            row = next(one for one in on.at_venue(ticker) if one["client_order_id"] == sent.value)
            own = (
                Decimal(row["yes_price_dollars"])
                if outcome == "YES"
                else 1 - Decimal(row["yes_price_dollars"])
            )
            assert (own, Decimal(row["initial_count_fp"])) == (Decimal(price), Decimal(size))
            on.hand.cancel_order(sent)
            await on.has(sent, "Canceled")
        rows = len(on.at_venue(ticker))
        for price in ("0.1010", "0.0995", "0.8999", "1.0000"):
            denied = on.send(ticker, "YES", "BUY", "1", price)
            await on.has(denied, "Denied")
            assert (
                price in on.last(denied, "Denied").reason
                or "price" in on.last(denied, "Denied").reason.lower()
            )
        assert len(on.at_venue(ticker)) == rows

    play(scene)


@pytest.mark.card("kalshi", "AR-E42")
def test_a_position_is_closed_by_an_immediate_limit_and_what_the_book_has_not_is_told(play):
    async def scene(on):
        ticker = await on.market()
        await buy(on, ticker)
        on.take(ticker, "ask", "0.40", "100")
        on.rest(ticker, "bid", "0.39", "4")
        on.rest(ticker, "bid", "0.38", "3")
        on.rest(ticker, "bid", "0.30", "50")
        sold = on.send(ticker, "YES", "SELL", "10", "0.38", time_in_force=IOC, reduce_only=True)
        await on.has(sold, "Canceled")
        await on.agree()
        order = on.cache.order(sold)
        assert (str(order.filled_qty), order.status.name) == ("7.00", "CANCELED")
        assert on.ledger.quantity("hand-1", str(side(ticker))) == 3
        assert [one for one in on.at_venue(ticker) if one["status"] == "resting"] == []

    play(scene)
