import asyncio

import pytest

from network.tasks import Tasks


def test_an_error_in_one_task_is_reported_by_name_and_leaves_the_others(run):
    reported = []

    async def fail():
        raise RuntimeError("broken")

    async def work():
        async with Tasks(lambda name, error: reported.append((name, str(error)))) as tasks:
            good = tasks.start("good", asyncio.sleep(0.05, "result"))
            tasks.start("bad", fail())
            assert await good == "result"
            await asyncio.sleep(0)
            assert len(tasks) == 0

    run(work)
    assert reported == [("bad", "broken")]


def test_nothing_runs_after_the_owner_even_when_it_swallows_a_cancellation(run, monkeypatch):
    monkeypatch.setattr("network.tasks._PATIENCE_SECS", 0.02)
    booked = []

    async def stubborn():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            booked.append("outcome")
        await asyncio.sleep(10)

    async def work():
        async with Tasks(lambda name, error: pytest.fail(name)) as tasks:
            task = tasks.start("stubborn", stubborn())
            await asyncio.sleep(0.01)
        assert task.cancelled()

    run(work)
    assert booked == ["outcome"]


def test_a_task_that_starts_at_once_has_begun_when_start_returns(run):
    begun = []

    async def work():
        async with Tasks(lambda name, error: pytest.fail(name)) as tasks:
            tasks.start("later", note("later"))
            tasks.start("now", note("now"), at_once=True)
            assert begun == ["now"]

    async def note(word):
        begun.append(word)

    run(work)
    assert begun[0] == "now"
