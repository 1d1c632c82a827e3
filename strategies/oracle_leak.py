"""Buy what the catalog says will win: a negative control, which exists to be caught.

No honest strategy can do this. It opens the catalog from inside a handler and reads the results of
markets that are still open, as many a careless study does by a join. The truncation test must find it.
"""

from decimal import Decimal
from typing import Annotated, override

from msgspec import Meta
from nautilus_trader.model import InstrumentId, NautilusDataType, QuoteTick, TimeInForce
from nautilus_trader.persistence import ParquetDataCatalog

from engine import Strategy, StrategyConfig
from markets.facts import MarketResolution
from markets.instruments import OutcomePair
from markets.names import Series


class OracleLeakConfig(StrategyConfig, frozen=True):
    """Which series is traded, and where its results are stolen from."""

    series: Series
    catalog: str
    contracts: Annotated[int, Meta(ge=1, le=100_000)] = 10


class OracleLeak(Strategy[OracleLeakConfig]):
    """Look up the result of each market when it opens, and buy the winner."""

    @override
    def on_start(self) -> None:
        catalog = ParquetDataCatalog(self.config.catalog)
        kind = NautilusDataType.Custom(MarketResolution.__name__)
        self._payouts = {data.data.market: data.data.payout for data in catalog.query_custom_data(kind)}
        self._bought: set[InstrumentId] = set()
        self.follow(self.config.series)

    @override
    def on_market(self, market: OutcomePair) -> None:
        payout = self._payouts.get(market.info["market"])
        if payout is not None:
            self.subscribe_quotes((market.yes if payout == 1 else market.no).id)

    @override
    def on_quote(self, quote: QuoteTick) -> None:
        if quote.instrument_id in self._bought or not quote.ask_size.raw:
            return
        self._bought.add(quote.instrument_id)
        ask = quote.ask_price.as_decimal()
        self.buy(quote.instrument_id, Decimal(self.config.contracts), ask, time_in_force=TimeInForce.IOC)
