"""Where `argonaut` begins: what stops trading loads no Nautilus first, everything else loads the house."""

import sys
from importlib import import_module
from typing import Final

OPERATING: Final = frozenset(
    {"halt", "resume", "deposit", "withdraw", "status", "positions", "orders", "pnl"}
)
"""The commands of `system.operating`."""


def main() -> None:
    """Run what was typed."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    import_module("system.operating" if wanted in OPERATING else "system.cli").main()
