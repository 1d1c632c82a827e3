"""What a market's life tells: phases, statuses, results and gaps, each once."""

from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final

from nautilus_trader.model import (
    InstrumentClose,
    InstrumentCloseType,
    InstrumentId,
    InstrumentStatus,
    MarketStatusAction,
    Price,
)

from markets.facts import DataGap, Fact, MarketPhase, MarketResolution, Phase
from markets.instruments import PRICE_DIGITS, OutcomePair
from markets.live.outlet import Blindness, Wants

_STATUS: Final = {
    Phase.PENDING: (MarketStatusAction.PRE_OPEN, False),
    Phase.OPEN: (MarketStatusAction.TRADING, True),
    Phase.PAUSED: (MarketStatusAction.PAUSE, False),
    Phase.CLOSED: (MarketStatusAction.CLOSE, False),
    Phase.DETERMINED: (MarketStatusAction.POST_CLOSE, False),
    Phase.DISPUTED: (MarketStatusAction.POST_CLOSE, False),
    Phase.SETTLED: (MarketStatusAction.POST_CLOSE, False),
}


class LifeTelling:
    """Tells `emit` what is new of one market; `pair` may be issued anew, `wants` says who hears of statuses.

    Facts and closes are told always. The final payout closes both sides, once: the engine acts on the first close
    that it sees (run on rc7). `counts` gets `gaps`.
    """

    def __init__(
        self, pair: OutcomePair, wants: Wants, emit: Callable[[Any], None], counts: Counter[str]
    ) -> None:
        self.pair = pair
        self.phase: Phase | None = None
        self.is_settled = False
        self._wants = wants
        self._emit = emit
        self._counts = counts
        self._told_closes_ns = pair.yes.expiration_ns
        self._told_result: tuple[Decimal, bool, bool] | None = None

    def tell(self, facts: Iterable[Fact]) -> None:
        """Tell phases and results that are new."""
        for fact in facts:
            if isinstance(fact, MarketPhase):
                self._tell_phase(fact)
            elif isinstance(fact, MarketResolution):
                self._tell_resolution(fact)

    def tell_status(self, side: InstrumentId, now_ns: int) -> None:
        """Tell one side's trading status as it is now."""
        if self.phase is not None:
            action, is_trading = _STATUS[self.phase]
            self._emit(InstrumentStatus(side, action, now_ns, now_ns, is_trading=is_trading))

    def tell_gap(
        self, blind: Blindness | None, until_ns: int, gap: Callable[[int, int, str], DataGap]
    ) -> None:
        """Tell the gap that has ended, if one has."""
        if blind is not None and until_ns > blind.since_ns:
            self._counts["gaps"] += 1
            self.tell_fact(gap(blind.since_ns, until_ns, blind.reason))

    def tell_fact(self, fact: Fact) -> None:
        """Tell a fact as it is."""
        self._emit(fact.as_data())

    def _tell_phase(self, fact: MarketPhase) -> None:
        is_old = fact.phase is self.phase and fact.closes_ns == self._told_closes_ns
        if is_old or self.phase is Phase.SETTLED:
            return
        before = None if self.phase is None else _STATUS[self.phase]
        self.phase, self._told_closes_ns = fact.phase, fact.closes_ns
        self.tell_fact(fact)
        for side in self._wants.statuses if _STATUS[fact.phase] != before else ():
            self.tell_status(side, fact.ts_init)

    def _tell_resolution(self, fact: MarketResolution) -> None:
        result = (fact.payout, fact.is_final, fact.is_disputed)
        if self.is_settled or result == self._told_result:
            return
        closes = closes_of(self.pair, fact) if fact.is_final else []
        self._told_result = result
        self.is_settled = fact.is_final
        self.tell_fact(fact)
        for close in closes:
            self._emit(close)


def closes_of(pair: OutcomePair, final: MarketResolution) -> list[InstrumentClose]:
    """Return the closes of YES and NO at a payout; ValueError when an instrument's digits cannot hold it."""
    if final.payout.scaleb(PRICE_DIGITS) % 1:
        found = f"{final.payout} for {final.market}"
        raise ValueError(f"expected a payout of at most {PRICE_DIGITS} digits, found {found}")
    return [
        InstrumentClose(
            side.id,
            Price.from_decimal_dp(payout, PRICE_DIGITS),
            InstrumentCloseType.CONTRACT_EXPIRED,
            final.ts_event,
            final.ts_init,
        )
        for side, payout in ((pair.yes, final.payout), (pair.no, 1 - final.payout))
    ]
