"""What a replay of seven million rows holds in memory at its peak."""

import subprocess
import sys
import tempfile
from pathlib import Path

from msgspec import json

from benchmarks.figures import Figure, at_least, at_most, told
from simulation.generator import GeneratorSettings
from system.synthetic import fill_catalog

_SETTINGS = GeneratorSettings(seed=5, markets=96, events_per_second=66)
_ROWS = 7_000_000
_MB = 1000.0
_BOOK = """
name = "memory"
instruments = ["kalshi:SYNBTC15M-*"]
strategies = [{ strategy = "strategies.coin_flip:CoinFlip", id = "coin-1", config = { series = "kalshi:SYNBTC15M-*", seed = 1 } }]
risk = [{ rule = "risk.rules.exposure:MaxDeployed", config = { limit = 1000 } }]
[backtest]
starting_usd = { KALSHI = 10000 }
"""


def measure() -> list[Figure]:
    """Make up a catalog of about seven million rows, replay it in a process of its own, read its peak."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        rows = fill_catalog(root / "catalog", _SETTINGS, lambda done: None)
        (root / "book.toml").write_text(_BOOK)
        summary = root / "summary.json"
        where = ["--catalog", root / "catalog", "--out", root / "runs", "--json", summary]
        command = [sys.executable, "run_backtest.py", root / "book.toml", *where, "--no-html", "--quiet"]
        subprocess.run(command, check=True)
        found = json.decode(summary.read_bytes())
    return [
        at_least("rows in the catalog", rows, "rows", _ROWS),
        at_most("replay, peak resident memory", found["peak_rss_mb"], "MB", _MB),
        told("replay, both sides of the mirror", found["events_per_sec"], "events/s"),
    ]
