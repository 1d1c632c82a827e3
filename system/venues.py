"""The venues we know: one row each, so that no other file has to ask which venue it is."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from typing import Any

from nautilus_trader.model import Currency, InstrumentId

from markets.currencies import PUSD, USD
from markets.facts import Condition
from simulation.fees import ScheduledFees
from storage.journal.records import Intent
from system.book import BadBook, Raw
from system.statements import VenueBooks


@dataclass(frozen=True, slots=True)
class Client:
    """What Nautilus wants for one client: its config, and what makes it."""

    config: Any
    factory: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedWish:
    """What a node wants to hear of a venue.

    `settings` are the book's for this venue. `series` are followed by their tickers, `sides` are single outcomes.
    `tap` gets each raw frame (bytes, received in ns, epoch) before anybody else, `note` what no frame tells: they are for a
    recorder. `respell` says what the engine is told for each datum; while `has_room()` is false, frames wait. With `trades` the client shares its connection with one that trades.
    """

    settings: Raw
    series: tuple[str, ...]
    sides: tuple[InstrumentId, ...] = ()
    tap: Callable[[bytes, int, int], None] | None = None
    note: Callable[[str, Any, int], None] | None = None
    respell: Callable[[Any], Any] | None = None
    has_room: Callable[[], bool] = lambda: True
    trades: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskWish:
    """What a node that trades wants of a venue: `second_guard` is asked before a byte leaves (see the adapter).

    `on_difference` hears what venue and client see differently, `on_condition` how the venue works, and its words.
    `memory` says of orders of an earlier run what the venue does not echo; None where nothing is written down.
    """

    settings: Raw
    second_guard: Any
    on_difference: Callable[[str], None]
    on_condition: Callable[[Condition, str], None]
    memory: Any = None


@dataclass(frozen=True, slots=True)
class VenueRow:
    """One venue; `fee_model` is given the clock of a replay or a sandbox.

    `feed` and `desk` name functions that make a data client of a FeedWish and an execution client of a DeskWish, `inquiry`
    one that asks what became of an order (`system.intents.Ask`, the book's settings before it), `payouts` one that tells what a contract paid, `doctor` one that says
    what keeps a book from running there, `books` one that reads the venue's books of us. They are loaded when they
    are needed: what can place an order is no part of a process that may not. A venue without a `desk` is for sandboxes. `names`
    says which ids names of outcomes stand for, where a name alone does not tell.
    """

    currency: Currency
    fee_model: Callable[[Callable[[], int]], Any]
    feed: str
    doctor: str
    desk: str | None = None
    inquiry: str | None = None
    payouts: str | None = None
    books: str | None = None
    names: str | None = None

    def make_feed(self, wish: FeedWish) -> Client:
        """Return the data client; ValueError for settings that the venue does not know."""
        made: Client = _load(self.feed)(wish)
        return made

    def make_desk(self, wish: DeskWish) -> Client:
        """Return the execution client; ValueError for settings that the venue does not know."""
        made: Client = _load(self.desk)(wish)
        return made

    def ask(self, settings: Raw, intent: Intent) -> Awaitable[str | None]:
        """Return the venue's id of an order that a crash overtook, or None; NetworkError while it cannot tell."""
        found: Awaitable[str | None] = _load(self.inquiry)(settings, intent)
        return found

    def paid(self, settings: Raw, instrument: str) -> Awaitable[Decimal | None]:
        """Return what a contract paid in the end, or None while that is open; raises from `network.errors`."""
        found: Awaitable[Decimal | None] = _load(self.payouts)(settings, instrument)
        return found

    def examine(self, settings: Raw, look: Any, environ: Mapping[str, str], **clocks: Any) -> Awaitable[Any]:
        """Return what keeps a book from running here (`system.doctor.Diagnosis`); its arguments are those of `doctor`."""
        found: Awaitable[Any] = _load(self.doctor)(settings, look, environ, **clocks)
        return found

    def find_names(self, settings: Raw, names: Sequence[str], now_ns: Callable[[], int]) -> Mapping[str, str]:
        """Return the id of each name; BadBook for one that is none. Own event loop."""
        found: Mapping[str, str] = _load(self.names)(settings, names, now_ns)
        return found

    def make_books(self, settings: Raw, now_ns: Callable[[], int]) -> VenueBooks:
        """Return the venue's books of us, to be compared with ours."""
        books: VenueBooks = _load(self.books)(settings, now_ns)
        return books


VENUES: Mapping[str, VenueRow] = {
    "KALSHI": VenueRow(
        USD,
        ScheduledFees,
        feed="system.kalshi_feed:make",
        doctor="system.doctor:examine_for_book",
        desk="system.kalshi_desk:make",
        inquiry="system.kalshi_inquiry:ask",
        payouts="system.kalshi_inquiry:payout",
        books="system.kalshi_books:make",
    ),
    "POLYMARKET": VenueRow(
        PUSD,
        ScheduledFees,
        feed="system.polymarket_feed:make",
        doctor="system.polymarket_doctor:examine_for_book",
        desk="system.polymarket_desk:make",
        inquiry="system.polymarket_inquiry:ask",
        payouts="system.polymarket_inquiry:payout",
        books="system.polymarket_books:make",
        names="system.polymarket_names:find",
    ),
}


def _load(path: str | None) -> Any:
    if path is None:
        raise BadBook("expected a venue at which we can trade, found one that is for sandboxes only")
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
