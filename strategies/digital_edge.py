"""Take an offer on a short digital market when our model, after the fee, thinks it too cheap."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import override

from nautilus_trader.model import BinaryOption, InstrumentId, OrderFilled, OrderSide, QuoteTick, TimeInForce

from engine import PositiveSecs, Price, Share, Strategy, StrategyConfig, Usd
from markets.facts import MarketResolution, OraclePrice
from markets.instruments import OutcomePair
from markets.names import Series
from markets.ticks import floor_to_step
from pricing.digital import AverageDigital
from pricing.fees import FeeSchedule, FeeTerms, expected_fee
from pricing.index import DigitalFair, IndexTracker
from pricing.sizing import kelly_share, to_usd

_NS_PER_SEC = 1_000_000_000


class DigitalEdgeConfig(StrategyConfig, frozen=True):
    """What is traded, what is believed of its index, and how much may be staked."""

    series: Series
    oracle_source: str
    min_edge: Price  # dollars per contract that must remain after the fee
    bankroll: Usd
    max_stake: Usd  # dollars spent at most on one market
    oracle_symbol: str = "BTC-USD"
    basis_bps: float = 0.0  # how far the settling index lies above the oracle
    half_life_secs: PositiveSecs = 300.0  # memory of the volatility estimate
    kelly_multiplier: Share = 0.25
    cooldown_secs: PositiveSecs = 2.0  # rest between two orders on one market
    stop_secs: PositiveSecs = 5.0  # no order this close to the end


@dataclass(frozen=True, slots=True)
class Offer:
    """What one outcome can be bought for now: its ask, and what a contract costs with the fee."""

    instrument_id: InstrumentId
    probability: float
    ask: Decimal
    size: Decimal
    cost: Decimal

    @property
    def edge(self) -> Decimal:
        """What we expect to win on a contract, in dollars."""
        return Decimal(self.probability) - self.cost


def best_offer(offers: Iterable[Offer], min_edge: Decimal) -> Offer | None:
    """Return the offer with the largest edge, if that is at least `min_edge` dollars per contract."""
    worth_taking = [offer for offer in offers if offer.edge >= min_edge]
    return max(worth_taking, key=lambda offer: offer.edge, default=None)


@dataclass(slots=True)
class _Live:
    """A market that is open, and what we did in it."""

    market: OutcomePair
    fair: DigitalFair
    fees: FeeSchedule
    spent: Decimal = Decimal(0)
    rests_until_ns: int = 0
    quotes: dict[InstrumentId, QuoteTick] = field(default_factory=dict)
    terms: FeeTerms | None = None
    costs: dict[Decimal, Decimal] = field(default_factory=dict)

    def cost(self, ask: Decimal, now_ns: int) -> Decimal:
        """Return what a contract costs at `ask` with the fee; kept until the terms change."""
        terms = self.fees.at(now_ns)
        if terms is not self.terms:
            self.terms, self.costs = terms, {}
        if ask not in self.costs:
            self.costs[ask] = ask + expected_fee(terms, Decimal(1), ask, is_taker=True)
        return self.costs[ask]


class DigitalEdge(Strategy[DigitalEdgeConfig]):
    """Compare the model's probability with both offers of a market, and take the better one."""

    @override
    def on_start(self) -> None:
        self._index = IndexTracker(self.config.half_life_secs, self.config.basis_bps)
        self._live: dict[InstrumentId, _Live] = {}
        self.subscribe_oracle(self.config.oracle_symbol, self.config.oracle_source)
        self.follow(self.config.series)

    @override
    def on_market(self, market: OutcomePair) -> None:
        if market.info["floor_strike"] is None:
            return
        live = _Live(market, self._fair(market), FeeSchedule.from_info(market.info))
        for side in (market.yes, market.no):
            self._live[side.id] = live
            self.subscribe_quotes(side.id)

    @override
    def on_terms(self, market: OutcomePair) -> None:
        live = self._live.get(market.yes.id)
        if live is not None:
            live.market, live.terms = market, None
            live.fair, live.fees = self._fair(market), FeeSchedule.from_info(market.info)

    @override
    def on_oracle(self, price: OraclePrice) -> None:
        self._index.update(price.ts_event, float(price.value))
        spot = self._index.spot(price.ts_event)
        for live in self._markets():
            if spot is not None:
                live.fair.update(price.ts_event, spot)
            self._consider(live, price.ts_init)

    @override
    def on_quote(self, quote: QuoteTick) -> None:
        live = self._live[quote.instrument_id]
        live.quotes[quote.instrument_id] = quote
        self._consider(live, quote.ts_init)

    @override
    def on_order_filled(self, event: OrderFilled) -> None:
        live = self._live.get(event.instrument_id)
        if live is not None and event.order_side == OrderSide.BUY:
            live.spent += event.last_px.as_decimal() * event.last_qty.as_decimal()

    @override
    def on_resolution(self, resolution: MarketResolution) -> None:
        for live in self._markets():
            if live.market.info["market"] == resolution.market:
                self._forget(live.market)

    def _fair(self, market: OutcomePair) -> DigitalFair:
        contract = AverageDigital(float(market.info["floor_strike"]), market.info["averaging_secs"])
        return DigitalFair(contract, market.yes.expiration_ns)

    def _markets(self) -> list[_Live]:
        return [live for instrument_id, live in self._live.items() if instrument_id == live.market.yes.id]

    def _forget(self, market: OutcomePair) -> None:
        for side in (market.yes, market.no):
            self.unsubscribe_quotes(side.id)
            del self._live[side.id]

    def _consider(self, live: _Live, now_ns: int) -> None:
        # Now is when we learnt what wakes us, not when we came to read it: so a replay decides the same.
        if (
            now_ns < live.rests_until_ns
            or now_ns >= live.fair.closes_ns - self.config.stop_secs * _NS_PER_SEC
        ):
            return
        probability = live.fair.probability(self._index, now_ns)
        if probability is None:
            return
        self.believe(live.market, probability)
        offer = best_offer(self._offers(live, probability, now_ns), self.config.min_edge)
        if offer is not None and (contracts := self._contracts(live, offer)) > 0:
            live.rests_until_ns = now_ns + round(self.config.cooldown_secs * _NS_PER_SEC)
            self.buy(offer.instrument_id, contracts, offer.ask, time_in_force=TimeInForce.IOC)

    def _offers(self, live: _Live, probability: float, now_ns: int) -> list[Offer]:
        sides: list[tuple[BinaryOption, float]] = [
            (live.market.yes, probability),
            (live.market.no, 1 - probability),
        ]
        offers = []
        for side, chance in sides:
            quote = live.quotes.get(side.id)
            if quote is None or not quote.ask_size.raw:
                continue
            ask = quote.ask_price.as_decimal()
            size = quote.ask_size.as_decimal()
            offers.append(Offer(side.id, chance, ask, size, live.cost(ask, now_ns)))
        return offers

    def _contracts(self, live: _Live, offer: Offer) -> Decimal:
        share = kelly_share(offer.probability, float(offer.cost)) * self.config.kelly_multiplier
        stake = min(to_usd(share * float(self.config.bankroll)), self.config.max_stake - live.spent)
        return floor_to_step(min(stake / offer.cost, offer.size), Decimal(1))  # no dust
