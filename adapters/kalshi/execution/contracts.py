"""The two contracts of each market at Kalshi."""

from collections.abc import Iterable

from nautilus_trader.live import ClientCache

from adapters.kalshi.constants import VENUE
from adapters.kalshi.execution.translation import Contract, Leg, contract_of
from markets.instruments import outcome_id
from orders import contracts


class Contracts(contracts.Contracts[Contract]):
    """Looks legs of markets up in the cache."""

    def __init__(self, cache: ClientCache) -> None:
        super().__init__(cache, contract_of)

    def on(self, ticker: str, leg: Leg) -> Contract | None:
        """Return the contract of one leg of a market; None when the engine does not know the market."""
        return self.find(outcome_id(ticker, VENUE, leg))

    def missing(self, tickers: Iterable[str]) -> list[str]:
        """Return the markets that the engine does not know."""
        return sorted({ticker for ticker in tickers if self.on(ticker, "YES") is None})
