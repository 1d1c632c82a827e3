"""Look-ahead: whatever a strategy did before a cut, it must do as well when nothing after it exists.

The cut is physical: the catalog on disk ends there. So it does not matter by which way a strategy
might have seen the future, through the engine, an instrument's facts or a file. `make truncation` tries
200 cuts, the suite 12 (set ARGONAUT_CUTS).
"""

import json
import os
import random

import pytest
from nautilus_trader.model import CustomData
from tapes import COIN, EDGE, QUOTE, SERIES, book, run, strategy

from benchmarks.figures import at_least, at_most, publish
from markets.facts import OraclePrice
from simulation.generator import GeneratorSettings, generate
from storage.catalog import CatalogWriter
from storage.reading import CatalogReader

CUTS = int(os.environ.get("ARGONAUT_CUTS", "12"))
DECISIONS = {"OrderInitialized", "OrderPendingCancel", "OrderPendingUpdate"}
SETTINGS = GeneratorSettings(seed=31, markets=3, events_per_second=1.0)


@pytest.fixture(scope="module")
def tapes():
    return list(generate(SETTINGS))


@pytest.fixture(scope="module")
def figures():
    """Collect what was found; the long campaign prints it and writes it to build/truncation.json."""
    found = []
    yield found
    if "ARGONAUT_CUTS" in os.environ:
        publish("truncation", found)


def leak(catalog):
    return strategy("strategies.oracle_leak:OracleLeak", "leak-4", series=SERIES, catalog=str(catalog))


def catalog_until(cut_ns, tapes, root):
    """Write what was known before `cut_ns`, and nothing else."""
    with CatalogWriter(root) as writer:
        for tape in tapes:
            known = [one for one in tape.instruments if one.ts_init < cut_ns]
            data = [item for item in tape.data if item.ts_init < cut_ns]
            if known or data:
                writer.write(known, data)
    return root


def decisions(entries, root, folder):
    """Return what the strategies decided over the catalog at `root`: (time, line) of each decision."""
    folder.mkdir(exist_ok=True)
    log = folder / "events.jsonl"
    run(CatalogReader(root), book(*entries, risk=[]), log=log)
    lines = log.read_text().splitlines()
    return [(event["ts_event"], line) for line in lines if (event := json.loads(line))["event"] in DECISIONS]


def cuts(tapes):
    chance = random.Random(7)
    first = next(item.ts_init for item in tapes[0].data if not is_oracle(item))
    return [chance.randrange(first + 10**9, tapes[-1].data[-1].ts_init) for _ in range(CUTS)]


def is_oracle(item):
    return isinstance(item, CustomData) and isinstance(item.data, OraclePrice)


def changed_by_a_cut(entries_of, tapes, tmp_path):
    """Return how many of the cuts changed a decision that had been taken before them."""
    whole = catalog_until(2**62, tapes, tmp_path / "whole")
    settled = decisions(entries_of(whole), whole, tmp_path / "log")
    assert settled
    changed = 0
    for number, cut_ns in enumerate(cuts(tapes)):
        root = catalog_until(cut_ns, tapes, tmp_path / f"cut-{number}")
        seen = decisions(entries_of(root), root, tmp_path / "log")
        changed += [one for one in settled if one[0] < cut_ns] != [one for one in seen if one[0] < cut_ns]
    return changed


@pytest.mark.parametrize("entry", [EDGE, QUOTE, COIN], ids=lambda entry: entry["id"])
def test_decisions_before_a_cut_do_not_depend_on_what_comes_after(entry, tapes, tmp_path, figures):
    changed = changed_by_a_cut(lambda root: [entry], tapes, tmp_path)
    figures.append(
        at_most(f"{entry['id']}: cuts of {CUTS} that changed an earlier decision", changed, "cuts", 0)
    )
    assert changed == 0


def test_three_strategies_together_do_not_see_ahead_either(tapes, tmp_path):
    assert changed_by_a_cut(lambda root: [EDGE, QUOTE, COIN], tapes, tmp_path) == 0


def test_the_strategy_that_reads_the_results_is_caught(tapes, tmp_path, figures):
    changed = changed_by_a_cut(lambda root: [leak(root)], tapes, tmp_path)
    figures.append(at_least(f"oracle_leak: cuts of {CUTS} that catch it", changed, "cuts", CUTS // 2))
    assert changed > CUTS // 2
