"""What nobody can have known: the data of a market from the start of a gap to the next whole book after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nautilus_trader.model import BookAction, OrderBookDelta

_FOREVER_NS = 2**63


@dataclass(frozen=True, slots=True)
class Seen:
    """What is left of one market's data, each list in the order of `ts_init`."""

    deltas: list[OrderBookDelta]
    quotes: list[Any]
    trades: list[Any]


class Blackouts:
    """Leaves out of one market's data what lies in its gaps, window by window.

    A gap begins after its start: what is known at that very nanosecond was known before. It ends with the
    first whole book at or after its end, since changes of a book that has missed something make no book. A
    print in the dark fills nobody: where an order stood in the queue by then is not known.
    """

    def __init__(self) -> None:
        self._gaps: list[tuple[int, int]] = []

    def add(self, since_ns: int, until_ns: int) -> None:
        """Note a gap that begins in the next window to be cut, or is open at its start."""
        self._gaps.append((since_ns, until_ns))

    def cut(self, seen: Seen) -> Seen:
        """Return what can have been known of the next window."""
        if not self._gaps:
            return seen
        dark = [(since_ns, _whole_ns(seen.deltas, until_ns), until_ns) for since_ns, until_ns in self._gaps]
        self._gaps = [(since_ns, until_ns) for since_ns, end_ns, until_ns in dark if end_ns == _FOREVER_NS]

        def known[T: Any](items: Sequence[T]) -> list[T]:
            return [
                item
                for item in items
                if not any(since_ns < item.ts_init < end_ns for since_ns, end_ns, _ in dark)
            ]

        return Seen(known(seen.deltas), known(seen.quotes), known(seen.trades))


def _whole_ns(deltas: Sequence[OrderBookDelta], until_ns: int) -> int:
    whole = (one.ts_init for one in deltas if one.ts_init >= until_ns and one.action == BookAction.CLEAR)
    return next(whole, _FOREVER_NS)
