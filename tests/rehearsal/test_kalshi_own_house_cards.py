"""Cards at Kalshi that need a house of their own: a record of it, a frozen connection, another clock."""

import asyncio

import pytest
from kalshi_house import SECOND, SHARD, WIDE, Plan, side, wall_ns
from kalshi_keeper import play_once
from nautilus_trader.model import BookAction

from adapters.kalshi.config import KalshiDataConfig
from risk.rules.evidence import ClockSkew
from simulation.wire.fault_plan import PlannedFault
from simulation.wire.kalshi_socket import SOCKET_PATH
from storage.reading import CatalogReader
from system.importing import import_kalshi
from system.recording import Recording


@pytest.mark.card("kalshi", "AR-D07", "TC-D15")
def test_a_finer_tick_issues_the_instrument_anew_and_the_record_replays_alike(tmp_path):
    troubles, heard = [], {}
    recording = Recording(tmp_path, "run-1", now_ns=wall_ns, on_trouble=troubles.append)

    async def scene(on):
        ticker = heard["ticker"] = await on.market(structure="linear_cent")
        coarse, since = on.cache.instrument(side(ticker)), len(on.hand.heard)
        on.double.control.change_structure(ticker, "tapered_deci_cent")
        await on.until(lambda: ticker in on.hand.terms)
        fine = on.cache.instrument(side(ticker))
        assert (str(coarse.price_increment), str(fine.price_increment)) == ("0.0100", "0.0010")
        assert coarse.price_precision == fine.price_precision
        on.rest(ticker, "bid", "0.095", "5")
        await on.until(lambda: ("0.0950", "5.00") in on.levels(ticker)[0])
        await on.until(lambda: ("0.9050", "5.00") in on.levels(ticker, "NO")[1])  # told after YES
        whole = next(one for one in on.hand.heard[since:] if type(one).__name__ == "OrderBookDeltas")
        assert whole.deltas[0].action == BookAction.CLEAR
        bought = on.send(ticker, "YES", "BUY", "1", "0.095")
        await on.has(bought, "Accepted")
        on.hand.cancel_order(bought)
        await on.has(bought, "Canceled")
        await on.until(lambda: ("0.0950", "5.00") in on.levels(ticker)[0])
        heard["levels"] = on.levels(ticker)
        heard["issues"] = [one.ts_init for one in (coarse, fine)]

    try:
        play_once(scene, Plan(tap=recording.tap("KALSHI"), note=recording.note("KALSHI")))
    finally:
        recording.close()
    assert troubles == []
    imported = import_kalshi([recording.folders.raw], tmp_path / "imported", strict=True)
    assert imported.problems == ()
    reader, yes = CatalogReader(tmp_path / "imported"), side(heard["ticker"])
    issues = [one for one in reader.instruments() if one.id == yes]
    assert [(one.ts_init, str(one.price_increment)) for one in issues] == list(
        zip(heard["issues"], ("0.0100", "0.0010"), strict=True)
    )
    deltas = reader.deltas(yes, 0, 2**63 - 1)
    assert [one.ts_init for one in deltas] == sorted(one.ts_init for one in deltas)
    assert all(one.ts_event > 0 for one in deltas)
    assert deltas[-1].action == BookAction.CLEAR  # the record ends: nothing is known any more
    bids, asks = heard["levels"]
    assert levels_of(deltas[:-1]) == dict([*bids, *asks])


def levels_of(deltas):
    levels = {}
    for one in deltas:
        if one.action == BookAction.CLEAR:
            levels.clear()
        elif one.order.size.raw:
            levels[str(one.order.price)] = str(one.order.size)
        else:
            levels.pop(str(one.order.price), None)
    return levels


FROZEN = {"heartbeat_secs": 1.5, "silence_secs": 3.0}


@pytest.mark.card("kalshi", "AR-D10")
def test_a_frozen_connection_is_given_up_and_its_books_are_blank_until_they_are_back():
    assert KalshiDataConfig().silence_secs <= 30

    async def scene(on):
        ticker = await on.market()
        on.double.faults.add(PlannedFault(kind="freeze", channel="orderbook_delta", nth=1, millis=60_000))
        on.double.faults.add(PlannedFault(kind="delay", route=f"GET {SOCKET_PATH}", millis=1000.0))
        frozen_ns = wall_ns()
        on.rest(ticker, "bid", "0.45", "7")
        await on.until(lambda: not on.of("QuoteTick", ticker, "YES")[-1].bid_size.raw)
        denied = on.send(ticker, "YES", "BUY", "1", "0.60")
        await on.has(denied, "Denied")
        assert on.last(denied, "Denied").reason.startswith("crossed_book")
        await on.until(lambda: on.of("DataGap", ticker))
        (gap,) = on.of("DataGap", ticker)
        # What was on its way when it froze still came: the blindness begins with the last frame that did.
        assert gap.ts_event < frozen_ns + SECOND // 10 < gap.until_ns
        assert on.levels(ticker)[0][0] == ("0.4500", "7.00")

    play_once(scene, Plan(data=FROZEN, has_wire=False))


