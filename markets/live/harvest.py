"""What a retelling has told so far, given away as soon as nothing can precede it any more."""

from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from msgspec.structs import replace
from nautilus_trader.model import BinaryOption, BookAction, CustomData, OrderBookDeltas, QuoteTick, TradeTick

from markets.facts import DataGap

_KNOWN: Final = attrgetter("ts_init")


@dataclass(frozen=True, slots=True)
class Portion:
    """Instruments and data that nothing later can precede, in the order of `ts_init`."""

    instruments: list[BinaryOption]
    data: list[Any]


class Harvest:
    """Takes what markets tell between two lines, the last at `before_ns`, this one at `now_ns`.

    `blind` holds since when each market is; a gap ends that. While `is_flushing`, a whole book is no news.
    """

    def __init__(self) -> None:
        self.now_ns = self.before_ns = 0
        self.blind: dict[str, int] = {}
        self.is_flushing = False
        self._instruments: list[BinaryOption] = []
        self._data: list[Any] = []
        self._gaps: list[CustomData] = []

    @property
    def rows(self) -> int:
        """How much is waiting."""
        return len(self._data)

    def issue(self, side: BinaryOption) -> None:
        """Take an instrument; of two issues of one instant the last one counts."""
        if any(one.id == side.id and one.ts_init == side.ts_init for one in self._instruments[-2:]):
            self._instruments = [
                one for one in self._instruments if (one.id, one.ts_init) != (side.id, side.ts_init)
            ]
        self._instruments.append(side)

    def keep(self, item: Any) -> None:
        """Take what a market told; closes and statuses follow from facts and are not kept."""
        if isinstance(item, OrderBookDeltas):
            if not (self.is_flushing and item.deltas[0].action == BookAction.CLEAR):
                self._data += item.deltas  # what a flush shows whole was told when it changed
        elif isinstance(item, QuoteTick | TradeTick):
            self._data.append(item)
        elif isinstance(item, CustomData):
            self._keep_fact(item)

    def given(self, certain_ns: int, gaps_ns: int) -> Portion:
        """Give what is older than `certain_ns`, and gaps that began before `gaps_ns`, once."""
        instruments = [one for one in self._instruments if one.ts_init < certain_ns]
        data = [item for item in self._data if item.ts_init < certain_ns]
        data += [gap for gap in self._gaps if gap.ts_init < gaps_ns]
        self._instruments = [one for one in self._instruments if one.ts_init >= certain_ns]
        self._data = [item for item in self._data if item.ts_init >= certain_ns]
        self._gaps = [gap for gap in self._gaps if gap.ts_init >= gaps_ns]
        return Portion(sorted(instruments, key=_KNOWN), sorted(data, key=_KNOWN))

    def _keep_fact(self, item: CustomData) -> None:
        fact = item.data
        if isinstance(fact, DataGap):
            self._gaps.append(item)
            self.blind.pop(fact.market, None)
        elif fact.ts_init < self.before_ns:  # told too late to be known then
            self._data.append(replace(fact, ts_init=self.now_ns).as_data())
        else:
            self._data.append(item)
