"""How we stand: what a rule may know besides the proposal."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

from nautilus_trader.model import QuoteTick

from risk.contract import Outcome
from risk.correlation import Prior, pair_correlation
from risk.errors import UnknownFigure
from risk.exposure import Exposure
from risk.holding import known_mark
from risk.ledger import Ledger, Mark
from risk.lots import Lot, lots_of
from risk.memory import Memory
from risk.recovery import Step
from risk.tally import Tally


class Standing(Protocol):
    """Figures in USD at the moment of judgement; UnknownFigure when one cannot be known.

    A stake is the cost of open positions and the worst case of live orders together.
    """

    @property
    def tally(self) -> Tally:
        """What was counted: orders, trades, cancels, failures, results."""
        ...

    @property
    def unsettled(self) -> Mapping[str, str]:
        """Markets whose result is awaited or disputed, with what was said of them."""
        ...

    @property
    def printed_ns(self) -> Mapping[str, int]:
        """When each source of prices, as symbol.source, says that it printed its last one."""
        ...

    @property
    def printed(self) -> Mapping[str, Decimal]:
        """The last price of each source."""
        ...

    @property
    def doubted_ns(self) -> Mapping[str, int]:
        """Since when the book of a market is not known to be right."""
        ...

    def stake_usd(self, instrument: str) -> Decimal:
        """Return what is at stake on one outcome."""
        ...

    def market_stake_usd(self, market: str) -> Decimal:
        """Return what is at stake on both outcomes of one market."""
        ...

    def event_stake_usd(self, event: str) -> Decimal:
        """Return what is at stake on all outcomes of one event."""
        ...

    def venue_stake_usd(self, venue: str) -> Decimal:
        """Return what is at stake at one venue."""
        ...

    def purse_stake_usd(self, purse: str) -> Decimal:
        """Return what is at stake on one shard of a venue (`Outcome.purse`)."""
        ...

    def deployed_usd(self) -> Decimal:
        """Return what is at stake in all."""
        ...

    def lots(self) -> Mapping[str, Lot]:
        """Return every outcome that is held or on order, by its instrument."""
        ...

    def unreserved_usd(self, venue: str) -> Decimal:
        """Return the cash at a venue that no live order could still cost."""
        ...

    def mark_usd(self, instrument: str) -> Decimal:
        """Return what one contract would bring now (`engine.Desk.mark`)."""
        ...

    def recent_mid_usd(self, quote: QuoteTick, window_ns: int) -> Decimal:
        """Return the mean mid of the market in the time before `quote`."""
        ...

    def correlation(self, one: Outcome, other: Outcome, prior: Prior) -> float:
        """Return how two outcomes pay together, in [-1, 1] (`risk.correlation`)."""
        ...

    def signal_correlation(self, strategy: str, weight: float) -> float:
        """Return how each signal of a strategy goes with the one before, drawn to 0 as by `weight` pairs."""
        ...

    def equity_usd(self) -> Decimal:
        """Return cash, pending payouts, and open positions at their marks (`engine.Desk.mark`)."""
        ...

    def day_start_usd(self) -> Decimal:
        """Return the equity with which the UTC day began, as if today's capital had been there then."""
        ...

    def lost_today_usd(self) -> Decimal:
        """Return how far below its start the UTC day has been at its worst."""
        ...

    def lost_this_week_usd(self) -> Decimal:
        """Return how far below its start the ISO week (UTC) has been at its worst."""
        ...

    def high_water_usd(self) -> Decimal:
        """Return the highest equity seen, as if today's capital had been there all along."""
        ...

    def scale(self) -> Decimal:
        """Return the share of full size that is allowed after losses, in [0, 1]."""
        ...


