"""What a node makes of what its execution clients tell: differences from a venue, and how the venue works."""

import logging
from collections.abc import Callable
from typing import Final

from markets.facts import Condition
from storage.journal.records import Alert
from system.crew import Crew
from system.intents import memory_of, written_first
from system.node_plan import NodePlan
from system.venues import DeskWish

_LOG: Final = logging.getLogger(__name__)


def desk_wish(venue: str, plan: NodePlan, crew: Crew, now_ns: Callable[[], int]) -> DeskWish:
    """Return what a node that trades wants of a venue.

    A difference lets only sales out at that venue until its books and ours are compared and found alike, and
    is an alert. How the venue works is for the guardian's rules; a restriction changes its state.
    """

    def differ(difference: str) -> None:
        _LOG.error("expected %s and us to agree, found: %s", venue, difference)
        crew.guardian.doubt(venue, difference)
        _alert(plan, now_ns(), f"{venue} and we differ: {difference}")

    def work(condition: Condition, detail: str) -> None:
        _LOG.info("%s is %s: %s", venue, condition, detail)
        crew.guardian.note_health(venue, condition, now_ns(), by_desk=True)
        if condition != Condition.NORMAL:
            _alert(plan, now_ns(), f"{venue} is {condition}: {detail}")

    journal = plan.journal
    return DeskWish(
        settings=dict(plan.settings_of(venue)),
        second_guard=written_first(journal, crew.second_look) if journal else crew.second_look,
        on_difference=differ,
        on_condition=work,
        memory=memory_of(journal) if journal else None,
    )


def _alert(plan: NodePlan, at_ns: int, text: str) -> None:
    if plan.journal is not None:
        plan.journal.note(
            Alert(run=plan.journal.run, at_ns=at_ns, severity="error", source="desk", text=text)
        )
