"""Who takes part in a run of a book, whatever the mode: the guard, the books, the diary, the door, the strategies."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nautilus_trader.model import InstrumentId, Money, OrderSide, Price, Quantity, StrategyId, Venue

from engine import Door, Herald, Seat, Strategy
from markets.facts import Condition
from markets.instruments import OutcomePair, series_of
from research.record import EquityPoint, Outcome, Record, RunFacts
from risk.guardian import Guardian
from risk.ledger import Ledger
from risk.rules.venue import VenueMode
from risk.state import State
from risk.trades import Settlement
from simulation.venue import venue_arguments
from system.book import BadBook
from system.chronicle import Chronicle
from system.claims import claims_by_strategy
from system.diary import Diary
from system.event_log import EventLog
from system.guard_store import GuardStore
from system.loading import Loaded, find
from system.recalling import Recollection
from system.restoring import rebuild
from system.run_journal import RunJournal
from system.venues import VENUES

_KB_PER_MB = 1024
TICKS_KEPT = 100
"""Of each instrument and kind, in the engine's cache; its default of 10,000 takes some megabytes a market."""
SIMULATION_NOTES = (
    "What a fill takes from the YES book stays in the mirrored NO book, and the reverse: that one level "
    "can be bought on one side and sold on the other is not modelled.",
    "YES and NO of one market are held side by side until settlement; the venue would net them and give "
    "the collateral back at once.",
)


class RunFailed(RuntimeError):
    """A run that ended early, or whose books do not add up; nothing it says can be trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What a run knows of itself when it is over; `source` is where its data came from."""

    mode: str
    source: str
    start_ns: int
    end_ns: int
    events: int
    wall_secs: float
    markets: Sequence[OutcomePair]
    identity: Mapping[str, str]


