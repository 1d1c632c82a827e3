"""One book over one catalog: the engine is built, fed window by window, audited and written down."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import CacheConfig, LoggerConfig, LogLevel
from nautilus_trader.model import ClientId, InstrumentId, Money, StrategyId, Symbol, TraderId, Venue

from engine import Door, Seat, Strategy
from markets.instruments import OutcomePair
from research.record import EquityPoint, Outcome, Record, RunFacts
from risk.guardian import Guardian
from risk.ledger import Ledger
from simulation.messages import no_quote
from simulation.venue import venue_arguments
from system.book import BadBook
from system.diary import Diary
from system.event_log import EventLog
from system.feed import Feed, Pace, Window
from system.loading import Loaded, find
from system.venues import VENUES

_FACTS_CLIENT = ClientId("FACTS")
_KB_PER_MB = 1024
_TICKS_KEPT = 100  # of each instrument; the default of 10,000 fills a gigabyte with 200 instruments
_NOTES = (
    "What a fill takes from the YES book stays in the mirrored NO book, and the reverse: that one level "
    "can be bought on one side and sold on the other is not modelled.",
    "YES and NO of one market are held side by side until settlement; the venue would net them and give "
    "the collateral back at once.",
)


class RunFailed(RuntimeError):
    """A run that ended early, or whose books do not add up; nothing it says can be trusted."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to replay: a loaded book, the markets it selects, and the span in nanoseconds."""

    book: Loaded
    catalog: Path
    markets: Sequence[OutcomePair]
    start_ns: int
    end_ns: int
    pace: Pace = field(default_factory=Pace)


