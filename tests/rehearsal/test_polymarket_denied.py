"""What Polymarket cannot do is denied here, with the reason, before a byte leaves."""

import pytest
from nautilus_trader.model import OrderSide, Price, Quantity, TimeInForce, TriggerType
from polymarket_house import YES, rehearse, wall_ns


def conditional_orders(desk):
    make, size = desk.trader.order_factory, Quantity.from_str("10.000000")
    low, high = Price.from_str("0.3000"), Price.from_str("0.7000")
    for side, trigger, other in ((OrderSide.BUY, high, low), (OrderSide.SELL, low, high)):
        yield make.stop_market(YES, side, size, trigger, trigger_type=TriggerType.DEFAULT)
        yield make.stop_limit(YES, side, size, trigger, trigger, trigger_type=TriggerType.DEFAULT)
        yield make.market_if_touched(YES, side, size, other, trigger_type=TriggerType.DEFAULT)
        yield make.limit_if_touched(YES, side, size, other, other, trigger_type=TriggerType.DEFAULT)


@pytest.mark.card(
    "polymarket",
    "TC-E20",
    "TC-E21",
    "TC-E22",
    "TC-E23",
    "TC-E24",
    "TC-E25",
    "TC-E26",
    "TC-E27",
    "TC-E34",
    "TC-E35",
    "TC-E50",
    "TC-E51",
    "TC-E52",
    "TC-E53",
    "TC-E72",
)
def test_orders_that_wait_for_a_price_are_denied():
    async def work(desk):
        orders = list(conditional_orders(desk))
        for order in orders:
            desk.trader.submit_order(order)
        for order in orders:
            await desk.has(order.client_order_id, "Denied")
            assert "UNSUPPORTED" in desk.last(order.client_order_id, "Denied").reason
        assert desk.open_there() == set()

    rehearse(work)


@pytest.mark.card(
    "polymarket", "TC-E02", "TC-E19", "TC-E61", "TC-E62", "TC-E71", "TC-E73", "TC-E87", "AR-E40"
)
def test_other_terms_that_the_venue_does_not_know_are_denied():
    async def work(desk):
        soon = wall_ns() + 60 * 10**9
        asked = {
            "UNSUPPORTED time in force": desk.send("BUY", 10, "0.40", time_in_force=TimeInForce.DAY),
            "UNSUPPORTED reduce-only": desk.send("SELL", 10, "0.60", reduce_only=True),
            "INVALID_EXPIRY": desk.send("BUY", 10, "0.40", time_in_force=TimeInForce.GTD, expire_time=soon),
            "from 0.01 to 0.99 in steps of 0.01": desk.send("BUY", 10, "0.405"),
            "INVALID_SIZE expected 5": desk.send("BUY", 2, "0.40"),
            "INVALID_SIZE expected a multiple": desk.send("BUY", "10.001", "0.40"),
            "1 pUSD or more": desk.send("BUY", 2, "0.40", time_in_force=TimeInForce.IOC),
            "INSUFFICIENT_SHARES": desk.send("SELL", 5_000, "0.60"),
            "NOTIONAL_EXCEEDS_FREE_BALANCE": desk.send("BUY", 5_000, "0.60"),  # the engine's own word
        }
        for reason, cid in asked.items():
            await desk.has(cid, "Denied")
            assert reason in desk.last(cid, "Denied").reason
        assert desk.open_there() == set()

    rehearse(work)


@pytest.mark.card("polymarket", "TC-E30", "TC-E31", "TC-E76")
@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_a_change_of_an_order_is_rejected_and_the_order_stays(side):
    async def work(desk):
        cid = desk.send(side, 10, "0.40" if side == "BUY" else "0.60")
        await desk.has(cid, "Accepted")
        order = desk.order(cid)
        desk.trader.modify_order(
            order.client_order_id, quantity=order.quantity, price=Price.from_str("0.5000")
        )
        await desk.has(cid, "ModifyRejected")
        assert "UNSUPPORTED" in desk.last(cid, "ModifyRejected").reason
        assert desk.status(cid) == "ACCEPTED"

    rehearse(work)
