"""How we stand: what a rule may know besides the proposal."""

from decimal import Decimal
from typing import Protocol

from risk.errors import UnknownFigure
from risk.exposure import Exposure
from risk.ledger import Ledger, Mark
from risk.marks import Marks


class Standing(Protocol):
    """Figures in USD at the moment of judgement; UnknownFigure when one cannot be known.

    A stake is the cost of open positions and the worst case of live orders together.
    """

    def stake_usd(self, instrument: str) -> Decimal:
        """Return what is at stake on one outcome."""
        ...

    def event_stake_usd(self, event: str) -> Decimal:
        """Return what is at stake on all outcomes of one event."""
        ...

    def venue_stake_usd(self, venue: str) -> Decimal:
        """Return what is at stake at one venue."""
        ...

    def deployed_usd(self) -> Decimal:
        """Return what is at stake in all."""
        ...

    def unreserved_usd(self, venue: str) -> Decimal:
        """Return the cash at a venue that no live order could still cost."""
        ...

    def equity_usd(self) -> Decimal:
        """Return cash, pending payouts, and open positions at their marks (`engine.Desk.mark`)."""
        ...

    def lost_today_usd(self) -> Decimal:
        """Return how far below its start the UTC day has been at its worst."""
        ...

    def high_water_usd(self) -> Decimal:
        """Return the highest equity seen, as if today's capital had been there all along."""
        ...


class Books:
    """The standing in earnest: ledger, exposure and marks, read together."""

    def __init__(self, ledger: Ledger, exposure: Exposure, marks: Marks) -> None:
        self._ledger = ledger
        self._exposure = exposure
        self._marks = marks
        self._equity_usd: Decimal | None = None
        self._why_unknown = "expected a look at the market first, found none"

    def look(self, mark: Mark, now_ns: int) -> None:
        """Value everything at `mark` and move the baselines; an unknown price leaves the equity unknown."""
        self._equity_usd = None
        try:
            equity = self._ledger.equity_usd(mark)
        except UnknownFigure as error:
            self._why_unknown = str(error)
            return
        self._marks.look(equity - self._ledger.capital_usd, now_ns)
        self._equity_usd = equity

    def stake_usd(self, instrument: str) -> Decimal:
        return self._ledger.costs.on_outcome(instrument) + self._exposure.reserved.on_outcome(instrument)

    def event_stake_usd(self, event: str) -> Decimal:
        return self._ledger.costs.on_event(event) + self._exposure.reserved.on_event(event)

    def venue_stake_usd(self, venue: str) -> Decimal:
        return self._ledger.costs.at_venue(venue) + self._exposure.reserved.at_venue(venue)

    def deployed_usd(self) -> Decimal:
        return self._ledger.costs.total + self._exposure.reserved.total

    def unreserved_usd(self, venue: str) -> Decimal:
        return self._ledger.cash_usd(venue) - self._exposure.reserved.at_venue(venue)

    def equity_usd(self) -> Decimal:
        if self._equity_usd is None:
            raise UnknownFigure(self._why_unknown)
        return self._equity_usd

    def lost_today_usd(self) -> Decimal:
        self.equity_usd()
        if self._marks.day_start_usd is None or self._marks.day_low_usd is None:
            raise UnknownFigure("expected a start of the day, found none")
        return self._marks.day_start_usd - self._marks.day_low_usd

    def high_water_usd(self) -> Decimal:
        self.equity_usd()
        if self._marks.high_usd is None:
            raise UnknownFigure("expected a high-water mark, found none")
        return self._ledger.capital_usd + self._marks.high_usd
