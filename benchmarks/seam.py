"""What our seam costs: one strategy on the bare engine, and under guardian, ledger and event log."""

import time
from collections.abc import Sequence
from decimal import Decimal
from itertools import chain
from statistics import median
from typing import Any, override

from nautilus_trader import trading  # noqa: TID251 - the baseline is Nautilus' own strategy
from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig, LogLevel
from nautilus_trader.model import (
    InstrumentId,
    Money,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
    StrategyId,
    TimeInForce,
    TraderId,
    Venue,
)

from adapters.kalshi.fees import KalshiFeeModel
from benchmarks.figures import Figure, at_least, told
from engine import Door, Seat, Strategy, StrategyConfig, Usd
from markets.currencies import USD
from markets.instruments import OutcomePair
from risk.guardian import Guardian
from risk.ledger import Ledger
from risk.rules.exposure import MaxDeployed, MaxStakePerEvent, MaxStakePerOutcome, MaxStakePerVenue
from risk.rules.sanity import PriceOnGrid, StalePrice, SufficientBalance
from simulation.generator import GeneratorSettings, generate
from simulation.messages import grouped
from simulation.settings import VenueModel
from simulation.venue import venue_arguments
from system.diary import Diary
from system.event_log import EventLog

_EVENTS = 1_100_000
_ORDER_EVERY = 500
_SETTINGS = GeneratorSettings(seed=11, markets=38, events_per_second=38)
_STARTING_USD = 1_000_000
_LIMIT = Usd(900_000)


class Decision:
    """The strategy of both sides: one order in 500 events, in turn an IOC at the ask and a bid below."""

    def __init__(self) -> None:
        self.seen = 0
        self.orders = 0

    def on(self, quote: QuoteTick) -> tuple[Price, TimeInForce] | None:
        """Return what to buy one contract at, if anything."""
        self.seen += 1
        if self.seen % _ORDER_EVERY or not quote.ask_size.raw or not quote.bid_size.raw:
            return None
        self.orders += 1
        if self.orders % 2:
            return quote.ask_price, TimeInForce.IOC
        return quote.bid_price, TimeInForce.GTC


class BareSettings(StrategyConfig, frozen=True):
    """Nothing to set."""


class Bare(trading.Strategy):
    """Nautilus' own strategy: no guard, no seals, no turns."""

    def watch(self, instrument_ids: Sequence[InstrumentId]) -> None:
        self._ids, self._decision = instrument_ids, Decision()

    @override
    def on_start(self) -> None:
        for instrument_id in self._ids:
            self.subscribe_quotes(instrument_id)

    @override
    def on_quote(self, quote: QuoteTick) -> None:
        if order := self._decision.on(quote):
            price, force = order
            self.submit_order(
                self.order_factory.limit(
                    quote.instrument_id, OrderSide.BUY, Quantity(1, 2), price, time_in_force=force
                )
            )


class Ours(Strategy[BareSettings]):
    """The same decisions behind the door."""

    def watch(self, instrument_ids: Sequence[InstrumentId]) -> None:
        self._ids, self._decision = instrument_ids, Decision()

    @override
    def on_start(self) -> None:
        for instrument_id in self._ids:
            self.subscribe_quotes(instrument_id)

    @override
    def on_quote(self, quote: QuoteTick) -> None:
        if order := self._decision.on(quote):
            price, force = order
            self.buy(quote.instrument_id, Decimal(1), price.as_decimal(), time_in_force=force)


def load() -> tuple[list[OutcomePair], list[Any]]:
    """Return the markets and 1.1 M events of them: messages of deltas, quotes and trades of YES."""
    markets, events = [], []
    for tape in generate(_SETTINGS):
        markets.append(OutcomePair(*tape.instruments))
        kinds: dict[str, list[Any]] = {}
        for item in tape.data:
            kinds.setdefault(type(item).__name__, []).append(item)
        messages = grouped(kinds["OrderBookDelta"])
        together = chain(kinds.get("TradeTick", ()), messages, kinds["QuoteTick"])
        events += sorted(together, key=lambda item: item.ts_init)
        if len(events) >= _EVENTS:
            break
    return markets, events[:_EVENTS]


def measure() -> list[Figure]:
    """Run both sides in turn, three times each, and compare their median times."""
    markets, events = load()
    bare, ours = [], []
    for _ in range(3):
        bare.append(_run_bare(markets, events))
        ours.append(_run_ours(markets, events))
    ratio = median(bare) / median(ours)
    return [
        told("bare engine, queue on, same strategy", len(events) / median(bare), "events/s"),
        told("with door, guardian, ledger, event log", len(events) / median(ours), "events/s"),
        at_least(f"seam: ours over bare, {len(events):,} events", ratio, "ratio", 0.80),
    ]


def _engine(fees: KalshiFeeModel, markets: Sequence[OutcomePair]) -> BacktestEngine:
    engine = BacktestEngine(
        BacktestEngineConfig(
            trader_id=TraderId("BENCH-001"),
            logging=LoggerConfig(stdout_level=LogLevel.OFF),
            run_analysis=False,
        )
    )
    engine.add_venue(
        Venue("KALSHI"),
        starting_balances=[Money(_STARTING_USD, USD)],
        base_currency=USD,
        fee_model=fees,
        **venue_arguments(VenueModel(latency_ms=0)),
    )
    for market in markets:
        engine.add_instrument(market.yes)
        engine.add_instrument(market.no)
    return engine


def _run_bare(markets: Sequence[OutcomePair], events: list[Any]) -> float:
    engine = _engine(KalshiFeeModel(lambda: events[0].ts_init), markets)
    strategy = Bare()
    strategy.watch([market.yes.id for market in markets])
    engine.add_strategy(strategy)
    return _timed(engine, events)


def _run_ours(markets: Sequence[OutcomePair], events: list[Any]) -> float:
    engine = _engine(KalshiFeeModel(lambda: events[0].ts_init), markets)
    ledger = Ledger()
    ledger.deposit("KALSHI", Decimal(_STARTING_USD), events[0].ts_init)
    rules = [
        PriceOnGrid(),
        SufficientBalance(),
        StalePrice(max_age_secs=3600),
        MaxStakePerOutcome(limit=_LIMIT),
        MaxStakePerEvent(limit=_LIMIT),
        MaxStakePerVenue(limit=_LIMIT),
        MaxDeployed(limit=_LIMIT),
    ]
    diary = Diary(Guardian(rules, ledger), ledger, EventLog(), lambda at_ns: None)
    for market in markets:
        diary.meet(market)
    door = Door(diary, on_belief=diary.believed)
    engine.add_exec_algorithm(door)
    strategy = Ours(BareSettings(), Seat(StrategyId("ours-1"), door))
    strategy.watch([market.yes.id for market in markets])
    engine.add_strategy(strategy)
    spent = _timed(engine, events)
    if door.faults or door.broken or not diary.fills:
        raise RuntimeError(f"expected a clean run with fills, found {door.faults} {door.broken}")
    ledger.audit()
    return spent


def _timed(engine: BacktestEngine, events: list[Any]) -> float:
    engine.add_data(events)
    began = time.perf_counter()
    engine.run()
    spent = time.perf_counter() - began
    engine.dispose()
    return spent
