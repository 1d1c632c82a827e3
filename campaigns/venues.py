"""Which venues have campaigns: one row each, found by name."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from campaigns.kalshi import chain as kalshi_chain
from campaigns.kalshi import run as kalshi_run
from campaigns.kalshi import world as kalshi_world
from campaigns.polymarket import chain as polymarket_chain
from campaigns.polymarket import run as polymarket_run
from campaigns.polymarket import world as polymarket_world
from campaigns.records import FaultRun, KillChain


@dataclass(frozen=True, slots=True)
class Campaigns:
    """What a venue brings: one run of faults, one chain of kills, and the faults that must all happen.

    `run_faults(seed, bug)`, where `bug` names a deliberate one or is None; `run_kills(seed, kills, folder, context)`.
    """

    run_faults: Callable[[int, str | None], FaultRun]
    run_kills: Callable[..., Coroutine[Any, Any, KillChain]]
    every_fault: tuple[str, ...]


VENUES: Final = {
    "kalshi": Campaigns(
        kalshi_run.run_seed,
        kalshi_chain.run_chain,
        kalshi_world.terrain(kalshi_run.ACTIVE_SECS, kalshi_run.PATIENCE_SECS).every_fault(),
    ),
    "polymarket": Campaigns(
        polymarket_run.run_seed,
        polymarket_chain.run_chain,
        polymarket_world.terrain(polymarket_run.ACTIVE_SECS, polymarket_run.PATIENCE_SECS).every_fault(),
    ),
}


def campaigns_of(venue: str) -> Campaigns:
    """Return the campaigns of a venue; LookupError when it has none."""
    if venue not in VENUES:
        raise LookupError(f"expected a venue among {', '.join(sorted(VENUES))}, found {venue!r}")
    return VENUES[venue]
