"""Resting orders at Kalshi that get another price, are replaced or go: cards TC-E30 to E36, E40 and E44."""

from decimal import Decimal

import pytest
from kalshi_trader import to_price, to_quantity
from kalshi_venue import SHARD
from nautilus_trader.model import TimeInForce

from simulation.wire.fault_plan import PlannedFault

CANCEL = "DELETE /portfolio/events/orders"
AMEND = "POST /portfolio/events/orders/"


def resting(desk, ticker):
    """Return price and size of our resting orders on a market, as the venue has them."""
    rows = [row for row in desk.double.snapshot().orders["alice"] if row["ticker"] == ticker]
    return [
        (row["book_side"], Decimal(row["yes_price_dollars"]), Decimal(row["remaining_count_fp"]))
        for row in rows
        if row["status"] == "resting"
    ]


async def long_five(desk, market):
    desk.crowd("ask", "0.52", 5, market.ticker)
    cid = desk.send(market.yes, "BUY", 5, "0.52", time_in_force=TimeInForce.IOC)
    await desk.until(lambda: desk.status(cid) == "FILLED")


@pytest.mark.card("kalshi", "TC-E30", "TC-E31", "TC-E36")
@pytest.mark.parametrize(
    ("leg", "side", "prices", "at_venue"),
    [
        ("yes", "BUY", ("0.40", "0.45"), ("bid", Decimal("0.45"))),
        ("no", "BUY", ("0.40", "0.45"), ("ask", Decimal("0.55"))),
        ("yes", "SELL", ("0.60", "0.58"), ("ask", Decimal("0.58"))),
    ],
    ids=["buy", "buy NO", "sell"],
)
def test_a_resting_order_gets_another_price(stand, leg, side, prices, at_venue):
    async def work(desk):
        market = desk.market()
        if side == "SELL":
            await long_five(desk, market)
        cid = desk.send(getattr(market, leg), side, 5, prices[0])
        await desk.has(cid, "Accepted")
        desk.trader.modify_order(cid, price=to_price(prices[1]))
        await desk.has(cid, "Updated")
        assert desk.events(cid) == ["Accepted", "PendingUpdate", "Updated"]
        order = desk.cache.order(cid)
        assert (order.status.name, order.price, order.quantity) == (
            "ACCEPTED",
            to_price(prices[1]),
            to_quantity(5),
        )
        assert resting(desk, market.ticker) == [(*at_venue, Decimal(5))]

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E32")
def test_a_buy_is_replaced_by_another(stand):
    async def work(desk):
        market = desk.market()
        old = desk.send(market.yes, "BUY", 4, "0.40")
        await desk.has(old, "Accepted")
        desk.trader.cancel_order(old)
        new = desk.send(market.yes, "BUY", 4, "0.42")
        await desk.has(old, "Canceled")
        await desk.has(new, "Accepted")
        assert [desk.status(cid) for cid in (old, new)] == ["CANCELED", "ACCEPTED"]
        assert resting(desk, market.ticker) == [("bid", Decimal("0.42"), Decimal(4))]

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E33")
def test_a_sell_is_replaced_by_another_once_the_old_one_is_gone(stand):
    async def work(desk):
        market = desk.market()
        await long_five(desk, market)
        old = desk.send(market.yes, "SELL", 5, "0.60")
        await desk.has(old, "Accepted")
        desk.trader.cancel_order(old)
        too_soon = desk.send(market.yes, "SELL", 5, "0.58")  # all five are still on offer
        await desk.has(too_soon, "Denied")
        await desk.has(old, "Canceled")
        new = desk.send(market.yes, "SELL", 5, "0.58")
        await desk.has(new, "Accepted")
        assert resting(desk, market.ticker) == [("ask", Decimal("0.58"), Decimal(5))]

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E40")
def test_an_order_is_cancelled_under_its_venue_id_and_with_its_market(stand):
    async def work(desk):
        market = desk.market()
        cid = desk.send(market.yes, "BUY", 4, "0.40")
        await desk.has(cid, "Accepted")
        venue_id = desk.cache.order(cid).venue_order_id
        desk.trader.cancel_order(cid)
        await desk.has(cid, "Canceled")
        assert desk.events(cid) == ["Accepted", "PendingCancel", "Canceled"]
        assert desk.last(cid, "Canceled").venue_order_id == venue_id
        request = desk.sent(CANCEL)[-1]
        assert request.route.endswith(venue_id.value)
        assert request.query == {"market_ticker": market.ticker, "exchange_index": str(SHARD)}
        assert resting(desk, market.ticker) == []

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E44")
def test_what_is_cancelled_already_is_not_cancelled_again(stand):
    async def work(desk):
        cid = desk.send(desk.market().yes, "BUY", 4, "0.40")
        await desk.has(cid, "Accepted")
        before = len(desk.sent(CANCEL))
        for _ in range(2):
            desk.trader.cancel_order(cid)
        await desk.has(cid, "Canceled")
        desk.trader.cancel_order(cid)
        assert [event for event in desk.events(cid) if event != "PendingCancel"] == ["Accepted", "Canceled"]
        assert len(desk.sent(CANCEL)[before:]) == 1

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E44")
def test_a_cancel_of_what_the_venue_has_cancelled_is_asked_about_and_not_rejected(stand):
    async def work(desk):
        market = desk.market()
        cid = desk.send(market.yes, "BUY", 4, "0.40")
        await desk.has(cid, "Accepted")
        venue_id = desk.cache.order(cid).venue_order_id.value
        desk.double.faults.add(
            PlannedFault(kind="drop", channel="user_orders", nth=1)
        )  # so we do not hear of it
        desk.double.exchange.cancel(desk.double.exchange.orders[venue_id])
        desk.trader.cancel_order(cid)
        await desk.has(cid, "Canceled")
        assert desk.events(cid) == ["Accepted", "PendingCancel", "Canceled"]
        assert [request.route for request in desk.double.sent if request.route.endswith(venue_id)] == [
            f"{CANCEL}/{venue_id}",
            f"GET /portfolio/orders/{venue_id}",
        ]

    stand.run(work)
