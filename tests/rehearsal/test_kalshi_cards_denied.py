"""What Kalshi has not is denied before a byte leaves, with that reason: the cards that say no, and 72 and 73."""

from types import SimpleNamespace

import pytest
from kalshi_trader import to_price, to_quantity
from kalshi_venue import wall_ns
from nautilus_trader.model import (
    AssetClass,
    ContingencyType,
    Currency,
    InstrumentId,
    OptionContract,
    OptionKind,
    OrderSide,
    OrderType,
    Symbol,
    TimeInForce,
    TrailingOffsetType,
)

BUY, SELL = OrderSide.BUY, OrderSide.SELL
TWO = to_quantity(2)
HOUR_NS = 3_600_000_000_000


async def must_be_denied(desk, orders, beginning):
    """Submit each order alone; none may reach the venue, each must say why."""
    before = len(desk.sent())
    for order in orders:
        desk.trader.submit_order(order)
    for order in orders:
        await desk.has(order.client_order_id, "Denied")
        assert desk.events(order.client_order_id) == ["Denied"]
        assert desk.last(order.client_order_id, "Denied").reason.startswith(beginning)
    assert desk.sent()[before:] == []


async def long_of(desk, market, size):
    """Buy some YES; return the position."""
    desk.crowd("ask", "0.52", size, market.ticker)
    cid = desk.send(market.yes, "BUY", size, "0.52", time_in_force=TimeInForce.IOC)
    await desk.has(cid, "Filled")
    (position,) = desk.cache.positions_open(instrument_id=market.yes)
    return position


@pytest.mark.card("kalshi", "TC-E01", "TC-E02", "TC-E03", "TC-E04", "TC-E05", "TC-E80")
def test_there_is_no_market_order(stand):
    async def work(desk):
        market, make = desk.market(), desk.trader.order_factory
        await desk.show(market, "0.48", "0.52")
        desk.crowd("ask", "0.52", "9", market.ticker)
        orders = [
            make.market(market.yes, BUY, TWO),
            make.market(market.yes, SELL, TWO),
            make.market(market.yes, BUY, TWO, time_in_force=TimeInForce.IOC),
            make.market(market.yes, BUY, TWO, time_in_force=TimeInForce.FOK),
            make.market(market.yes, BUY, TWO, quote_quantity=True),
        ]
        await must_be_denied(desk, orders, "UNSUPPORTED MARKET order")

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E06", "TC-E82")
def test_no_market_order_closes_a_position(stand):
    async def work(desk):
        market = desk.market()
        await desk.show(market, "0.48", "0.52")
        position = await long_of(desk, market, 3)
        before = len(desk.sent()), len(desk.trader.happened)
        desk.trader.close_position(position)
        desk.trader.close_all_positions(market.yes)
        await desk.until(lambda: desk.events()[-2:] == ["Denied", "Denied"])
        assert all(e.reason.startswith("UNSUPPORTED MARKET") for e in desk.trader.happened[-2:])
        assert desk.sent()[before[0] :] == []
        assert str(desk.cache.positions_open(instrument_id=market.yes)[0].quantity) == "3.00"

    stand.run(work)


def conditional(make, leg):
    """Return one order of each kind that waits for a trigger, as its card asks for it."""
    low, high = to_price("0.40"), to_price("0.60")
    offset = {
        "trailing_offset": to_price("0.05").as_decimal(),
        "trailing_offset_type": TrailingOffsetType.PRICE,
    }
    return [
        make.stop_market(leg, BUY, TWO, high),  # TC-E20
        make.stop_market(leg, SELL, TWO, low),  # TC-E21
        make.stop_limit(leg, BUY, TWO, high, high),  # TC-E22
        make.stop_limit(leg, SELL, TWO, low, low),  # TC-E23
        make.market_if_touched(leg, BUY, TWO, low),  # TC-E24
        make.market_if_touched(leg, SELL, TWO, high),  # TC-E25
        make.limit_if_touched(leg, BUY, TWO, low, low),  # TC-E26
        make.limit_if_touched(leg, SELL, TWO, high, high),  # TC-E27
        make.trailing_stop_market(leg, SELL, TWO, trigger_price=low, **offset),
        make.market_to_limit(leg, BUY, TWO),
    ]


