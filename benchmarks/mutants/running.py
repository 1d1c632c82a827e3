"""Run tests on mutants, each in a child of a process that has the tests loaded already."""

import gc
import importlib.machinery
import os
import resource
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import CodeType

import _hypothesis_pytestplugin  # noqa: F401 - this and the libraries below are loaded once, for all children
import hypothesis
import msgspec
import nautilus_trader.backtest
import nautilus_trader.execution
import nautilus_trader.model
import nautilus_trader.trading  # noqa: F401, TID251
import numpy as np  # noqa: F401
import pandas as pd  # noqa: F401
import pytest
import scipy.optimize
import scipy.special
import scipy.stats  # noqa: F401

from benchmarks.mutants.grafting import Graft, Live, graft_of, key_of, live_functions, put_in_place
from benchmarks.mutants.making import Mutant
from benchmarks.mutants.plan import HOUSE
from benchmarks.mutants.watching import Watcher

_LIMIT_SECS = 60
_LOAD_SECS = 600
_ENOUGH_SECS = 5.0
_MEMORY = 4 << 30
# What pytest does besides running tests takes longer than the tests.
_OFF = (
    "cacheprovider",
    "unraisableexception",
    "threadexception",
    "junitxml",
    "pastebin",
    "doctest",
    "faulthandler",
)
_OPTIONS = ["-x", "-q", "-s", *(word for name in _OFF for word in ("-p", f"no:{name}"))]
_OPTIONS += [
    "-k",
    "not ten_thousand",
    "-p",
    "_hypothesis_pytestplugin",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
]
_PHASES = [hypothesis.Phase.explicit, hypothesis.Phase.generate]

type OnEnd = Callable[[Mutant, "End"], None]


class End(StrEnum):
    """How the tests ended on a mutant."""

    KILLED = "killed"
    TIMEOUT = "timeout"
    SURVIVED = "survived"


def try_in_place(mutants: Sequence[Mutant], files: Sequence[str], at_once: int, on_end: OnEnd) -> None:
    """Load the tests of `files` once, and run on each mutant those that run the line it breaks.

    `on_end` is called in another process. RuntimeError when the tests do not pass on the code as it is.
    There is no word on a mutant that may show only while modules are loaded: `try_anew` tells.
    """
    pid = _fork(lambda: _test(files, [_Host(mutants, at_once, on_end)]), {}, 24 * 3600)
    _, status = os.waitpid(pid, 0)
    if status:
        raise RuntimeError(
            f"expected the tests of {', '.join(files)} to pass on the code as it is, found {status}"
        )


def try_anew(mutants: Iterable[Mutant], files: Sequence[str], at_once: int, on_end: OnEnd) -> None:
    """Load and run all tests of `files` on each mutant, those nearest to it first and replays last."""
    runs = _Runs(at_once, on_end)
    for mutant in mutants:
        stem = Path(mutant.module).stem
        nearest = sorted(files, key=lambda file: ("replay" in file, stem not in file, file))
        runs.add(mutant, _fork(partial(_test, nearest), {mutant.module: mutant.text}))
    runs.wait_for_all()


class _Runs:
    """Children that run tests on mutants, a few at once."""

    def __init__(self, at_once: int, on_end: OnEnd) -> None:
        self._at_once = at_once
        self._on_end = on_end
        self._running: dict[int, Mutant] = {}

    def add(self, mutant: Mutant, pid: int) -> None:
        self._running[pid] = mutant
        if len(self._running) >= self._at_once:
            self._wait()

    def wait_for_all(self) -> None:
        while self._running:
            self._wait()

    def _wait(self) -> None:
        pid, status = os.wait()
        self._on_end(self._running.pop(pid), _end_of(status))