class Crew:
    """The same people in every mode: one guardian, one ledger, one diary behind one door, and the strategies.

    `starting_usd` is the cash by venue. In a replay `wakes_clock` makes the door wake the simulated clock when
    a command arrives; live, time passes by itself. `evidence` is the class of every fill where the mode decides it.
    With a `journal`, ledger and guardian begin where it ends (a simulated venue forgets, so there only a halt
    is remembered), and it is told all that follows. At real venues one strategy alone may have an instrument.
    """

    def __init__(
        self,
        book: Loaded,
        starting_usd: Mapping[str, Decimal],
        log: EventLog,
        *,
        wakes_clock: bool = False,
        evidence: str | None = None,
        journal: RunJournal | None = None,
    ) -> None:
        self._book = book
        self._starting_usd = starting_usd
        self._log = log
        self._fees: dict[str, Any] = {}
        self._equity: list[EquityPoint] = []
        self._outcomes: dict[str, Outcome] = {}
        self.ledger = Ledger(pays_in_units=not starting_usd)
        recall = Recollection()
        goes_on = journal is not None and not starting_usd
        self.facts_restored = rebuild(journal, self.ledger, recall.take) if journal and goes_on else 0
        store = GuardStore(journal) if journal else None
        self._claims = claims_by_strategy(journal, self.ledger) if journal and goes_on else {}
        self.guardian = Guardian(
            [entry.config for entry in book.risk], self.ledger, exclusive=not starting_usd, store=store
        )
        self.diary = Diary(self.guardian, self.ledger, log, self._after_fill, evidence=evidence)
        self.diary.fills += recall.fills
        self.diary.settlements += recall.settlements
        told = Chronicle(journal, self.diary, self.guardian, self.ledger) if journal else self.diary
        self.door = Door(
            told,
            wake_after_ns=book.simulation.latency_ns if wakes_clock else 0,
            on_belief=told.believed,
        )
        self.herald = Herald(
            tuple(starting_usd) or tuple(book.live.venues if book.live else ()),
            self.door.learn,
            self.guardian.sources,
        )

    @property
    def rules(self) -> list[str]:
        """What is forbidden, a sentence a rule."""
        return self.guardian.describe()

    def simulated_venues(self, where: str, at_ns: int) -> Iterator[tuple[Venue, dict[str, Any]]]:
        """Pay in the starting money, and yield each venue with what the engine needs to simulate it.

        BadBook for a venue that is not known, found at `where` in the book.
        """
        for name, amount in self._starting_usd.items():
            if name not in VENUES:
                known = ", ".join(sorted(VENUES))
                raise BadBook(f"expected a venue among {known}, found {name!r} - at `{where}`")
            row = VENUES[name]
            self._fees[name] = row.fee_model(self.door.now_ns)
            self.ledger.deposit(name, amount, at_ns, "starting balance")
            money = {
                "starting_balances": [Money.from_decimal(amount, row.currency)],
                "base_currency": row.currency,
                "fee_model": self._fees[name],
            }
            yield Venue(name), money | venue_arguments(self._book.simulation)

    def strategies(self) -> Iterator[Strategy[Any]]:
        """Yield the book's strategies, each in its seat; BadBook for an id that cannot be one."""
        for place, entry in enumerate(self._book.strategies):
            try:
                claims = sorted(self._claims.get(entry.id, ()))
                seat = Seat(StrategyId(entry.id), self.door, tuple(map(InstrumentId.from_str, claims)))
            except ValueError as error:
                where = f"at `$.strategies[{place}].id`"
                raise BadBook(f"expected an id such as `edge-1`, found {entry.id!r} - {where}") from error
            yield find(entry.strategy, Strategy)(entry.config, seat)

    def second_look(self, order: Any, _quantity: Quantity, _price: Price | None) -> str | None:
        """Return why an order that the door let out may not leave the process after all, or None.

        Time has passed since: trading may have been halted, or a handler may have raised.
        """
        if self.door.faults or self.door.broken:
            return f"GUARD_BROKEN {self.door.broken or self.door.faults!r}"
        switch = self.guardian.switch
        if switch.state == State.HALTED:
            return f"trading_state: halted: {switch.cause}"
        if switch.state == State.REDUCE_ONLY and order.side == OrderSide.BUY:
            return f"trading_state: only what sells a position may pass: {switch.cause}"
        doubt = self.guardian.doubts.get(order.instrument_id.venue.value)
        if doubt and order.side == OrderSide.BUY:
            return f"books_agree: {order.instrument_id.venue} and we differ: {doubt}"
        if self.guardian.exposure.of(order.client_order_id) is None:
            return "trading_state: the guard was never asked about this order"
        return None

    def meet(self, market: OutcomePair) -> None:
        """Know both sides of a market from now on, watch its price, and hear what its venue says of it."""
        self.guardian.meet(market.market, market.yes.id)
        self.diary.meet(market)
        self.herald.follow(series_of(market.yes))

    def settle(self, end: Settlement) -> None:
        """Book a payout that the engine cannot tell of, and keep it for the report."""
        realized_usd = self.ledger.realized_usd
        self.ledger.post_settlement(end)
        self.diary.note_settlement(end, self.ledger.realized_usd - realized_usd)

    def note_outcome(self, outcome: Outcome) -> None:
        """Remember what a market paid in the end."""
        self._outcomes[outcome.market] = outcome

    def note_equity(self, at_ns: int) -> None:
        """Remember what we are worth now."""
        self._equity.append(EquityPoint(at_ns, self.ledger.equity_usd(self._mark), self.ledger.cash_usd()))

    def audit(self, at_ns: int) -> None:
        """Compare our ledger with the engine's account: two books of the same money, kept apart."""
        for venue in self._starting_usd:
            ours, theirs = self.ledger.cash_usd(venue), self.door.total_cash(Venue(venue))
            if ours != theirs:
                raise RunFailed(
                    f"expected {theirs} USD at {venue} as the engine has it at {at_ns}, found {ours} in the ledger"
                )

    def must_be_sound(self) -> None:
        """Raise RunFailed when a handler raised, a fee is unknown, or the guard missed an event."""
        for component, fault in self.door.faults.items():
            raise RunFailed(f"{component} stopped with {fault!r}") from fault
        for venue, fees in self._fees.items():
            if fees.failure:  # the engine only logs it, and the order stays unfilled (run on rc7)
                raise RunFailed(
                    f"the fee of a fill at {venue} is unknown: {fees.failure!r}"
                ) from fees.failure
        if self.door.broken:
            raise RunFailed(f"the guard stopped with {self.door.broken!r}") from self.door.broken

    def record(self, story: Story) -> Record:
        """Return what a report needs."""
        diary = self.diary
        settled = {settlement.instrument for settlement in diary.settlements}
        paid = {
            str(side.id)
            for market in story.markets
            if market.market in self._outcomes
            for side in (market.yes, market.no)
        }
        open_ended = {fill.instrument for fill in diary.fills} - settled - paid
        facts = RunFacts(
            book=self._book.name,
            mode=story.mode,
            engine=f"nautilus_trader {version('nautilus_trader')}",
            catalog=story.source,
            start_ns=story.start_ns,
            end_ns=story.end_ns,
            events=story.events,
            wall_secs=story.wall_secs,
            peak_rss_mb=_peak_rss_mb(),
            orders=diary.orders,
            denied=diary.denied,
            rejected=diary.rejected,
            settled_positions=len(diary.settlements),
            ledger_net_usd=self.ledger.equity_usd(self._mark) - self.ledger.capital_usd,
            ledger_conserved=True,
            event_log_sha256=self._log.fingerprint,
            starting_usd=self.ledger.capital_usd,
            trials_before=0,
            notes=(*SIMULATION_NOTES, *self._untested()),
            marks={instrument: self._mark(instrument) for instrument in sorted(open_ended)},
            identity=story.identity,
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

    def _untested(self) -> list[str]:
        if not any(isinstance(entry.config, VenueMode) for entry in self._book.risk):
            return []
        modes = self.guardian.memory.tally.modes.items()
        return [
            f"The recording does not say how {venue} worked: VenueMode let everything pass."
            for venue, mode in modes
            if mode == Condition.UNRECORDED
        ]

    def _after_fill(self, at_ns: int) -> None:
        if self._starting_usd:  # only a simulated venue's account is right at every moment
            self.audit(at_ns)

    def _mark(self, instrument: str) -> Decimal:
        """Return what was last bid for an open position; one that nobody ever bid for is worth nothing."""
        return self.door.mark(InstrumentId.from_str(instrument)) or Decimal(0)


def _peak_rss_mb() -> float:
    # Not getrusage: a child inherits the peak of the process that started it.
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) / _KB_PER_MB
