"""A strategy that does what it is told, for laws about replays."""

from decimal import Decimal
from typing import override

from nautilus_trader.model import QuoteTick, TimeInForce

from engine import PositiveSecs, Strategy, StrategyConfig
from markets.instruments import OutcomePair
from markets.names import Series


class ActorConfig(StrategyConfig, frozen=True):
    """What to do on one side of every market: `acts` are (seconds after the opening, verb, contracts)."""

    series: Series
    outcome: str
    acts: list[tuple[PositiveSecs, str, int]]


class Actor(Strategy[ActorConfig]):
    """Take, quote or sell on the chosen side when the time has come."""

    @override
    def on_start(self) -> None:
        self._due = {}
        self.follow(self.config.series)

    @override
    def on_market(self, market: OutcomePair) -> None:
        side = market.yes if self.config.outcome == "YES" else market.no
        self._due[side.id] = [
            (side.activation_ns + round(secs * 1e9), verb, contracts)
            for secs, verb, contracts in sorted(self.config.acts)
        ]
        self.subscribe_quotes(side.id)

    @override
    def on_quote(self, quote: QuoteTick) -> None:
        due = self._due[quote.instrument_id]
        while due and quote.ts_init >= due[0][0]:
            _, verb, contracts = due.pop(0)
            getattr(self, f"_{verb}")(quote, Decimal(contracts))

    def _take(self, quote: QuoteTick, contracts: Decimal) -> None:
        if quote.ask_size.raw:
            ask = quote.ask_price.as_decimal()
            self.buy(quote.instrument_id, contracts, ask, time_in_force=TimeInForce.IOC)

    def _rest(self, quote: QuoteTick, contracts: Decimal) -> None:
        if quote.bid_size.raw:
            self.buy(quote.instrument_id, contracts, quote.bid_price.as_decimal(), post_only=True)

    def _dump(self, quote: QuoteTick, contracts: Decimal) -> None:
        held = sum(
            (
                one.quantity.as_decimal()
                for one in self.cache.positions_open(instrument_id=quote.instrument_id)
            ),
            Decimal(0),
        )
        if held and quote.bid_size.raw:
            bid = quote.bid_price.as_decimal()
            self.sell(quote.instrument_id, min(held, contracts), bid, time_in_force=TimeInForce.IOC)
