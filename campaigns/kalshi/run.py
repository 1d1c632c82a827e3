"""One run of the fault campaign at Kalshi."""

from typing import Final

from campaigns import fault_run
from campaigns.kalshi.border import watched_parts
from campaigns.kalshi.bugs import BUGS
from campaigns.kalshi.desk import Parts, in_place
from campaigns.kalshi.victim import known_of, write_book
from campaigns.kalshi.world import MARKETS, World, terrain
from campaigns.records import FaultRun
from campaigns.witness import Witness

ACTIVE_SECS: Final = 2.0
PATIENCE_SECS: Final = 1.2


def run_seed(seed: int, bug: str | None = None) -> FaultRun:
    """Run one seed, with a deliberate bug of `bugs` when one is named."""

    def play() -> fault_run.Play:
        witness = Witness()
        parts = watched_parts(witness, BUGS[bug]() if bug else Parts())
        return fault_run.Play(
            world=World(seed),
            terrain=terrain(ACTIVE_SECS, PATIENCE_SECS),
            outcomes=2 * len(MARKETS),
            write_book=lambda folder: write_book(folder, seed, PATIENCE_SECS),
            in_place=in_place(parts),
            witness=witness,
            known=lambda node: known_of(node, parts.clients[-1].doubts),
        )

    return fault_run.run(seed, play, is_buggy=bug is not None)