@pytest.mark.card("kalshi", "AR-D15")
@pytest.mark.parametrize("ahead_secs", [3, -3])
def test_the_venues_time_stays_the_venues_and_a_skewed_quote_is_not_traded_on(ahead_secs):
    rules = (*WIDE[:-1], ClockSkew(limit_secs=1.5))

    async def scene(on):
        ticker = await on.market()
        on.rest(ticker, "bid", "0.45", "7")
        await on.until(lambda: on.levels(ticker)[0][0] == ("0.4500", "7.00"))
        quote = on.of("QuoteTick", ticker, "YES")[-1]
        assert abs((quote.ts_event - quote.ts_init) / SECOND - ahead_secs) < 1
        inits = [one.ts_init for one in on.of("QuoteTick", ticker)]
        assert inits == sorted(inits)
        assert abs(quote.ts_init - wall_ns()) < 2 * SECOND
        denied = on.send(ticker, "YES", "BUY", "1", "0.60")
        await on.has(denied, "Denied")
        assert on.last(denied, "Denied").reason.startswith("clock_skew")
        measured_secs = on.execution._desk.http.session.clock_skew_ns / SECOND
        assert abs(measured_secs - ahead_secs) < 1

    play_once(scene, Plan(rules=rules, ahead_ns=ahead_secs * SECOND))


@pytest.mark.card("kalshi", "TC-D70")
def test_a_strategy_that_unsubscribes_hears_nothing_more():
    async def scene(on):
        ticker = await on.market()
        said = len(on.wire.commands)
        on.hand.fall_silent()
        await on.until(lambda: [one["cmd"] for one in on.wire.commands[said:]].count("unsubscribe") == 3)
        heard = len(on.hand.heard)
        on.take(ticker, "ask", "0.40", "5")
        await asyncio.sleep(0.3)  # nothing may follow: there is no condition to wait for
        assert len(on.hand.heard) == heard
        assert on.door.faults == {}

    play_once(scene)


@pytest.mark.card("kalshi", "AR-E05")
def test_our_bucket_waits_before_the_venue_must_and_a_cancel_overtakes_what_waits():
    async def scene(on):
        ticker = await on.market()
        first = on.send(ticker, "YES", "BUY", "1", "0.10")
        await on.has(first, "Accepted")
        burst = [on.send(ticker, "YES", "BUY", "1", f"0.{number}") for number in range(11, 31)]
        on.hand.cancel_order(first)
        await on.has(first, "Canceled")
        assert [one for one in burst if on.status(one) == "SUBMITTED"]
        for one in burst:
            await on.has(one, "Accepted")
        assert on.execution._desk.http.session.counters[f"write:{SHARD}"].requests == 22

    play_once(scene, Plan(double={"tier": "basic"}))


@pytest.mark.card("kalshi", "AR-E30", "AR-E32")
@pytest.mark.parametrize(("outcome", "met_by"), [("YES", "ask"), ("NO", "bid")])
def test_after_a_restart_orders_have_their_strategy_and_what_filled_meanwhile_is_booked_once(outcome, met_by):
    async def scene(on):
        ticker = await on.market()
        rests = on.send(ticker, outcome, "BUY", "10", "0.50")
        await on.has(rests, "Accepted")
        on.rest(ticker, met_by, "0.50", "4")
        await on.has(rests, "Filled")
        await on.leave()
        on.rest(ticker, met_by, "0.50", "3")
        await on.enter(side(ticker, outcome))
        await on.until(lambda: on.cache.order(rests) is not None)
        await on.until(lambda: str(on.cache.order(rests).filled_qty) == "7.00")
        assert str(on.cache.order(rests).strategy_id) == "hand-1"
        await on.agree()
        (position,) = on.cache.positions_open()
        assert (str(position.strategy_id), position.avg_px_open) == ("hand-1", 0.5)
        on.rest(ticker, met_by, "0.50", "3")
        await on.until(lambda: on.status(rests) == "FILLED")
        assert on.ledger.quantity("hand-1", str(side(ticker, outcome))) == 10

    play_once(scene)


@pytest.mark.card("kalshi", "AR-E26")
def test_when_the_venues_clock_is_another_orders_and_handshakes_are_signed_by_it():
    async def scene(on):
        ticker = await on.market()
        on.plan.ahead_ns = 60 * SECOND
        first = on.send(ticker, "YES", "BUY", "1", "0.30")
        await on.has(first, "Accepted")
        await on.wire.cut()
        await on.until(lambda: on.execution.doubts)
        await on.until(lambda: not on.execution.doubts)
        second = on.send(ticker, "YES", "BUY", "1", "0.31")
        await on.has(second, "Accepted")

    play_once(scene, Plan())
