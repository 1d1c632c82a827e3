"""What a person sees of a run in sandbox, rehearsal or live: a line per event, and one that moves. No Nautilus."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.status import Status

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

    async def follow(self, pulse: Callable[[], Beat | None]) -> None:
        """Show the pulse until cancelled."""
        if not self._console.is_terminal:
            while True:
                await asyncio.sleep(_LOG_SECS)
                self.tell(_words(pulse()))
        with self._console.status("starting the node") as status:
            while True:
                self._update(status, pulse())
                await asyncio.sleep(_LOOK_SECS)

    def _update(self, status: Status, pulse: Beat | None) -> None:
        status.update(f"[bold]{self._mode}[/]  {_words(pulse)}   (Ctrl-C stops gracefully)")

    def _line(self, text: str) -> str:
        at = datetime.fromtimestamp(self._now_ns() / 1e9, UTC)
        return f"{at:%H:%M:%S} {self._mode}  {text}"


def _words(pulse: Beat | None) -> str:
    if pulse is None:
        return "no node"
    orders = f"{pulse.open_orders} open orders"
    unknown = f", {pulse.unknown_orders} unknown" if pulse.unknown_orders else ""
    return f"{pulse.phase}: {pulse.events:,} events, {orders}{unknown}"


async def cancelled(task: "asyncio.Task[Any]") -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
