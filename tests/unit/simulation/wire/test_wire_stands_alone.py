"""A double that shares code with what it checks would repeat its mistakes."""

import subprocess
import sys
from pathlib import Path

HOUSE = (
    "adapters",
    "network",
    "markets",
    "pricing",
    "engine",
    "risk",
    "strategies",
    "storage",
    "nautilus_trader",
)


def test_the_kalshi_double_loads_nothing_of_the_house():
    code = (
        "import sys, simulation.wire.kalshi; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    root = Path(__file__).parents[4]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True, timeout=20
    )
    assert not set(done.stdout.split()) & set(HOUSE)
