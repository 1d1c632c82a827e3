"""Write down which test calls which function."""

import sys
from collections import defaultdict
from collections.abc import Collection
from types import CodeType
from typing import Any

from benchmarks.mutants.grafting import name_of

_ID = sys.monitoring.COVERAGE_ID
_START = sys.monitoring.events.PY_START


class Watcher:
    """Fills `touched`: by function, the tests that call it; "" stands for what is called as tests are loaded."""

    def __init__(self, paths: Collection[str]) -> None:
        self._paths = paths
        self.test = ""
        self.touched: defaultdict[str, set[str]] = defaultdict(set)
        sys.monitoring.use_tool_id(_ID, "mutants")
        sys.monitoring.register_callback(_ID, _START, self._on_start)
        sys.monitoring.set_events(_ID, _START)

    def stop(self) -> None:
        """Watch no longer."""
        sys.monitoring.set_events(_ID, 0)
        sys.monitoring.free_tool_id(_ID)

    def _on_start(self, code: CodeType, offset: int) -> Any:
        if code.co_filename not in self._paths:
            return sys.monitoring.DISABLE
        self.touched[name_of(code)].add(self.test)
        return None
