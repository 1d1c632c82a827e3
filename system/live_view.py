"""What a person sees of a run in sandbox, rehearsal or live: a line per event, and one that moves. No Nautilus."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console

from system.heartbeat import Beat

_LOOK_SECS: Final = 0.5
_LOG_SECS: Final = 30.0


class LiveView:
    """Tells of one run on a console; `now_ns` is the wall clock.

    On a terminal one line at the bottom moves with the node's pulse; in a log a line comes every half minute.
    """

    def __init__(self, console: Console, mode: str, now_ns: Callable[[], int]) -> None:
        self._console = console
        self._stderr = Console(stderr=True, soft_wrap=True)
        self._mode = mode.upper()
        self._now_ns = now_ns

    def tell(self, text: str) -> None:
        """Print one line, with time and mode."""
        self._console.print(self._line(text), markup=False, highlight=False, soft_wrap=True)

    def show(self, text: str) -> None:
        """Print a text as it stands."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def alert(self, text: str) -> None:
        """Print one line where errors go."""
        self._stderr.print(f"{self._line('ALERT')} {text}", markup=False, highlight=False, style="bold red")

    async def follow(self, look: Callable[[], str]) -> None:
        """Show how the run goes on, as `look` puts it, until cancelled."""
        if not self._console.is_terminal:
            while True:
                await asyncio.sleep(_LOG_SECS)
                self.tell(look())
        with self._console.status("") as status:
            while True:
                status.update(f"[bold]{self._mode}[/]  {look()}")
                await asyncio.sleep(_LOOK_SECS)

    def _line(self, text: str) -> str:
        at = datetime.fromtimestamp(self._now_ns() / 1e9, UTC)
        return f"{at:%H:%M:%S} {self._mode}  {text}"


def pulse_words(pulse: Beat | None, *, is_alive: bool) -> str:
    """Return a pulse as a person reads it."""
    if pulse is None:
        return "the node starts" if is_alive else "no node"
    unknown = f", {pulse.unknown_orders} unknown" if pulse.unknown_orders else ""
    return f"{pulse.phase}: {pulse.events:,} events, {pulse.open_orders} open orders{unknown}"


def session_words(played_secs: float, session_secs: float | None, speed: float) -> str:
    """Return how far a recording has been played."""
    if session_secs is None:
        return f"; {played_secs / 60:.1f} min played"
    left_secs = max(0.0, session_secs - played_secs) / speed
    return f"; {min(1.0, played_secs / session_secs):.0%} played, {left_secs / 60:.1f} min left"


async def cancelled(task: "asyncio.Task[Any]") -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
