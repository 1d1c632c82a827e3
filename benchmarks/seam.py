"""What our seam costs: one strategy on the bare engine, and under guardian, ledger and event log."""

import time
from collections.abc import Sequence
from decimal import Decimal
from itertools import chain
from typing import Any, override

from nautilus_trader import trading  # noqa: TID251 - the baseline is Nautilus' own strategy
from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig, LogLevel
from nautilus_trader.model import (
    BookType,
    InstrumentId,
    Money,
    OrderBookDeltas,
    OrderSide,
    Price,
    Quantity,
    StrategyId,
    TimeInForce,
    TraderId,
    Venue,
)

from benchmarks.figures import Figure, at_least, told
from engine import Door, Seat, Strategy, StrategyConfig, Usd
from markets.currencies import USD
from markets.instruments import OutcomePair
from risk.guardian import Guardian
from risk.ledger import Ledger
from risk.rules.exposure import MaxDeployed, MaxStakePerEvent, MaxStakePerOutcome, MaxStakePerVenue
from risk.rules.sanity import PriceOnGrid, StalePrice, SufficientBalance
from simulation.fees import ScheduledFees
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
    """What both sides do: look at the top of the book with every message, and quote now and then.

    In every 1,000 messages one IOC at the ask and one bid that joins the best, of one contract each.
    An idle one only counts, so that nothing but the seam is left to measure.
    """

    def __init__(self, *, is_idle: bool) -> None:
        self._is_idle = is_idle
        self._seen = 0

    def on(self, instrument_id: InstrumentId, cache: Any) -> tuple[Price, TimeInForce] | None:
        """Take a message; return what to buy one contract at, if anything."""
        self._seen += 1
        if self._is_idle and self._seen % _ORDER_EVERY:
            return None
        top = cache.top_of_book(instrument_id)
        if self._seen % _ORDER_EVERY or top is None:
            return None
        bid, _, ask, _ = top
        return (ask, TimeInForce.IOC) if self._seen // _ORDER_EVERY % 2 else (bid, TimeInForce.GTC)


class BareSettings(StrategyConfig, frozen=True):
    """Nothing to set."""


class Bare(trading.Strategy):
    """Nautilus' own strategy: no guard, no seals, no turns."""

    def watch(self, instrument_ids: Sequence[InstrumentId], decision: Decision) -> None:
        self._ids, self._decision = instrument_ids, decision

    @override
    def on_start(self) -> None:
        for instrument_id in self._ids:
            self.subscribe_book_deltas(instrument_id, BookType.L2_MBP, managed=True)

    @override
    def on_book_deltas(self, deltas: OrderBookDeltas) -> None:
        if order := self._decision.on(deltas.instrument_id, self.cache):
            price, force = order
            limit = self.order_factory.limit(
                deltas.instrument_id, OrderSide.BUY, Quantity(1, 2), price, time_in_force=force
            )
            self.submit_order(limit)


class Ours(Strategy[BareSettings]):
    """The same decisions behind the door."""

    def watch(self, instrument_ids: Sequence[InstrumentId], decision: Decision) -> None:
        self._ids, self._decision = instrument_ids, decision

    @override
    def on_start(self) -> None:
        for instrument_id in self._ids:
            self.subscribe_book_deltas(instrument_id, BookType.L2_MBP, managed=True)

    @override
    def on_book_deltas(self, deltas: OrderBookDeltas) -> None:
        if order := self._decision.on(deltas.instrument_id, self.cache):
            price, force = order
            self.buy(deltas.instrument_id, Decimal(1), price.as_decimal(), time_in_force=force)


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
    """Run all sides in turn, five times each, and compare the best of their processor times."""
    markets, events = load()
    spent: dict[str, list[float]] = {}
    for _ in range(5):
        spent.setdefault("bare", []).append(_run_bare(markets, events))
        spent.setdefault("guarded", []).append(_run_ours(markets, events))
        spent.setdefault("logged", []).append(_run_ours(markets, events, is_logged=True))
        spent.setdefault("idle bare", []).append(_run_bare(markets, events, is_idle=True))
        spent.setdefault("idle guarded", []).append(_run_ours(markets, events, is_idle=True))
    took = {name: min(times) for name, times in spent.items()}  # the least disturbed by the machine
    return [
        told("bare engine, queue on, quoting strategy", len(events) / took["bare"], "events/s"),
        told("with door, guardian and ledger", len(events) / took["guarded"], "events/s"),
        at_least(
            f"seam: ours over bare, {len(events):,} events", took["bare"] / took["guarded"], "ratio", 0.80
        ),
        told("the same with diary and event log", took["bare"] / took["logged"], "ratio"),
        told(
            "a strategy that only counts, ours over bare", took["idle bare"] / took["idle guarded"], "ratio"
        ),
    ]


def _engine(fees: ScheduledFees, markets: Sequence[OutcomePair]) -> BacktestEngine:
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


def _run_bare(markets: Sequence[OutcomePair], events: list[Any], *, is_idle: bool = False) -> float:
    engine = _engine(ScheduledFees(lambda: events[0].ts_init), markets)
    strategy = Bare()
    strategy.watch([market.yes.id for market in markets], Decision(is_idle=is_idle))
    engine.add_strategy(strategy)
    return _timed(engine, events)


def _run_ours(
    markets: Sequence[OutcomePair], events: list[Any], *, is_logged: bool = False, is_idle: bool = False
) -> float:
    engine = _engine(ScheduledFees(lambda: events[0].ts_init), markets)
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
    guardian = Guardian(rules, ledger)
    diary = Diary(guardian, ledger, EventLog(), lambda at_ns: None)
    for market in markets:
        diary.meet(market)
    door = Door(diary if is_logged else guardian)
    engine.add_exec_algorithm(door)
    strategy = Ours(BareSettings(), Seat(StrategyId("ours-1"), door))
    strategy.watch([market.yes.id for market in markets], Decision(is_idle=is_idle))
    engine.add_strategy(strategy)
    spent = _timed(engine, events)
    if door.faults or door.broken or not ledger.fees_usd:
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
