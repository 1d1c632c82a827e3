"""A double that shares code with what it checks would repeat its mistakes."""

import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("double", ["kalshi", "polymarket"])
def test_a_double_loads_nothing_of_the_house(double):
    code = (
        f"import sys, simulation.wire.{double}; "
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    root = Path(__file__).parents[4]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True, timeout=20
    )
    assert not set(done.stdout.split()) & set(HOUSE)