class _Host:
    """Takes the place of pytest's loop over the tests: once as they are, then some of them for each mutant."""

    def __init__(self, mutants: Sequence[Mutant], at_once: int, on_end: OnEnd) -> None:
        self._mutants = mutants
        self._runs = _Runs(at_once, self._tell)
        self._on_end = on_end
        self._unsure: set[str] = set()
        self._is_scouting = False
        self._watcher = Watcher({str(HOUSE / one.module) for one in mutants})
        self._secs: dict[str, float] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        gc.unfreeze()  # frozen objects are not found
        gc.collect()
        live = live_functions()
        gc.freeze()
        self._watcher.stop()
        touched, secs = self._scout(session, live)
        items = {item.nodeid: item for item in session.items}
        for mutant in self._mutants:
            graft = graft_of(mutant, live)
            if graft is None:
                continue
            names = _touching(mutant, graft, touched)
            if key_of(graft.old) in self._watcher.loading:
                self._unsure.add(mutant.key)
            chosen = [items[name] for name in _first(mutant, names, secs)]
            if chosen:
                self._runs.add(mutant, _fork(partial(_run_on, graft, live, chosen), {}, _limit(chosen, secs)))
            else:  # nobody runs it
                self._tell(mutant, End.SURVIVED)
        self._runs.wait_for_all()
        return True

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if self._is_scouting:
            self._watcher.begin(nodeid)
        self._secs[nodeid] = -time.process_time()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._secs[nodeid] += time.process_time()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os._exit(1)

    def _tell(self, mutant: Mutant, end: End) -> None:
        # What was built while the tests were loaded was built by the code as it is.
        if end != End.SURVIVED or mutant.key not in self._unsure:
            self._on_end(mutant, end)

    def _scout(self, session: pytest.Session, live: Live) -> tuple[dict[str, list[str]], dict[str, float]]:
        """Return who runs what, and how long each test takes."""
        reader, writer = os.pipe()

        def look() -> int:
            self._is_scouting = True
            self._watcher.watch(one.__code__ for same in live.values() for one in same)
            _run(session.items)
            told = {name: sorted(who) for name, who in self._watcher.touched.items()}, self._secs
            with os.fdopen(writer, "wb") as out:
                out.write(msgspec.json.encode(told))
            return 0

        pid = _fork(look, {}, _LOAD_SECS)
        os.close(writer)
        with os.fdopen(reader, "rb") as source:
            told = source.read()
        _, status = os.waitpid(pid, 0)
        if status:
            os._exit(1)
        return msgspec.json.decode(told, type=tuple[dict[str, list[str]], dict[str, float]])


def _touching(mutant: Mutant, graft: Graft, touched: dict[str, list[str]]) -> set[str]:
    """Return the tests that run the line, or else the function: what Python folds away is no line."""
    path = str(HOUSE / mutant.module)
    if names := touched.get(f"{path}:{mutant.line}"):
        return set(names)
    return {name for line in graft.lines for name in touched.get(f"{path}:{line}", ())}


def _first(mutant: Mutant, names: Iterable[str], secs: dict[str, float]) -> Iterator[str]:
    """Yield the tests nearest to a module, then the quickest, as long as `_ENOUGH_SECS` allow.

    That leaves a killer out now and then, and never makes one up.
    """
    stem = Path(mutant.module).stem
    spent = 0.0
    for name in sorted(names, key=lambda name: (stem not in name.partition("::")[0], secs[name], name)):
        if (spent := spent + secs[name]) > _ENOUGH_SECS:
            return
        yield name


def _run_on(graft: Graft, live: Live, items: Sequence[pytest.Item]) -> int:
    put_in_place(graft, live)
    return _run(items)


def _limit(items: Sequence[pytest.Item], secs: dict[str, float]) -> int:
    return min(_LIMIT_SECS, 5 + round(10 * sum(secs[item.nodeid] for item in items)))


def _run(items: Sequence[pytest.Item]) -> int:
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    return 0


def _end_of(status: int) -> End:
    if os.WIFSIGNALED(status):
        return End.TIMEOUT if os.WTERMSIG(status) in (signal.SIGALRM, signal.SIGXCPU) else End.KILLED
    return End.KILLED if os.WEXITSTATUS(status) else End.SURVIVED


def _fork(work: Callable[[], int], broken: dict[str, str], limit_secs: int = _LIMIT_SECS) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 99  # whatever is raised in here was raised by the mutant
    try:
        _settle_in(broken, limit_secs)
        code = work()
    finally:
        os._exit(code)


def _settle_in(broken: dict[str, str], limit_secs: int) -> None:
    gc.freeze()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(10 * limit_secs)
    resource.setrlimit(resource.RLIMIT_CPU, (limit_secs, limit_secs))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    hypothesis.settings.register_profile(
        "mutants", database=None, derandomize=True, deadline=None, phases=_PHASES
    )
    hypothesis.settings.load_profile("mutants")
    if broken:
        _read_instead({str(HOUSE / module): text for module, text in broken.items()})


def _read_instead(broken: dict[str, str]) -> None:
    """Make Python find other text where it looks for a module."""
    found = importlib.machinery.SourceFileLoader.get_code

    def get_code(loader: importlib.machinery.SourceFileLoader, name: str) -> CodeType | None:
        text = broken.get(loader.path)
        return found(loader, name) if text is None else compile(text, loader.path, "exec")

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


def _test(files: Sequence[str], plugins: Sequence[object] = ()) -> int:
    # The conftest of all tests is left out when one room is all: it knows databases and the like.
    room = os.path.commonpath([str(Path(file).parent) for file in files])
    return int(pytest.main([*_OPTIONS, f"--confcutdir={room}", *files], plugins=list(plugins)))
