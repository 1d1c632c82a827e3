"""Which venues have a campaign: one row each, found by name."""

from collections.abc import Callable
from typing import Final

from campaigns.kalshi import run as kalshi
from campaigns.records import FaultRun

FAULT_RUNS: Final[dict[str, Callable[[int, str | None], FaultRun]]] = {"kalshi": kalshi.run_seed}
