"""A market small enough to read."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig, LogLevel
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import BookAction as Action
from nautilus_trader.model import (
    BookOrder,
    Money,
    OrderBookDelta,
    OrderBookDeltas,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
    RecordFlag,
    StrategyId,
    TraderId,
    Venue,
)

from engine import Clearing, Desk, Door, Seat, Strategy
from markets.currencies import USD
from markets.facts import Fact
from markets.instruments import MarketTerms, OutcomePair, PriceRange, make_pair
from simulation.settings import VenueModel
from simulation.venue import venue_arguments

AT_ONCE = VenueModel(latency_ms=0, queue_position=False)
SECOND, START = 1_000_000_000, 1_790_000_000_000_000_000
CENTS = (PriceRange(Decimal(0), Decimal(1), Decimal("0.01")),)
FEES = {"since_ns": 0, "taker_rate": "0.05", "maker_rate": "0", "exponent": 1, "fee_unit": "0.000001"}


def market(name: str = "KXFED-27JAN-C", **terms: Any) -> OutcomePair:
    """Return a market of one hour at Kalshi, with a tick of one cent and a fee curve of 5 %."""
    given = {
        "market": name,
        "venue": "KALSHI",
        "series": name.split("-")[0],
        "event": name.rpartition("-")[0],
        "title": name,
        "opens_ns": START - SECOND,
        "closes_ns": START + 3600 * SECOND,
        "known_ns": START - SECOND,
        "price_ranges": CENTS,
        "fees": (FEES,),
    }
    return make_pair(MarketTerms(**(given | terms)))


FED = market()
YES, NO = FED.yes, FED.no


class Nobody:
    """A guard with no limits, which remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def refuse(self, order: Any, quantity: Quantity, price: Price | None, desk: Desk) -> str | None:
        self.asked.append(f"{order.side.name} {quantity} @ {price}")
        return None

    def hear(self, event: Any, desk: Desk) -> None:
        """Not interested."""

    def learn(self, fact: Fact) -> None:
        """Not interested."""

    def unwanted(self, desk: Desk) -> Clearing:
        return Clearing.NOTHING

    beat_ns = 0

    def recheck(self, desk: Desk) -> bool:
        return False

    def watch(self, look: Callable[[], None]) -> None:
        """Nothing changes here."""


def seat(door: Door, name: str = "toy-1") -> Seat:
    return Seat(StrategyId(name), door, claims=(YES.id,))


def book(bid: float, ask: float, at: float, size: float = 500, of: Any = YES) -> list[Any]:
    """Return one book message and the quote that goes with it, `at` seconds after the start."""
    now = START + round(at * SECOND)
    sides = [(OrderSide.BUY, bid), (OrderSide.SELL, ask)]
    shown = Quantity(size, of.size_precision)
    clear = BookOrder(None, Price(0, 4), Quantity(0, of.size_precision), 0)
    deltas = [OrderBookDelta(of.id, Action.CLEAR, clear, RecordFlag.F_SNAPSHOT.value, 0, now, now)]
    for index, (side, price) in enumerate(sides):
        flags = RecordFlag.F_SNAPSHOT.value | (RecordFlag.F_LAST.value if index else 0)
        level = BookOrder(side, Price(price, 4), shown, 0)
        deltas.append(OrderBookDelta(of.id, Action.ADD, level, flags, 0, now, now))
    quote = QuoteTick(of.id, Price(bid, 4), Price(ask, 4), shown, shown, now, now)
    return [OrderBookDeltas(of.id, deltas), quote]


def replay(
    strategies: Sequence[Strategy[Any]],
    door: Door,
    data: Sequence[Any],
    algorithms: Sequence[Any] = (),
    model: VenueModel = AT_ONCE,
) -> BacktestEngine:
    """Run `strategies` over `data` on one simulated venue with 1,000 USD and no fees."""
    engine = BacktestEngine(
        BacktestEngineConfig(trader_id=TraderId("TOY-001"), logging=LoggerConfig(stdout_level=LogLevel.OFF))
    )
    engine.add_venue(
        Venue("KALSHI"),
        starting_balances=[Money(1000, USD)],
        base_currency=USD,
        fee_model=MakerTakerFeeModel(Decimal(0), Decimal(0)),
        **venue_arguments(model),
    )
    for instrument in (YES, NO):
        engine.add_instrument(instrument)
    engine.add_data(list(data))
    engine.add_exec_algorithm(door)
    for algorithm in algorithms:
        engine.add_exec_algorithm(algorithm)
    for strategy in strategies:
        engine.add_strategy(strategy)
    engine.run()
    return engine
