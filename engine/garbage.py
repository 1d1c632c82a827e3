"""Collect garbage on the loop's thread alone.

A strategy is part of a ring (its own hooks hold it), so only Python's collector frees one, in whichever
thread happens to allocate at that moment: a journal's writer, a recorder. Nautilus' objects may not be
dropped there ("unsendable, but is being dropped on another thread", run on rc7): they are leaked, loudly.
"""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_YOUNG_SECS: Final = 1.0
_ALL_EVERY: Final = 60  # of those
_YOUNG: Final = 1


@contextmanager
def no_collection() -> Iterator[None]:
    """Switch the collector off; `collect_here` takes its place. What exists already is never looked at again."""
    was_on = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.collect()
        if was_on:
            gc.enable()


async def collect_here() -> None:
    """Collect young garbage every second and all of it every minute, between two turns of this loop."""
    turns = 0
    while True:
        await asyncio.sleep(_YOUNG_SECS)
        turns += 1
        gc.collect(_YOUNG) if turns % _ALL_EVERY else gc.collect()
