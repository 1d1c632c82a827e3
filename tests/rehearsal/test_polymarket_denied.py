"""What Polymarket cannot do is denied here, with the reason, before a byte leaves."""

from types import SimpleNamespace

import pytest
from nautilus_trader.model import (
    AssetClass,
    InstrumentId,
    OptionContract,
    OptionKind,
    OrderSide,
    Price,
    Quantity,
    Symbol,
    TimeInForce,
    TriggerType,
)
from polymarket_house import YES, rehearse, wall_ns

from markets.currencies import PUSD

HOUR_NS = 3_600_000_000_000


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


def option():
    name, now_ns = "BTC-C60000", wall_ns()
    return OptionContract(
        instrument_id=InstrumentId.from_str(f"{name}.POLYMARKET"),
        raw_symbol=Symbol(name),
        asset_class=AssetClass.CRYPTOCURRENCY,
        underlying="BTC",
        option_kind=OptionKind.CALL,
        strike_price=Price.from_str("60000.0000"),
        currency=PUSD,
        activation_ns=now_ns - HOUR_NS,
        expiration_ns=now_ns + HOUR_NS,
        price_precision=4,
        price_increment=Price.from_str("0.0001"),
        multiplier=Quantity.from_int(1),
        lot_size=Quantity.from_int(1),
        ts_event=now_ns,
        ts_init=now_ns,
    )


@pytest.mark.card(
    "polymarket", "TC-E90", "TC-E91", "TC-E92", "TC-E94", "TC-E96", "TC-E99", "TC-E100", "TC-E101"
)
def test_there_are_no_options():
    async def work(desk):
        call = option()
        desk.feed._handle_instrument(call)
        await desk.until(lambda: desk.cache.instrument(call.id) is not None)
        make, one, price = desk.trader.order_factory, call.make_qty(1), Price.from_str("0.4000")
        orders = [
            make.limit(call.id, OrderSide.BUY, one, price),
            make.limit(call.id, OrderSide.SELL, one, price),
            make.limit(call.id, OrderSide.BUY, one, price, time_in_force=TimeInForce.FOK),
            make.stop_market(call.id, OrderSide.BUY, one, price),
        ]
        for order in orders:
            desk.trader.submit_order(order)
        for order in orders:
            await desk.has(order.client_order_id, "Denied")
            reason = desk.last(order.client_order_id, "Denied").reason
            assert "expected a BinaryOption, the venue has nothing else, found OptionContract" in reason
        odd = make.limit(call.id, OrderSide.BUY, one, price)
        desk.trader.submit_order(odd, params={"price_in": "volatility"})
        await desk.has(odd.client_order_id, "Denied")
        desk.trader.cancel_order(orders[0].client_order_id)
        desk.trader.cancel_all_orders(call.id)
        with pytest.raises(ValueError, match="the venue has nothing else"):
            await desk.client._generate_position_status_reports(SimpleNamespace(instrument_id=call.id))
        assert desk.double.exchange.orders == {}
        assert desk.cache.positions(instrument_id=call.id) == []

    rehearse(work)
