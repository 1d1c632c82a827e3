"""The fault campaign: a small one holds every law, and each deliberate bug breaks the law it should."""

from collections import Counter

import pytest

from campaigns.faults import run_campaign
from campaigns.nursery import run_all
from campaigns.venues import campaigns_of

BROKEN_BY = {
    "resends an order with a new id": "duplicates",
    "books a fill twice": "fills",
    "loses fills": "fills",
    "forgets fees": "money",
    "takes unknown for rejected": "terminal",
    "opens risk in doubt": "risk",
}
SEEDS = (3, 62)


@pytest.fixture(scope="module")
def laws_broken_by():
    """Run every bug on some seeds at once; a bug's laws are those that any of its runs broke."""
    found = {bug: Counter() for bug in BROKEN_BY}
    runs = [(seed, bug) for bug in BROKEN_BY for seed in SEEDS]
    for (_, bug), run in run_all(campaigns_of("kalshi").run_faults, runs, workers=6, deadline_secs=300):
        found[bug].update(law.partition(":")[0] for law in run.laws)
    return found


@pytest.mark.parametrize(("bug", "law"), BROKEN_BY.items())
def test_an_adapter_that_does_this_breaks_a_law(bug, law, laws_broken_by):
    assert laws_broken_by[bug][law]


def test_fifty_runs_full_of_faults_break_no_law_and_leave_out_no_fault():
    broken = []
    found = run_campaign(
        "kalshi", range(1, 51), workers=8, on_run=lambda run: broken.append(run) if run.laws else None
    )
    assert broken == []
    assert found.failed == ()
    assert found.silent == ()
    assert set(found.faults) == set(campaigns_of("kalshi").every_fault)
    assert found.fills > 100
