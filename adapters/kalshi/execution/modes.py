"""Whether the venue takes orders now: a shard that pauses takes cancels only, and an account may be refused.

Reference, sections 4 and 13 (read 2026-11-20). No message tells of either, so the guard is told by us.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from adapters.kalshi.execution.resolution import READ_ERRORS
from markets.facts import Condition
from network.outcomes import Refused
from orders.doubts import Doubts
from orders.guard import OnCondition

_LOG: Final = logging.getLogger(__name__)
_ACCOUNT: Final = "account"
_OF_THE_ACCOUNT: Final = frozenset({401, 403})


class Modes:
    """Which shards pause, looked at every `every_secs` and as soon as an order was refused.

    `find_paused` returns the shards that take no orders, None for all of them; it may raise `READ_ERRORS`.
    When the venue refuses us (401, 403), no risk is opened any more until a restart; `on_refusal` hears the
    venue's words, once. `on_condition` hears, with each change, that the venue works, or takes cancels only on
    every shard, and once that it refuses the account, which is `closed_only` to us.
    """

    def __init__(
        self,
        find_paused: Callable[[], Awaitable[frozenset[int] | None]],
        doubts: Doubts,
        on_refusal: Callable[[str], None],
        every_secs: float,
        on_condition: OnCondition | None = None,
    ) -> None:
        self._find_paused = find_paused
        self._doubts = doubts
        self._on_refusal = on_refusal
        self._every_secs = every_secs
        self._paused: frozenset[int] | None = frozenset()
        self._asked = asyncio.Event()
        self._on_condition = on_condition
        self._told: Condition | None = None

    def problem_of(self, shard: int) -> str | None:
        """Return why a shard takes no order now; None when it does, as far as is known."""
        if self._paused is not None and shard not in self._paused:
            return None
        return f"VENUE_PAUSED shard {shard} takes cancels only"

    def note_refusal(self, refused: Refused) -> None:
        """Take note that an order was refused: the reason may be the shard's mode, or the account."""
        self._asked.set()
        if refused.status in _OF_THE_ACCOUNT and not self._doubts.has(_ACCOUNT):
            reason = f"the venue refuses the account: {refused.status} {refused.code} {refused.reason}"
            self._doubts.raise_(_ACCOUNT, reason)
            self._on_refusal(reason)
            self._tell(Condition.CLOSED_ONLY, reason)

    async def run(self) -> None:
        """Look for ever."""
        while True:
            self._asked.clear()
            try:
                await self._look()
            except READ_ERRORS as error:
                _LOG.warning("the state of the exchange cannot be read: %s", error)
            try:
                async with asyncio.timeout(self._every_secs):
                    await self._asked.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        before, self._paused = self._paused, await self._find_paused()
        if before != self._paused:
            _LOG.warning(
                "shards that take cancels only: %s", "all" if self._paused is None else [*self._paused]
            )
        works = Condition.CANCEL_ONLY if self._paused is None else Condition.NORMAL
        if works != self._told:
            self._told = works
            self._tell(works, "every shard pauses" if self._paused is None else "")

    def _tell(self, condition: Condition, detail: str) -> None:
        if self._on_condition is not None:
            self._on_condition(condition, detail)
