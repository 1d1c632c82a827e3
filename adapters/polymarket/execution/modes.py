"""Whether the venue takes orders now, and of whom.

No message tells of a mode: an answer to an order does, with how long it lasts at most. When that is over the next order finds
out. Account and region are asked for at the start and every hour; a refusal of either bars new risk until it is asked again,
and nothing is tried around it. Source: reference, sections 17.2 and 19 (read 2026-11-20).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from msgspec import MsgspecError, Struct
from msgspec.json import decode

from adapters.polymarket.http.region import Region
from adapters.polymarket.messages import refusals
from markets.facts import Condition
from network.errors import NetworkError
from network.outcomes import Refused, Unknown
from network.tasks import wait_at_most
from orders.doubts import Doubts
from orders.guard import OnCondition

_LOG: Final = logging.getLogger(__name__)
ACCOUNT: Final = "account"
_SECOND_NS: Final = 1_000_000_000
_EVERY_SECS: Final = 3600.0
_AGAIN_SECS: Final = 30.0
_LASTS_SECS: Final = {
    refusals.RESTARTING: 5.0,
    refusals.POST_ONLY_MODE: 120.0,
    refusals.CANCEL_ONLY: 30.0,
    refusals.DISABLED: 30.0,
}
_CONDITIONS: Final = {
    refusals.RESTARTING: Condition.RESTARTING,
    refusals.POST_ONLY_MODE: Condition.POST_ONLY,
    refusals.CANCEL_ONLY: Condition.CANCEL_ONLY,
    refusals.DISABLED: Condition.PAUSED,
}
_RESTRICTIONS: Final = {
    refusals.REGION: Condition.GEOBLOCKED,
    refusals.BANNED: Condition.BANNED,
    refusals.CLOSED_ONLY: Condition.CLOSED_ONLY,
    refusals.CREDENTIALS: Condition.CLOSED_ONLY,
}
_WORDS: Final = {
    refusals.RESTARTING: "VENUE_RESTARTING the matching engine restarts",
    refusals.POST_ONLY_MODE: "VENUE_POST_ONLY only post-only orders are taken",
    refusals.CANCEL_ONLY: "VENUE_CANCEL_ONLY only cancels are taken",
    refusals.DISABLED: "VENUE_DISABLED trading is disabled",
}


class _Wait(Struct, frozen=True):
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """Who hears what: `on_refusal` that the venue refuses us, `on_restart` that all must be asked anew.

    `on_condition` hears, with each change, that the venue works, which mode it is in, or that it refuses us: from where we
    are, this account for good, or all but closing, which is also what refused credentials come to.
    """

    on_refusal: Callable[[str], None]
    on_restart: Callable[[str], None]
    on_condition: OnCondition | None = None


class Modes:
    """What the venue refuses at the moment.

    A mode whose time is over counts as over until an order is answered with it again: else no order would find out.
    """

    def __init__(
        self,
        region: Region,
        is_closed_only: Callable[[], Awaitable[bool]],
        doubts: Doubts,
        *,
        now_ns: Callable[[], int],
        hearing: Hearing,
    ) -> None:
        self._region = region
        self._is_closed_only = is_closed_only
        self._doubts = doubts
        self._now_ns = now_ns
        self._hearing = hearing
        self._mode: str | None = None
        self._until_ns = 0
        self._restriction: Condition | None = None
        self._told: Condition | None = None
        self._entered = asyncio.Event()

    def problem_of(self, *, is_post_only: bool) -> str | None:
        """Return why an order is not taken now; None when it is, as far as is known."""
        self._leave_if_over()
        if self._mode is None:
            return None
        if self._mode == refusals.POST_ONLY_MODE and is_post_only:
            return None
        left = (self._until_ns - self._now_ns()) / _SECOND_NS
        return f"{_WORDS[self._mode]}, asked again in {left:.0f} s"

    def note(self, outcome: Refused | Unknown) -> None:
        """Take note of an answer that was no: the reason may be the venue's mode, or the account."""
        if outcome.code in refusals.MODES:
            self._enter(outcome.code, outcome.reason, outcome.body)
        elif outcome.code in refusals.OF_THE_ACCOUNT:
            self._bar(f"the venue refuses us: {outcome.reason}", _RESTRICTIONS[outcome.code])

    async def look(self) -> None:
        """Ask whether we may trade from here; raises from `network.errors`."""
        place = await self._region.look()
        _LOG.info("the venue sees us in %s %s", place.country, place.region)
        if place.blocked:
            reason = f"the venue takes no orders from {place.country} {place.region}"
            self._bar(reason, Condition.GEOBLOCKED)
        elif await self._is_closed_only():
            self._bar("the account may only close what it holds", Condition.CLOSED_ONLY)
        else:
            self._restriction = None
            self._doubts.clear(ACCOUNT)
            self._tell("")

    async def run(self) -> None:
        """Look every hour, and sooner while it fails; tell the end of each mode when its time has come."""
        due_ns = self._now_ns() + round(_EVERY_SECS * _SECOND_NS)
        while True:
            next_ns = due_ns if self._mode is None else min(due_ns, self._until_ns)
            await wait_at_most(self._entered, max(0.0, (next_ns - self._now_ns()) / _SECOND_NS))
            self._leave_if_over()
            if self._now_ns() >= due_ns:
                pause_secs = _EVERY_SECS if await self._has_looked() else _AGAIN_SECS
                due_ns = self._now_ns() + round(pause_secs * _SECOND_NS)

    async def _has_looked(self) -> bool:
        try:
            await self.look()
        except (NetworkError, MsgspecError) as error:
            _LOG.warning("nobody says whether we may trade from here: %s", error)
            self._doubts.raise_(ACCOUNT, f"nobody says whether we may trade from here: {error}")
            return False
        return True

    def _enter(self, mode: str, reason: str, body: bytes) -> None:
        wait_secs = _wait_of(body) or _LASTS_SECS[mode]
        if self._mode != mode:
            _LOG.warning("%s: %s", _WORDS[mode], reason)
        if mode == refusals.RESTARTING and self._mode != mode:
            self._hearing.on_restart(f"the matching engine restarts: {reason}")
        self._mode, self._until_ns = mode, self._now_ns() + round(wait_secs * _SECOND_NS)
        self._tell(reason)
        self._entered.set()

    def _leave_if_over(self) -> None:
        if self._mode is not None and self._now_ns() >= self._until_ns:
            self._mode = None
            self._tell("")

    def _bar(self, reason: str, restriction: Condition) -> None:
        if not self._doubts.has(ACCOUNT):
            self._hearing.on_refusal(reason)
        self._doubts.raise_(ACCOUNT, reason)
        self._restriction = restriction
        self._tell(reason)

    def _tell(self, detail: str) -> None:
        mode = Condition.NORMAL if self._mode is None else _CONDITIONS[self._mode]
        condition = self._restriction or mode
        if condition != self._told:
            self._told = condition
            if self._hearing.on_condition is not None:
                self._hearing.on_condition(condition, detail)


def _wait_of(body: bytes) -> float | None:
    try:
        return decode(body, type=_Wait).retry_after_seconds
    except MsgspecError:
        return None
