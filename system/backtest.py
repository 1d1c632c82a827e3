"""One book over one catalog: the engine is built, fed window by window, audited and written down."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import CacheConfig, LoggerConfig, LogLevel
from nautilus_trader.model import ClientId, InstrumentId, Symbol, TraderId

from markets.facts import Condition
from markets.instruments import OutcomePair
from research.record import Outcome, Record
from simulation.messages import no_quote
from system.crew import TICKS_KEPT, Crew, RunFailed, Story
from system.event_log import EventLog
from system.feed import Feed, Pace, Window
from system.loading import Loaded
from system.run_journal import RunJournal

_FACTS_CLIENT = ClientId("FACTS")
BACKTESTER = "ARGONAUT-001"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to replay: a loaded book, the markets it selects, and the span in nanoseconds.

    `identity` names the book's file and the files of its classes by their hashes.
    """

    book: Loaded
    catalog: Path
    markets: Sequence[OutcomePair]
    start_ns: int
    end_ns: int
    pace: Pace = field(default_factory=Pace)
    identity: Mapping[str, str] = field(default_factory=dict)


class Backtest:
    """A replay of one plan; `run` may be called once. A `journal` is told what a live run would tell it."""

    def __init__(self, plan: Plan, feed: Feed, log: EventLog, journal: RunJournal | None = None) -> None:
        self._plan = plan
        self._feed = feed
        self._events = 0
        self._engine = BacktestEngine(
            BacktestEngineConfig(
                trader_id=TraderId(BACKTESTER),
                logging=LoggerConfig(stdout_level=LogLevel.OFF),
                cache=CacheConfig(tick_capacity=TICKS_KEPT),
                run_analysis=False,
            )
        )
        starting_usd = plan.book.backtest.starting_usd if plan.book.backtest else {}
        self._crew = Crew(plan.book, starting_usd, log, wakes_clock=True, journal=journal)
        self._engine.add_exec_algorithm(self._crew.door)
        self._engine.add_actor(self._crew.herald)
        self._add_venues()
        for strategy in self._crew.strategies():
            self._engine.add_strategy(strategy)

    @property
    def rules(self) -> list[str]:
        """What is forbidden, a sentence a rule."""
        return self._crew.rules

    def run(self, on_progress: Callable[[int, int], None] | None = None) -> Record:
        """Replay everything and return what a report needs.

        `on_progress` hears the time reached (nanoseconds) and the events told to the engine so far.
        Raises RunFailed when a handler raised, when the guard missed an event, when a fee is unknown, or when
        ledger and account differ by any amount. (A rule that raises refuses the order: that is no failure.)
        """
        began = time.perf_counter()
        self._note_silence()
        try:
            for window in self._feed.windows(self._plan.start_ns, self._plan.end_ns):
                self._replay(window)
                if on_progress:
                    on_progress(window.end_ns, self._events)
            self._settle_commands()
            self._engine.end()
            self._crew.must_be_sound()
            self._crew.audit(self._plan.end_ns)
            self._crew.ledger.audit()
            return self._crew.record(self._story(time.perf_counter() - began))
        finally:
            self._engine.dispose()
            del self._engine  # it holds the door, which holds us: a ring through Rust that nobody collects

    def _add_venues(self) -> None:
        for venue, arguments in self._crew.simulated_venues("$.backtest.starting_usd", self._plan.start_ns):
            self._engine.add_venue(venue, **arguments)
            # A venue answers subscriptions from its first data on. Strategies subscribe before that, and
            # the engine would log an error for each: so it is shown a quote that is never replayed.
            nobody = InstrumentId(Symbol("NOBODY"), venue)
            self._engine.add_data([no_quote(nobody, self._plan.start_ns)], validate=False)
            self._engine.clear_data()

    def _note_silence(self) -> None:
        for venue in self._plan.book.backtest.starting_usd if self._plan.book.backtest else ():
            if not self._feed.speaks_of(venue, self._plan.start_ns, self._plan.end_ns):
                self._crew.guardian.note_health(venue, Condition.UNRECORDED, self._plan.start_ns)

    def _replay(self, window: Window) -> None:
        crew = self._crew
        for opened in window.opened:
            crew.meet(opened)
            for side in (opened.yes, opened.no):
                self._engine.add_instrument(side)
        for market, gap in window.gaps:
            crew.diary.blind(market, gap.ts_init)
        for quote in window.sampled:
            crew.diary.sample(quote)
        if window.events:
            self._tell(window)
        for market, fact in window.resolutions:
            crew.note_outcome(Outcome(market.market, market.event, fact.payout))
        crew.must_be_sound()
        crew.note_equity(window.end_ns)

    def _tell(self, window: Window) -> None:
        if window.facts:
            self._engine.add_data(window.facts, client_id=_FACTS_CLIENT, sort=False)
        for items in window.market_data:
            self._engine.add_data(items, sort=False)
        self._engine.sort_data()
        try:
            self._engine.run(streaming=True)
        except RuntimeError as error:  # a strategy that cannot start, or data that the engine refuses
            self._crew.must_be_sound()
            raise RunFailed(f"the engine stopped: {error}") from error
        self._engine.clear_data()
        self._events += window.events

    def _settle_commands(self) -> None:
        """Let what is under way arrive: at its end the engine fills orders without telling anyone (rc7)."""
        if self._events:
            last_ns = self._plan.end_ns + self._plan.book.simulation.latency_ns
            self._engine.run(end=last_ns, streaming=True)

    def _story(self, wall_secs: float) -> Story:
        plan = self._plan
        return Story(
            mode="backtest",
            source=str(plan.catalog),
            start_ns=plan.start_ns,
            end_ns=plan.end_ns,
            events=self._events,
            wall_secs=wall_secs,
            markets=plan.markets,
            identity=plan.identity,
        )
