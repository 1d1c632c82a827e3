"""Questions asked beside everything else: each is a task, and one that ends in an error is over, and told."""

import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from msgspec import MsgspecError

from network.errors import NetworkError
from network.tasks import Tasks

_LOG: Final = logging.getLogger(__name__)


class Asking:
    """Starts each question as a task of `tasks`; `on_trouble(what, error)` hears of one that found no answer."""

    def __init__(self, tasks: Tasks, on_trouble: Callable[[str, Exception], None]) -> None:
        self._tasks = tasks
        self._on_trouble = on_trouble

    def __call__(self, what: str, work: Coroutine[Any, Any, None]) -> None:
        """Ask for something; other errors than those of the network and of what it brought fail the task."""
        self._tasks.start(what, self._ask(what, work))

    async def _ask(self, what: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (NetworkError, MsgspecError, ValueError) as error:
            self._on_trouble(what, error)
            _LOG.error("expected the %s, found: %s", what, error)
