"""From a book on disk to a plan that can be run: names resolved, markets selected, a span fixed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from nautilus_trader.model import BinaryOption, InstrumentId

from markets.instruments import OutcomePair, series_of
from markets.names import Series, UnknownName, find_instrument, is_series
from storage.reading import CatalogReader
from system.backtest import Plan
from system.book import BadBook, Raw, outline
from system.feed import first_versions
from system.loading import Loaded, load


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line says over the book; None leaves the book's own word."""

    start: str | None = None
    end: str | None = None


def make_plan(raw: Raw, catalog: Path, reader: CatalogReader, wish: Wish) -> Plan:
    """Return the plan for a book over a catalog.

    BadBook names a wrong setting by its path, an instrument or series that the catalog does not hold, and
    a period that is empty, reversed or outside the catalog.
    """
    backtest = outline(raw).backtest
    if backtest is None:
        raise BadBook("expected a [backtest] table in the book, found none")
    instruments = reader.instruments()
    book = load(raw, lambda name: find_instrument(name, instruments))
    markets = _selected(book, instruments)
    start_ns = _time_ns(wish.start, backtest.start, reader.first_ns, "start")
    end_ns = _time_ns(wish.end, backtest.end, reader.last_ns + 1, "end")
    if start_ns >= end_ns:
        raise BadBook(f"expected a start before the end, found {_iso(start_ns)} to {_iso(end_ns)}")
    if start_ns > reader.last_ns or end_ns <= reader.first_ns:
        raise BadBook(
            f"expected a period within {_iso(reader.first_ns)} to {_iso(reader.last_ns)}, which the catalog "
            f"covers, found {_iso(start_ns)} to {_iso(end_ns)}"
        )
    return Plan(book, catalog, markets, max(start_ns, reader.first_ns), min(end_ns, reader.last_ns + 1))


def _selected(book: Loaded, instruments: Sequence[BinaryOption]) -> list[OutcomePair]:
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
        moment = pd.Timestamp(wanted)
    except ValueError as error:
        raise BadBook(
            f"expected an ISO 8601 {which} such as 2026-05-13T12:00:00Z, found {wanted!r}"
        ) from error
    moment = moment.tz_localize(UTC) if moment.tzinfo is None else moment.tz_convert(UTC)
    return int(moment.as_unit("ns").value)


def _iso(at_ns: int) -> str:
    return str(pd.Timestamp(at_ns, unit="ns", tz=UTC).isoformat())
