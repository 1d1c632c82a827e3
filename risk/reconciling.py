"""Do our books and a venue's word agree? What differs, with both figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import override

from risk.ledger import Ledger
from risk.sums import ZERO


@dataclass(frozen=True, slots=True)
class Statement:
    """What a venue says that we have: cash in USD, without what it owes, and contracts by instrument."""

    venue: str
    cash_usd: Decimal
    contracts: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that the venue and we do not agree on; `what` is `cash` or an instrument."""

    venue: str
    what: str
    ours: Decimal
    theirs: Decimal

    @override
    def __str__(self) -> str:
        unit = "USD of cash" if self.what == "cash" else f"contracts of {self.what}"
        return (
            f"expected {self.theirs} {unit} as {self.venue} says, found {self.ours} in our books, "
            f"{self.ours - self.theirs:+f}"
        )


def differences(ledger: Ledger, said: Statement) -> list[Difference]:
    """Return what differs, cash first; none when both books say the same.

    ValueError for a figure of the venue that is no number: then nothing was compared.
    """
    for what, figure in {"cash": said.cash_usd, **said.contracts}.items():
        if not figure.is_finite():
            raise ValueError(f"expected a number for {what} at {said.venue}, found {figure}")
    found = [Difference(said.venue, "cash", ledger.cash_usd(said.venue), said.cash_usd)]
    ours = _held_at(ledger, said.venue)
    for instrument in sorted(ours.keys() | said.contracts.keys()):
        held, told = ours.get(instrument, ZERO), said.contracts.get(instrument, ZERO)
        found.append(Difference(said.venue, instrument, held, told))
    return [one for one in found if one.ours != one.theirs]


def _held_at(ledger: Ledger, venue: str) -> dict[str, Decimal]:
    held: dict[str, Decimal] = {}
    for position in ledger.positions():
        if position.outcome.venue == venue:
            instrument = position.outcome.instrument
            held[instrument] = held.get(instrument, ZERO) + position.quantity
    return held
