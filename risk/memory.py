"""All that the guardian remembers from one order to the next, and how it outlives a restart."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from risk.correlation import History, Signals
from risk.marks import Marks
from risk.recent import Recent
from risk.recovery import Recovery
from risk.state import Switch
from risk.store import Plain, Store
from risk.tally import Tally

UNTIL_TOLD: Final = 2**63 - 1
"""Since when a book is doubted that only its venue can clear."""


@dataclass(slots=True)
class Memory:
    """Switch, baselines, counts, the way back up, what was heard of markets.

    Prices and signals are not kept: `recent`, `history`, `signals`, and when each source of prices (symbol.source)
    says that it printed its last one, `printed_ns`, which is in `printed`.
    `unsettled` are markets where nothing may be bought, with the reason; `doubted_ns` says since when the
    book of a market is not known to be right (`UNTIL_TOLD`: until its venue clears it).
    """

    switch: Switch = field(default_factory=Switch)
    marks: Marks = field(default_factory=Marks)
    tally: Tally = field(default_factory=Tally)
    recovery: Recovery = field(default_factory=Recovery)
    unsettled: dict[str, str] = field(default_factory=dict)
    doubted_ns: dict[str, int] = field(default_factory=dict)
    recent: Recent = field(default_factory=Recent)
    history: History = field(default_factory=History)
    signals: Signals = field(default_factory=Signals)
    printed_ns: dict[str, int] = field(default_factory=dict)
    printed: dict[str, Decimal] = field(default_factory=dict)

    def as_plain(self) -> dict[str, Plain]:
        """Return what must be kept, part by part."""
        return {
            "switch": self.switch.as_plain(),
            "marks": self.marks.as_plain(),
            "tally": self.tally.as_plain(),
            "recovery": self.recovery.as_plain(),
            "unsettled": dict(self.unsettled),
            "doubted": dict(self.doubted_ns),
        }


class Keeper:
    """Writes what changed in a memory to its store, and nothing else."""

    def __init__(self, memory: Memory, store: Store) -> None:
        self._memory = memory
        self._store = store
        self._kept: dict[str, Plain] = {}

    def keep(self) -> None:
        """Save the parts that are not as they were last kept."""
        for name, plain in self._memory.as_plain().items():
            if self._kept.get(name) != plain:
                self._store.save(name, plain)
                self._kept[name] = plain


def recall(store: Store) -> Memory:
    """Return the memory that a store holds; an empty store is a first start.

    ValueError, KeyError or TypeError when it holds what no memory wrote.
    """
    memory = Memory()
    if (plain := store.load("switch")) is not None:
        memory.switch = Switch.from_plain(plain)
    if (plain := store.load("marks")) is not None:
        memory.marks = Marks.from_plain(plain)
    if (plain := store.load("tally")) is not None:
        memory.tally = Tally.from_plain(plain)
    if (plain := store.load("recovery")) is not None:
        memory.recovery = Recovery.from_plain(plain)
    memory.unsettled = store.load("unsettled") or {}
    doubted: dict[str, int] = store.load("doubted") or {}
    # Books begin anew with the process, and a venue clears only what it has contradicted since.
    memory.doubted_ns = {market: at_ns for market, at_ns in doubted.items() if at_ns != UNTIL_TOLD}
    return memory
