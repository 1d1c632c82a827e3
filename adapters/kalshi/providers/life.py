"""One market's way from its opening to its payout, as facts. Pure."""

from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from adapters.kalshi import constants as venue
from adapters.kalshi.messages.market_data import MarketLifecycle
from adapters.kalshi.messages.numbers import time_ns
from adapters.kalshi.messages.recordings import ResultRow
from adapters.kalshi.messages.reference import Market
from markets.facts import Fact, MarketPhase, MarketResolution, Phase
from markets.instruments import MarketTerms
from markets.live.life import Life

_SECOND_NS: Final = 1_000_000_000
_PAYOUTS: Final = {"yes": Decimal(1), "no": Decimal(0)}
_PHASES: Final = {
    "created": Phase.PENDING,
    "activated": Phase.OPEN,
    "deactivated": Phase.PAUSED,
    "determined": Phase.DETERMINED,
    "settled": Phase.SETTLED,
}
_STATES: Final = {
    "initialized": Phase.PENDING,
    "active": Phase.OPEN,
    "inactive": Phase.PAUSED,
    "closed": Phase.CLOSED,
    "determined": Phase.DETERMINED,
    "disputed": Phase.DISPUTED,
    "amended": Phase.DETERMINED,
    "finalized": Phase.SETTLED,
}
"""What `status` on a market by REST means (reference, section 13); `closed` may also still be called active."""
_WITH_RESULT: Final = frozenset({Phase.DETERMINED, Phase.DISPUTED, Phase.SETTLED})


class MarketLife(Life):
    """One market's way from its opening to its payout, as facts.

    The venue sends no message at open and close times, and `settled` does not repeat the result that
    `determined` brought: so the market is remembered. `later` is what a recorder's author noted after the
    fact; it is told by `paid` only, at its own time.
    """

    def __init__(
        self, terms: MarketTerms, later: ResultRow | Market | None = None, *, is_news: bool = True
    ) -> None:
        super().__init__(terms)
        self._later = later
        self._is_news = is_news
        self._payout: Decimal | None = None
        self._is_settled = False

    def take(self, message: MarketLifecycle, recv_ns: int) -> list[Fact]:
        """Return what a lifecycle message says; nothing for kinds that change no phase."""
        if message.close_ts is not None:
            self.closes_ns = message.close_ts * _SECOND_NS
        if message.result:
            self._payout = _payout(message.result, message.settlement_value)
        phase = _PHASES.get(message.event_type)
        if phase is None and message.event_type == "close_date_updated":
            phase = Phase.OPEN if recv_ns < self.closes_ns else Phase.CLOSED
        if phase is None:
            return []
        happened_secs = message.settled_ts or message.determination_ts
        happened_ns = happened_secs * _SECOND_NS if happened_secs else recv_ns
        facts: list[Fact] = [self.phase(phase, happened_ns, recv_ns)]
        if phase in (Phase.DETERMINED, Phase.SETTLED) and self._payout is not None:
            self._is_settled = phase == Phase.SETTLED
            facts.append(self._resolution(self._payout, happened_ns, recv_ns, venue.OFFICIAL))
        return facts

    def take_row(self, row: Market, known_ns: int) -> list[Fact]:
        """Return what a market's description by REST says of its state; nothing for a word that is new to us.

        Only REST tells of a dispute. ValueError for a result without a payout.
        """
        self.closes_ns = time_ns(row.close_time)
        phase = _STATES.get(row.status)
        if phase is None:
            return []
        if phase is Phase.OPEN and known_ns >= self.closes_ns:
            phase = Phase.CLOSED
        happened_ns = time_ns(row.settlement_ts) if row.settlement_ts else known_ns
        facts: list[Fact] = [self.phase(phase, happened_ns, known_ns)]
        if phase in _WITH_RESULT and row.result:
            self._payout = _payout(row.result, row.settlement_value_dollars)
            self._is_settled = phase == Phase.SETTLED
            is_disputed = phase == Phase.DISPUTED
            fact = self._resolution(self._payout, happened_ns, known_ns, venue.OFFICIAL)
            facts.append(replace(fact, is_disputed=is_disputed))
        return facts

    def stands(self, phase: Phase, now_ns: int) -> MarketPhase:
        """Return that the market is in `phase`, as somebody else learnt at `now_ns`: its shard pauses, say."""
        return self.phase(phase, now_ns, now_ns)

    def first_facts(self) -> list[Fact]:
        """Return that the market is open, known as soon as the market is; nothing when that is no news."""
        if not self._is_news:
            return []
        return [self.phase(Phase.OPEN, self.terms.opens_ns, max(self.terms.opens_ns, self.terms.known_ns))]

    def paid(self) -> list[MarketResolution]:
        """Return the payout if an official result was noted later and no message has told it.

        Where nobody noted the time of payment, it is the expected one of the market, or else the median
        delay after the close, and the source says "time assumed". ValueError for an unreadable result.
        """
        later = self._later
        if later is None or not later.result or self._is_settled:
            return []
        value, expected = None, None
        if isinstance(later, Market):
            value, expected = later.settlement_value_dollars, later.expected_expiration_time
        source, paid_ns = venue.OFFICIAL_AT_ASSUMED_TIME, self.closes_ns + venue.MEDIAN_SETTLEMENT_DELAY_NS
        if later.settlement_ts:
            source, paid_ns = venue.OFFICIAL, time_ns(later.settlement_ts)
        elif expected:
            paid_ns = max(paid_ns, time_ns(expected))
        payout = _payout(later.result, value)
        self._is_settled = True
        return [self._resolution(payout, paid_ns, paid_ns, source)]

    def _resolution(self, payout: Decimal, happened_ns: int, known_ns: int, source: str) -> MarketResolution:
        return self.result(payout, happened_ns, known_ns, source, is_final=self._is_settled)


def _payout(result: str, settlement_value: Decimal | None) -> Decimal:
    if settlement_value is not None:
        return settlement_value
    if result not in _PAYOUTS:
        raise ValueError(f"expected a result among {sorted(_PAYOUTS)} or a value, found {result!r}")
    return _PAYOUTS[result]
