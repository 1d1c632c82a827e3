"""Bid for both outcomes of a short digital market, a little below what they are worth to us."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, override

from msgspec import Meta
from nautilus_trader.model import (
    BinaryOption,
    ClientOrderId,
    InstrumentId,
    LimitOrder,
    OrderFilled,
    OrderSide,
    QuoteTick,
)

from engine import PositiveSecs, Price, Strategy, StrategyConfig
from markets.facts import MarketResolution, OraclePrice
from markets.instruments import OutcomePair
from markets.names import Series
from markets.ticks import PriceGrid, grid_of
from pricing.digital import AverageDigital
from pricing.index import DigitalFair, IndexTracker

_NS_PER_SEC = 1_000_000_000
_REST_AFTER_DENIAL_NS = 10 * _NS_PER_SEC  # a limit does not give way within a tick


class PassiveQuoteConfig(StrategyConfig, frozen=True):
    """Which series is quoted, how far from fair value, how much at a time and in all."""

    series: Series
    oracle_source: str
    margin: Price  # dollars per contract between our bid and what the outcome is worth
    contracts: Annotated[int, Meta(ge=1, le=100_000)]  # size of one bid
    max_contracts: Annotated[int, Meta(ge=1, le=1_000_000)]  # held at most of one outcome
    oracle_symbol: str = "BTC-USD"
    basis_bps: float = 0.0  # how far the settling index lies above the oracle
    half_life_secs: PositiveSecs = 300.0  # memory of the volatility estimate
    requote: Price = Price("0.01")  # a bid this far from where it should be is replaced
    stop_secs: PositiveSecs = 60.0  # bids are withdrawn this long before the close


@dataclass(frozen=True, slots=True)
class Situation:
    """One outcome as the quoting decision sees it; prices in dollars per contract."""

    worth: Decimal
    best_ask: Decimal | None
    held: Decimal
    resting: Decimal | None


@dataclass(frozen=True, slots=True)
class Terms:
    """How to quote."""

    margin: Decimal
    requote: Decimal
    max_contracts: Decimal


def wanted_bid(now: Situation, terms: Terms, grid: PriceGrid) -> Decimal | None:
    """Return where our bid should rest, or None for no bid.

    It lies `margin` below what the outcome is worth, on the grid, and never reaches the ask: a
    post-only order that crosses is cancelled by the venue. A resting bid closer than `requote` to that
    place stays where it is, for the sake of its place in the queue.
    """
    if now.held >= terms.max_contracts:
        return None
    price = now.worth - terms.margin
    if now.best_ask is not None:
        price = min(price, now.best_ask - Decimal("0.0001"))  # then down to the tick below the ask
    place = grid.floor(price)
    if place is not None and now.resting is not None and abs(now.resting - place) < terms.requote:
        return now.resting
    return place


@dataclass(slots=True)
class _Side:
    """One outcome that we quote."""

    outcome: BinaryOption
    grid: PriceGrid
    ask: Decimal | None = None
    held: Decimal = Decimal(0)
    order: LimitOrder | None = None
    is_leaving: bool = False
    rests_until_ns: int = 0


@dataclass(slots=True)
class _Live:
    """A market that is open, and our bids in it."""

    market: OutcomePair
    fair: DigitalFair
    sides: list[_Side] = field(default_factory=list)


class PassiveQuote(Strategy[PassiveQuoteConfig]):
    """Keep one post-only bid on each outcome near its worth, until shortly before the close."""

    @override
    def on_start(self) -> None:
        self._index = IndexTracker(self.config.half_life_secs, self.config.basis_bps)
        self._now_ns = (
            0  # when we learnt what we act on, not when we came to read it: a replay decides the same
        )
        self._live: dict[str, _Live] = {}
        self._sides: dict[InstrumentId, _Side] = {}
        limit = Decimal(self.config.max_contracts)
        self._terms = Terms(self.config.margin, self.config.requote, limit)
        self.subscribe_oracle(self.config.oracle_symbol, self.config.oracle_source)
        self.follow(self.config.series)

    @override
    def on_market(self, market: OutcomePair) -> None:
        if market.info["floor_strike"] is None:
            return
        live = _Live(market, self._fair(market))
        for outcome in (market.yes, market.no):
            live.sides.append(_Side(outcome, grid_of(outcome)))
            self._sides[outcome.id] = live.sides[-1]
            self.subscribe_quotes(outcome.id)
        self._live[market.info["market"]] = live

    @override
    def on_terms(self, market: OutcomePair) -> None:
        live = self._live.get(market.info["market"])
        if live is not None:
            live.market, live.fair = market, self._fair(market)
            for side, outcome in zip(live.sides, (market.yes, market.no), strict=True):
                side.outcome, side.grid = outcome, grid_of(outcome)

    @override
    def on_oracle(self, price: OraclePrice) -> None:
        self._now_ns = price.ts_init
        self._index.update(price.ts_event, float(price.value))
        spot = self._index.spot(price.ts_event)
        for live in self._live.values():
            if spot is not None:
                live.fair.update(price.ts_event, spot)
            self._quote(live)

    @override
    def on_quote(self, quote: QuoteTick) -> None:
        side = self._sides[quote.instrument_id]
        side.ask = quote.ask_price.as_decimal() if quote.ask_size.raw else None

    @override
    def on_order_filled(self, event: OrderFilled) -> None:
        side = self._sides.get(event.instrument_id)
        if side is not None and event.order_side == OrderSide.BUY:
            side.held += event.last_qty.as_decimal()
            self._release(side, event.client_order_id)

    @override
    def on_order_canceled(self, event: Any) -> None:
        self._gone(event)

    @override
    def on_order_rejected(self, event: Any) -> None:
        self._gone(event)

    @override
    def on_order_denied(self, event: Any) -> None:
        self._gone(event)
        if side := self._sides.get(event.instrument_id):
            side.rests_until_ns = self._now_ns + _REST_AFTER_DENIAL_NS

    @override
    def on_order_expired(self, event: Any) -> None:
        self._gone(event)

    @override
    def on_resolution(self, resolution: MarketResolution) -> None:
        live = self._live.pop(resolution.market, None)
        for side in live.sides if live else ():
            self.unsubscribe_quotes(side.outcome.id)
            del self._sides[side.outcome.id]

    @override
    def on_stop(self) -> None:
        for side in self._sides.values():
            self._withdraw(side)

    def _fair(self, market: OutcomePair) -> DigitalFair:
        contract = AverageDigital(float(market.info["floor_strike"]), market.info["averaging_secs"])
        return DigitalFair(contract, market.yes.expiration_ns)

    def _quote(self, live: _Live) -> None:
        now_ns = self._now_ns
        probability = live.fair.probability(self._index, now_ns)
        is_late = now_ns >= live.fair.closes_ns - round(self.config.stop_secs * _NS_PER_SEC)
        if probability is None or is_late:
            for side in live.sides:
                self._withdraw(side)
            return
        self.believe(live.market, probability)
        for side, worth in zip(live.sides, (probability, 1 - probability), strict=True):
            self._place(side, Decimal(worth))

    def _place(self, side: _Side, worth: Decimal) -> None:
        resting = side.order.price.as_decimal() if side.order else None
        wish = wanted_bid(Situation(worth, side.ask, side.held, resting), self._terms, side.grid)
        if side.order is not None:
            if wish != resting:
                self._withdraw(side)  # the new bid follows when the venue has let go of this one
        elif wish is not None and self._now_ns >= side.rests_until_ns:
            side.order = self.buy(side.outcome.id, Decimal(self.config.contracts), wish, post_only=True)

    def _withdraw(self, side: _Side) -> None:
        if side.order is not None and not side.is_leaving:
            side.is_leaving = True
            self.cancel_order(side.order.client_order_id)

    def _gone(self, event: Any) -> None:
        side = self._sides.get(event.instrument_id)
        if (
            side is not None
            and side.order is not None
            and side.order.client_order_id == event.client_order_id
        ):
            side.order, side.is_leaving = None, False

    def _release(self, side: _Side, client_order_id: ClientOrderId) -> None:
        order = self.cache.order(client_order_id)
        if side.order is not None and order is not None and order.is_closed:
            side.order, side.is_leaving = None, False
