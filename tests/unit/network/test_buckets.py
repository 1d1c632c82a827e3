import asyncio
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from network.buckets import Buckets, TokenBucket

RATE, CAPACITY = 10.0, 50.0
costs = some.integers(0, 50)
pauses = some.floats(0, 10)


class Line:
    """Buckets on a simulated time line: sleepers wake in the order of their times."""

    def __init__(self, rate=RATE, capacity=CAPACITY):
        self.secs = 0.0
        self.sleepers = []
        self.numbers = count()
        self.bucket = TokenBucket(rate, capacity, lambda: self.secs)
        self.buckets = Buckets({"write": self.bucket}, self.sleep)
        self.granted = []

    async def sleep(self, secs):
        woken = asyncio.get_running_loop().create_future()
        self.sleepers.append((self.secs + secs, next(self.numbers), woken))
        await woken

    async def ask(self, name, cost, after_secs=0.0, **wish):
        if after_secs:
            await self.sleep(after_secs)
        await self.buckets.wait("write", cost, **wish)
        self.granted.append((name, cost, self.secs))

    async def play(self, *asks):
        tasks = [asyncio.ensure_future(ask) for ask in asks]
        while not all(task.done() for task in tasks):
            for _ in range(5):
                await asyncio.sleep(0)
            if self.sleepers:
                first = min(self.sleepers)
                self.sleepers.remove(first)
                self.secs = max(self.secs, first[0])
                if not first[2].done():
                    first[2].set_result(None)
        await asyncio.gather(*tasks)


def assert_within_budget(granted, rate=RATE, capacity=CAPACITY):
    for start, (_, _, from_secs) in enumerate(granted):
        total = 0.0
        for _, cost, at_secs in granted[start:]:
            total += cost
            assert total <= (capacity + rate * (at_secs - from_secs)) * (1 + 1e-6) + 1e-6


@given(some.lists(some.tuples(pauses, costs), max_size=30))
def test_no_stretch_of_time_grants_more_than_capacity_and_rate_allow(asked):
    secs = 0.0
    bucket = TokenBucket(RATE, CAPACITY, lambda: secs)
    granted = []
    for pause_secs, cost in asked:
        secs += pause_secs
        if bucket.try_take(cost):
            granted.append(("", cost, secs))
        assert bucket.tokens >= -1e-6
    assert_within_budget(granted)


@settings(max_examples=50, deadline=None)
@given(some.lists(some.tuples(pauses, costs, some.booleans()), max_size=12))
def test_waiting_calls_keep_the_budget_and_each_line_its_order(asked):
    line = Line()

    async def play():
        await line.play(
            *(
                line.ask((urgent, number), cost, pause, reserve_share=0.2, urgent=urgent)
                for number, (pause, cost, urgent) in enumerate(sorted(asked, key=lambda ask: ask[0]))
            )
        )

    asyncio.run(play())
    assert len(line.granted) == len(asked)
    assert_within_budget(line.granted)
    for kind in (True, False):
        numbers = [number for (urgent, number), *_ in line.granted if urgent is kind]
        assert numbers == sorted(numbers)


def test_an_urgent_call_passes_everyone_who_waits_without_a_reserve_too():
    line = Line()
    asyncio.run(
        line.play(
            line.ask("all", 50),
            *(line.ask(f"small {number}", 1) for number in range(5)),
            line.ask("cancel", 10, urgent=True),
        )
    )
    assert [name for name, *_ in line.granted] == ["all", "cancel", *(f"small {n}" for n in range(5))]
    assert line.granted[1][2] == pytest.approx(1.0)


def test_the_reserve_is_there_for_urgent_calls_at_once():
    line = Line()
    asyncio.run(
        line.play(
            line.ask("order", 40, reserve_share=0.2),
            line.ask("next order", 10, reserve_share=0.2),
            line.ask("cancel", 10, urgent=True),
        )
    )
    assert [(name, round(at, 6)) for name, _, at in line.granted] == [
        ("order", 0),
        ("cancel", 0),
        ("next order", 2),  # ten tokens for itself and ten for the reserve
    ]


def test_an_order_larger_than_what_the_reserve_leaves_waits_for_a_full_bucket():
    line = Line()
    asyncio.run(line.play(line.ask("small", 5), line.ask("large", 50, reserve_share=0.2)))
    assert line.granted[1] == ("large", 50, pytest.approx(0.5))


def test_who_gives_up_waiting_leaves_the_line_and_pays_nothing():
    line = Line()

    async def give_up():
        await line.buckets.wait("write", 50)
        waiting = asyncio.create_task(line.buckets.wait("write", 50, urgent=True))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        line.secs = 1.0
        await line.buckets.wait("write", 10)

    asyncio.run(give_up())
    assert line.bucket.tokens == 0


def test_new_limits_hold_from_now_on():
    line = Line()
    line.bucket.refill(rate_per_sec=1, capacity=20)
    assert line.bucket.tokens == 20
    assert line.bucket.try_take(20)
    assert line.bucket.wait_secs(5) == 5
    with pytest.raises(ValueError, match=r"capacity 20, found 21"):
        line.bucket.try_take(21)


@pytest.mark.parametrize("cost", [-1, 51, float("nan"), float("inf")])
def test_a_cost_that_can_never_be_paid_is_refused(cost):
    line = Line()
    for ask in (
        line.bucket.try_take,
        lambda cost: asyncio.run(line.buckets.wait("write", cost)),
    ):
        with pytest.raises(ValueError, match="expected a cost from 0 to the capacity 50"):
            ask(cost)
    assert line.bucket.tokens == CAPACITY


@pytest.mark.parametrize("limits", [(0, 1), (1, 0), (float("nan"), 1), (1, float("inf"))])
def test_limits_that_cannot_be_are_refused(limits):
    with pytest.raises(ValueError, match="above 0"):
        TokenBucket(*limits, lambda: 0.0)


def test_groups_are_known_by_name_and_opened_once():
    line = Line()
    with pytest.raises(ValueError, match=r"expected a group of \['write'\], found 'wriet'"):
        line.buckets["wriet"]
    line.buckets.add("write:2", TokenBucket(1, 1, lambda: 0.0))
    assert line.buckets["write:2"].capacity == 1
    with pytest.raises(ValueError, match="expected a new group, found 'write'"):
        line.buckets.add("write", TokenBucket(1, 1, lambda: 0.0))