@pytest.mark.card(
    "kalshi", "TC-E20", "TC-E21", "TC-E22", "TC-E23", "TC-E24", "TC-E25", "TC-E26", "TC-E27", "TC-E72"
)
def test_an_order_of_another_type_than_limit_is_denied(stand):
    async def work(desk):
        market = desk.market()
        await desk.show(market, "0.48", "0.52")
        orders = conditional(desk.trader.order_factory, market.yes)
        await must_be_denied(desk, orders, "UNSUPPORTED")
        for order in orders:
            reason = desk.last(order.client_order_id, "Denied").reason
            assert reason.startswith(f"UNSUPPORTED {order.order_type.name} order")

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E34", "TC-E35")
def test_a_trigger_that_never_stood_is_neither_changed_nor_replaced(stand):
    async def work(desk):
        market, make = desk.market(), desk.trader.order_factory
        await desk.show(market, "0.48", "0.52")
        stop = make.stop_market(market.yes, BUY, TWO, to_price("0.60"))
        await must_be_denied(desk, [stop], "UNSUPPORTED STOP_MARKET")
        before = len(desk.sent())
        desk.trader.modify_order(stop.client_order_id, trigger_price=to_price("0.62"))
        desk.trader.cancel_order(stop.client_order_id)
        await must_be_denied(
            desk, [make.stop_market(market.yes, BUY, TWO, to_price("0.62"))], "UNSUPPORTED STOP_MARKET"
        )
        assert desk.sent()[before:] == []
        assert desk.events(stop.client_order_id) == ["Denied"]

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E50", "TC-E51", "TC-E52", "TC-E53")
def test_a_bracket_is_denied_as_a_whole(stand):
    async def work(desk):
        market, make = desk.market(), desk.trader.order_factory
        await desk.show(market, "0.48", "0.52")
        desk.crowd("ask", "0.46", "5", market.ticker)  # the entry would fill at once
        up = {
            "entry_price": to_price("0.46"),
            "tp_price": to_price("0.56"),
            "sl_trigger_price": to_price("0.40"),
        }
        down = {
            "entry_price": to_price("0.54"),
            "tp_price": to_price("0.44"),
            "sl_trigger_price": to_price("0.60"),
        }
        brackets = [
            make.bracket(market.yes, BUY, TWO, entry_order_type=OrderType.LIMIT, **up),
            make.bracket(market.yes, SELL, TWO, entry_order_type=OrderType.LIMIT, **down),
            make.bracket(market.yes, BUY, TWO, entry_order_type=OrderType.LIMIT, entry_post_only=True, **up),
        ]
        before = len(desk.sent())
        for bracket in brackets:
            desk.trader.submit_order_list(bracket)
        for order in [order for bracket in brackets for order in bracket]:
            await desk.has(order.client_order_id, "Denied")
            assert order.contingency_type != ContingencyType.NO_CONTINGENCY
            assert desk.last(order.client_order_id, "Denied").reason.startswith("UNSUPPORTED")
        assert desk.sent()[before:] == []

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E62")
def test_no_part_of_an_order_is_hidden(stand):
    async def work(desk):
        order = desk.trader.limit(desk.market().yes, "BUY", 2, "0.40", display_qty=to_quantity(1))
        await must_be_denied(desk, [order], "UNSUPPORTED display quantity")

    stand.run(work)


@pytest.mark.card("kalshi", "TC-E19", "TC-E73")
def test_a_time_in_force_that_the_venue_has_not_is_denied(stand):
    async def work(desk):
        leg = desk.market().yes
        for name in ("DAY", "AT_THE_OPEN", "AT_THE_CLOSE"):
            order = desk.trader.limit(leg, "BUY", 2, "0.40", time_in_force=getattr(TimeInForce, name))
            await must_be_denied(desk, [order], f"UNSUPPORTED time in force {name}")
        waits = desk.trader.limit(leg, "BUY", 2, "0.40", time_in_force=TimeInForce.GTC, reduce_only=True)
        await must_be_denied(desk, [waits], "UNSUPPORTED reduce-only with GTC")
        takes = desk.trader.limit(leg, "BUY", 2, "0.40", time_in_force=TimeInForce.IOC, post_only=True)
        await must_be_denied(desk, [takes], "UNSUPPORTED post-only with IOC")

    stand.run(work)


def option():
    name, now_ns = "KXOPT-C60000", wall_ns()
    return OptionContract(
        instrument_id=InstrumentId.from_str(f"{name}.KALSHI"),
        raw_symbol=Symbol(name),
        asset_class=AssetClass.CRYPTOCURRENCY,
        underlying="BTC",
        option_kind=OptionKind.CALL,
        strike_price=to_price("60000"),
        currency=Currency.from_str("USD"),
        activation_ns=now_ns - HOUR_NS,
        expiration_ns=now_ns + HOUR_NS,
        price_precision=4,
        price_increment=to_price("0.0001"),
        multiplier=to_quantity(1),
        lot_size=to_quantity(1),
        ts_event=now_ns,
        ts_init=now_ns,
    )


@pytest.mark.card("kalshi", "TC-E90", "TC-E91", "TC-E92", "TC-E94", "TC-E96", "TC-E99", "TC-E100", "TC-E101")
def test_there_are_no_options(stand):
    async def work(desk):
        call = option()
        desk.feed._handle_instrument(call)
        await desk.until(lambda: desk.cache.instrument(call.id) is not None)
        make, one = desk.trader.order_factory, call.make_qty(1)
        price = to_price("0.40")
        rests, sells = make.limit(call.id, BUY, one, price), make.limit(call.id, SELL, one, price)
        kills = make.limit(call.id, BUY, one, price, time_in_force=TimeInForce.FOK)
        waits = make.stop_market(call.id, BUY, one, price)
        before = len(desk.sent())
        await must_be_denied(
            desk,
            [rests, sells, kills, waits],
            "INVALID expected a BinaryOption, the venue has nothing else, found OptionContract",
        )
        odd = make.limit(call.id, BUY, one, price)
        desk.trader.submit_order(odd, params={"price_in": "volatility"})
        await desk.has(odd.client_order_id, "Denied")
        desk.trader.cancel_order(rests.client_order_id)
        desk.trader.cancel_all_orders(call.id)
        with pytest.raises(ValueError, match="the venue has nothing else"):
            await desk.client._generate_position_status_reports(SimpleNamespace(instrument_id=call.id))
        assert desk.sent()[before:] == []
        assert desk.cache.positions(instrument_id=call.id) == []

    stand.run(work)
