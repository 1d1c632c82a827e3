"""The money at the venues: counted when the first node begins, from then on as operators tell of it."""

from collections.abc import Callable, Sequence
from typing import Final

from nautilus_trader.model import Venue

from storage.journal.commands import REFUSED, Command, Kind
from system.crew import Crew

_STARTING: Final = "starting balance"


class Till:
    """Books what comes to `venues` and leaves them by no trade; of simulated ones the book itself says the money."""

    def __init__(
        self, crew: Crew, venues: Sequence[str], now_ns: Callable[[], int], *, is_simulated: bool
    ) -> None:
        self._crew = crew
        self._venues = () if is_simulated else tuple(venues)
        self._now_ns = now_ns
        self._counted_ns: int | None = None

    def count(self) -> None:
        """Count what is there, unless an earlier node did."""
        if self._crew.facts_restored:
            return
        for venue in self._venues:
            if cash := self._crew.door.total_cash(Venue(venue)):
                self._crew.ledger.deposit(venue, cash, self._now_ns(), _STARTING)
        self._counted_ns = self._now_ns()

    def book(self, command: Command) -> str:
        """Book what an operator says came or went, and return what came of it; a refusal books nothing."""
        venue, amount, ledger = command.venue, command.amount_usd, self._crew.ledger
        if venue not in self._venues:
            return f"{REFUSED}expected a venue among {', '.join(self._venues) or 'none'}, found {venue}"
        if amount is None:
            return f"{REFUSED}expected an amount in USD, found none"
        if self._counted_ns is not None and command.at_ns <= self._counted_ns:
            return f"{REFUSED}what was there when this node counted has it in already"
        held, reference = ledger.cash_usd(venue), f"command {command.id}"
        if command.kind == Kind.DEPOSIT:
            ledger.deposit(venue, amount, self._now_ns(), reference)
        elif amount > held:
            return f"{REFUSED}expected at most {held} USD at {venue}, found {amount}"
        else:
            ledger.withdraw(venue, amount, self._now_ns(), reference)
        return f"the ledger has {ledger.cash_usd(venue)} USD at {venue}"
