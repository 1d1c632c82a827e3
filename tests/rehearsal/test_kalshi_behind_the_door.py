"""A strategy behind our door at the double: what only happens because an order passes an algorithm."""

import asyncio
from decimal import Decimal
from types import SimpleNamespace

from nautilus_trader import trading  # noqa: TID251  the very thing that this house goes around
from nautilus_trader.model import ClientOrderId, InstrumentId

from adapters.kalshi.execution.client import KalshiExecutionClient
from campaigns.kalshi.desk import Parts, in_place
from campaigns.kalshi.victim import write_book
from campaigns.kalshi.world import USER, World
from campaigns.running import until
from campaigns.whole_node import actor_of, whole_node

YES = InstrumentId.from_str("KXBTC15M-A-45-YES.KALSHI")


class Unguarded(KalshiExecutionClient):
    """Sends without a look at the journal between the engine's word and the wire."""

    def __init__(self, **parts):
        super().__init__(**{**parts, "second_guard": None})


def played(scene, monkeypatch, client=KalshiExecutionClient, at_start=lambda node: None):
    """Play a scene once both clients and the books agree; `at_start(node)` is called in the strategy's first moment."""

    async def main():
        world, parts = World(1), Parts(client=client)
        for name, text in (await world.open()).items():
            monkeypatch.setenv(name, text)
        try:
            async with whole_node(lambda folder: write_book(folder, 1), in_place(parts)) as node:
                actor = actor_of(node)
                actor.tell_started = lambda: at_start(node)
                await until(lambda: node.phase == "running" and YES in actor.outcomes, 20)
                desk = SimpleNamespace(
                    actor=actor, cache=node._cache, client=parts.clients[-1], ledger=node.crew.ledger
                )
                await until(lambda: not (desk.client.doubts or node.guardian.doubts), 20)
                await scene(desk, world.double)
                assert desk.client.doubts == ()
        finally:
            await world.close()

    asyncio.run(main())


def at_venue(double):
    return double.snapshot().orders.get(USER, [])


def bought(desk, price):
    return desk.actor.buy(YES, Decimal(1), Decimal(price)).client_order_id


def test_orders_that_are_cancelled_in_the_turn_that_sent_them_leave_and_are_cancelled_at_the_venue(
    monkeypatch,
):
    async def scene(desk, double):
        rests = bought(desk, "0.35")
        await until(lambda: desk.cache.order(rests).status.name == "ACCEPTED", 10)
        names = [rests, *(bought(desk, "0.40") for _ in range(3))]
        desk.actor.cancel_all_orders(YES)
        single, in_batch = bought(desk, "0.30"), bought(desk, "0.31")
        desk.actor.cancel_order(single)
        desk.actor.cancel_orders([in_batch])
        names += [single, in_batch]
        await until(lambda: all(desk.cache.order(name).is_closed for name in names), 10)
        last = bought(desk, "0.30")
        await until(lambda: desk.cache.order(last).status.name == "ACCEPTED", 10)
        assert {desk.cache.order(name).status.name for name in names} == {"CANCELED"}
        statuses = {row["client_order_id"]: row["status"] for row in at_venue(double)}
        assert statuses == {name.value: "canceled" for name in names} | {last.value: "resting"}

    played(scene, monkeypatch)


def closing_what_leaves(desk):
    """Close each order before the engine hears that it leaves; return how it hears of that otherwise.

    Nautilus' own cancel, as a strategy that stops uses it, closes an order that is not marked submitted (rc7).
    """
    tell = desk.client.generate_order_submitted

    def tell_and_cancel(order):
        trading.Strategy.cancel_all_orders(desk.actor, YES)
        tell(order)

    desk.client.generate_order_submitted = tell_and_cancel
    return tell


def test_an_order_that_the_engine_closes_before_it_is_on_the_disk_does_not_leave(monkeypatch):
    async def scene(desk, double):
        tell = closing_what_leaves(desk)
        closed = bought(desk, "0.40")
        await until(lambda: desk.cache.order(closed).is_closed, 10)
        desk.client.generate_order_submitted = tell
        last = bought(desk, "0.30")
        await until(lambda: desk.cache.order(last).status.name == "ACCEPTED", 10)
        assert [row["client_order_id"] for row in at_venue(double)] == [last.value]

    played(scene, monkeypatch)


def test_an_order_that_the_engine_closes_while_it_leaves_is_taken_back_from_the_venue(monkeypatch):
    async def scene(desk, double):
        tell = closing_what_leaves(desk)
        rests = bought(desk, "0.40")
        await until(lambda: desk.cache.order(rests).is_closed, 10)
        double.control.make_trusted("crowd", 2)
        double.control.trade_as("crowd", "KXBTC15M-A-45", "ask", "0.50", "5")
        fills = bought(desk, "0.50")
        await until(lambda: desk.cache.order(fills).is_closed, 10)
        desk.client.generate_order_submitted = tell
        last = bought(desk, "0.30")
        await until(lambda: desk.cache.order(last).status.name == "ACCEPTED", 10)
        await until(lambda: [row["status"] for row in at_venue(double)].count("resting") == 1, 10)
        statuses = {row["client_order_id"]: row["status"] for row in at_venue(double)}
        assert statuses == {rests.value: "canceled", fills.value: "executed", last.value: "resting"}
        await until(lambda: desk.ledger.quantity(str(desk.actor.strategy_id), str(YES)) == 1, 10)

    played(scene, monkeypatch, Unguarded)


def test_a_position_is_closed_by_an_order_that_the_venue_takes_and_the_rest_of_it_rests_nowhere(monkeypatch):
    async def scene(desk, double):
        double.control.make_trusted("crowd", 2)
        double.control.trade_as("crowd", "KXBTC15M-A-45", "ask", "0.50", "5")
        order = desk.actor.buy(YES, Decimal(5), Decimal("0.50")).client_order_id
        await until(lambda: desk.cache.order(order).is_closed, 10)
        double.control.trade_as("crowd", "KXBTC15M-A-45", "bid", "0.45", "3")
        (position,) = desk.cache.positions_open(instrument_id=YES)
        desk.actor.close_position(position)
        await until(lambda: at_venue(double)[-1]["client_order_id"] != order.value, 10)
        exit_ = ClientOrderId(at_venue(double)[-1]["client_order_id"])
        await until(lambda: desk.cache.order(exit_).is_closed, 10)
        sold = desk.cache.order(exit_)
        assert (sold.status.name, sold.filled_qty, sold.time_in_force.name) == ("CANCELED", 3, "IOC")
        (left,) = desk.cache.positions_open(instrument_id=YES)
        assert left.quantity == 2
        assert [row["status"] for row in at_venue(double)].count("resting") == 0

    played(scene, monkeypatch)


def test_a_venue_is_doubted_from_before_the_first_strategy_starts_until_its_books_were_compared(monkeypatch):
    doubted = []

    async def scene(desk, double):
        assert doubted == [{"KALSHI": "our books and the venue's were not compared yet"}]
        last = bought(desk, "0.30")
        await until(lambda: desk.cache.order(last).status.name == "ACCEPTED", 10)

    played(scene, monkeypatch, at_start=lambda node: doubted.append(dict(node.guardian.doubts)))
