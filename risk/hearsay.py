"""What venues say of their markets and of themselves, as the guardian remembers it."""

from typing import Final

from markets.facts import BookDoubt, DataGap, Fact, MarketPhase, MarketResolution, Phase
from risk.memory import UNTIL_TOLD, Memory

_CLOSED_TO_PURCHASES: Final = frozenset({Phase.PAUSED, Phase.CLOSED, Phase.DETERMINED, Phase.DISPUTED})


def take(fact: Fact, memory: Memory) -> None:
    """Note what a fact of a market means for orders on it; of other facts nothing follows."""
    match fact:
        case MarketPhase():
            _note(memory, _name(fact), str(fact.phase) if fact.phase in _CLOSED_TO_PURCHASES else None)
        case MarketResolution(is_disputed=True):
            _note(memory, _name(fact), "disputed")
        case MarketResolution(is_final=False):
            _note(memory, _name(fact), f"to pay {fact.payout} USD a contract, which is not final")
        case MarketResolution():
            _note(memory, _name(fact), f"settled at {fact.payout} USD a contract")
        case DataGap():
            memory.doubted_ns[_name(fact)] = max(fact.ts_init, fact.until_ns)
        case BookDoubt():
            memory.doubted_ns[_name(fact)] = fact.ts_init if fact.is_over else UNTIL_TOLD


def _name(fact: MarketPhase | MarketResolution | DataGap | BookDoubt) -> str:
    return f"{fact.market}.{fact.venue}"


def _note(memory: Memory, market: str, problem: str | None) -> None:
    if problem is None:
        memory.unsettled.pop(market, None)
    else:
        memory.unsettled[market] = problem
