"""A book's names of single outcomes, where only the venue knows their ids, written out as ids before the book is run."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from system.book import Raw, outline
from system.modes import Mode, double_addresses
from system.venues import VENUES

_HOLD_NAMES: Final = ("instruments", "strategies")
_PARTS: Final = 3  # venue, market, outcome


def spelt_out(raw: Raw, mode: Mode, environ: Mapping[str, str], now_ns: Callable[[], int]) -> Raw:
    """Return a book in which no such name is left; BadBook for one that is none, NetworkError while the venue cannot be asked.

    Such a name is `venue:market:outcome` of a venue in `[live]` that has `names`, wherever it stands among instruments and
    strategies. A rehearsal asks its double.
    """
    live = outline(raw).live
    ids: dict[str, str] = {}
    for venue in live.venues if live is not None else ():
        names = _names_of(raw, venue)
        row = VENUES.get(venue)
        if not names or row is None or row.names is None or live is None:
            continue
        addresses = double_addresses(venue, mode, environ)
        ids |= row.find_names({**live.settings.get(venue, {}), **addresses}, names, now_ns)
    return {key: _with_ids(value, ids) if key in _HOLD_NAMES else value for key, value in raw.items()}


def _names_of(raw: Raw, venue: str) -> list[str]:
    found = (text for key in _HOLD_NAMES for text in _texts(raw.get(key)))
    return sorted({text for text in found if _is_outcome(text, venue)})


def _is_outcome(text: str, venue: str) -> bool:
    parts = text.split(":")
    return len(parts) == _PARTS and all(parts) and parts[0].upper() == venue


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _with_ids(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return ids.get(value, value)
    if isinstance(value, Mapping):
        return {key: _with_ids(one, ids) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_ids(one, ids) for one in value]
    return value
