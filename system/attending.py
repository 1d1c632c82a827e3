"""What a node in real time makes of the markets that its observer hears: it meets them, samples and remembers."""

from typing import Final

from nautilus_trader.model import InstrumentId, QuoteTick

from markets.facts import DataGap, Fact, MarketResolution
from markets.instruments import OutcomePair
from research.record import Outcome
from system.crew import Crew
from system.health import Health

_PRICE_SAMPLE_NS: Final = 2_000_000_000


class Attending:
    """Hears all markets for the crew. `markets` are those met so far, `events` counts what was heard."""

    def __init__(self, crew: Crew, health: Health) -> None:
        self.markets: dict[str, OutcomePair] = {}
        self.events = 0
        self._crew = crew
        self._health = health
        self._due_ns: dict[InstrumentId, int] = {}

    def count(self) -> None:
        """Take any datum."""
        self.events += 1

    def meet(self, market: OutcomePair) -> None:
        """Take a market, new or restated."""
        self.markets[market.market] = market
        self._crew.meet(market)

    def sample(self, quote: QuoteTick) -> None:
        """Take a quote: one of YES every two seconds is kept for the picture of its market."""
        self._health.hear(quote.ts_init)
        side = quote.instrument_id
        if quote.ts_init < self._due_ns.get(side, 0):
            return
        self._due_ns[side] = quote.ts_init + _PRICE_SAMPLE_NS
        if self._crew.diary.market_of(side).yes.id == side:
            self._crew.diary.sample(quote)

    def note(self, fact: Fact) -> None:
        """Take a fact: a final result, or a hole in what is known of a market."""
        match fact:
            case MarketResolution() if fact.is_final and not fact.is_disputed:
                if market := self.markets.get(f"{fact.market}.{fact.venue}"):
                    self._crew.note_outcome(Outcome(market.market, market.event, fact.payout))
            case DataGap():
                self._health.note_gap(fact)
                if market := self.markets.get(f"{fact.market}.{fact.venue}"):
                    self._crew.diary.blind(market, fact.ts_init)
