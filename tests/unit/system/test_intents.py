"""An order is written down before it leaves, and a later run is told of it what no venue tells."""

import asyncio
from decimal import Decimal
from itertools import count
from types import SimpleNamespace

import pytest
from nautilus_trader.common import Clock, OrderFactory
from nautilus_trader.model import (
    ClientOrderId,
    InstrumentId,
    OrderSide,
    Price,
    Quantity,
    StrategyId,
    TimeInForce,
    TraderId,
)

from storage.journal.errors import BadJournal
from storage.journal.journal import Journal
from system.intents import Remembered, memory_of, pass_last_second, written_first
from system.run_journal import RunJournal

NO = InstrumentId.from_str("KXFED-27JAN-C-NO.KALSHI")


def order(name, **changes):
    plain = {
        "client_order_id": ClientOrderId(name),
        "venue_order_id": None,
        "strategy_id": StrategyId("kelly-1"),
        "instrument_id": NO,
        "side": OrderSide.BUY,
        "time_in_force": TimeInForce.GTC,
        "is_post_only": True,
        "is_reduce_only": False,
    }
    return SimpleNamespace(**(plain | changes))


@pytest.fixture
def journal(tmp_path):
    ticks = count(1_700_000_000_000_000_000)
    made = Journal.open(f"sqlite:///{tmp_path / 'journal.sqlite'}", lambda: next(ticks))
    yield RunJournal(made, "r-1", "rehearsal", "test", lambda: next(ticks))
    made.close()


def test_what_left_is_remembered_by_a_later_run_and_a_change_of_it_does_not_count(journal):
    asked = []

    def look(order, quantity, price):
        asked.append((str(order.client_order_id), quantity.as_decimal(), price.as_decimal()))

    async def main():
        guard, size, price = written_first(journal, look), Quantity(2, 2), Price(0.3, 4)
        await guard(order("O-1"), size, price)
        await guard(order("O-1", venue_order_id="V-1", is_post_only=False), size, price)
        await guard(
            order("O-2", time_in_force=TimeInForce.IOC, is_post_only=False, is_reduce_only=True), size, price
        )
        return await memory_of(journal)(["O-1", "O-2", "from elsewhere"])

    assert asyncio.run(main()) == {
        "O-1": Remembered("O-1", NO, TimeInForce.GTC, is_post_only=True, is_reduce_only=False),
        "O-2": Remembered("O-2", NO, TimeInForce.IOC, is_post_only=False, is_reduce_only=True),
    }
    assert asked == [(name, Decimal(2), Decimal("0.3")) for name in ("O-1", "O-1", "O-2")]


def ids_of_a_process(at_ns, number=2):
    clock = Clock.new_test()
    clock.set_time(at_ns)
    factory = OrderFactory(TraderId("BOOK-LIVE"), StrategyId("kelly-1"), clock)
    return [str(factory.generate_client_order_id()) for _ in range(number)]


def test_two_processes_within_one_second_would_make_the_same_ids_of_orders():
    first, second = 1_700_000_000_100_000_000, 1_700_000_000_900_000_000
    assert ids_of_a_process(first) == ids_of_a_process(second)
    assert set(ids_of_a_process(first)).isdisjoint(ids_of_a_process(second + 100_000_000))


def test_a_start_leaves_the_second_of_the_last_order_that_was_written_down(tmp_path):
    now = [1_700_000_000_100_000_000]
    slept = []

    async def sleep(secs):
        slept.append(secs)
        now[0] += round(secs * 1e9)

    made = Journal.open(f"sqlite:///{tmp_path / 'journal.sqlite'}", lambda: now[0])
    journal = RunJournal(made, "r-1", "rehearsal", "test", lambda: now[0])

    async def main():
        await pass_last_second(journal, now[0] - 1_000_000_000, sleep)
        assert slept == []  # no order yet
        await written_first(journal, lambda *_: None)(order("O-1"), Quantity(2, 2), Price(0.3, 4))
        before = ids_of_a_process(now[0])
        now[0] += 500_000_000
        await pass_last_second(journal, now[0] - 1_000_000_000, sleep)
        assert now[0] >= 1_700_000_001_000_000_000
        assert set(before).isdisjoint(ids_of_a_process(now[0]))
        now[0] -= 100_000_000_000
        with pytest.raises(BadJournal, match="expected a clock past"):
            await pass_last_second(journal, 0, sleep)

    asyncio.run(main())
    made.close()


def test_a_start_leaves_the_second_in_which_its_node_was_made(tmp_path):
    """A stop was refused for it: a life was killed before its first order was on the disk, the next took its id."""
    now = [1_700_000_000_100_000_000]

    async def sleep(secs):
        now[0] += round(secs * 1e9)

    made = Journal.open(f"sqlite:///{tmp_path / 'journal.sqlite'}", lambda: now[0])
    journal = RunJournal(made, "r-1", "rehearsal", "test", lambda: now[0])
    overtaken = ids_of_a_process(now[0])
    now[0] += 200_000_000
    asyncio.run(pass_last_second(journal, now[0], sleep))
    assert set(overtaken).isdisjoint(ids_of_a_process(now[0]))
    assert now[0] == 1_700_000_001_000_000_000
    made.close()
