"""What a simulated venue is told when data arrive one by one: the same prints that a replay tells it."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from nautilus_trader.model import InstrumentId, OrderBookDeltas, TradeTick

from simulation.sweeps import Sweeps


class Spelling:
    """Puts before each live print the prints for the levels that it swept (`Sweeps`), a side at a time.

    The mirrored NO side needs no care of its own: its book and its prints arrive mirrored, and so do their
    sweeps.
    """

    def __init__(self) -> None:
        self._sweeps: defaultdict[InstrumentId, Sweeps] = defaultdict(Sweeps)

    def __call__(self, datum: Any) -> Iterable[Any]:
        """Return what to tell for `datum`; for anything but a print, itself."""
        if isinstance(datum, TradeTick):
            return self._sweeps[datum.instrument_id].spell_out((), (datum,))
        if isinstance(datum, OrderBookDeltas):
            self._sweeps[datum.instrument_id].start_from(datum.deltas)
        return (datum,)
