"""Equal book, catalog and code do the same: over and over in one process, and in processes of their own.

`make determinism` makes 100 replays, the suite 4 (set ARGONAUT_REPLAYS).
"""

import os
import subprocess
import sys
from pathlib import Path

from tapes import COIN, EDGE, LIMITS, QUOTE, book, made_up, run

from benchmarks.figures import at_least, at_most, publish

REPLAYS = int(os.environ.get("ARGONAUT_REPLAYS", "4"))
HOUSE = Path(__file__).parents[2]
HERE = Path(__file__).parent
TIGHT = [*LIMITS, {"rule": "risk.rules.exposure:MaxDeployed", "config": {"limit": 400}}]


def fingerprints(count):
    """Replay one book `count` times over one made-up catalog, and return what the event logs hash to."""
    catalog = made_up(seed=5, markets=3, events_per_second=4.0)
    records = [run(catalog, book(EDGE, QUOTE, COIN, risk=TIGHT)) for _ in range(count)]
    assert records[0].facts.orders > 20
    return [one.facts.event_log_sha256 for one in records]


def elsewhere(count, seed):
    """Return the same from a new process whose hashes of text begin elsewhere."""
    code = f"from test_determinism import fingerprints; print(*fingerprints({count}))"
    path = os.pathsep.join([str(HOUSE), str(HERE)])
    environ = os.environ | {"PYTHONPATH": path, "PYTHONHASHSEED": str(seed)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=HOUSE, env=environ, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_every_replay_has_one_fingerprint_in_this_process_and_in_two_others():
    apart = max(1, REPLAYS // 4)
    found = [*fingerprints(max(1, REPLAYS - 2 * apart)), *elsewhere(apart, 1), *elsewhere(apart, 2)]
    if "ARGONAUT_REPLAYS" in os.environ:
        publish(
            "determinism",
            [at_least("replays", len(found), "", REPLAYS), at_most("fingerprints", len(set(found)), "", 1)],
        )
    assert len(found) >= REPLAYS
    assert set(found) == {found[0]}
