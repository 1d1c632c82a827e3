"""Bring a venue's recordings into the catalog: all that one command names, or nothing."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import to_builtins
from rich.box import SIMPLE_HEAD
from rich.table import Table

from adapters.kalshi.history import Problem, Session, TickerCheck, find_recordings, read_recordings
from adapters.polymarket.history import Archive, find_archive
from storage.catalog import CatalogWriter, Written
from storage.recording import RecordedRun, find_runs
from system.retelling import Told, tell_archives, tell_runs

_SHOWN = 5
_HEADINGS = {
    "OrderBookDelta": "deltas",
    "QuoteTick": "quotes",
    "TradeTick": "trades",
    "BinaryOption": "instruments",
    "OraclePrice": "oracle",
    "MarketPhase": "phases",
    "MarketResolution": "results",
    "TradeProvenance": "provenance",
    "DataGap": "gaps",
}
"""Problems that a summary spells out; the rest is counted, and `--json` holds them all."""


@dataclass(frozen=True, slots=True)
class ImportedSession:
    """What one recording brought: lines read, rows stored by kind, lines that could not be used."""

    name: str
    messages: int
    instruments: int
    rows: Mapping[str, int]
    problems: int


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What one import stored, and how far the books agree with the venue's own ticker.

    `ticker.compared` counts ticker messages that were held against the book rebuilt from deltas,
    `ticker.differing` tells where the best prices were others; `seconds` is the time that it took.
    """

    catalog: str
    sessions: tuple[ImportedSession, ...]
    rows: Mapping[str, int]
    problems: tuple[Problem, ...]
    ticker: TickerCheck
    messages: int
    seconds: float

    @property
    def messages_per_sec(self) -> float:
        return self.messages / self.seconds

    def as_dict(self) -> dict[str, Any]:
        """Return the same in plain JSON types."""
        plain: dict[str, Any] = to_builtins(self, enc_hook=str)
        return plain | {"messages_per_sec": round(self.messages_per_sec)}


@dataclass(frozen=True, slots=True)
class Sources:
    """What there is to import: runs that we recorded, and recordings of others; archives are of Polymarket."""

    runs: tuple[RecordedRun, ...]
    recordings: tuple[Path, ...]
    archives: tuple[Archive, ...] = ()

    @property
    def bytes(self) -> int:
        """How much there is to read."""
        ours = sum(run.bytes for run in self.runs) + sum(one.bytes for one in self.archives)
        return ours + sum(one.stat().st_size for one in self.recordings)


def find_sources(sources: Sequence[Path]) -> Sources:
    """Return what lies in `sources`; errors as `find_runs` and `find_recordings`."""
    archives = {source: found for source in sources if (found := find_archive(source)) is not None}
    rest = [source for source in sources if source not in archives]
    ours = [source for source in rest if source.exists() and find_runs([source])]
    others = [source for source in rest if source not in ours]
    recordings = find_recordings(others) if others else ()
    return Sources(find_runs(ours), recordings, tuple(archives.values()))


def import_kalshi(
    sources: Sequence[Path],
    catalog: Path,
    *,
    strict: bool = False,
    progress: Callable[[int], None] | None = None,
) -> ImportResult:
    """Store what `sources`, recordings or folders of them, tell about Kalshi's markets.

    Runs that we recorded are told as they were told live, and one run's end by the next one. `progress` hears
    how many compressed bytes were read since it was last called. Nothing is stored unless everything is.

    Raises
    ------
    FileNotFoundError
        No recording is there.
    BadRecording
        With `strict`, the first line that cannot be used; without, such lines are counted.
    Overlap, WrongSchema, CatalogBusy
        The catalog already holds data of that time, is of another schema, or is being written.

    """
    began = time.perf_counter()
    found = find_sources(sources)
    tally = _Tally()
    with CatalogWriter(catalog) as writer:
        if found.recordings:
            for session in read_recordings(found.recordings, strict=strict, on_bytes=progress):
                tally.add_session(session, writer.write(session.instruments, session.data))
        for told, portion in tell_runs(found.runs, strict=strict, on_bytes=progress):
            tally.add_portion(told, writer.write(portion.instruments, portion.data))
        for told, portion in tell_archives(found.archives, strict=strict):
            tally.add_portion(told, writer.write(portion.instruments, portion.data))
        tally.end_run()
        if not tally.sessions:
            raise FileNotFoundError(f"expected recordings in {', '.join(map(str, sources))}, found none")
    return ImportResult(
        catalog=str(catalog),
        sessions=tuple(tally.sessions),
        rows=_total(session.rows for session in tally.sessions),
        problems=tuple(tally.problems),
        ticker=TickerCheck(compared=tally.compared, differing=tuple(tally.differing)),
        messages=sum(session.messages for session in tally.sessions),
        seconds=time.perf_counter() - began,
    )