class Backtest:
    """A replay of one plan; `run` may be called once."""

    def __init__(self, plan: Plan, feed: Feed, log: EventLog) -> None:
        self._plan = plan
        self._feed = feed
        self._log = log
        self._ledger = Ledger()
        self._outcomes: dict[str, Outcome] = {}
        self._equity: list[EquityPoint] = []
        self._events = 0
        self._fees: dict[str, Any] = {}
        self._engine = BacktestEngine(
            BacktestEngineConfig(
                trader_id=TraderId("ARGONAUT-001"),
                logging=LoggerConfig(stdout_level=LogLevel.OFF),
                cache=CacheConfig(tick_capacity=_TICKS_KEPT),
                run_analysis=False,
            )
        )
        guardian = Guardian([entry.config for entry in plan.book.risk], self._ledger)
        self.rules = guardian.describe()
        self._diary = Diary(guardian, self._ledger, log, self._audit)
        self._door = Door(
            self._diary,
            wake_after_ns=plan.book.simulation.latency_ns,
            on_belief=self._diary.believed,
        )
        self._engine.add_exec_algorithm(self._door)
        self._add_venues()
        self._add_strategies()

    def run(self, on_progress: Callable[[int, int], None] | None = None) -> Record:
        """Replay everything and return what a report needs.

        `on_progress` hears the time reached (nanoseconds) and the events told to the engine so far.
        Raises RunFailed when a handler raised, when the guard missed an event, when a fee is unknown, or when
        ledger and account differ by any amount. (A rule that raises refuses the order: that is no failure.)
        """
        began = time.perf_counter()
        try:
            for window in self._feed.windows(self._plan.start_ns, self._plan.end_ns):
                self._replay(window)
                if on_progress:
                    on_progress(window.end_ns, self._events)
            self._settle_commands()
            self._engine.end()
            self._must_be_sound()
            self._audit(self._plan.end_ns)
            self._ledger.audit()
            return self._record(time.perf_counter() - began)
        finally:
            self._engine.dispose()
            del self._engine  # it holds the door, which holds us: a ring through Rust that nobody collects

    def _add_venues(self) -> None:
        assert self._plan.book.backtest is not None
        for name, amount in self._plan.book.backtest.starting_usd.items():
            if name not in VENUES:
                known = ", ".join(sorted(VENUES))
                raise BadBook(
                    f"expected a venue among {known}, found {name!r} - at `$.backtest.starting_usd`"
                )
            row = VENUES[name]
            self._fees[name] = row.fee_model(self._door.now_ns)
            self._engine.add_venue(
                Venue(name),
                starting_balances=[Money.from_decimal(amount, row.currency)],
                base_currency=row.currency,
                fee_model=self._fees[name],
                **venue_arguments(self._plan.book.simulation),
            )
            # A venue answers subscriptions from its first data on. Strategies subscribe before that, and
            # the engine would log an error for each: so it is shown a quote that is never replayed.
            nobody = InstrumentId(Symbol("NOBODY"), Venue(name))
            self._engine.add_data([no_quote(nobody, self._plan.start_ns)], validate=False)
            self._engine.clear_data()
            self._ledger.deposit(name, amount, self._plan.start_ns, "starting balance")

    def _add_strategies(self) -> None:
        for place, entry in enumerate(self._plan.book.strategies):
            try:
                seat = Seat(StrategyId(entry.id), self._door)
            except ValueError as error:
                where = f"at `$.strategies[{place}].id`"
                raise BadBook(f"expected an id such as `edge-1`, found {entry.id!r} - {where}") from error
            self._engine.add_strategy(find(entry.strategy, Strategy)(entry.config, seat))

    def _replay(self, window: Window) -> None:
        for opened in window.opened:
            self._diary.meet(opened)
            for side in (opened.yes, opened.no):
                self._engine.add_instrument(side)
        for market, at_ns in window.gaps:
            self._diary.blind(market, at_ns)
        for quote in window.sampled:
            self._diary.sample(quote)
        if window.events:
            self._tell(window)
        for market, fact in window.resolutions:
            self._outcomes[market.market] = Outcome(market.market, market.event, fact.payout)
        self._must_be_sound()
        self._note_equity(window.end_ns)

    def _tell(self, window: Window) -> None:
        if window.facts:
            self._engine.add_data(window.facts, client_id=_FACTS_CLIENT, sort=False)
        for items in window.market_data:
            self._engine.add_data(items, sort=False)
        self._engine.sort_data()
        try:
            self._engine.run(streaming=True)
        except RuntimeError as error:  # a strategy that cannot start, or data that the engine refuses
            self._must_be_sound()
            raise RunFailed(f"the engine stopped: {error}") from error
        self._engine.clear_data()
        self._events += window.events

    def _settle_commands(self) -> None:
        """Let what is under way arrive: at its end the engine fills orders without telling anyone (rc7)."""
        if self._events:
            last_ns = self._plan.end_ns + self._plan.book.simulation.latency_ns
            self._engine.run(end=last_ns, streaming=True)

    def _audit(self, at_ns: int) -> None:
        """Compare our ledger with the engine's account: two books of the same money, kept apart."""
        for row in self._plan.book.backtest.starting_usd if self._plan.book.backtest else ():
            ours, theirs = self._ledger.cash_usd(row), self._door.total_cash(Venue(row))
            if ours != theirs:
                raise RunFailed(
                    f"expected {theirs} USD at {row} as the engine has it at {at_ns}, found {ours} in the ledger"
                )

    def _must_be_sound(self) -> None:
        for component, fault in self._door.faults.items():
            raise RunFailed(f"{component} stopped with {fault!r}") from fault
        for venue, fees in self._fees.items():
            if fees.failure:  # the engine only logs it, and the order stays unfilled (run on rc7)
                raise RunFailed(
                    f"the fee of a fill at {venue} is unknown: {fees.failure!r}"
                ) from fees.failure
        if self._door.broken:
            raise RunFailed(f"the guard stopped with {self._door.broken!r}") from self._door.broken

    def _mark(self, instrument: str) -> Decimal:
        """Return what was last bid for an open position; one that nobody ever bid for is worth nothing."""
        return self._door.mark(InstrumentId.from_str(instrument)) or Decimal(0)

    def _note_equity(self, at_ns: int) -> None:
        equity = self._ledger.equity_usd(self._mark)
        self._equity.append(EquityPoint(at_ns, equity, self._ledger.cash_usd()))

    def _record(self, wall_secs: float) -> Record:
        diary, plan = self._diary, self._plan
        settled = {settlement.instrument for settlement in diary.settlements}
        paid = {
            str(side.id)
            for market in plan.markets
            if market.market in self._outcomes
            for side in (market.yes, market.no)
        }
        open_ended = {fill.instrument for fill in diary.fills} - settled - paid
        facts = RunFacts(
            book=plan.book.name,
            mode="backtest",
            engine=f"nautilus_trader {version('nautilus_trader')}",
            catalog=str(plan.catalog),
            start_ns=plan.start_ns,
            end_ns=plan.end_ns,
            events=self._events,
            wall_secs=wall_secs,
            peak_rss_mb=_peak_rss_mb(),
            orders=diary.orders,
            denied=diary.denied,
            rejected=diary.rejected,
            settled_positions=len(diary.settlements),
            ledger_net_usd=self._ledger.equity_usd(self._mark) - self._ledger.capital_usd,
            ledger_conserved=True,
            event_log_sha256=self._log.fingerprint,
            starting_usd=self._ledger.capital_usd,
            trials_before=0,
            notes=_NOTES,
            marks={instrument: self._mark(instrument) for instrument in sorted(open_ended)},
        )
        return Record(
            facts=facts,
            fills=diary.fills,
            refusals=diary.refusals,
            settlements=diary.settlements,
            forecasts=diary.forecasts,
            outcomes=list(self._outcomes.values()),
            prices=diary.prices,
            equity=self._equity,
        )


def _peak_rss_mb() -> float:
    # Not getrusage: a child inherits the peak of the process that started it.
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) / _KB_PER_MB
