"""Fixtures of the Kalshi double's tests; what they are made of is in `kalshi_stage`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not offer a test's neighbours

from kalshi_stage import Engine, Stage, data_file, list_market, wall_ns  # after the path

from simulation.wire.fault_plan import FaultPlan  # after the path
from simulation.wire.kalshi import KalshiDouble  # after the path
from simulation.wire.kalshi_settings import KalshiSettings  # after the path

Work = Callable[[Stage], Awaitable[None]]


@pytest.fixture
def rehearse() -> Callable[..., None]:
    """Run `work` on a started double with one funded user and one market; check the double's books after."""

    def run(work: Work, settings: KalshiSettings | None = None, plan: FaultPlan | None = None) -> None:
        async def main() -> None:
            double = KalshiDouble(settings or KalshiSettings(), 7, wall_ns, plan)
            urls = await double.start()
            list_market(double)
            double.control.fund("alice", "1000", 2)
            double.control.make_trusted("crowd", 2)
            try:
                async with aiohttp.ClientSession() as session:
                    await asyncio.wait_for(work(Stage(double, session, urls)), 10)
            finally:
                await double.stop()
            assert double.errors == []
            assert double.audit() == []
            await asyncio.sleep(0)
            assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []

        asyncio.run(main())

    return run


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def make_engine() -> Callable[[KalshiSettings], Engine]:
    return Engine


@pytest.fixture
def recorded() -> Callable[[str], Path]:
    return data_file
