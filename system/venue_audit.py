"""A node's reconciliation: all books at each venue, compared while it runs, every change in journal and log."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from storage.journal.records import Alert, RiskEvent
from system.crew import Crew
from system.node_plan import NodePlan, row_of
from system.our_books import JournalBooks, OurBooks
from system.reconciliation import Keepers, Reconciler
from system.run_journal import RunJournal

_LOG: Final = logging.getLogger(__name__)
_LOOK_SECS: Final = 0.05


async def audit_venues(
    plan: NodePlan, crew: Crew, cache: Any, is_running: Callable[[], bool], now_ns: Callable[[], int]
) -> None:
    """Compare for ever, from when the node runs; each venue is doubted until the first look has found no difference."""
    async with asyncio.TaskGroup() as group:
        for venue in plan.live.venues:
            work = _audit(venue, plan, crew, cache, is_running, now_ns)
            group.create_task(work, name=f"compare books at {venue}")


async def _audit(
    venue: str,
    plan: NodePlan,
    crew: Crew,
    cache: Any,
    is_running: Callable[[], bool],
    now_ns: Callable[[], int],
) -> None:
    theirs = row_of(venue).make_books(dict(plan.settings_of(venue)), now_ns)
    ours = OurBooks(cache, crew.ledger, crew.guardian, venue, theirs)
    written = JournalBooks(plan.journal, venue) if plan.journal else None
    teller = _teller(plan.journal, now_ns)
    # Made before the node runs, since it doubts the venue from then on: a strategy may trade in its first moment.
    reconciler = Reconciler(venue, Keepers(theirs, ours, written), crew.guardian, teller, now_ns)
    try:
        while not is_running():
            await asyncio.sleep(_LOOK_SECS)
        await reconciler.run()
    finally:
        await theirs.close()


def _teller(journal: RunJournal | None, now_ns: Callable[[], int]) -> Callable[[str, str], None]:
    def tell(how: str, what: str) -> None:
        _LOG.log(logging.ERROR if how == "differs" else logging.INFO, "books: %s: %s", how, what)
        if journal is None:
            return
        at_ns = now_ns()
        journal.note(
            RiskEvent(
                run=journal.run, at_ns=at_ns, kind="reconciliation", state=how, cause=what, operator=None
            )
        )
        if how == "differs":
            journal.note(
                Alert(run=journal.run, at_ns=at_ns, severity="error", source="reconciliation", text=what)
            )

    return tell
