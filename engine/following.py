"""Which markets a strategy follows, and which of them it has met."""

from collections.abc import Callable, Iterable

from nautilus_trader.model import BinaryOption, InstrumentId

from markets.instruments import Instrument, OutcomePair, complement_of, info_of, market_of
from markets.names import Series

type Lookup = Callable[[InstrumentId], Instrument | None]


class Following:
    """Introduce each market of a followed series once, as soon as both of its sides are known."""

    def __init__(self) -> None:
        self._series: list[Series] = []
        self._met: set[str] = set()

    def forget(self) -> None:
        """Start afresh, as after a reset."""
        self._series.clear()
        self._met.clear()

    def add(self, series: Series) -> None:
        self._series.append(series)

    def meet(self, instruments: Iterable[Instrument], find: Lookup, now_ns: int) -> list[OutcomePair]:
        """Return the markets among `instruments` that are new to us and not yet closed at `now_ns`."""
        news = []
        for instrument in instruments:
            if not isinstance(instrument, BinaryOption) or not self._follows(instrument):
                continue
            other, market = find(complement_of(instrument)), market_of(instrument)
            if not isinstance(other, BinaryOption) or market in self._met:
                continue
            self._met.add(market)
            if instrument.expiration_ns > now_ns:
                is_yes = info_of(instrument)["outcome"] == "YES"
                news.append(OutcomePair(instrument, other) if is_yes else OutcomePair(other, instrument))
        return sorted(news, key=lambda pair: (pair.yes.activation_ns, str(pair.yes.id)))

    def _follows(self, instrument: BinaryOption) -> bool:
        return bool(instrument.info) and any(series.holds(instrument) for series in self._series)
