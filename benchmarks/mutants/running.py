"""Run tests on one mutant, in a child of a process that has the heavy libraries loaded already."""

import gc
import importlib.machinery
import os
import resource
import signal
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import CodeType
from typing import Any

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

from benchmarks.mutants.making import Mutant
from benchmarks.mutants.plan import HOUSE

_LIMIT_SECS = 60
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
_OPTIONS = ["-x", "-q", *(word for name in _OFF for word in ("-p", f"no:{name}"))]
_OPTIONS += [
    "-k",
    "not ten_thousand",
    "-p",
    "_hypothesis_pytestplugin",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
]
_PHASES = [hypothesis.Phase.explicit, hypothesis.Phase.generate]

type Touched = dict[str, list[str]]
"""Which tests call a function, by `module:function`."""


class End(StrEnum):
    """How the tests ended on a mutant."""

    KILLED = "killed"
    TIMEOUT = "timeout"
    SURVIVED = "survived"


@dataclass(frozen=True, slots=True)
class Tests:
    """What to run: the nearest file first, then of `files` those tests that are `chosen` (None: all)."""

    nearest: str | None
    files: Sequence[str]
    chosen: Collection[str] | None


def start(mutant: Mutant, tests: Tests) -> int:
    """Return the pid of a child that runs the tests on the mutant."""
    return _fork(lambda: _try(mutant, tests), {mutant.module: mutant.text})


def wait() -> tuple[int, End]:
    """Return the pid of the next child that ended, and how its tests did."""
    pid, status = os.wait()
    if os.WIFSIGNALED(status):
        return pid, End.TIMEOUT if os.WTERMSIG(status) in (signal.SIGALRM, signal.SIGXCPU) else End.KILLED
    return pid, End.KILLED if os.WEXITSTATUS(status) else End.SURVIVED


def scout(files: Sequence[str], modules: Collection[str]) -> Touched:
    """Run all tests of `files` on the code as it is, and return who calls what; RuntimeError unless they pass."""
    reader, writer = os.pipe()

    def look() -> int:
        os.close(reader)
        watcher = _Watcher(modules)
        code = _test(files, [watcher])
        with os.fdopen(writer, "wb") as out:
            out.write(msgspec.json.encode({name: sorted(who) for name, who in watcher.touched.items()}))
        return code

    pid = _fork(look, {})
    os.close(writer)
    with os.fdopen(reader, "rb") as source:
        told = source.read()
    _, status = os.waitpid(pid, 0)
    if status or not told:
        raise RuntimeError(
            f"expected the tests of {', '.join(files)} to pass on the code as it is, found {status}"
        )
    return msgspec.json.decode(told, type=Touched.__value__)  # type: ignore[no-any-return]


class _Watcher:
    """Writes down which test calls which function of some modules."""

    def __init__(self, modules: Collection[str]) -> None:
        self._modules = {str(HOUSE / module): module for module in modules}
        self._test = ""
        self.touched: defaultdict[str, set[str]] = defaultdict(set)
        sys.monitoring.use_tool_id(sys.monitoring.COVERAGE_ID, "mutants")
        sys.monitoring.register_callback(
            sys.monitoring.COVERAGE_ID, sys.monitoring.events.PY_START, self._on_start
        )
        sys.monitoring.set_events(sys.monitoring.COVERAGE_ID, sys.monitoring.events.PY_START)

    def _on_start(self, code: CodeType, offset: int) -> Any:
        module = self._modules.get(code.co_filename)
        if module is None:
            return sys.monitoring.DISABLE
        self.touched[f"{module}:{code.co_qualname.partition('.<')[0]}"].add(self._test)
        return None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._test = item.nodeid
        return (yield)


class _Chooser:
    def __init__(self, chosen: Collection[str]) -> None:
        self._chosen = chosen

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self._chosen]


def _fork(work: Callable[[], int], broken: dict[str, str]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 99  # whatever is raised in here was raised by the mutant
    try:
        _settle_in(broken)
        code = work()
    finally:
        os._exit(code)


def _settle_in(broken: dict[str, str]) -> None:
    gc.freeze()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(5 * _LIMIT_SECS)
    resource.setrlimit(resource.RLIMIT_CPU, (_LIMIT_SECS, _LIMIT_SECS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    hypothesis.settings.register_profile(
        "mutants", database=None, derandomize=True, deadline=None, phases=_PHASES
    )
    hypothesis.settings.load_profile("mutants")
    _put_in_place({str(HOUSE / module): text for module, text in broken.items()})


def _put_in_place(broken: dict[str, str]) -> None:
    """Make Python find other text where it looks for a module."""
    found = importlib.machinery.SourceFileLoader.get_code

    def get_code(loader: importlib.machinery.SourceFileLoader, name: str) -> CodeType | None:
        text = broken.get(loader.path)
        return found(loader, name) if text is None else compile(text, loader.path, "exec")

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


def _try(mutant: Mutant, tests: Tests) -> int:
    if tests.nearest and (code := _test([tests.nearest])):
        return code
    rest = [file for file in tests.files if file != tests.nearest]
    if not rest or (tests.chosen is not None and not tests.chosen):
        return 0
    plugins = [] if tests.chosen is None else [_Chooser(tests.chosen)]
    code = _test(rest, plugins)
    return 0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else code


def _test(files: Sequence[str], plugins: Sequence[object] = ()) -> int:
    # The conftest of all tests starts databases and the like: only that of the room is wanted.
    room = str(Path(files[0]).parent)
    return int(pytest.main([*_OPTIONS, f"--confcutdir={room}", *files], plugins=list(plugins)))
