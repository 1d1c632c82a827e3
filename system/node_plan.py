"""What a node is to run, read from a book and the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nautilus_trader.common import LogLevel

from system.book import BadBook, Live
from system.loading import Loaded
from system.modes import Mode, double_addresses, is_on_this_machine, trader_id_of
from system.recording import Recording
from system.run_journal import RunJournal
from system.venues import VENUES, VenueRow


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlan:
    """What to run: a loaded book in one mode.

    `environ` may hold a double's addresses. `is_recorded` says that the double plays a real recording; without that
    whatever trades against a double is class S. A `journal` is told everything, and its
    commands are obeyed. `recording` keeps what the venues say.
    """

    book: Loaded
    mode: Mode
    environ: Mapping[str, str]
    identity: Mapping[str, str] = field(default_factory=dict)
    is_recorded: bool = False
    journal: RunJournal | None = None
    recording: Recording | None = None
    log_level: LogLevel = LogLevel.WARNING

    @property
    def live(self) -> Live:
        """What the book says about real time; BadBook when it says nothing."""
        if self.book.live is None:
            raise BadBook("expected a [live] table in the book, found none")
        return self.book.live

    @property
    def trader_id(self) -> str:
        """Who trades, with the mode in the name."""
        return trader_id_of(self.book.name, self.mode)

    @property
    def is_against_double(self) -> bool:
        """Whether a venue of the book is on this machine, by the environment or by the book's own settings."""
        settings = [self.settings_of(venue) for venue in self.live.venues]
        return any(is_on_this_machine(address) for one in settings for address in one.values())

    @property
    def starting_usd(self) -> Mapping[str, Decimal]:
        """A sandbox's money by venue."""
        replay = self.book.backtest.starting_usd if self.book.backtest else {}
        named = self.live.starting_usd or replay
        missing = [venue for venue in self.live.venues if venue not in named]
        if missing:
            raise BadBook(
                f"expected a starting amount at {missing[0]}, found none - at `$.live.starting_usd`"
            )
        return {venue: named[venue] for venue in self.live.venues}

    def settings_of(self, venue: str) -> Mapping[str, Any]:
        """Return the book's settings of a venue, with a double's addresses over them."""
        return {**self.live.settings.get(venue, {}), **double_addresses(venue, self.mode, self.environ)}


def row_of(venue: str) -> VenueRow:
    """Return what we know of a venue; BadBook when that is nothing."""
    if venue not in VENUES:
        raise BadBook(
            f"expected a venue among {', '.join(sorted(VENUES))}, found {venue!r} - at `$.live.venues`"
        )
    return VENUES[venue]
