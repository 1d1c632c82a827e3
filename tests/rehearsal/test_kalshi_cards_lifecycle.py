"""Stops and starts of a node at Kalshi: cards TC-E41 to E43, E61, E81 to E87; and what needs a venue of its own."""

import asyncio

import pytest
from kalshi_desk import run_with
from kalshi_house import House
from kalshi_venue import EVENT, list_market, make_double, market_of, wall_ns
from nautilus_trader.model import TimeInForce

from system.intents import Remembered

CREATE = "POST /portfolio/events/orders"
CANCEL = "DELETE /portfolio/events/orders"
IOC, FOK = TimeInForce.IOC, TimeInForce.FOK


def more_markets(number):
    def setup(double):
        return [one for n in range(number) for one in list_market(double, f"{EVENT}-{n}")]

    return setup


def history(desk, client_order_id):
    """Return what happened to an order; a strategy that has stopped does not hear it any more (run on rc7)."""
    events = desk.cache.order(client_order_id).events()
    return [type(event).__name__.removeprefix("Order") for event in events]


async def rest_three(desk, market):
    cids = [desk.send(market.yes, "BUY", 1, f"0.4{n}") for n in range(3)]
    for cid in cids:
        await desk.has(cid, "Accepted")
    return cids


async def hold_five(desk, market):
    desk.crowd("ask", "0.52", 5, market.ticker)
    cid = desk.send(market.yes, "BUY", 5, "0.52", time_in_force=IOC)
    await desk.until(lambda: desk.status(cid) == "FILLED")
    desk.crowd("bid", "0.48", 9, market.ticker)


@pytest.mark.card("kalshi", "TC-E41", "TC-E42", "TC-E43", "TC-E61", "TC-E81")
def test_a_strategy_that_stops_leaves_no_order_and_closes_what_it_holds():
    together, alone, batch, held = (market_of(f"{EVENT}-{n}") for n in range(4))
    orders, closing = {}, []

    async def work(desk):
        await hold_five(desk, held)
        orders.update({market: await rest_three(desk, market) for market in (together, alone, batch)})
        desk.double.sent.clear()

        def at_stop():
            desk.trader.cancel_all_orders(together.yes)
            for cid in orders[alone]:
                desk.trader.cancel_order(cid)
            desk.trader.cancel_orders(orders[batch])
            closing.append(desk.send(held.yes, "SELL", 5, "0.48", time_in_force=IOC, reduce_only=True))

        desk.trader.at_stop = at_stop

    def stopped(desk):
        for cid in [cid for cids in orders.values() for cid in cids]:
            assert history(desk, cid)[2:] == ["Accepted", "PendingCancel", "Canceled"]
        ids = {market: {venue_id(desk, cid) for cid in cids} for market, cids in orders.items()}
        cancels = [request.route.removeprefix(f"{CANCEL}/") for request in desk.sent(CANCEL)]
        assert sorted(cancels) == sorted(
            [*ids[together], *ids[alone], "batched"]
        )  # one for each, and one for three
        (request,) = desk.sent(f"{CANCEL}/batched")
        assert {one["order_id"] for one in request.body["orders"]} == ids[batch]
        assert desk.sent(CREATE)[-1].body["reduce_only"] is True
        assert history(desk, closing[0])[2:] == ["Accepted", "Filled"]
        assert desk.cache.positions_open() == []
        must_agree_after_a_stop(desk)

    run_with(work, setup=more_markets(4), stopped=stopped)


def venue_id(desk, client_order_id):
    return desk.cache.order(client_order_id).venue_order_id.value


def must_agree_after_a_stop(desk):
    """Let our books follow what came after the stop, then compare."""
    heard = {event.event_id for event in desk.trader.happened}
    for event in [event for order in desk.cache.orders() for event in order.events()]:
        if event.event_id not in heard:
            desk.books.hear(event)
    assert desk.books.disagreements() == []


@pytest.mark.card("kalshi", "TC-E16")
def test_a_kill_that_comes_as_an_error_ends_the_order_unfilled_too():
    async def work(desk):
        market = desk.market()
        desk.crowd("ask", "0.52", 3, market.ticker)
        cid = desk.send(market.yes, "BUY", 4, "0.52", time_in_force=FOK)
        await desk.has(cid, "Rejected")  # the words are not known yet: its absence is proved instead
        assert "fill_or_kill" in desk.last(cid, "Rejected").reason
        assert str(desk.cache.order(cid).filled_qty) == "0.00"

    run_with(work, double=make_double(fok_kill_is_error=True))


def terms(desk, client_order_id):
    order = desk.cache.order(client_order_id)
    numbers = [str(one) for one in (order.price, order.quantity, order.filled_qty)]
    names = [one.name for one in (order.status, order.side, order.order_type, order.time_in_force)]
    more = order.venue_order_id.value, order.expire_time_ns, order.is_post_only
    return str(order.instrument_id), *numbers, *names, *more