class Books:
    """The standing in earnest: ledger, exposure and memory, read together.

    `steps` are those of the book's `DrawdownSteps`; without any, the scale is unknown.
    """

    def __init__(
        self, ledger: Ledger, exposure: Exposure, memory: Memory, steps: tuple[Step, ...] = ()
    ) -> None:
        self._ledger = ledger
        self._exposure = exposure
        self._memory = memory
        self._marks = memory.marks
        self._steps = steps
        self._mark: Mark | None = None
        self._lots: dict[str, Lot] | None = None
        self._equity_usd: Decimal | None = None
        self._why_unknown = "expected a look at the market first, found none"

    @property
    def tally(self) -> Tally:
        return self._memory.tally

    @property
    def unsettled(self) -> Mapping[str, str]:
        return self._memory.unsettled

    @property
    def printed_ns(self) -> Mapping[str, int]:
        return self._memory.printed_ns

    @property
    def printed(self) -> Mapping[str, Decimal]:
        return self._memory.printed

    @property
    def doubted_ns(self) -> Mapping[str, int]:
        return self._memory.doubted_ns

    def forget_lots(self) -> None:
        """Count what is held and on order anew when somebody asks."""
        self._lots = None

    def look(self, mark: Mark, now_ns: int) -> None:
        """Value everything at `mark` and move the baselines; an unknown price leaves the equity unknown."""
        self._equity_usd = None
        self._mark = mark
        try:
            equity = self._ledger.equity_usd(mark)
        except UnknownFigure as error:
            self._why_unknown = str(error)
            return
        capital = self._ledger.capital_usd
        self._marks.look(equity - capital, now_ns)
        if self._steps:
            self._memory.recovery.look(equity - capital, capital, self._steps, now_ns)
        self._equity_usd = equity

    def stake_usd(self, instrument: str) -> Decimal:
        return self._ledger.costs.on_outcome(instrument) + self._exposure.reserved.on_outcome(instrument)

    def market_stake_usd(self, market: str) -> Decimal:
        return self._ledger.costs.on_market(market) + self._exposure.reserved.on_market(market)

    def event_stake_usd(self, event: str) -> Decimal:
        return self._ledger.costs.on_event(event) + self._exposure.reserved.on_event(event)

    def venue_stake_usd(self, venue: str) -> Decimal:
        return self._ledger.costs.at_venue(venue) + self._exposure.reserved.at_venue(venue)

    def purse_stake_usd(self, purse: str) -> Decimal:
        return self._ledger.costs.in_purse(purse) + self._exposure.reserved.in_purse(purse)

    def deployed_usd(self) -> Decimal:
        return self._ledger.costs.total + self._exposure.reserved.total

    def lots(self) -> Mapping[str, Lot]:
        if self._lots is None:
            self._lots = lots_of(self._ledger, self._exposure)
        return self._lots

    def unreserved_usd(self, venue: str) -> Decimal:
        return self._ledger.cash_usd(venue) - self._exposure.reserved.at_venue(venue)

    def mark_usd(self, instrument: str) -> Decimal:
        return known_mark(instrument, self._mark(instrument) if self._mark else None)

    def recent_mid_usd(self, quote: QuoteTick, window_ns: int) -> Decimal:
        return self._memory.recent.mean(quote, window_ns)

    def correlation(self, one: Outcome, other: Outcome, prior: Prior) -> float:
        estimate = self._memory.history.estimate(one.market, other.market)
        return pair_correlation((one, other), estimate, prior, self._chance_of_yes)

    def signal_correlation(self, strategy: str, weight: float) -> float:
        return self._memory.signals.correlation(strategy, weight)

    def equity_usd(self) -> Decimal:
        if self._equity_usd is None:
            raise UnknownFigure(self._why_unknown)
        return self._equity_usd

    def day_start_usd(self) -> Decimal:
        self.equity_usd()
        return self._ledger.capital_usd + _known(self._marks.day_start_usd, "a start of the day")

    def lost_today_usd(self) -> Decimal:
        self.equity_usd()
        start = _known(self._marks.day_start_usd, "a start of the day")
        return start - _known(self._marks.day_low_usd, "a low of the day")

    def lost_this_week_usd(self) -> Decimal:
        self.equity_usd()
        start = _known(self._marks.week_start_usd, "a start of the week")
        return start - _known(self._marks.week_low_usd, "a low of the week")

    def high_water_usd(self) -> Decimal:
        self.equity_usd()
        return self._ledger.capital_usd + _known(self._marks.high_usd, "a high-water mark")

    def _chance_of_yes(self, outcome: Outcome) -> float:
        mark = float(self.mark_usd(outcome.instrument))
        return mark if outcome.is_yes else 1 - mark

    def scale(self) -> Decimal:
        self.equity_usd()
        if not self._steps:
            raise UnknownFigure("expected steps of a drawdown in the book, found none")
        return self._memory.recovery.scale


def _known(figure: Decimal | None, what: str) -> Decimal:
    if figure is None:
        raise UnknownFigure(f"expected {what}, found none")
    return figure
