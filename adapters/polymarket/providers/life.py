"""One market's way from listing to payout, as facts; a result counts by the strict rule only. Pure.

The strict rule (reference, section 15, read 2026-11-20): a market pays when it is closed, has two tokens, and their
prices are exactly 1 and 0, or a half each. What the stream announces is a reason to look, never a result.
"""

from decimal import Decimal
from typing import Final

from adapters.polymarket import constants as venue
from adapters.polymarket.messages.clob import ClobMarket
from adapters.polymarket.messages.gamma import GammaMarket
from adapters.polymarket.messages.numbers import decimal_of, time_ns
from adapters.polymarket.providers.terms import closes_ns_of
from markets.facts import Fact, MarketPhase, Phase
from markets.live.life import Life

_SIDES: Final = 2
_HALF: Final = Decimal("0.5")
_PAYOUTS: Final = {
    (Decimal(1), Decimal(0)): Decimal(1),
    (Decimal(0), Decimal(1)): Decimal(0),
    (_HALF, _HALF): _HALF,
}
_DISPUTED: Final = "disputed"
_PROPOSED: Final = "proposed"


class MarketLife(Life):
    """Says what each description of a market means."""

    def take_row(self, row: GammaMarket, known_ns: int) -> list[Fact]:
        """Return what the catalogue's row says; ValueError for one that cannot be read."""
        self.closes_ns = closes_ns_of(row, known_ns, self.closes_ns)
        payout = payout_of_row(row)
        happened_ns = time_ns(row.closed_time) if row.closed_time and row.closed else known_ns
        phase = self._phase_of(row, known_ns) if payout is None else Phase.SETTLED
        facts: list[Fact] = [self.phase(phase, happened_ns if row.closed else known_ns, known_ns)]
        if payout is not None:
            facts.append(self.result(payout, happened_ns, known_ns, venue.CATALOGUE_RESULT, is_final=True))
        return facts

    def take_market(self, market: ClobMarket, known_ns: int) -> list[Fact]:
        """Return the result that the order book's description tells; nothing without one."""
        payout = payout_of_market(market)
        if payout is None:
            return []
        return [
            self.phase(Phase.SETTLED, known_ns, known_ns),
            self.result(payout, known_ns, known_ns, venue.BOOK_RESULT, is_final=True),
        ]

    def announced(self, happened_ns: int, known_ns: int) -> MarketPhase:
        """Return that the stream has announced a result, which is still to be proved."""
        return self.phase(Phase.DETERMINED, happened_ns, known_ns)

    def _phase_of(self, row: GammaMarket, known_ns: int) -> Phase:
        if row.uma_resolution_status == _DISPUTED:
            return Phase.DISPUTED
        is_taking = bool(row.accepting_orders) and not row.closed
        if row.uma_resolution_status == _PROPOSED and not is_taking:
            return Phase.DETERMINED
        if row.closed or known_ns >= self.closes_ns:
            return Phase.CLOSED
        if known_ns < self.terms.opens_ns:
            return Phase.PENDING
        return Phase.OPEN if is_taking else Phase.PAUSED


def payout_of_row(row: GammaMarket) -> Decimal | None:
    """Return what the first outcome pays by the catalogue; None while the strict rule does not hold.

    ValueError for prices that are no numbers.
    """
    if not row.closed or row.uma_resolution_status == _DISPUTED or len(row.tokens) != _SIDES:
        return None
    prices = tuple(decimal_of(one) for one in row.prices)
    return _PAYOUTS.get(prices) if len(prices) == len(row.tokens) else None  # type: ignore[arg-type]


def payout_of_market(market: ClobMarket) -> Decimal | None:
    """Return what the first outcome pays by the order book's description; None without exactly one winner.

    A market without a winner that says it is half and half pays a half.
    """
    if not market.closed or len(market.tokens) != _SIDES:
        return None
    winners = [token.winner for token in market.tokens]
    if sum(winners) == 1:
        return Decimal(int(winners[0]))
    return _HALF if market.is_50_50_outcome and not any(winners) else None
