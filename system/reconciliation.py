"""Venue, engine, ledger and journal, compared now and then; while they differ, no new risk at that venue."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from msgspec import MsgspecError

from network.errors import NetworkError
from risk.guardian import Guardian
from system.comparing import Books, Comparison, Difference, Subject, compare
from system.our_books import JournalBooks, OurBooks, pending_subjects
from system.statements import Statement, VenueBooks

_LOG: Final = logging.getLogger(__name__)
_SECOND_NS: Final = 1_000_000_000
_OVERLAP_NS: Final = 600 * _SECOND_NS
_SHOWN: Final = 3
_ZERO: Final = Decimal(0)
_NOT_YET: Final = "our books and the venue's were not compared yet"

type Tell = Callable[[str, str], None]
"""Hears each change: `differs` or `agrees`, and what, with all figures."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often we look, in seconds, and how long news may be on its way.

    A difference is believed when a second look, `confirm_secs` later, finds it alike. After `most_failures` looks
    without an answer the venue is doubted too.
    """

    every_secs: float = 30.0
    confirm_secs: float = 1.0
    patience_secs: float = 5.0
    most_failures: int = 3


@dataclass(frozen=True, slots=True)
class Keepers:
    """Whose books are compared; without a journal there are three of them."""

    theirs: VenueBooks
    ours: OurBooks
    journal: JournalBooks | None = None


class Reconciler:
    """Compares at one venue, doubts it before `guardian` while anything differs, and tells every change.

    Nothing is excused by its size. What is under way is not judged, and only that: an order in flight, a trade or
    news that are later than the venue's statement, a trade or payout that is seconds old. Cash per purse is what it
    was at the first look, and what trades and settlements have brought since; all of it together is what the
    ledger and the journal say. The venue leaves open whether a balance counts what resting orders hold: both are
    accepted, to the digit.
    """

    def __init__(
        self,
        venue: str,
        keepers: Keepers,
        guardian: Guardian,
        tell: Tell,
        now_ns: Callable[[], int],
        pace: Pace | None = None,
    ) -> None:
        self.standing: dict[Subject, Difference] = {}
        self.looks = 0
        self._venue = venue
        self._keepers = keepers
        self._guardian = guardian
        self._tell = tell
        self._since_ns = self._as_of_ns = now_ns()
        self._pace = pace or Pace()
        self._opening_usd: dict[str, Decimal] = {}
        self._failures = 0
        guardian.doubt(venue, _NOT_YET)

    async def run(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Look for ever."""
        while True:
            await self.look(sleep)
            await sleep(self._pace.every_secs)

    async def look(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Look once, and again when there is news; then doubt the venue, or trust it again."""
        try:
            first = await self._compare()
            if any(self.standing.get(subject) != one for subject, one in first.differing.items()):
                await sleep(self._pace.confirm_secs)
                first = _alike(first, await self._compare())
        except (NetworkError, MsgspecError, ValueError) as error:
            self._failures += 1
            _LOG.warning("%s cannot be compared with our books now: %s", self._venue, error)
            if self._failures == self._pace.most_failures:
                self._guardian.doubt(self._venue, f"it cannot be compared with our books: {error}")
                self._tell("differs", f"{self._venue} cannot be compared with our books: {error}")
            return
        self._failures = 0
        self.looks += 1
        self._take(first)

    def _take(self, found: Comparison) -> None:
        for subject in [one for one in self.standing if one not in found.differing]:
            if subject not in found.pending:
                self._tell("agrees", str(self.standing.pop(subject)))
        for subject, difference in found.differing.items():
            if self.standing.get(subject) != difference:
                self.standing[subject] = difference
                self._tell("differs", str(difference))
        if self.standing:
            self._guardian.doubt(self._venue, _summary(self.standing))
            return
        if not found.pending:  # what is older than this was found equal: it need not be read again
            self._since_ns = max(self._since_ns, self._as_of_ns - _OVERLAP_NS)
        if self._venue in self._guardian.doubts:
            self._guardian.doubt(self._venue, None)
            self._tell("agrees", f"all books of {self._venue}")

    async def _compare(self) -> Comparison:
        keepers = self._keepers
        statement = await keepers.theirs.read(self._since_ns)
        self._as_of_ns = statement.as_of_ns
        our_cash = keepers.ours.cash_usd()
        if keepers.journal is not None:
            await keepers.journal.look()
        markets = keepers.ours.pending(statement, round(self._pace.patience_secs * _SECOND_NS))
        books = [keepers.ours.engine(statement.fills), keepers.ours.guard()]
        books.append(keepers.ours.ledger(statement.fills))
        if keepers.journal is not None:
            books.append(keepers.journal.books(keepers.ours, statement.fills))
        pending = pending_subjects(markets, statement, books, keepers.ours.purses)
        return compare([_stated(statement), *books, *self._cash(statement, our_cash, pending)], pending)

    def _cash(self, statement: Statement, our_cash: Decimal, pending: dict[Subject, str]) -> list[Books]:
        """Return everybody's cash, the venue's with what its resting orders hold; note what cannot be judged."""
        ours, journal = self._keepers.ours, self._keepers.journal
        flows = ours.flows_usd()
        evidence = next((why for (kind, _), why in pending.items() if kind == "purse"), None)
        if not self._opening_usd and evidence is None and not statement.orders:
            self._opening_usd = {
                purse: usd - flows.get(purse, _ZERO) for purse, usd in statement.cash.items()
            }
        expected = {purse: opening + flows.get(purse, _ZERO) for purse, opening in self._opening_usd.items()}
        theirs = _with_collateral(statement, expected)
        if evidence is not None or not self._opening_usd:
            pending["cash", self._venue] = evidence or "orders rest, and a balance may count them or not"
        told: list[Books] = [
            Books("venue", {"cash": {self._venue: sum(theirs.values(), _ZERO)}}),
            Books("ledger", {"cash": {self._venue: our_cash}}),
        ]
        if journal is not None:
            told.append(Books("journal", {"cash": {self._venue: journal.cash_usd + ours.netted_usd}}))
        if self._opening_usd:
            told += [Books("venue", {"purse": theirs}), Books("ledger", {"purse": expected})]
        return told


def _stated(statement: Statement) -> Books:
    return Books(
        "venue",
        {
            "position": statement.positions,
            "order": {order_id: one.words for order_id, one in statement.orders.items()},
            "fill": {trade_id: one.words for trade_id, one in statement.fills.items()},
        },
    )


def _with_collateral(statement: Statement, expected: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return each purse as the venue has it, or with what its resting orders hold where that is what we expect."""
    held: dict[str, Decimal] = {}
    for order in statement.orders.values():
        held[order.purse] = held.get(order.purse, _ZERO) + order.collateral_usd
    whole = {purse: usd + held.get(purse, _ZERO) for purse, usd in statement.cash.items()}
    return {
        purse: whole[purse] if whole[purse] == expected.get(purse) else usd
        for purse, usd in statement.cash.items()
    }


def _alike(first: Comparison, second: Comparison) -> Comparison:
    """Return the second look, with only those differences that the first one found alike."""
    alike = {one: found for one, found in second.differing.items() if first.differing.get(one) == found}
    unsure = {one: "it has just changed" for one in second.differing if one not in alike}
    return replace(second, differing=alike, pending=dict(second.pending) | unsure)


def _summary(standing: Mapping[Subject, Difference]) -> str:
    shown = "; ".join(str(one) for one in list(standing.values())[:_SHOWN])
    return shown if len(standing) <= _SHOWN else f"{shown}; and {len(standing) - _SHOWN} more"
