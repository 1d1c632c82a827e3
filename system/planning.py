"""From a book on disk to a plan that can be run: names resolved, markets selected, a span fixed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
from nautilus_trader.model import BinaryOption, InstrumentId

from markets.currencies import USD
from markets.instruments import OutcomePair, series_of
from markets.names import Series, UnknownName, find_instrument, is_series
from storage.reading import CatalogReader
from system.backtest import Plan
from system.book import Backtest, BadBook, Raw, outline
from system.feed import first_versions
from system.loading import Loaded, load

_FOLDER_NAME = re.compile(r"\w[\w. -]*")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line says over the book; None leaves the book's own word."""

    start: str | None = None
    end: str | None = None


def backtest_of(raw: Raw) -> Backtest:
    """Return what a book says about replays; BadBook when it says nothing."""
    backtest = outline(raw).backtest
    if backtest is None:
        raise BadBook("expected a [backtest] table in the book, found none")
    return backtest


def make_plan(raw: Raw, catalog: Path, reader: CatalogReader, wish: Wish) -> Plan:
    """Return the plan for a book over a catalog.

    BadBook names a wrong setting by its path, an instrument or series that the catalog does not hold,
    money that is missing at a venue, and a period that is empty, reversed or outside the catalog.
    """
    backtest = backtest_of(raw)
    instruments = reader.instruments()
    book = load(raw, lambda name: find_instrument(name, instruments))
    if not _FOLDER_NAME.fullmatch(book.name):
        raise BadBook(
            f"expected a name for a folder, such as fed_decision, found {book.name!r} - at `$.name`"
        )
    markets = _selected(book, instruments)
    _check_money(backtest.starting_usd, markets)
    try:
        start_ns, end_ns = _span(backtest, wish, reader.first_ns, reader.last_ns)
    except LookupError as error:
        raise BadBook(f"{catalog}: {error}") from error
    return Plan(book, catalog, markets, start_ns, end_ns)


def _span(backtest: Backtest, wish: Wish, first_ns: int, last_ns: int) -> tuple[int, int]:
    start_ns = _time_ns(wish.start, backtest.start, first_ns, "start")
    end_ns = _time_ns(wish.end, backtest.end, last_ns + 1, "end")
    if start_ns >= end_ns:
        raise BadBook(f"expected a start before the end, found {_iso(start_ns)} to {_iso(end_ns)}")
    if start_ns > last_ns or end_ns <= first_ns:
        raise BadBook(
            f"expected a period within {_iso(first_ns)} to {_iso(last_ns)}, which the catalog "
            f"covers, found {_iso(start_ns)} to {_iso(end_ns)}"
        )
    return max(start_ns, first_ns), min(end_ns, last_ns + 1)


def _check_money(starting_usd: Mapping[str, Decimal], markets: Sequence[OutcomePair]) -> None:
    where = "at `$.backtest.starting_usd`"
    for venue, amount in starting_usd.items():
        if amount.scaleb(USD.precision) % 1:
            raise BadBook(f"expected whole millionths of a dollar at {venue}, found {amount} - {where}")
    for market in markets:
        venue = market.yes.id.venue.value
        if venue not in starting_usd:
            raise BadBook(
                f"expected a starting amount at {venue}, where {market.market} trades, found none - {where}"
            )


def _selected(book: Loaded, instruments: Sequence[BinaryOption]) -> list[OutcomePair]:
    if not book.instruments:
        raise BadBook("expected at least one instrument or series, found none - at `$.instruments`")
    series: set[str] = set()
    ids: set[InstrumentId] = set()
    for place, name in enumerate(book.instruments):
        try:
            if is_series(name):
                series.add(_known_series(name, instruments))
            else:
                ids.add(find_instrument(name, instruments))
        except (UnknownName, ValueError) as error:
            raise BadBook(f"{error} - at `$.instruments[{place}]`") from error
    return [
        market
        for market in first_versions(instruments)
        if series_of(market.yes) in series or market.yes.id in ids or market.no.id in ids
    ]


def _known_series(name: str, instruments: Sequence[BinaryOption]) -> str:
    wanted = Series(name)
    if any(wanted.holds(instrument) for instrument in instruments):
        return wanted.key
    known = sorted({series_of(instrument) for instrument in instruments})
    raise UnknownName(f"expected a series among {', '.join(known) or 'none at all'}, found {name!r}")


def _time_ns(typed: str | None, written: datetime | None, otherwise_ns: int, which: str) -> int:
    wanted = written if typed is None else typed
    if wanted is None:
        return otherwise_ns
    try:
        if isinstance(wanted, str):
            datetime.fromisoformat(wanted)  # pandas alone would take `now`, `NaT` and 01/09/2026
        moment = pd.Timestamp(wanted)
        moment = moment.tz_localize(UTC) if moment.tzinfo is None else moment.tz_convert(UTC)
        return int(moment.as_unit("ns").value)
    except (ValueError, OverflowError) as error:
        raise BadBook(
            f"expected an ISO 8601 {which} such as 2026-05-13T12:00:00Z, found {str(wanted)!r}"
        ) from error


def _iso(at_ns: int) -> str:
    return str(pd.Timestamp(at_ns, unit="ns", tz=UTC).isoformat())
