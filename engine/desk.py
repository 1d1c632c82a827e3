"""What a guard may look at when it judges: the time, a market, a belief, the cash."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from nautilus_trader.model import InstrumentId, QuoteTick, StrategyId, Venue

from markets.instruments import Instrument


@dataclass(frozen=True, slots=True)
class Belief:
    """What a strategy said last about an outcome: its probability in (0, 1), and when it said so."""

    probability: float
    at_ns: int


class Desk(Protocol):
    """The engine as a guard sees it: it can look, and change nothing."""

    def now_ns(self) -> int:
        """Return the engine's time, in nanoseconds since the epoch."""
        ...

    def instrument(self, instrument_id: InstrumentId) -> Instrument | None:
        """Return the instrument, or None when the engine does not know it."""
        ...

    def quote(self, instrument_id: InstrumentId) -> QuoteTick | None:
        """Return the last quote, or None; an empty side has size 0 (bid price 0, ask price 1)."""
        ...

    def mark(self, instrument_id: InstrumentId) -> Decimal | None:
        """Return what an open contract is worth: the best bid of the last book that was not empty.

        Nobody bidding is worth 0; a book that is empty on both sides is unknown (a market just closed, a
        feed blind) and says nothing. None when no such book was ever seen.
        """
        ...

    def belief(self, strategy_id: StrategyId, instrument_id: InstrumentId) -> Belief | None:
        """Return what the strategy believes of this outcome, or None when it never said."""
        ...

    def free_cash(self, venue: Venue) -> Decimal | None:
        """Return the account's free balance in the venue's dollar, or None without an account."""
        ...
