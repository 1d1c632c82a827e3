"""Questions that are tasks of their own."""

import asyncio

import pytest

from network.asking import Asking
from network.errors import NetworkError
from network.tasks import Tasks


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, ([], [])),
        (NetworkError("gone"), (["book"], [])),
        (ValueError("odd"), (["book"], [])),
        (ZeroDivisionError("ours"), ([], ["book"])),
    ],
)
def test_what_finds_no_answer_is_told_as_trouble_and_what_is_our_fault_fails_the_task(error, expected):
    troubles, failures = [], []

    async def work():
        if error is not None:
            raise error

    async def main():
        async with Tasks(lambda name, _error: failures.append(name)) as tasks:
            ask = Asking(tasks, lambda what, _error: troubles.append(what))
            ask("book", work())
            while len(tasks):
                await asyncio.sleep(0)

    asyncio.run(main())
    assert (troubles, failures) == expected
