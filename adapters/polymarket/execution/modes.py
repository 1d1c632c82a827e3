"""Whether the venue takes orders now, and of whom.

No message tells of a mode: an answer to an order does, with how long it lasts at most. When that is over the next order finds
out. Account and region are asked for at the start and every hour; a refusal of either bars new risk until it is asked again,
and nothing is tried around it. Source: reference, sections 17.2 and 19 (read 2026-11-20).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import MsgspecError, Struct
from msgspec.json import decode

from adapters.polymarket.http.region import Region
from adapters.polymarket.messages import refusals
from network.errors import NetworkError
from network.outcomes import Refused, Unknown
from orders.doubts import Doubts

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
_WORDS: Final = {
    refusals.RESTARTING: "VENUE_RESTARTING the matching engine restarts",
    refusals.POST_ONLY_MODE: "VENUE_POST_ONLY only post-only orders are taken",
    refusals.CANCEL_ONLY: "VENUE_CANCEL_ONLY only cancels are taken",
    refusals.DISABLED: "VENUE_DISABLED trading is disabled",
}


class _Wait(Struct, frozen=True):
    retry_after_seconds: float | None = None


class Modes:
    """What the venue refuses at the moment. `on_restart` is called when a mode began after which all must be asked anew."""

    def __init__(
        self,
        region: Region,
        is_closed_only: Callable[[], Awaitable[bool]],
        doubts: Doubts,
        *,
        now_ns: Callable[[], int],
        on_refusal: Callable[[str], None],
        on_restart: Callable[[str], None],
    ) -> None:
        self._region = region
        self._is_closed_only = is_closed_only
        self._doubts = doubts
        self._now_ns = now_ns
        self._on_refusal = on_refusal
        self._on_restart = on_restart
        self._mode: str | None = None
        self._until_ns = 0

    def problem_of(self, *, is_post_only: bool) -> str | None:
        """Return why an order is not taken now; None when it is, as far as is known."""
        if self._mode is None:
            return None
        if self._now_ns() >= self._until_ns:
            self._mode = None
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
            self._bar(f"the venue refuses us: {outcome.reason}")

    async def look(self) -> None:
        """Ask whether we may trade from here; raises from `network.errors`."""
        place = await self._region.look()
        _LOG.info("the venue sees us in %s %s", place.country, place.region)
        if place.blocked:
            self._bar(f"the venue takes no orders from {place.country} {place.region}")
        elif await self._is_closed_only():
            self._bar("the account may only close what it holds")
        else:
            self._doubts.clear(ACCOUNT)

    async def run(self) -> None:
        """Look every hour, and sooner while it fails."""
        pause_secs = _EVERY_SECS
        while True:
            await asyncio.sleep(pause_secs)
            try:
                await self.look()
                pause_secs = _EVERY_SECS
            except (NetworkError, MsgspecError) as error:
                _LOG.warning("nobody says whether we may trade from here: %s", error)
                self._doubts.raise_(ACCOUNT, f"nobody says whether we may trade from here: {error}")
                pause_secs = _AGAIN_SECS

    def _enter(self, mode: str, reason: str, body: bytes) -> None:
        wait_secs = _wait_of(body) or _LASTS_SECS[mode]
        if self._mode != mode:
            _LOG.warning("%s: %s", _WORDS[mode], reason)
        if mode == refusals.RESTARTING and self._mode != mode:
            self._on_restart(f"the matching engine restarts: {reason}")
        self._mode, self._until_ns = mode, self._now_ns() + round(wait_secs * _SECOND_NS)

    def _bar(self, reason: str) -> None:
        if not self._doubts.has(ACCOUNT):
            self._on_refusal(reason)
        self._doubts.raise_(ACCOUNT, reason)


def _wait_of(body: bytes) -> float | None:
    try:
        return decode(body, type=_Wait).retry_after_seconds
    except MsgspecError:
        return None
