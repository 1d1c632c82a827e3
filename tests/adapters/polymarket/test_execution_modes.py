"""What Polymarket refuses now, and what the guardian hears of it."""

import asyncio
from types import SimpleNamespace

import pytest

from adapters.polymarket.execution.modes import Hearing, Modes
from adapters.polymarket.messages import refusals
from adapters.polymarket.messages.refusals import judge
from network.errors import Unreachable
from network.outcomes import Refused
from orders.doubts import Doubts

SECOND = 1_000_000_000


class Place:
    """The site, which says where we are; an error is raised."""

    def __init__(self, said):
        self.said = said

    async def look(self):
        if isinstance(self.said, Exception):
            raise self.said
        return SimpleNamespace(blocked=self.said, country="US", region="NY")


class Lab:
    """Modes with a clock that a test moves, and all that they told."""

    def __init__(self, blocked=False, closed_only=False):
        self.now_ns, self.closed_only = 0, closed_only
        self.conditions, self.refusals, self.restarts, self.doubts = [], [], [], Doubts()
        self.place = Place(blocked)
        hearing = Hearing(
            on_refusal=self.refusals.append,
            on_restart=self.restarts.append,
            on_condition=lambda condition, detail: self.conditions.append((condition.value, detail)),
        )
        self.modes = Modes(
            self.place, self.is_closed_only, self.doubts, now_ns=lambda: self.now_ns, hearing=hearing
        )

    async def is_closed_only(self):
        return self.closed_only

    def answer(self, status, text, body=b""):
        self.modes.note(judge(Refused(status, "", text, body)))

    @property
    def told(self):
        return [condition for condition, _ in self.conditions]


@pytest.mark.parametrize(
    ("status", "text", "condition", "secs"),
    [
        (425, "", "restarting", 5),
        (503, "post-only mode: only post-only orders and cancels are allowed", "post_only", 120),
        (503, "Trading is currently cancel-only.", "cancel_only", 30),
        (503, "Trading is currently disabled.", "paused", 30),
    ],
)
def test_a_mode_is_told_once_and_its_end_when_its_time_is_over(status, text, condition, secs):
    lab = Lab()
    asyncio.run(lab.modes.look())
    for _ in range(3):
        lab.answer(status, text)
    assert lab.told == ["normal", condition]
    lab.now_ns = secs * SECOND - 1
    assert lab.modes.problem_of(is_post_only=False) is not None
    lab.now_ns = secs * SECOND
    assert lab.modes.problem_of(is_post_only=False) is None
    assert lab.told == ["normal", condition, "normal"]
    assert len(lab.restarts) == (condition == "restarting")


def test_how_long_a_mode_lasts_is_what_the_venue_says_of_it():
    lab = Lab()
    lab.answer(503, "post-only mode", b'{"code":"post_only_mode","retry_after_seconds":7}')
    lab.now_ns = 7 * SECOND
    assert lab.modes.problem_of(is_post_only=False) is None


def test_the_end_of_a_mode_is_told_without_an_order_that_asks():
    async def main():
        lab = Lab()
        running = asyncio.create_task(lab.modes.run())
        await asyncio.sleep(0)
        lab.answer(425, "")
        lab.now_ns = 5 * SECOND
        async with asyncio.timeout(20):
            while lab.told != ["restarting", "normal"]:
                await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("status", "text", "condition"),
    [
        (403, "Trading restricted in your region, see the documentation", "geoblocked"),
        (400, "'0xabc' address banned", "banned"),
        (400, "'0xabc' address in closed only mode", "closed_only"),
        (401, "Unauthorized/Invalid api key", "closed_only"),
    ],
)
def test_a_restriction_bars_risk_and_outlasts_a_mode(status, text, condition):
    lab = Lab()
    asyncio.run(lab.modes.look())
    lab.answer(status, text)
    lab.answer(503, "Trading is currently disabled.")
    lab.now_ns = 60 * SECOND
    assert lab.modes.problem_of(is_post_only=False) is None
    assert lab.told == ["normal", condition]
    assert len(lab.doubts.all) == len(lab.refusals) == 1


@pytest.mark.parametrize(
    ("blocked", "closed_only", "condition"),
    [(True, False, "geoblocked"), (False, True, "closed_only"), (False, False, "normal")],
)
def test_a_look_tells_whether_we_may_trade_and_the_next_one_that_we_may_again(
    blocked, closed_only, condition
):
    lab = Lab(blocked, closed_only)
    asyncio.run(lab.modes.look())
    assert lab.told == [condition]
    lab.place.said = lab.closed_only = False
    asyncio.run(lab.modes.look())
    assert lab.told == list(dict.fromkeys([condition, "normal"]))
    assert lab.doubts.all == ()


def test_a_look_that_fails_says_nothing_of_how_the_venue_works():
    lab = Lab(Unreachable("GET /api/geoblock", "no route"))
    with pytest.raises(Unreachable):
        asyncio.run(lab.modes.look())
    assert lab.told == []
    assert refusals.MODES.isdisjoint(refusals.OF_THE_ACCOUNT)
