"""Who hears for the guard what venues say of their markets and of themselves, in every mode."""

from collections.abc import Callable, Iterable
from typing import Any, Self, final, override

from nautilus_trader.common import DataActor
from nautilus_trader.model import CustomData, DataType

from markets.facts import (
    BookDoubt,
    DataGap,
    Fact,
    MarketPhase,
    MarketResolution,
    OraclePrice,
    VenueCondition,
)

_OF_MARKETS = (MarketPhase, MarketResolution, DataGap, BookDoubt)


@final
class Herald(DataActor):
    """Passes facts on to `learn`: of venues and sources from the start, of a series from its first market on.

    Strategies hear the same facts, in an order that the engine draws by chance; so each of them tells the
    guard first, and whatever comes again says nothing new.
    """

    def __new__(cls, *_: Any) -> Self:
        return super().__new__(cls)

    def __init__(
        self, venues: Iterable[str], learn: Callable[[Fact], None], sources: Iterable[str] = ()
    ) -> None:
        super().__init__()
        self._learn = learn
        wanted = [VenueCondition.data_type(one) for one in venues]
        wanted += [OraclePrice.data_type(one) for one in sources]
        self._wanted = {kind.topic: kind for kind in wanted}
        self._has_started = False

    def follow(self, series: str) -> None:
        """Hear the facts of a series, named with its venue, as KXFED.KALSHI."""
        for kind in _OF_MARKETS:
            wanted = kind.data_type(series)
            if wanted.topic not in self._wanted:
                self._wanted[wanted.topic] = wanted
                self._ask(wanted)

    @override
    def on_start(self) -> None:
        self._has_started = True
        for wanted in self._wanted.values():
            self._ask(wanted)

    @override
    def on_data(self, data: CustomData) -> None:
        self._learn(data.data)

    def _ask(self, wanted: DataType) -> None:
        if self._has_started:
            self.subscribe_data(wanted)
