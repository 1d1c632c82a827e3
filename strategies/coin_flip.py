"""Buy YES or NO by the toss of a coin: a negative control, which should lose about what trading costs."""

from decimal import Decimal
from hashlib import sha256
from typing import Annotated, override

from msgspec import Meta
from nautilus_trader.model import InstrumentId, QuoteTick, TimeInForce

from engine import PositiveSecs, Strategy, StrategyConfig
from markets.instruments import OutcomePair
from markets.names import Series


class CoinFlipConfig(StrategyConfig, frozen=True):
    """Which series is bought blindly, and how much of it."""

    series: Series
    seed: int
    contracts: Annotated[int, Meta(ge=1, le=100_000)] = 10
    wait_secs: PositiveSecs = 300.0  # from a market's opening to the toss


def comes_up_heads(seed: int, market: str) -> bool:
    """Return the toss for one market: the same for the same seed, whatever else happens."""
    return sha256(f"{seed}/{market}".encode()).digest()[0] % 2 == 0


class CoinFlip(Strategy[CoinFlipConfig]):
    """Toss once a market, and buy at the ask."""

    @override
    def on_start(self) -> None:
        self._due_ns: dict[InstrumentId, int] = {}
        self.follow(self.config.series)

    @override
    def on_market(self, market: OutcomePair) -> None:
        chosen = market.yes if comes_up_heads(self.config.seed, market.market) else market.no
        self._due_ns[chosen.id] = chosen.activation_ns + round(self.config.wait_secs * 1_000_000_000)
        self.subscribe_quotes(chosen.id)

    @override
    def on_quote(self, quote: QuoteTick) -> None:
        if quote.ts_init < self._due_ns[quote.instrument_id] or not quote.ask_size.raw:
            return
        self.unsubscribe_quotes(quote.instrument_id)
        ask = quote.ask_price.as_decimal()
        contracts = Decimal(self.config.contracts)
        self.buy(quote.instrument_id, contracts, ask, time_in_force=TimeInForce.IOC)
