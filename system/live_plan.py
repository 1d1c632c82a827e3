"""What is to be run, and whether it may be: read from a book and a command line. Loads no Nautilus."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from adapters.polymarket.providers.windows import Window
from simulation.wire.kalshi_markets import MADE_UP_RULES
from simulation.wire.kalshi_recordings import Recorded, load_recording
from system.book import BadBook, Outline, outline, read_book_file
from system.kalshi_settings import shard_of
from system.modes import Mode, check_locks
from system.polymarket_runs import find_polymarket_run, is_made_up, listings_of
from system.venue_task import VenueTask

DEFAULT_FAULTS: Final = Path("configs/faults/afternoon.toml")

_LOOKED_AT: Final = 100  # messages: a market's terms come before its first book
_MOST_LOOKED_AT: Final = 100_000  # in a recording of ours, which may hear an index long before a market
_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_NAMES: Final = {
    "KALSHI": (
        re.compile(r"kalshi:([^\s:*]+)-\*"),
        re.compile(r"kalshi:([^\s:*]+)(?::(?:YES|NO))?|([^\s:*]+)-(?:YES|NO)\.KALSHI"),
    ),
    "POLYMARKET": (
        re.compile(r"polymarket:([^\s:*]+)-\*"),
        re.compile(r"polymarket:([^\s:*]+)(?::[^\s:*]+)?"),
    ),
}
"""How a venue's series and markets are named in books."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was typed."""

    book: Path
    mode: Mode = "sandbox"
    record: Path | None = None
    playback: Path | None = None
    speed: float | None = None
    duration: str | None = None
    fault_plan: Path | None = None
    seed: int | None = None
    journal: str | None = None
    out: Path = Path("runs")
    window_secs: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePlan:
    """One run: what every process of it is told. `venue` is the double to start first, if any.

    `is_recorded` says that the double plays what a venue once said, and not what we made up; `session_secs` is
    how long that takes at speed 1, where the recording says so.
    """

    wish: Wish
    outline: Outline
    run: str
    folder: Path
    journal: str
    duration_secs: float | None
    venue: VenueTask | None
    is_recorded: bool = False
    session_secs: float | None = None

    @property
    def mode(self) -> Mode:
        """The mode of all processes of this run."""
        return self.wish.mode

    def node_arguments(self, cause: str | None) -> list[str]:
        """Return what the node's process is told; with a cause it may only reduce."""
        told = [
            "--mode",
            self.mode,
            "--run-id",
            self.run,
            "--journal",
            self.journal,
            "--out",
            str(self.wish.out),
        ]
        told += ["--record", str(self.wish.record)] if self.wish.record else []
        told += ["--recorded"] if self.is_recorded else []
        return [str(self.wish.book), *told, *(["--reduce-only", cause] if cause else [])]


