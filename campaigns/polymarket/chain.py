"""Chains of kills at Polymarket."""

from multiprocessing.context import ForkServerContext
from pathlib import Path

from campaigns.chain import Breed, Chain
from campaigns.polymarket.victim import live, write_book
from campaigns.polymarket.world import World
from campaigns.records import KillChain


async def run_chain(
    seed: int, kills: int, folder: Path, context: ForkServerContext, *, is_forgetful: bool = False
) -> KillChain:
    """Run one chain; `folder` is its own, `is_forgetful` lays a bug in each life."""
    return await Chain(Breed(World, write_book, live), seed, kills, folder, context, is_forgetful).run()
