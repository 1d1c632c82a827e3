"""A process for each run, cheap to start and safe to lose: forked off one that has imported everything.

An abort in Rust ends only the run that caused it. The first start costs the imports (some seconds), each
later one about a hundredth of a second.
"""

import logging
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from time import monotonic
from typing import Any, Final

PRELOAD: Final = (
    "pandas",
    "sqlalchemy.dialects.sqlite",
    "campaigns.venues",
    "campaigns.kalshi.victim",
    "campaigns.polymarket.victim",
)


@dataclass(frozen=True, slots=True)
class Lost:
    """A run that gave no answer: how its process ended (negative: the signal), or that it took too long."""

    how: str


def make_context() -> ForkServerContext:
    """Return where processes are forked off; what it preloads has started no thread of ours."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOAD))
    return context


def run_all[T](
    task: Callable[..., T], arguments: Sequence[tuple[Any, ...]], workers: int, deadline_secs: float
) -> Iterator[tuple[tuple[Any, ...], T | Lost]]:
    """Yield (arguments, answer) as the runs end, `workers` at a time; each must end within `deadline_secs`."""
    context, waiting, running = make_context(), list(reversed(arguments)), list[_Run]()
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                running.append(_Run(context, task, waiting.pop(), monotonic() + deadline_secs))
            wait([run.answers for run in running], timeout=0.5)
            for run in [run for run in running if run.is_over]:
                running.remove(run)
                yield run.arguments, run.answer()
    finally:
        for run in running:
            run.process.kill()


class _Run:
    def __init__(
        self,
        context: ForkServerContext,
        task: Callable[..., Any],
        arguments: tuple[Any, ...],
        deadline: float,
    ) -> None:
        self.arguments = arguments
        self.answers, theirs = context.Pipe(duplex=False)
        self._deadline = deadline
        self.process: ForkServerProcess = context.Process(
            target=_answer, args=(theirs, task, arguments), daemon=True
        )
        self.process.start()
        theirs.close()

    @property
    def is_over(self) -> bool:
        return self.answers.poll() or monotonic() > self._deadline

    def answer(self) -> Any:
        try:
            if self.answers.poll():
                return self.answers.recv()
            return Lost("it took too long")
        except EOFError:
            self.process.join()
            return Lost(f"its process ended with {self.process.exitcode}")
        finally:
            self.process.kill()
            self.process.join()
            self.process.close()
            self.answers.close()


def _answer(answers: Connection, task: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    logging.disable(logging.CRITICAL)  # hundreds of runs warn of what is done to them
    answers.send(task(*arguments))
    answers.close()
