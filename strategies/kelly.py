"""Buy an outcome while we believe in it more than the book does, and stake by Kelly."""

from decimal import Decimal
from typing import override

from nautilus_trader.model import InstrumentId, QuoteTick, TimeInForce

from engine import Probability, Share, Strategy, StrategyConfig, Usd
from markets.instruments import info_of
from pricing.fees import FeeSchedule, expected_fee
from pricing.sizing import kelly_share, to_usd


class KellyConfig(StrategyConfig, frozen=True):
    """What one Kelly bettor believes and may spend."""

    instrument_id: InstrumentId
    probability: Probability
    bankroll: Usd
    kelly_multiplier: Share = 0.25  # the part of the full Kelly stake to take


class Kelly(Strategy[KellyConfig]):
    """Bet once, as soon as the ask leaves an edge after the fee."""

    @override
    def on_start(self) -> None:
        self._fees = FeeSchedule.from_info(info_of(self.instrument(self.config.instrument_id)))
        self.subscribe_quotes(self.config.instrument_id)

    @override
    def on_quote(self, quote: QuoteTick) -> None:
        if self.cache.orders(strategy_id=self.strategy_id) or not quote.ask_size.raw:
            return
        ask = quote.ask_price.as_decimal()
        cost = ask + expected_fee(self._fees.at(quote.ts_init), Decimal(1), ask, is_taker=True)
        if cost < 1:
            contracts = self._stake_usd(cost) / cost
            self.buy(quote.instrument_id, contracts, ask, time_in_force=TimeInForce.IOC)

    @override
    def on_stop(self) -> None:
        self.cancel_all_orders(self.config.instrument_id)

    def _stake_usd(self, cost: Decimal) -> Decimal:
        share = kelly_share(self.config.probability, float(cost)) * self.config.kelly_multiplier
        return to_usd(share * float(self.config.bankroll))
