"""Keep one node running, and no order of ours at a venue while it does not. Loads no Nautilus.

An abort runs no clean-up, so what must happen after any death of the node happens here: cancel at every venue,
see by the venue's own list that nothing is open, write it down, tell, and only then start again, reducing only.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from network.backoff import Backoff
from system.child import Child, Ending
from system.closing import Closer, Closing
from system.heartbeat import Beat

DONE, BAD_INPUT, FAILED = 0, 2, 3
"""Exit codes of a node, and ours: neither 2 nor 3 is tried again."""

HALT, STOP = "halt", "stop"
"""The commands that we obey when no node does; the others wait for the next node."""

_POLL_SECS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Command:
    """What an operator wants and nobody has done; `is_taken` when some process, perhaps dead, said it would."""

    id: int
    kind: str
    reason: str
    age_secs: float
    is_taken: bool = False


class Logbook(Protocol):
    """Where the supervisor writes down what it did, and reads what operators want."""

    def note(self, kind: str, text: str, facts: dict[str, Any]) -> None:
        """Write down what happened; `kind` is one word."""
        ...

    def alert(self, text: str) -> None:
        """Tell a human, now and later."""
        ...

    async def waiting(self) -> Sequence[Command]:
        """Return the commands that nobody has done."""
        ...

    async def take(self, command: Command) -> bool:
        """Make a command ours; False when a node was quicker."""
        ...

    async def finish(self, command: Command, outcome: str) -> None:
        """Say how it went."""
        ...

    async def halt(self, cause: str) -> None:
        """Have the next node start halted."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """How the supervisor behaves.

    A command that no node has taken after `grace_secs`, or not done after `obey_secs`, is ours. After `most_restarts` within
    `restart_window_secs` it gives up. `closing_secs` is how long one attempt to close a venue may take; it is
    tried again until it is proven, or until somebody insists on leaving.
    """

    grace_secs: float = 0.8
    obey_secs: float = 10.0
    most_restarts: int = 5
    restart_window_secs: float = 600.0
    closing_secs: float = 15.0
    second_look_secs: float = 1.0
    backoff: Backoff = field(default_factory=lambda: Backoff(first_secs=2.0, most_secs=60.0, jitter=0.5))


type Start = Callable[[str | None], Awaitable[Child]]
"""Starts a node; with a cause it may only reduce."""


class Supervisor:
    """Runs one node after another until one is done, or nothing more can be hoped for.

    `random` gives a number in [0, 1), `monotonic` is a clock in seconds.
    """

    def __init__(
        self,
        start: Start,
        closers: Sequence[Closer],
        logbook: Logbook,
        terms: Terms,
        *,
        random: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._start = start
        self._closers = closers
        self._logbook = logbook
        self._terms = terms
        self._random = random
        self._monotonic = monotonic
        self._restarts: list[float] = []
        self._is_leaving = False
        self._is_hurried = False
        self._woken = asyncio.Event()
        self.child: Child | None = None
        self.runs = 0

    def listen(self) -> None:
        """Let SIGTERM and SIGINT end us gracefully, and one that comes while we end hurry us."""
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, self._hear_signal)

    def end(self) -> None:
        """End gracefully."""
        self._is_leaving = True
        self._woken.set()
        if self.child is not None:
            self.child.stop()

    def _hear_signal(self) -> None:
        self._is_hurried = self._is_leaving
        self.end()
        if self._is_hurried and self.child is not None:
            self.child.hurry()

    @property
    def pulse(self) -> Beat | None:
        """The last pulse of the node that lives; None without one."""
        return None if self.child is None else self.child.pulse

    async def run(self) -> int:
        """Return the exit code: 0 only when the node was done and no order is open."""
        obeying = asyncio.create_task(self._obey(), name="commands")
        try:
            return await self._run()
        finally:
            obeying.cancel()
            with suppress(asyncio.CancelledError):
                await obeying
            for closer in self._closers:
                await closer.leave()

    async def _run(self) -> int:
        cause: str | None = None
        while True:
            ending = await self._run_node(cause)
            if ending.code == BAD_INPUT and not ending.killed_because and self.runs == 1:
                self._logbook.note("refused", "the node refused its input", {"code": ending.code})
                return BAD_INPUT
            was_graceful = self._is_graceful(ending)
            is_closed = await self._end_orders(ending, is_quiet=was_graceful)
            if was_graceful or self._is_leaving or ending.code in (BAD_INPUT, FAILED) or not is_closed:
                return DONE if was_graceful and is_closed else _code_of(ending)
            if not await self._wait_for_another():
                return FAILED
            cause = f"restarted after a crash: {ending.text}"

    async def _run_node(self, cause: str | None) -> Ending:
        self.child = await self._start(cause)
        self.runs += 1
        facts = {"pid": self.child.pid, "run": self.runs, "reduce_only": cause}
        self._logbook.note("started", "the node was started", facts)
        if self._is_leaving:  # the signal came while it was being started
            self.child.stop()
        ending = await self.child.ended()
        self.child = None
        self._logbook.note("ended", ending.text, {"code": ending.code, "run": self.runs})
        return ending

    def _is_graceful(self, ending: Ending) -> bool:
        if self._is_leaving and not ending.has_lived:
            return True
        return ending.code == DONE and not ending.killed_because

    async def _end_orders(self, ending: Ending, *, is_quiet: bool) -> bool:
        """Close every venue, and look again: what was on its way when the node died may arrive later."""
        if not is_quiet:
            self._logbook.alert(f"the node is dead: {ending.text}")
        is_closed = await self._close_all(cancels=not is_quiet)
        if is_closed and not is_quiet and self._closers:
            await asyncio.sleep(self._terms.second_look_secs)
            is_closed = await self._close_all(cancels=False)
        return is_closed

    async def _close_all(self, *, cancels: bool) -> bool:
        """Return whether every venue shows no open order; tried until it does or somebody insists."""
        while True:
            closings = await self._attempt(cancels=cancels)
            doubts = [one for one in closings if not one.is_closed]
            if not doubts:
                return True
            self._logbook.alert("; ".join(one.text for one in doubts))
            if self._is_hurried:
                return False
            cancels = True

    async def _attempt(self, *, cancels: bool) -> list[Closing]:
        secs = self._terms.closing_secs
        closings = await asyncio.gather(
            *(one.close(secs) if cancels else one.look(secs) for one in self._closers)
        )
        for one in closings:
            facts = {
                "venue": one.venue,
                "found": one.found,
                "is_closed": one.is_closed,
                "secs": one.took_secs,
            }
            self._logbook.note("closed" if one.is_closed else "not_closed", one.text, facts)
        return closings

    async def _wait_for_another(self) -> bool:
        now, terms = self._monotonic(), self._terms
        self._restarts = [at for at in self._restarts if now - at < terms.restart_window_secs]
        if len(self._restarts) >= terms.most_restarts:
            count = f"{len(self._restarts)} restarts within {terms.restart_window_secs:g} s"
            self._logbook.alert(f"giving up: expected the node to live, found {count}")
            return False
        secs = terms.backoff.delay_secs(len(self._restarts), self._random)
        self._restarts.append(now)
        self._logbook.note("waiting", f"the node starts again in {secs:.1f} s", {"secs": secs})
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), secs)
        return not self._is_leaving

    async def _obey(self) -> None:
        """Do what no node does: it is dead, it hangs, or it is not up yet."""
        while True:
            for command in await self._logbook.waiting():
                if self._is_ours(command) and (command.is_taken or await self._logbook.take(command)):
                    await self._logbook.finish(command, await self._carry_out(command))
            await asyncio.sleep(_POLL_SECS)

    def _is_ours(self, command: Command) -> bool:
        if command.kind not in (HALT, STOP) or self.child is None:
            return command.kind in (HALT, STOP)
        patience_secs = self._terms.obey_secs if command.is_taken else self._terms.grace_secs
        return command.age_secs > patience_secs

    async def _carry_out(self, command: Command) -> str:
        if command.kind == STOP:
            self.end()
            return "stopping"
        if self.child is not None:  # it did not hear the command, so nobody knows what else it does
            self.child.kill("it did not obey a halt")
        closings, _ = await asyncio.gather(self._attempt(cancels=True), self._logbook.halt(command.reason))
        return "; ".join(one.text for one in closings) or "halted; there is no venue to close"


def _code_of(ending: Ending) -> int:
    return BAD_INPUT if ending.code == BAD_INPUT and not ending.killed_because else FAILED
