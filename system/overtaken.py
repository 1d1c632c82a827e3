"""The orders that a crash of the run before overtook: each venue is asked what became of them."""

import logging
from collections.abc import Sequence
from typing import Final

from storage.journal.records import Intent
from system.intents import settle
from system.node_plan import NodePlan, row_of

_LOG: Final = logging.getLogger(__name__)


async def settle_overtaken(plan: NodePlan, overtaken: Sequence[Intent]) -> None:
    """Return when every venue has told; without a journal nothing is known to ask about."""
    if plan.journal is None:
        return

    async def ask(intent: Intent) -> str | None:
        venue = intent.instrument.rpartition(".")[2]
        return await row_of(venue).ask(dict(plan.settings_of(venue)), intent)

    for order_id, found in (await settle(plan.journal, overtaken, ask)).items():
        word = f"is {found} at the venue" if found else "never arrived"
        _LOG.warning("order %s of the run before %s", order_id, word)
