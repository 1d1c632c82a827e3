"""One market's way from its opening to its payout, as facts: what no venue says in words of its own. Pure."""

from decimal import Decimal

from markets.facts import BookDoubt, DataGap, MarketPhase, MarketResolution, Phase
from markets.instruments import MarketTerms


class Life:
    """Remembers what a market is and when it closes; a venue says what its descriptions mean."""

    def __init__(self, terms: MarketTerms) -> None:
        self.terms = terms
        self.closes_ns = terms.closes_ns

    def opened(self) -> MarketPhase:
        """Return the opening, known from the clock: no message tells it."""
        return self.phase(Phase.OPEN, self.terms.opens_ns, self.terms.opens_ns)

    def closed(self) -> MarketPhase:
        """Return the close, known from the clock."""
        return self.phase(Phase.CLOSED, self.closes_ns, self.closes_ns)

    def gap(self, since_ns: int, until_ns: int, reason: str) -> DataGap:
        """Return the fact that nobody looked at this market for a while, at most until its close."""
        return DataGap(
            ts_event=since_ns,
            ts_init=since_ns,
            venue=self.terms.venue,
            series=self.terms.series,
            market=self.terms.market,
            until_ns=min(until_ns, self.closes_ns),
            reason=reason,
        )

    def doubt(self, now_ns: int, reason: str | None) -> BookDoubt:
        """Return the fact that our book of this market cannot be right, or, without a reason, that it is again."""
        return BookDoubt(
            ts_event=now_ns,
            ts_init=now_ns,
            venue=self.terms.venue,
            series=self.terms.series,
            market=self.terms.market,
            is_over=reason is None,
            reason=reason or "",
        )

    def phase(self, phase: Phase, happened_ns: int, known_ns: int) -> MarketPhase:
        """Return that the market is in a phase."""
        return MarketPhase(
            ts_event=happened_ns,
            ts_init=known_ns,
            venue=self.terms.venue,
            series=self.terms.series,
            market=self.terms.market,
            phase=phase,
            closes_ns=self.closes_ns,
        )

    def result(
        self, payout: Decimal, happened_ns: int, known_ns: int, source: str, *, is_final: bool
    ) -> MarketResolution:
        """Return what YES pays, in dollars, as a source says."""
        return MarketResolution(
            ts_event=happened_ns,
            ts_init=known_ns,
            venue=self.terms.venue,
            series=self.terms.series,
            market=self.terms.market,
            payout=payout,
            source=source,
            is_final=is_final,
        )
