"""Which markets a strategy follows, which of them it has met, and which were restated since."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from nautilus_trader.model import BinaryOption, InstrumentId

from markets.instruments import Instrument, OutcomePair, awaits_strike, complement_of, info_of, market_of
from markets.names import Series

type Lookup = Callable[[InstrumentId], Instrument | None]


@dataclass(frozen=True, slots=True)
class Introduction:
    """A market as it was issued last; `is_new` when the strategy has not met it before."""

    market: OutcomePair
    is_new: bool


class Following:
    """Introduce each followed market, of a series or by itself, when its terms are complete, and again when they changed.

    Complete: both sides are known, of one issue, and the strike that decides them is named. A market that
    has closed by then is not introduced; one that was met is, whatever its venue says later.
    """

    def __init__(self) -> None:
        self._series: list[Series] = []
        self._markets: set[str] = set()
        self._issued_ns: dict[str, int] = {}

    def forget(self) -> None:
        """Start afresh, as after a reset."""
        self._series.clear()
        self._markets.clear()
        self._issued_ns.clear()

    def add(self, series: Series) -> None:
        self._series.append(series)

    def add_market(self, side: InstrumentId) -> None:
        """Follow the one market that `side` is an outcome of."""
        self._markets.add(f"{side.symbol.value.rpartition('-')[0]}.{side.venue.value}")

    def meet(self, instruments: Iterable[Instrument], find: Lookup, now_ns: int) -> list[Introduction]:
        """Return what there is to say of the markets among `instruments` at `now_ns`, by their opening."""
        told = [
            introduced
            for instrument in instruments
            if isinstance(instrument, BinaryOption) and self._follows(instrument)
            if (introduced := self._introduce(instrument, find, now_ns)) is not None
        ]
        return sorted(told, key=lambda one: (one.market.yes.activation_ns, str(one.market.yes.id)))

    def _introduce(self, instrument: BinaryOption, find: Lookup, now_ns: int) -> Introduction | None:
        other = find(complement_of(instrument))
        if not isinstance(other, BinaryOption) or other.ts_init != instrument.ts_init:
            return None  # the other side of this issue is still to come
        market = market_of(instrument)
        known_ns = self._issued_ns.get(market)
        if known_ns is None and (instrument.expiration_ns <= now_ns or awaits_strike(instrument)):
            return None
        if known_ns is not None and known_ns >= instrument.ts_init:
            return None
        self._issued_ns[market] = instrument.ts_init
        is_yes = info_of(instrument)["outcome"] == "YES"
        pair = OutcomePair(instrument, other) if is_yes else OutcomePair(other, instrument)
        return Introduction(pair, is_new=known_ns is None)

    def _follows(self, instrument: BinaryOption) -> bool:
        if not instrument.info:
            return False
        return market_of(instrument) in self._markets or any(one.holds(instrument) for one in self._series)