class _Tally:
    """Adds up what is stored, session by session and run by run."""

    def __init__(self) -> None:
        self.sessions: list[ImportedSession] = []
        self.problems: list[Problem] = []
        self.compared = 0
        self.differing: list[str] = []
        self._told: Told | None = None
        self._rows: Counter[str] = Counter()
        self._instruments = 0

    def add_session(self, session: Session, written: Written) -> None:
        self.sessions.append(_imported(session, written))
        self.problems += session.problems
        self.compared += session.ticker.compared
        self.differing += session.ticker.differing

    def add_portion(self, told: Told, written: Written) -> None:
        if told is not self._told:
            self.end_run()
            self._told = told
        self._rows.update(written.rows)
        self._instruments += written.instruments

    def end_run(self) -> None:
        told = self._told
        if told is None:
            return
        self.sessions.append(
            ImportedSession(
                name=told.run,
                messages=told.lines,
                instruments=self._instruments,
                rows=dict(self._rows),
                problems=len(told.problems),
            )
        )
        self.problems += [Problem(*one) for one in told.problems]
        self.compared += told.compared
        self.differing += told.differing
        self._rows.clear()
        self._told, self._instruments = None, 0


def summary(result: ImportResult) -> Table:
    """Return a table with a line for each session and one for all."""
    kinds = sorted(result.rows)
    table = Table(
        title=f"{len(result.sessions)} sessions into {result.catalog}",
        caption=_caption(result),
        box=SIMPLE_HEAD,
    )
    table.add_column("session", no_wrap=True)
    for name in ("messages", *(_HEADINGS.get(kind, kind) for kind in kinds), "problems"):
        table.add_column(name, justify="right")
    for session in result.sessions:
        counts = [session.messages, *(session.rows.get(kind, 0) for kind in kinds), session.problems]
        table.add_row(session.name, *(f"{count:,}" for count in counts))
    table.add_section()
    counts = [result.messages, *(result.rows[kind] for kind in kinds), len(result.problems)]
    table.add_row("all", *(f"{count:,}" for count in counts))
    return table


def _imported(session: Session, written: Written) -> ImportedSession:
    return ImportedSession(
        name=session.name,
        messages=session.counts["lines"],
        instruments=written.instruments,
        rows=written.rows,
        problems=len(session.problems),
    )


def _total(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total = Counter[str]()
    for part in parts:
        total.update(part)
    return dict(sorted(total.items()))


def _caption(result: ImportResult) -> str:
    ticker = result.ticker
    lines = [
        f"{result.messages_per_sec:,.0f} messages/s in {result.seconds:.1f} s",
        f"best prices differ from the venue's ticker in {len(ticker.differing):,} of {ticker.compared:,} comparisons",
    ]
    lines += [f"{one.file}:{one.line}: {one.reason}" for one in result.problems[:_SHOWN]]
    if len(result.problems) > _SHOWN:
        lines.append(f"and {len(result.problems) - _SHOWN:,} more; --json tells them all")
    return "\n".join(lines)
