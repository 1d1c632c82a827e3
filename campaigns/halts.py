"""`make halts`: stop everything through each door, N times, and see at the venue how long an order stayed open."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import Path
from typing import Final

from msgspec import Struct
from redis.asyncio import Redis
from sqlalchemy import Connection, func, select

from campaigns.redis_server import redis_server
from campaigns.supervised import RESTING, Supervised, argonaut, book_text, now_ns, supervised
from storage.journal.commands import Kind, find
from storage.journal.tables import COMMANDS
from system.redis_channel import stream_of

DOORS: Final = ("row", "cli", "redis", "sigkill", "sigterm")
"""A row in the command table, `argonaut halt`, an entry in a stream, the supervisor of a killed node, a signal."""


MOST_SECS: Final = 2.0
BIDS: Final = 6
_SECOND_NS: Final = 1_000_000_000
_QUIET_SECS: Final = 0.7
_READY_SECS: Final = 900.0  # a machine that does much else is slow to start a node
_MOST_FAILURES: Final = 3  # of a door, before it is left
_KILLS_A_RUN: Final = 4  # the supervisor gives up after five restarts


class Halt(Struct, frozen=True):
    """One halt: through which door, how many orders were open, and how long until the last one was gone.

    `secs` counts from the deed: the row in the table, the signal, the kill. `typed_secs` counts from when a
    command was typed, so that it has the start of that program in it.
    """

    door: str
    open_before: int
    secs: float
    typed_secs: float

    @property
    def is_good(self) -> bool:
        """Whether orders were open, and gone in time."""
        return self.open_before >= BIDS and self.secs < MOST_SECS


def lasting_zero_ns(record: Iterable[dict[str, int]], since_ns: int) -> int | None:
    """Return when the last open order was gone after `since_ns`, None while one is open."""
    found: int | None = None
    for line in record:
        if line["open"]:
            found = None
        elif found is None:
            found = line["at_ns"]
    return None if found is None else max(found, since_ns)


class Failure(Struct, frozen=True):
    """A run that broke off, through no halt: which door it was to show, and what happened."""

    door: str
    text: str


type Deed = Callable[[Supervised], Awaitable[int]]
"""Stops everything; returns when the deed was done, in ns."""


async def by_row(run: Supervised) -> int:
    """Write a row into the command table."""
    at_ns = now_ns()
    await asyncio.to_thread(run.command, Kind.HALT)
    return at_ns


async def by_cli(run: Supervised) -> int:
    """Type `argonaut halt`."""
    await argonaut(run, "halt")
    return run.ask(_last_command_ns)


def by_redis(url: str) -> Deed:
    """Return what writes a command into the book's stream."""

    async def deed(run: Supervised) -> int:
        wish = {"kind": "halt", "reason": "a campaign", "operator": "campaign", "mode": "rehearsal"}
        async with Redis.from_url(url) as client:
            at_ns = now_ns()
            await client.xadd(stream_of("supervised"), wish)  # type: ignore[arg-type]  # its stub is invariant
        return at_ns

    return deed


async def by_sigkill(run: Supervised) -> int:
    """Kill the node, so that the supervisor has to do it."""
    pid = run.node_pid()
    if pid is None:
        raise RuntimeError("expected a node to kill, found none")
    at_ns = now_ns()
    os.kill(pid, signal.SIGKILL)
    return at_ns


async def by_sigterm(run: Supervised) -> int:
    """Ask the supervisor to stop."""
    at_ns = now_ns()
    run.process.send_signal(signal.SIGTERM)
    return at_ns


async def halt(run: Supervised, door: str, deed: Deed) -> Halt:
    """Wait for resting orders, do the deed, and measure at the venue."""
    await run.until(lambda: run.open_orders() >= BIDS, f"{BIDS} orders at the venue", _READY_SECS)
    before, typed_ns = run.open_orders(), now_ns()
    done_ns = await deed(run)
    await run.until(lambda: run.open_orders() == 0, "no order at the venue", 30.0)
    await asyncio.sleep(_QUIET_SECS)  # what was on its way would come now
    gone_ns = lasting_zero_ns(run.venue_record(), done_ns)
    if gone_ns is None:
        raise AssertionError(f"expected no order at the venue after a halt by {door}, found some again")
    return Halt(door, before, (gone_ns - done_ns) / _SECOND_NS, (gone_ns - typed_ns) / _SECOND_NS)


async def campaign(
    folder: Path, count: int, doors: Collection[str], on_halt: Callable[[Halt], None]
) -> tuple[list[Halt], list[Failure]]:
    """Halt `count` times through each of `doors`; the runs keep their files below `folder`.

    A run that breaks off, since a node did not start in time, is followed by another, three times a door. An
    order that is open after a halt is no such failure: it raises.
    """
    found: list[Halt] = []
    failures: list[Failure] = []

    def note(one: Halt) -> None:
        found.append(one)
        on_halt(one)

    for door in doors:
        while (left := count - sum(one.door == door for one in found)) > 0:
            place = folder / f"{door}{len(found)}-{len(failures)}"
            try:
                if not await _BY_DOOR[door](place, door, left, note):
                    break
            except (TimeoutError, RuntimeError) as error:
                failures.append(Failure(door, f"{type(error).__name__}: {error}"))
                if sum(one.door == door for one in failures) >= _MOST_FAILURES:
                    break
    return found, failures


async def _by_command(folder: Path, door: str, count: int, note: Callable[[Halt], None]) -> bool:
    """Halt through the command table, an entry in Redis' stream, or what is typed; False without a server."""
    folder.mkdir(parents=True)
    async with redis_server(folder) as url:
        if door == "redis" and url is None:
            return False
        deed = by_redis(url) if door == "redis" and url else {"row": by_row, "cli": by_cli}[door]
        book = book_text(RESTING, f'redis = "{url}"' if door == "redis" else "")
        async with supervised(folder, book) as run:
            for _ in range(count):
                note(await halt(run, door, deed))
                await argonaut(run, "resume")
    return True


async def _by_kill(folder: Path, door: str, count: int, note: Callable[[Halt], None]) -> bool:
    async with supervised(folder, book_text(RESTING)) as run:
        for _ in range(min(count, _KILLS_A_RUN)):
            note(await halt(run, door, by_sigkill))
    return True


async def _by_term(folder: Path, door: str, _count: int, note: Callable[[Halt], None]) -> bool:
    async with supervised(folder, book_text(RESTING)) as run:
        note(await halt(run, door, by_sigterm))
        code, verdict = await run.ended()
        if code or verdict["open_orders"]:
            raise AssertionError(f"expected a good end after SIGTERM, found code {code}, see {folder}")
    return True


_BY_DOOR: Final = {
    "row": _by_command,
    "cli": _by_command,
    "redis": _by_command,
    "sigkill": _by_kill,
    "sigterm": _by_term,
}


def _last_command_ns(connection: Connection) -> int:
    number = connection.execute(select(func.max(COMMANDS.c.id))).scalar_one()
    command = find(connection, number)
    if command is None:
        raise LookupError("expected a command in the journal, found none")
    return command.at_ns
