"""`make mutants`: break risk and money code in thousands of small ways, and count what the unit tests notice.

Results stand in `build/mutants.jsonl`, so a run may be stopped and goes on where it was. A mutant is tried
again when its module changed, and one that survived also when a test changed; `--fresh` tries all.
Exit 1 when fewer than 90 % are killed, or when a survivor has no reason in `survivors.toml`.
"""

import argparse
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.mutants.making import Mutant, mutants_of
from benchmarks.mutants.plan import HOUSE, fingerprint_of, modules, tests_for
from benchmarks.mutants.running import End, OnEnd, try_anew, try_in_place

_RESULTS = HOUSE / "build" / "mutants.jsonl"
_REASONS = Path(__file__).with_name("survivors.toml")
_AT_LEAST = 0.9


class Result(msgspec.Struct, frozen=True):
    """How the tests ended on a mutant, when module and tests read as their hashes say."""

    module: str
    key: str
    source: str
    tests: str
    end: End


class Survivor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mutant that may live, and why: the lines as they are and as the mutant has them."""

    module: str
    function: str
    line: str
    mutant: str
    reason: str


class Survivors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that may live."""

    survivor: list[Survivor] = []


def main() -> int:
    """Try what is not known yet, print a table, and return the exit code."""
    asked = _arguments()
    names = [name for name in modules() if any(name.startswith(start) for start in asked.modules)]
    mutants = {name: mutants_of(name, (HOUSE / name).read_text(), asked.every) for name in names}
    if asked.every > 1:  # a sample stands for itself
        known: dict[str, Result] = {}
        _try_all(mutants, known, asked.at_once, HOUSE / "build" / "mutants-sample.jsonl")
    else:
        known = {} if asked.fresh else _known(mutants)
        _try_all(mutants, known, asked.at_once, _RESULTS)
    return _publish(mutants, known, is_whole=asked.every == 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", default=[""], help="only modules that begin so, as risk/rules")
    parser.add_argument("--every", type=int, default=1, help="try only each n-th mutant of a module")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="how many to try at once")
    parser.add_argument("--fresh", action="store_true", help="forget what is known")
    return parser.parse_args()


def _known(mutants: dict[str, list[Mutant]]) -> dict[str, Result]:
    """Return the results that still hold, by the mutant's key."""
    if not _RESULTS.exists():
        return {}
    source = {name: _hash_of(name) for name in mutants}
    tests = {name: fingerprint_of(tests_for(name)) for name in mutants}
    known = {}
    for line in _RESULTS.read_bytes().splitlines():
        one = msgspec.json.decode(line, type=Result)
        if one.module not in mutants or one.source != source[one.module]:
            continue
        if one.end != End.SURVIVED or one.tests == tests[one.module]:
            known[one.key] = one
    return known


def _try_all(mutants: dict[str, list[Mutant]], known: dict[str, Result], at_once: int, results: Path) -> None:
    results.parent.mkdir(exist_ok=True)
    groups: defaultdict[tuple[str, ...], list[Mutant]] = defaultdict(list)
    for name, all_of_it in mutants.items():
        groups[tuple(tests_for(name))] += [one for one in all_of_it if one.key not in known]
    for files, unknown in groups.items():
        if not unknown:
            continue
        with results.open("ab", buffering=0) as out:
            begin = out.tell()
            on_end = _writer(out, fingerprint_of(files))
            try_in_place(unknown, files, at_once, on_end)
            known |= _read(results, begin)
            try_anew((one for one in unknown if one.key not in known), files, at_once, on_end)
            known |= _read(results, begin)


def _writer(out: BinaryIO, tests: str) -> OnEnd:
    source: dict[str, str] = {}

    def write(mutant: Mutant, end: End) -> None:
        sha = source.setdefault(mutant.module, _hash_of(mutant.module))
        out.write(msgspec.json.encode(Result(mutant.module, mutant.key, sha, tests, end)) + b"\n")

    return write


def _read(results: Path, begin: int) -> dict[str, Result]:
    lines = results.read_bytes()[begin:].splitlines()
    return {one.key: one for one in (msgspec.json.decode(line, type=Result) for line in lines)}


def _hash_of(module: str) -> str:
    return sha256((HOUSE / module).read_bytes()).hexdigest()[:16]


def _publish(mutants: dict[str, list[Mutant]], known: dict[str, Result], *, is_whole: bool) -> int:
    table = Table("module", "mutants", "killed", "share", title="mutants")
    counts: Counter[str] = Counter()
    survivors = []
    for name, all_of_it in mutants.items():
        alive = [one for one in all_of_it if known[one.key].end == End.SURVIVED]
        survivors += alive
        counts["all"] += len(all_of_it)
        if all_of_it:
            killed = len(all_of_it) - len(alive)
            table.add_row(name, str(len(all_of_it)), str(killed), f"{killed / len(all_of_it):.1%}")
    killed = counts["all"] - len(survivors)
    table.add_row("in all", str(counts["all"]), str(killed), f"{killed / max(counts['all'], 1):.1%}")
    Console().print(table)
    unexplained = _unexplained(survivors, mutants, is_whole=is_whole)
    for line in unexplained:
        Console().print(line, markup=False, soft_wrap=True)
    return 0 if not unexplained and killed >= _AT_LEAST * counts["all"] else 1


def _unexplained(
    survivors: Iterable[Mutant], mutants: dict[str, list[Mutant]], *, is_whole: bool
) -> list[str]:
    told = msgspec.toml.decode(_REASONS.read_bytes(), type=Survivors).survivor
    explained = Counter(
        (one.module, one.function, one.line, one.mutant) for one in told if one.module in mutants
    )
    alive = Counter((one.module, one.function, one.minus, one.plus) for one in survivors)
    lines = [f"no reason given: {'  |  '.join(one)}" for one in (alive - explained).elements()]
    if is_whole:
        lines += [
            f"a reason for what does not survive: {'  |  '.join(one)}"
            for one in (explained - alive).elements()
        ]
    return lines


if __name__ == "__main__":
    sys.exit(main())
