"""Tasks with an owner: named, reported when they fail, and gone when the owner goes."""

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self

_PATIENCE_SECS = 1.0


class Tasks:
    """Start tasks that end with this owner; an error in one goes to `on_error(name, error)`.

    A failed task takes no other with it: what a failure means is the owner's to decide.
    """

    def __init__(self, on_error: Callable[[str, BaseException], None]) -> None:
        self._on_error = on_error
        self._running = set[asyncio.Task[Any]]()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def __len__(self) -> int:
        return len(self._running)

    def start[T](self, name: str, work: Coroutine[Any, Any, T], *, at_once: bool = False) -> asyncio.Task[T]:
        """Start `work` as a task of that name; `at_once` runs it up to its first wait before this returns."""
        task = asyncio.Task(work, loop=asyncio.get_running_loop(), name=name, eager_start=at_once)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def stop(self) -> None:
        """Cancel what still runs, and return when all of it has ended.

        A task that was about to hear the outcome of a write keeps it and goes on, so cancelling once
        may not be enough: whoever is still there after a second is asked again.
        """
        ours = asyncio.current_task()
        while waiting := {task for task in self._running if task is not ours}:
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting, timeout=_PATIENCE_SECS)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._on_error(task.get_name(), error)


async def wait_at_most(event: asyncio.Event, secs: float) -> None:
    """Wait for an event, but no longer than so many seconds, and clear it."""
    try:
        async with asyncio.timeout(secs):
            await event.wait()
    except TimeoutError:
        return
    finally:
        event.clear()
