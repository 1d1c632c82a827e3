"""The runs that we recorded at Polymarket: which one a path holds, and whose words it holds. Loads no Nautilus."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from msgspec import Raw, Struct
from msgspec.json import Decoder

from adapters.polymarket import constants as venue
from adapters.polymarket.messages.clob import CompactMarket
from adapters.polymarket.messages.gamma import EventRow, GammaMarket
from markets.live.recorded_lines import decode_line
from storage.recorder import ENDING
from storage.recording import RecordedRun, Tail, find_runs
from system.book import BadBook

MADE_UP: Final = " (made up for a rehearsal)"
"""What the question of a market ends with that our double made up, when it is played again."""


class Listing(Struct, frozen=True, forbid_unknown_fields=True):
    """The note `listing`, as far as a venue needs it to list the market again."""

    market: GammaMarket
    book: CompactMarket
    event: EventRow | None = None
    says: Raw = Raw(b"null")


_LISTING: Final = Decoder(Listing)


def is_ours(recording: Path) -> bool:
    """Return whether our own recorder made this: frames alone tell no markets."""
    return recording.is_dir() or recording.name.endswith(ENDING)


def find_polymarket_run(recording: Path) -> RecordedRun:
    """Return the one run of Polymarket in a folder or a part; BadBook for none or several."""
    try:
        runs = [one for one in find_runs([recording]) if one.venue == venue.VENUE]
    except (ValueError, OSError) as error:
        raise BadBook(f"expected a recording of Polymarket at {recording}, found {error}") from error
    if len(runs) != 1:
        found = ", ".join(one.run for one in runs) or "none"
        raise BadBook(f"expected one run that --record kept of Polymarket at {recording}, found {found}")
    return runs[0]


def is_made_up(run: RecordedRun, listings: Iterable[Listing]) -> bool:
    """Return whether a double of ours said what was recorded: playing it again makes nothing real."""
    if "-rehearsal-" in run.run:
        return True
    return any(one.market.question.endswith(MADE_UP) for one in listings)


def listings_of(run: RecordedRun) -> Iterator[Listing]:
    """Yield each market of a run once, as it was listed first."""
    seen = set[str]()
    for line in lines_of(run):
        found = decode_line(line)
        if found.control != "listing":
            continue
        listing = _LISTING.decode(found.info)
        if listing.market.condition_id not in seen:
            seen.add(listing.market.condition_id)
            yield listing


def lines_of(run: RecordedRun) -> Iterator[bytes]:
    """Yield the lines of a run, up to where a part is broken."""
    with Tail(run.folder, run.venue, on_broken=lambda *_: None) as tail:
        yield from tail.read()
