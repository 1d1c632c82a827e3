"""Keeps a house of the joint rehearsals open, and plays scenes in it."""

import asyncio
from contextlib import contextmanager
from typing import Any

from kalshi_house import House, Plan
from wire_between import as_it_is, nothing


class Keeper:
    """Plays scenes in one house, one after another; a scene that fails costs its house.

    After each scene the markets' books must agree with ours, unless it `ends_apart`.
    """

    def __init__(self, plan: Plan | None = None) -> None:
        self._plan = plan
        self._runner = asyncio.Runner()
        self._house: House | None = None

    def __call__(self, scene, *, secs: float = 60.0, ends_apart: bool = False) -> None:
        try:
            self._runner.run(self._play(scene, secs, ends_apart))
        except BaseException:
            self.close_house()
            raise

    async def _play(self, scene, secs: float, ends_apart: bool) -> None:
        async with asyncio.timeout(secs):
            if self._house is None:
                house = House(self._plan)
                await house.__aenter__()
                self._house = house
            house = self._house
            house.hand.heard.clear()
            house.hand.happened.clear()
            house.hand.answers.clear()
            house.wire.passes, house.wire.answers = as_it_is, nothing
            await scene(house)
            if not ends_apart:
                await house.agree()

    def close_house(self) -> None:
        house, self._house = self._house, None
        if house is not None:
            self._runner.run(house.__aexit__(None, None, None))

    def close(self) -> None:
        self.close_house()
        self._runner.close()


@contextmanager
def kept(plan: Plan | None = None):
    """Keep a house for the tests of a module."""
    keeper = Keeper(plan)
    try:
        yield keeper
    finally:
        keeper.close()


def play_once(scene, plan: Plan | None = None, **how: Any) -> None:
    """Play one scene in a house of its own."""
    with kept(plan) as keeper:
        keeper(scene, **how)
