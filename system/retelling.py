"""What our own recordings tell, as portions that fit a catalog: while they grow, or long after."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from adapters.kalshi.data.retelling import Retelling as KalshiRetelling
from adapters.polymarket.data.retelling import Retelling as PolymarketRetelling
from adapters.polymarket.history import Archive, archive_lines
from markets.live.harvest import Portion
from markets.live.story import Story
from storage.recording import RecordedRun, Tail

RETELLINGS: Final[Mapping[str, type[Story]]] = {"KALSHI": KalshiRetelling, "POLYMARKET": PolymarketRetelling}
"""Who reads the recordings of a venue."""

PORTION_ROWS: Final = 100_000
"""About how much is held in memory before it is written."""


@dataclass(slots=True)
class Told:
    """What was told of one run so far: problems by file and line."""

    run: str
    venue: str
    lines: int = 0
    problems: list[tuple[str, int, str]] = field(default_factory=list)
    compared: int = 0
    differing: list[str] = field(default_factory=list)


def tell_runs(
    runs: Sequence[RecordedRun], *, strict: bool = False, on_bytes: Callable[[int], None] | None = None
) -> Iterator[tuple[Told, Portion]]:
    """Yield what `runs` tell, in portions that follow each other in time per venue.

    The runs of one venue are read as one story: what a run left open, the next one ends. ValueError for a venue
    whose recordings nobody reads; with `strict` also for the first line that cannot be used.
    """
    by_venue: dict[str, list[RecordedRun]] = {}
    for run in runs:
        by_venue.setdefault(run.venue, []).append(run)
    for venue, its in by_venue.items():
        retelling = reader_of(venue, strict=strict)
        for place, run in enumerate(its):
            told = Told(run.run, venue)
            for portion in _portions(run, retelling, told, on_bytes):
                yield told, portion
            last = retelling.finish() if place == len(its) - 1 else retelling.drain()
            yield told, last


def tell_archives(archives: Sequence[Archive], *, strict: bool = False) -> Iterator[tuple[Told, Portion]]:
    """Yield what other people's recordings of Polymarket tell, each a story of its own; ValueError as for `tell_runs`."""
    for archive in archives:
        retelling, told = reader_of("POLYMARKET", strict=strict), Told(archive.folder.name, "POLYMARKET")
        for line in archive_lines(archive):
            retelling.take(line)
            if retelling.rows >= PORTION_ROWS:
                yield told, retelling.drain()
        told.lines = retelling.counts["lines"]
        told.problems += [(archive.folder.name, number, why) for number, why in retelling.problems]
        yield told, retelling.finish()


def reader_of(venue: str, *, strict: bool = False) -> Story:
    """Return who reads a venue's recordings; ValueError when nobody does."""
    if venue not in RETELLINGS:
        known = ", ".join(sorted(RETELLINGS))
        raise ValueError(f"expected a recording of {known}, found one of {venue}")
    return RETELLINGS[venue](strict=strict)


def _portions(
    run: RecordedRun, retelling: Story, told: Told, on_bytes: Callable[[int], None] | None
) -> Iterator[Portion]:
    before, compared = retelling.counts["lines"], retelling.counts["tickers_compared"]
    known, differing = len(retelling.problems), len(retelling.differing)

    def break_off(part: Path, reason: str) -> None:
        told.problems.append((part.name, 0, f"expected more after this, found a broken file: {reason}"))

    with Tail(run.folder, run.venue, on_broken=break_off, on_bytes=on_bytes) as tail:
        most_rows = retelling.rows + PORTION_ROWS
        for line in tail.read():
            retelling.take(line)
            if retelling.rows >= most_rows:
                yield retelling.drain()
                most_rows = retelling.rows + PORTION_ROWS
    told.lines = retelling.counts["lines"] - before
    told.compared = retelling.counts["tickers_compared"] - compared
    told.differing += retelling.differing[differing:]
    told.problems += [(run.run, number - before, why) for number, why in retelling.problems[known:]]
