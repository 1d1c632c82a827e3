"""Limit orders of every kind at Kalshi, from the strategy to the venue's book: cards TC-E10 to E18, E60 to E71."""

from decimal import Decimal

import pytest
from kalshi_venue import wall_ns
from nautilus_trader.model import TimeInForce

CREATE = "POST /portfolio/events/orders"
IOC, FOK, GTD = TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD


def at_venue(desk, client_order_id):
    """Return the venue's own row of an order, without any lag."""
    rows = desk.double.snapshot().orders["alice"]
    (found,) = [row for row in rows if row["client_order_id"] == client_order_id.value]
    return found


def terms_at_venue(desk, client_order_id):
    row = at_venue(desk, client_order_id)
    numbers = [Decimal(row[name]) for name in ("yes_price_dollars", "remaining_count_fp")]
    return row["status"], row["book_side"], *numbers


async def hold(desk, leg, ticker, size):
    """Buy contracts of a leg at 0.52."""
    desk.crowd(
        "ask" if str(leg).endswith("YES.KALSHI") else "bid",
        "0.52" if "YES" in str(leg) else "0.48",
        size,
        ticker,
    )
    cid = desk.send(leg, "BUY", size, "0.52", time_in_force=IOC)
    await desk.until(lambda: desk.status(cid) == "FILLED")


