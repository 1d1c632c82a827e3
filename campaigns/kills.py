"""`make kills`: kill a process that trades, N times at random moments, and see that the next one knows everything."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from campaigns.invariants import LAWS
from campaigns.nursery import make_context
from campaigns.records import KillChain
from campaigns.venues import campaigns_of

_KILLS_PER_CHAIN: Final = 20


class KillSummary(Struct, frozen=True):
    """What a campaign found: kills, those of processes that were just starting, starts that failed, broken laws by name.

    `failed` are the seeds of chains that broke a law; a chain ends with the first.
    """

    venue: str
    kills: int
    newborn: int
    stillborn: int
    orders: int
    fills: int
    duplicate_orders: int
    lost_fills: int
    broken: dict[str, int]
    failed: tuple[int, ...]

    @property
    def is_good(self) -> bool:
        """Whether every law held."""
        return not self.failed


async def run_kills(
    venue: str,
    kills: int,
    *,
    first: int = 1,
    workers: int = 4,
    per_chain: int = _KILLS_PER_CHAIN,
    on_chain: Callable[[KillChain], None] = lambda _: None,
) -> KillSummary:
    """Kill in chains, `workers` at a time, each at a double of its own; `on_chain` hears each as it ends."""
    context, run_chain, gate = make_context(), campaigns_of(venue).run_kills, asyncio.Semaphore(workers)

    async def one(seed: int, share: int) -> KillChain:
        async with gate:
            with tempfile.TemporaryDirectory(prefix="kills-") as folder:
                chain = await run_chain(seed, share, Path(folder), context)
        on_chain(chain)
        return chain

    shares = [min(per_chain, kills - done) for done in range(0, kills, per_chain)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(first + place, share)) for place, share in enumerate(shares)]
    return _sum_up(venue, [task.result() for task in tasks])


def _sum_up(venue: str, chains: list[KillChain]) -> KillSummary:
    laws = [law for chain in chains for law in chain.laws]
    broken = Counter(law.partition(":")[0] for law in laws)
    return KillSummary(
        venue=venue,
        kills=sum(chain.kills for chain in chains),
        newborn=sum(chain.newborn for chain in chains),
        stillborn=sum(chain.stillborn for chain in chains),
        orders=sum(chain.orders for chain in chains),
        fills=sum(chain.fills for chain in chains),
        duplicate_orders=broken["duplicates"],
        lost_fills=sum(law.startswith("fills:") and "is lost" in law for law in laws),
        broken={law: broken[law] for law in LAWS},
        failed=tuple(sorted(chain.seed for chain in chains if chain.laws)),
    )
