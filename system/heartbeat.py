"""The node's pulse: one line of JSON a second to whoever started it, as long as it lives."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from msgspec.json import encode

HEARTBEAT_FD: Final = "ARGONAUT_HEARTBEAT_FD"
"""Names the descriptor that the supervisor left open for us."""

WRITING: Final = "writing"
"""The phase of a node that has stopped trading, and only writes down what it has recorded."""
_EVERY_SECS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """How the node is; `phase` is starting, running, stopping or writing, `events` counts from the start."""

    at_ns: int
    phase: str
    events: int
    open_orders: int
    unknown_orders: int


async def beat(look: Callable[[], Beat], descriptor: str) -> None:
    """Write what `look` sees each second to a pipe, until nobody listens any more.

    A pipe that is full means a supervisor that hangs: that pulse is left out.
    """
    pipe = int(descriptor)
    os.set_blocking(pipe, False)
    while True:
        with suppress(BlockingIOError):
            try:
                os.write(pipe, encode(look()) + b"\n")
            except (BrokenPipeError, ConnectionError):
                return
        await asyncio.sleep(_EVERY_SECS)