@pytest.mark.card("kalshi", "TC-E10")
def test_a_limit_buy_rests_as_it_was_sent_until_it_is_cancelled(stand):
    async def work(desk):
        market = desk.market()
        for leg, expected in ((market.yes, ("bid", Decimal("0.40"))), (market.no, ("ask", Decimal("0.60")))):
            cid = desk.send(leg, "BUY", "7.25", "0.40")
            await desk.has(cid, "Accepted")
            assert terms_at_venue(desk, cid) == ("resting", *expected, Decimal("7.25"))
            desk.trader.cancel_order(cid)
            await desk.has(cid, "Canceled")
            assert at_venue(desk, cid)["status"] == "canceled"

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E11")
def test_a_limit_sell_rests_when_it_is_held_and_is_denied_when_not(stand):
    async def work(desk):
        market = desk.market()
        before = len(desk.sent())
        naked = desk.send(market.yes, "SELL", 3, "0.60")
        await desk.has(naked, "Denied")
        assert "sell_what_is_held" in desk.last(naked, "Denied").reason
        assert desk.sent()[before:] == []
        await hold(desk, market.yes, market.ticker, 5)
        cid = desk.send(market.yes, "SELL", 3, "0.60")
        await desk.has(cid, "Accepted")
        assert terms_at_venue(desk, cid) == ("resting", "ask", Decimal("0.60"), Decimal(3))
        too_many = desk.send(market.yes, "SELL", 3, "0.61")  # two are left that are not on offer yet
        await desk.has(too_many, "Denied")

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E12")
def test_buy_and_sell_rest_together(stand):
    async def work(desk):
        market = desk.market()
        await hold(desk, market.yes, market.ticker, 5)
        desk.crowd("bid", "0.48", 9, market.ticker)
        desk.crowd("ask", "0.55", 9, market.ticker)
        orders = [
            (desk.send(market.yes, "BUY", 2, "0.45"), ("resting", "bid", Decimal("0.45"), Decimal(2))),
            (desk.send(market.yes, "SELL", 5, "0.60"), ("resting", "ask", Decimal("0.60"), Decimal(5))),
            (desk.send(market.no, "BUY", 4, "0.38"), ("resting", "ask", Decimal("0.62"), Decimal(4))),
        ]
        for cid, expected in orders:
            await desk.has(cid, "Accepted")
            assert terms_at_venue(desk, cid) == expected
            assert desk.events(cid) == ["Accepted"]

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E13")
def test_an_immediate_order_takes_the_ask(stand):
    async def work(desk):
        market = desk.market()
        desk.crowd("ask", "0.52", 10, market.ticker)
        cid = desk.send(market.yes, "BUY", 4, "0.53", time_in_force=IOC)
        await desk.until(lambda: desk.status(cid) == "FILLED")
        assert desk.events(cid) == ["Accepted", "Filled"]
        assert str(desk.last(cid, "Filled").last_px) == "0.5200"  # the price that was there, not the limit
        assert str(desk.cache.positions_open(instrument_id=market.yes)[0].signed_qty) == "4.0"
        assert desk.sent(CREATE)[-1].body["time_in_force"] == "immediate_or_cancel"

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E14")
def test_an_immediate_order_away_from_the_market_is_cancelled_not_expired(stand):
    async def work(desk):
        market = desk.market()
        desk.crowd("bid", "0.48", 9, market.ticker)
        desk.crowd("ask", "0.52", 9, market.ticker)
        cid = desk.send(market.yes, "BUY", 4, "0.10", time_in_force=IOC)
        await desk.has(cid, "Canceled")
        assert desk.events(cid) == ["Accepted", "Canceled"]
        assert str(desk.cache.order(cid).filled_qty) == "0.00"

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E15")
def test_a_fill_or_kill_that_fits_fills_in_full_one_fill_an_order_met(stand):
    async def work(desk):
        market = desk.market()
        desk.crowd("ask", "0.51", 3, market.ticker)
        desk.crowd("ask", "0.52", 9, market.ticker)
        cid = desk.send(market.yes, "BUY", 5, "0.52", time_in_force=FOK)
        await desk.until(lambda: desk.status(cid) == "FILLED")
        assert desk.events(cid) == ["Accepted", "Filled", "Filled"]
        fills = [
            e for e in desk.trader.happened if type(e).__name__ == "OrderFilled" and e.client_order_id == cid
        ]
        assert [(str(e.last_qty), str(e.last_px)) for e in fills] == [("3.00", "0.5100"), ("2.00", "0.5200")]
        assert desk.sent(CREATE)[-1].body["time_in_force"] == "fill_or_kill"

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E16")
def test_a_fill_or_kill_that_does_not_fit_is_cancelled(stand):
    async def work(desk):
        market = desk.market()
        desk.crowd("ask", "0.52", 3, market.ticker)
        for price in ("0.10", "0.52"):  # nothing there; too little there
            cid = desk.send(market.yes, "BUY", 4, price, time_in_force=FOK)
            await desk.has(cid, "Canceled")
            assert desk.events(cid) == ["Accepted", "Canceled"]
            assert str(desk.cache.order(cid).filled_qty) == "0.00"

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E17")
def test_an_order_with_an_expiry_rests_until_then(stand):
    async def work(desk):
        in_an_hour_ns = (wall_ns() // 10**9 + 3600) * 10**9
        cid = desk.send(desk.market().yes, "BUY", 2, "0.40", time_in_force=GTD, expire_time=in_an_hour_ns)
        await desk.has(cid, "Accepted")
        order = desk.cache.order(cid)
        assert (order.time_in_force, order.expire_time_ns) == (GTD, in_an_hour_ns)
        assert desk.sent(CREATE)[-1].body["expiration_time"] == in_an_hour_ns // 10**9
        assert at_venue(desk, cid)["expiration_time"] is not None

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E18")
def test_an_order_whose_expiry_has_passed_ends_as_expired(stand):
    async def work(desk):
        soon = (wall_ns() // 10**9 + 3) * 10**9
        cid = desk.send(desk.market().yes, "BUY", 1, "0.40", time_in_force=GTD, expire_time=soon)
        await desk.has(cid, "Expired")
        assert desk.events(cid) == ["Accepted", "Expired"]
        assert at_venue(desk, cid)["last_update_reason"] == "ExpiryCancel"

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E60")
def test_a_post_only_order_rests_and_the_venue_knows_that_it_must(stand):
    async def work(desk):
        market = desk.market()
        desk.crowd("ask", "0.52", 9, market.ticker)
        cid = desk.send(market.yes, "BUY", 2, "0.51", post_only=True)
        await desk.has(cid, "Accepted")
        assert desk.sent(CREATE)[-1].body["post_only"] is True
        desk.crowd("ask", "0.51", 2, market.ticker)
        await desk.until(lambda: desk.status(cid) == "FILLED")
        assert desk.last(cid, "Filled").liquidity_side.name == "MAKER"

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E70")
def test_a_post_only_order_that_would_cross_is_rejected_for_that(stand):
    async def work(desk):
        market = desk.market()
        desk.crowd("ask", "0.52", 9, market.ticker)
        for leg, price in ((market.yes, "0.52"), (market.no, "0.60")):
            if leg == market.no:
                desk.crowd("bid", "0.45", 9, market.ticker)  # somebody buys YES at 0.45: NO is there at 0.55
            cid = desk.send(leg, "BUY", 2, price, post_only=True)
            await desk.has(cid, "Rejected")
            rejected = desk.last(cid, "Rejected")
            assert rejected.due_post_only
            assert "PostOnlyCrossCancel" in rejected.reason
            assert desk.events(cid) == ["Rejected"]

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E71")
def test_a_reduce_only_order_with_nothing_to_reduce_ends_unfilled_as_the_venue_says(stand):
    async def work(desk):
        market = desk.market()
        desk.crowd("ask", "0.52", 9, market.ticker)
        cid = desk.send(market.yes, "BUY", 2, "0.52", time_in_force=IOC, reduce_only=True)
        await desk.until(lambda: desk.cache.order(cid).is_closed)
        assert desk.events(cid) == ["Accepted", "Canceled"]
        assert desk.sent(CREATE)[-1].body["reduce_only"] is True
        assert at_venue(desk, cid)["last_update_reason"] == "ReduceOnlyCancel"
        assert str(desk.cache.order(cid).filled_qty) == "0.00"

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E63")
def test_a_parameter_that_only_kalshi_knows_reaches_it(stand):
    async def work(desk):
        leg = desk.market().yes
        wishes = {"self_trade_prevention": "maker", "cancel_order_on_pause": False}
        for params, expected in ((wishes, ("maker", False)), (None, ("taker_at_cross", True))):
            order = desk.trader.limit(leg, "BUY", 2, "0.40")
            desk.trader.submit_order(order, params=params)
            await desk.has(order.client_order_id, "Accepted")
            row = at_venue(desk, order.client_order_id)
            assert (row["self_trade_prevention_type"], row["cancel_order_on_pause"]) == expected
        before = len(desk.sent())
        for wrong in ({"self_trade_prevention": "both"}, {"cancel_order_on_pause": "no"}, {"queue": "front"}):
            order = desk.trader.limit(leg, "BUY", 2, "0.40")
            desk.trader.submit_order(order, params=wrong)
            await desk.has(order.client_order_id, "Denied")
            assert desk.last(order.client_order_id, "Denied").reason.startswith(
                "INVALID expected params among"
            )
        assert desk.sent()[before:] == []

    stand.run(work)
