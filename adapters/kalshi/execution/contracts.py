"""The contracts behind the engine's instruments, each read once per issue: reading one parses JSON (0.2 ms)."""

from collections.abc import Iterable

from nautilus_trader.live import ClientCache
from nautilus_trader.model import BinaryOption, InstrumentId

from adapters.kalshi.constants import VENUE
from adapters.kalshi.execution.translation import Contract, Leg, contract_of
from markets.instruments import outcome_id


class Contracts:
    """Looks instruments up in the cache."""

    def __init__(self, cache: ClientCache) -> None:
        self._cache = cache
        self._known: dict[InstrumentId, tuple[int, Contract]] = {}

    def of(self, instrument_id: InstrumentId) -> Contract:
        """Return the contract of an instrument as it was last issued.

        LookupError when there is none, ValueError when it is nothing that Kalshi lists.
        """
        instrument = self._cache.instrument(instrument_id)
        if instrument is None:
            raise LookupError(f"expected instrument {instrument_id} in the cache, found none")
        if not isinstance(instrument, BinaryOption):
            found = f"{type(instrument).__name__} {instrument_id}"
            raise ValueError(f"expected a BinaryOption, Kalshi has nothing else, found {found}")  # noqa: TRY004  as data
        issued_ns, contract = self._known.get(instrument_id, (-1, None))
        if contract is None or issued_ns != instrument.ts_init:
            contract = contract_of(instrument)
            self._known[instrument_id] = instrument.ts_init, contract
        return contract

    def on(self, ticker: str, leg: Leg) -> Contract | None:
        """Return the contract of one leg of a market; None when the engine does not know the market."""
        instrument_id = outcome_id(ticker, VENUE, leg)
        return self.of(instrument_id) if self._cache.instrument(instrument_id) is not None else None

    def missing(self, tickers: Iterable[str]) -> list[str]:
        """Return the markets that the engine does not know."""
        return sorted({ticker for ticker in tickers if self.on(ticker, "YES") is None})
