"""The contracts behind the engine's instruments, each read once per issue: reading one parses JSON (0.2 ms)."""

from collections.abc import Callable

from nautilus_trader.live import ClientCache
from nautilus_trader.model import BinaryOption, InstrumentId


class Contracts[C]:
    """Looks instruments up in the cache; `make` says what a contract of the venue is."""

    def __init__(self, cache: ClientCache, make: Callable[[BinaryOption], C]) -> None:
        self._cache = cache
        self._make = make
        self._known: dict[InstrumentId, tuple[int, C]] = {}

    def of(self, instrument_id: InstrumentId) -> C:
        """Return the contract of an instrument as it was last issued.

        LookupError when there is none, ValueError when it is nothing that the venue lists.
        """
        instrument = self._cache.instrument(instrument_id)
        if instrument is None:
            raise LookupError(f"expected instrument {instrument_id} in the cache, found none")
        if not isinstance(instrument, BinaryOption):
            found = f"{type(instrument).__name__} {instrument_id}"
            raise ValueError(f"expected a BinaryOption, the venue has nothing else, found {found}")  # noqa: TRY004  as data
        issued_ns, contract = self._known.get(instrument_id, (-1, None))
        if contract is None or issued_ns != instrument.ts_init:
            contract = self._make(instrument)
            self._known[instrument_id] = instrument.ts_init, contract
        return contract

    def find(self, instrument_id: InstrumentId) -> C | None:
        """Return the contract of an instrument; None when the engine does not know it."""
        return self.of(instrument_id) if self._cache.instrument(instrument_id) is not None else None
