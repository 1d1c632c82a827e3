"""Look at prices and signals for the rules that compare them over time."""

from collections.abc import Iterable

from nautilus_trader.model import InstrumentId

from engine.desk import Desk
from risk.memory import Memory
from risk.proposal import Proposal
from risk.recent import known_mid, known_raw_mid
from risk.rules.rule import Rule


class Lookout:
    """Fills a memory's `history` and `signals` when one of the rules watches them; `is_on` says whether prices."""

    def __init__(self, memory: Memory, rules: Iterable[Rule]) -> None:
        self._memory = memory
        self.is_on = any(rule.watches_prices for rule in rules)
        self._hears_signals = any(rule.watches_signals for rule in rules)
        self._markets: dict[str, InstrumentId] = {}

    def meet(self, market: str, yes: InstrumentId) -> None:
        """Know a market from now on; `yes` is the side whose mid is its price."""
        self._markets[market] = yes

    def look(self, desk: Desk) -> None:
        """Keep the mids of all markets."""
        if self.is_on:
            self._memory.history.look(lambda: self._mids(desk), desk.now_ns())

    def hear(self, proposal: Proposal) -> None:
        """Keep the edge that a strategy saw when it last said what it believes."""
        if not self._hears_signals or (belief := proposal.belief) is None:
            return
        if (mid := known_mid(proposal.quote)) is not None:
            edge = belief.probability - float(mid)
            self._memory.signals.see(proposal.strategy, proposal.instrument, belief.at_ns, edge)

    def _mids(self, desk: Desk) -> dict[str, int]:
        mids = {market: known_raw_mid(desk.quote(yes)) for market, yes in self._markets.items()}
        return {market: mid for market, mid in mids.items() if mid is not None}
