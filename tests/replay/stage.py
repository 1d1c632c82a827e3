"""A simulated venue that is told its day piece by piece, so that markets can come while it runs."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig, LogLevel
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import ClientId, InstrumentId, Money, StrategyId, TraderId, Venue
from toy import AT_ONCE, FED, START, Nobody

from engine import Door, Guard, Seat, Strategy
from markets.currencies import USD
from markets.facts import Fact
from markets.instruments import OutcomePair
from simulation.messages import no_quote
from simulation.settings import VenueModel
from simulation.venue import venue_arguments

KALSHI = Venue("KALSHI")


class Stage:
    """One venue with 1,000 USD and no fees; the strategies are seated in the order in which they are given."""

    def __init__(
        self,
        *makers: Callable[[Seat], Strategy[Any]],
        guard: Guard | None = None,
        model: VenueModel = AT_ONCE,
        markets: Iterable[OutcomePair] = (FED,),
    ) -> None:
        self.door = Door(guard or Nobody(), wake_after_ns=model.latency_ns)
        self.engine = BacktestEngine(
            BacktestEngineConfig(
                trader_id=TraderId("TOY-001"), logging=LoggerConfig(stdout_level=LogLevel.OFF)
            )
        )
        self.engine.add_venue(
            KALSHI,
            starting_balances=[Money(1000, USD)],
            base_currency=USD,
            fee_model=MakerTakerFeeModel(Decimal(0), Decimal(0)),
            **venue_arguments(model),
        )
        self.engine.add_exec_algorithm(self.door)
        # A venue answers subscriptions from its first data on, so it is shown a quote that is never replayed.
        nobody = InstrumentId.from_str("NOBODY.KALSHI")
        self.engine.add_data([no_quote(nobody, START)], validate=False)
        self.engine.clear_data()
        for market in markets:
            self.add(market)
        self.strategies = [
            make(Seat(StrategyId(f"toy-{number}"), self.door)) for number, make in enumerate(makers, 1)
        ]
        for strategy in self.strategies:
            self.engine.add_strategy(strategy)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.engine.dispose()

    def add(self, market: OutcomePair) -> None:
        for side in (market.yes, market.no):
            self.engine.add_instrument(side)

    def play(self, data: Sequence[Any] = (), facts: Iterable[Fact] = ()) -> Self:
        """Let the venue live through `data` and `facts`; of one instant, facts come first."""
        if told := [fact.as_data() for fact in facts]:
            self.engine.add_data(told, client_id=ClientId("FACTS"), sort=False)
        if data:
            self.engine.add_data(list(data), sort=False)
        self.engine.sort_data()
        self.engine.run(streaming=True)
        self.engine.clear_data()
        return self

    @property
    def cash_usd(self) -> Decimal | None:
        return self.door.total_cash(KALSHI)