def make_plan(wish: Wish, environ: Mapping[str, str], now_ns: int) -> LivePlan:
    """Return the plan of a run; BadBook says what keeps it from being run."""
    _check_options(wish)
    book = outline(read_book_file(wish.book))
    if book.live is None:
        raise BadBook(f"{wish.book}: expected a table [live] to run in mode {wish.mode}, found none")
    check_locks(wish.mode, book.name, book.live, environ)
    about = _ABOUT[_rehearsed(book)](wish.playback, wish.speed or 1.0) if wish.playback else {}
    run = _run_id(wish.mode, now_ns)
    folder = wish.out / book.name / run
    return LivePlan(
        wish=wish,
        outline=book,
        run=run,
        folder=folder,
        journal=wish.journal
        or book.live.journal
        or str((wish.out / book.name / "journal.sqlite").absolute()),
        duration_secs=parse_duration(wish.duration) if wish.duration else None,
        venue=_venue(wish, book, shard_of(book.live), folder),
        is_recorded=wish.playback is not None and about.get("source") != "SYNTHETIC",
        session_secs=about.get("secs"),
    )


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as `90s`, `10m`, `1.5h`; BadBook for anything else."""
    number, unit = text[:-1], text[-1:]
    try:
        secs = float(number) * _SECONDS[unit]
    except (ValueError, KeyError) as error:
        raise BadBook(f"expected a duration such as 90s, 10m or 2h, found {text!r}") from error
    if not 0 < secs < 1e9:
        raise BadBook(f"expected a duration above 0, found {text!r}")
    return secs


def _check_options(wish: Wish) -> None:
    of_rehearsal = {"--fault-plan": wish.fault_plan, "--seed": wish.seed}
    for name, value in of_rehearsal.items():
        if value is not None and wish.mode != "rehearsal":
            raise BadBook(f"expected {name} in mode rehearsal only, found mode {wish.mode}")
    if wish.playback is not None and wish.mode != "sandbox":
        raise BadBook(f"expected --playback in mode sandbox only, found mode {wish.mode}")
    if wish.speed is not None and (wish.playback is None or not 0 < wish.speed <= 1000):
        raise BadBook(f"expected --speed above 0, up to 1000, and --playback with it, found {wish.speed:g}")
    if wish.fault_plan is not None and not wish.fault_plan.is_file():
        raise BadBook(f"expected a fault plan at {wish.fault_plan}, found none")
    if wish.playback is not None and not wish.playback.exists():
        raise BadBook(f"expected a recording at {wish.playback}, found none: `argonaut make-up` makes one")


def _about(recording: Path, _speed: float) -> dict[str, Any]:
    """Return what a recording says of itself; BadBook when it is none.

    `source` is SYNTHETIC also for what our own recorder kept of a double: playing it again makes nothing real.
    """
    try:
        first = _first_of(recording)
    except (ValueError, LookupError, TypeError, OSError) as error:
        raise BadBook(f"expected a recording of a socket at {recording}, found {error}") from error
    if not first:
        raise BadBook(f"expected a recording of a socket at {recording}, found an empty one")
    about = first[0].body if first[0].kind == "recording" else {}
    is_doubles = any(MADE_UP_RULES in str(message.body) for message in first)
    return about | ({"source": "SYNTHETIC"} if is_doubles else {})


def _about_polymarket(recording: Path, speed: float) -> dict[str, Any]:
    run = find_polymarket_run(recording)
    listings = tuple(listings_of(run))
    if speed != 1 and any(Window.of(one.market.slug) for one in listings):
        raise BadBook(f"expected speed 1 for windows, whose names tell their times, found {speed:g}")
    return {"source": "SYNTHETIC"} if is_made_up(run, listings) else {}


def _first_of(recording: Path) -> list[Recorded]:
    """Return the beginning, up to what REST said of a market: that is where a double gives itself away."""
    first: list[Recorded] = []
    for message in islice(load_recording(recording), _MOST_LOOKED_AT):
        first.append(message)
        if message.kind in ("listing", "row") or (len(first) >= _LOOKED_AT and not first[0].is_yes_priced):
            break
    return first


def _run_id(mode: Mode, now_ns: int) -> str:
    at = datetime.fromtimestamp(now_ns // 1_000_000_000, UTC)
    return f"{at:%Y%m%dT%H%M%S}-{mode}-{secrets.token_hex(3)}"


def _venue(wish: Wish, book: Outline, shard: int, folder: Path) -> VenueTask | None:
    if wish.playback is not None:
        return VenueTask(
            folder=str(folder),
            venue=_rehearsed(book),
            shard=shard,
            recording=str(wish.playback),
            speed=wish.speed or 1.0,
        )
    if wish.mode != "rehearsal":
        return None
    venue = _rehearsed(book)
    series_name, market_name = _NAMES[venue]
    found = [series_name.fullmatch(name) for name in book.instruments]
    series = sorted({match[1] for match in found if match})
    if len(series) > 1:
        raise BadBook(f"expected one series to rehearse, found {', '.join(series)}")
    markets = (market_name.fullmatch(name) for name in book.instruments if not series_name.fullmatch(name))
    cash = book.backtest.starting_usd.get(venue) if book.backtest else None
    return VenueTask(
        folder=str(folder),
        venue=venue,
        seed=wish.seed if wish.seed is not None else 7,
        shard=shard,
        series=series[0] if series else None,
        markets=tuple(sorted({next(filter(None, match.groups())) for match in markets if match})),
        window_secs=wish.window_secs,
        cash_usd=str(cash or 1000),
        plan=str(wish.fault_plan or DEFAULT_FAULTS),
    )


def _rehearsed(book: Outline) -> str:
    """Return the venue that is made up for a rehearsal; BadBook for several, or for one without a double."""
    venues = book.live.venues if book.live is not None else ()
    if len(venues) != 1 or venues[0] not in _NAMES:
        known = ", ".join(_NAMES)
        raise BadBook(
            f"expected one venue with a double ({known}) to rehearse, found {', '.join(venues) or 'none'}"
        )
    return venues[0]


_ABOUT: Final = {"KALSHI": _about, "POLYMARKET": _about_polymarket}
