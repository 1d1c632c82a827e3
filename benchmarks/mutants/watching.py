"""Write down which functions run while tests are loaded, and then which test runs which line."""

import sys
from collections import defaultdict
from collections.abc import Collection, Iterable
from types import CodeType
from typing import Any

from benchmarks.mutants.grafting import Key, key_of

_ID = sys.monitoring.COVERAGE_ID
_START, _LINE = sys.monitoring.events.PY_START, sys.monitoring.events.LINE


class Watcher:
    """Fills `loading` with functions of `paths`, and, from `watch` on, `touched`: tests by `<file>:<line>`."""

    def __init__(self, paths: Collection[str]) -> None:
        self._paths = paths
        self._test = ""
        self.loading: set[Key] = set()
        self.touched: defaultdict[str, set[str]] = defaultdict(set)
        sys.monitoring.use_tool_id(_ID, "mutants")
        sys.monitoring.register_callback(_ID, _START, self._on_start)
        sys.monitoring.register_callback(_ID, _LINE, self._on_line)
        sys.monitoring.set_events(_ID, _START)

    def stop(self) -> None:
        """Look at what is loaded no longer."""
        sys.monitoring.set_events(_ID, 0)

    def watch(self, codes: Iterable[CodeType]) -> None:
        """Look at the lines of `codes`, and of what is within them, from now on."""
        for code in codes:
            if code.co_filename in self._paths:
                sys.monitoring.set_local_events(_ID, code, _LINE)
                self.watch(one for one in code.co_consts if isinstance(one, CodeType))

    def begin(self, test: str) -> None:
        """Take what runs from now on for this test's."""
        self._test = test
        sys.monitoring.restart_events()

    def _on_start(self, code: CodeType, offset: int) -> Any:
        if code.co_filename in self._paths:
            self.loading.add(key_of(code))
        return sys.monitoring.DISABLE  # once is enough

    def _on_line(self, code: CodeType, line: int) -> Any:
        self.touched[f"{code.co_filename}:{line}"].add(self._test)
        return sys.monitoring.DISABLE  # once a test is enough
