"""The fault campaign: a small one holds every law, and each deliberate bug breaks the law it should."""

from collections import Counter

import pytest

from campaigns.faults import run_campaign
from campaigns.nursery import Lost, run_all
from campaigns.venues import campaigns_of

BROKEN_BY = {
    "resends an order with a new id": "duplicates",
    "books a fill twice": "fills",
    "loses fills": "fills",
    "forgets fees": "money",
    "takes unknown for rejected": "terminal",
    "opens risk in doubt": "risk",
}
AT = {"kalshi": BROKEN_BY, "polymarket": BROKEN_BY | {"keeps a match that was reversed": "fills"}}
# Seeds that show the bugs on an idle machine; what a run does depends on its pace too, so there are more to fall back on.
SEEDS = {"kalshi": (1, 62), "polymarket": (9, 34)}
OWN_SEEDS = {  # of bugs that few seeds show
    ("polymarket", "keeps a match that was reversed"): (5, 16),
    ("polymarket", "takes unknown for rejected"): (1, 19, 22, 28, 34),
}
MORE_SEEDS = ((7, 11, 19), (21, 23, 28, 30), (40, 41, 43, 44, 47, 51))
BUGS = [(venue, bug) for venue, bugs in AT.items() for bug in bugs]


def seeds_of(venue, bug, attempt):
    known = OWN_SEEDS.get((venue, bug), SEEDS[venue])
    return (known[:1], known[1:], *MORE_SEEDS)[attempt]


@pytest.fixture(scope="module")
def laws_broken_by():
    """Run every bug on a seed, and on more while it does not break its law; return the laws that its runs broke."""
    found = {bug: Counter() for bug in BUGS}
    for attempt in range(2 + len(MORE_SEEDS)):
        for venue, bugs in AT.items():
            hidden = [bug for bug, law in bugs.items() if not found[venue, bug][law]]
            runs = [(seed, bug) for bug in hidden for seed in seeds_of(venue, bug, attempt)]
            for (_, bug), run in run_all(campaigns_of(venue).run_faults, runs, workers=6, deadline_secs=300):
                if not isinstance(run, Lost):
                    found[venue, bug].update(law.partition(":")[0] for law in run.laws)
    return found


@pytest.mark.parametrize(("venue", "bug"), BUGS)
def test_an_adapter_that_does_this_breaks_a_law(venue, bug, laws_broken_by):
    assert laws_broken_by[venue, bug][AT[venue][bug]]


@pytest.mark.parametrize("venue", AT)
def test_fifty_runs_full_of_faults_break_no_law_and_leave_out_no_fault(venue):
    broken = []
    found = run_campaign(
        venue, range(1, 51), workers=8, on_run=lambda run: broken.append(run) if run.laws else None
    )
    assert broken == []
    assert found.failed == ()
    assert found.silent == ()
    assert set(found.faults) == set(campaigns_of(venue).every_fault)
    assert found.fills > 100
