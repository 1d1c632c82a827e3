"""A venue in a process beside the one that measures: a real one does not take our core when our bytes wake it."""

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

type Serve = Callable[[Connection], Coroutine[Any, Any, None]]
"""Serves until the other end of the pipe is closed; a function of a module, since another process imports it."""


@contextmanager
def beside(serve: Serve) -> Iterator[Connection]:
    """Run `serve` beside us, on a core of its own when there are several; stop it at the end."""
    cores = sorted(os.sched_getaffinity(0))
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(serve, theirs, cores[-1]), daemon=True)
    process.start()
    theirs.close()
    os.sched_setaffinity(0, cores[:-1] or cores)
    try:
        yield ours
    finally:
        os.sched_setaffinity(0, cores)
        ours.close()
        process.join(timeout=10)
        process.kill()


async def asked[T](pipe: Connection, kind: type[T]) -> T | None:
    """Return the next wish of the process that measures, None when it has left."""
    try:
        found = await asyncio.get_running_loop().run_in_executor(None, pipe.recv)
    except EOFError:
        return None
    if not isinstance(found, kind):
        raise TypeError(f"expected {kind.__name__}, found {found!r}")
    return found


def _run(serve: Serve, pipe: Connection, core: int) -> None:
    os.sched_setaffinity(0, {core})
    asyncio.run(serve(pipe))
