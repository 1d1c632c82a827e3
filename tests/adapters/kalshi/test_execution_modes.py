import asyncio
from decimal import Decimal
from types import SimpleNamespace

import pytest

from adapters.kalshi.execution.desk import Desk
from adapters.kalshi.execution.modes import Modes
from network.errors import Unreachable
from network.outcomes import Refused
from orders.doubts import Doubts


class Exchange:
    """Says which shards pause, in order and the last for ever; an error is raised."""

    def __init__(self, *answers):
        self.answers, self.looks = list(answers), 0

    async def find_paused(self):
        self.looks += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def watched(exchange, scene, every_secs=60.0, on_condition=None):
    """Run `scene(modes, doubts, told)` while somebody looks at the exchange."""

    async def work():
        doubts, told = Doubts(), []
        modes = Modes(exchange.find_paused, doubts, told.append, every_secs, on_condition)
        looking = asyncio.create_task(modes.run())
        async with asyncio.timeout(5):
            await until(lambda: exchange.looks == 1)
            await scene(modes, doubts, told)
        looking.cancel()

    asyncio.run(work())


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


@pytest.mark.parametrize(("paused", "stops"), [(frozenset({2}), True), (None, True), (frozenset({0}), False)])
def test_only_a_shard_that_pauses_takes_no_order(paused, stops):
    async def scene(modes, doubts, told):
        problem = modes.problem_of(2)
        assert problem == ("VENUE_PAUSED shard 2 takes cancels only" if stops else None)

    watched(Exchange(paused), scene)


def test_a_refused_order_is_a_reason_to_look_again_and_the_end_of_a_pause_is_seen():
    exchange = Exchange(
        frozenset(), Unreachable("GET /exchange/status", "no route"), frozenset({2}), frozenset()
    )

    async def scene(modes, doubts, told):
        for looks in (2, 3):
            modes.note_refusal(Refused(400, "trading_paused", "trading is paused"))
            await until(lambda looks=looks: exchange.looks == looks)
        await until(lambda: modes.problem_of(2))
        modes.note_refusal(Refused(400, "trading_paused", "trading is paused"))
        await until(lambda: modes.problem_of(2) is None)
        assert (told, doubts.all) == ([], ())

    watched(exchange, scene)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_account_is_doubted_for_good_and_told_once(status):
    async def scene(modes, doubts, told):
        for _ in range(3):
            modes.note_refusal(Refused(status, "forbidden", "not from here"))
        reason = f"the venue refuses the account: {status} forbidden not from here"
        assert (told, doubts.all) == ([reason], (reason,))

    watched(Exchange(frozenset()), scene)


def test_how_the_venue_works_is_told_with_each_change():
    exchange = Exchange(frozenset(), None, None, frozenset({2}))
    heard = []

    async def scene(modes, doubts, told):
        for looks in (2, 3, 4):
            modes.note_refusal(Refused(400, "trading_paused", "trading is paused"))
            await until(lambda looks=looks: exchange.looks == looks)
        modes.note_refusal(Refused(403, "forbidden", "not from here"))
        await until(lambda: len(heard) == 4)

    watched(exchange, scene, on_condition=lambda condition, detail: heard.append((condition, detail)))
    assert [condition for condition, _ in heard] == ["normal", "cancel_only", "normal", "closed_only"]
    assert heard[-1][1] == "the venue refuses the account: 403 forbidden not from here"


class Held:
    """A position whose signed quantity is a float, as the engine's is."""

    def __init__(self, size, *, is_long=True):
        self.quantity = SimpleNamespace(as_decimal=lambda: Decimal(size))
        self.is_long, self.signed_qty = is_long, float(size) * (1 + 2e-16)


def test_what_the_engine_holds_is_counted_exactly():
    positions = {"KXA-1-YES.KALSHI": [Held("40.56")], "KXA-1-NO.KALSHI": [Held("0.07")]}
    cache = SimpleNamespace(positions_open=lambda instrument_id: positions[str(instrument_id)])
    desk = SimpleNamespace(client=SimpleNamespace(cache=cache))
    assert Desk.net_in_cache(desk, "KXA-1") == Decimal("40.49")