def remembered(order):
    """Return what a journal keeps of an order before it leaves."""
    return Remembered(
        order.client_order_id.value,
        order.instrument_id,
        order.time_in_force,
        order.is_post_only,
        order.is_reduce_only,
    )


def filled(desk, client_order_id):
    order = desk.cache.order(client_order_id)
    paid = sum(money.as_decimal() for money in order.commissions().values())
    return (
        order.status.name,
        str(order.filled_qty),
        order.avg_px,
        paid,
        {one.value for one in order.trade_ids},
    )


def position(desk, leg):
    (found,) = desk.cache.positions_open(instrument_id=leg)
    return found.side.name, str(found.quantity), round(found.avg_px_open, 4), str(found.strategy_id)


@pytest.mark.card("kalshi", "TC-E84", "TC-E85", "TC-E86", "TC-E87")
def test_a_start_finds_orders_fills_and_positions_of_an_earlier_run_and_can_close_them():
    long, short, one = (market_of(f"{EVENT}-{n}") for n in range(3))
    legs = tuple(leg for market in (long, short, one) for leg in (market.yes, market.no))
    before = {"orders": {}, "fills": {}, "positions": {}}
    records = {}

    async def memory(client_order_ids):
        return {name: records[name] for name in client_order_ids if name in records}

    expires_ns = (wall_ns() // 10**9 + 3600) * 10**9

    async def first(desk):
        buys = []
        for price in ("0.52", "0.54"):
            desk.crowd("ask", price, 5, long.ticker)
            buys.append(desk.send(long.yes, "BUY", 5, price, time_in_force=IOC))
            await desk.until(lambda: desk.status(buys[-1]) == "FILLED")
        desk.crowd("bid", "0.62", 4, short.ticker)
        buys.append(desk.send(short.no, "BUY", 4, "0.38", time_in_force=FOK))
        await desk.until(lambda: desk.status(buys[-1]) == "FILLED")
        resting = [
            desk.send(one.yes, "BUY", 3, "0.40"),
            desk.send(one.no, "BUY", 2, "0.30", time_in_force=TimeInForce.GTD, expire_time=expires_ns),
            desk.send(one.yes, "BUY", 5, "0.45", post_only=True),
        ]
        for cid in resting:
            await desk.has(cid, "Accepted")
        desk.crowd("ask", "0.45", 2, one.ticker)
        await desk.has(resting[2], "Filled")
        records.update({order.client_order_id.value: remembered(order) for order in desk.cache.orders()})
        before["orders"] = {cid: terms(desk, cid) for cid in resting}
        before["fills"] = {cid: filled(desk, cid) for cid in [*buys, resting[2]]}
        before["positions"] = {leg: position(desk, leg) for leg in (long.yes, short.no, one.yes)}

    async def second(desk):
        assert {cid: terms(desk, cid) for cid in before["orders"]} == before["orders"]
        assert len(desk.cache.orders_open()) == len(before["orders"])
        assert {cid: filled(desk, cid) for cid in before["fills"]} == before["fills"]
        assert {leg: position(desk, leg) for leg in before["positions"]} == before["positions"]
        assert before["positions"][long.yes][:3] == ("LONG", "10.00", 0.53)
        assert before["positions"][short.no][:3] == ("LONG", "4.00", 0.38)
        desk.crowd("bid", "0.50", 10, long.ticker)
        desk.crowd("ask", "0.64", 4, short.ticker)
        closing = [
            desk.send(long.yes, "SELL", 10, "0.50", time_in_force=IOC),
            desk.send(short.no, "SELL", 4, "0.36", time_in_force=IOC),
        ]
        for cid in closing:
            await desk.until(lambda cid=cid: desk.status(cid) == "FILLED")
        for leg in (long.yes, short.no):
            assert desk.cache.positions_open(instrument_id=leg) == []

    run_with(first, second, setup=more_markets(3), claims=legs, memory=memory)


@pytest.mark.card("kalshi", "TC-E83")
def test_no_data_come_after_a_stop_and_every_connection_is_closed():
    async def main():
        async with asyncio.timeout(60), House() as house:
            ticker = await house.market()
            heard = house.hand.heard
            house.rest(ticker, "bid", "0.41", "5")
            await house.until(lambda: ("0.4100", "5.00") in house.levels(ticker)[0])
            assert len(house.double.sockets.connections) == 2  # data and orders, each its own
            await house.leave()
            at_stop = len(heard)
            await house.until(lambda: not house.double.sockets.connections)
            house.rest(ticker, "bid", "0.42", "5")
            house.double.tick()
            await asyncio.sleep(0)
            assert len(heard) == at_stop
            assert house.double.errors == []

    asyncio.run(main())
