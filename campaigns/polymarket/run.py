"""One run of the fault campaign at Polymarket."""

from typing import Final

from campaigns import fault_run
from campaigns.polymarket.border import watched_parts
from campaigns.polymarket.bugs import BUGS
from campaigns.polymarket.desk import Parts, in_place
from campaigns.polymarket.victim import known_of, write_book
from campaigns.polymarket.world import SERIES, World, terrain
from campaigns.records import FaultRun
from campaigns.witness import Witness

ACTIVE_SECS: Final = 2.5
PATIENCE_SECS: Final = 1.5


def run_seed(seed: int, bug: str | None = None) -> FaultRun:
    """Run one seed, with a deliberate bug of `bugs` when one is named."""

    def play() -> fault_run.Play:
        world, witness = World(seed), Witness()
        parts = watched_parts(witness, BUGS[bug]() if bug else Parts(), world.names)
        return fault_run.Play(
            world=world,
            terrain=terrain(ACTIVE_SECS, PATIENCE_SECS),
            outcomes=2 * len(SERIES),
            write_book=lambda folder: write_book(folder, seed, PATIENCE_SECS),
            in_place=in_place(parts),
            witness=witness,
            known=lambda node: known_of(node, parts.clients[-1].doubts),
        )

    return fault_run.run(seed, play, is_buggy=bug is not None)
