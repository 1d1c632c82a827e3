"""Names that people type into books and commands, and the ids that they stand for.

`kalshi:KXBTC15M-26OCT031745-45:YES` is one outcome, `kalshi:KXBTC15M-*` every market of a series,
now and to come. A Nautilus instrument id, `KXBTC15M-26OCT031745-45-YES.KALSHI`, is a name too.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Self

from nautilus_trader.model import InstrumentId

from markets.instruments import Instrument, info_of, outcome_id

_SERIES = re.compile(r"[^\s:*]+:[^\s:*]+-\*")


class UnknownName(LookupError):
    """A name that no known market answers to."""


class Series(str):
    """All markets of one series at one venue, such as `kalshi:KXBTC15M-*`."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Raise ValueError unless `text` reads `venue:SERIES-*`."""
        if not _SERIES.fullmatch(text):
            raise ValueError(f"expected a series such as `kalshi:KXBTC15M-*`, found {text!r}")
        return super().__new__(cls, text)

    @property
    def venue(self) -> str:
        return self.partition(":")[0].upper()

    @property
    def ticker(self) -> str:
        return self.partition(":")[2].removesuffix("-*")

    @property
    def key(self) -> str:
        """What the facts of this series are published under, such as `KXBTC15M.KALSHI`."""
        return f"{self.ticker}.{self.venue}"

    def holds(self, instrument: Instrument) -> bool:
        """Return whether `instrument` is a side of a market of this series."""
        return instrument.id.venue.value == self.venue and info_of(instrument)["series"] == self.ticker


def is_series(text: str) -> bool:
    """Return whether `text` names a series rather than one outcome."""
    return text.endswith("-*")


def readable(instrument: Instrument) -> str:
    """Return the name that a person would type for `instrument`."""
    info = info_of(instrument)
    side = info["outcome"]
    if info.get("labels"):
        side = info["labels"][0 if side == "YES" else 1]
    return f"{instrument.id.venue.value.lower()}:{info.get('name') or info['market']}:{side}"


def outcome_of(text: str) -> InstrumentId:
    """Return the id that a name of one outcome stands for where nothing is known but the name; ValueError for none.

    Only for venues whose ids are made of market and outcome.
    """
    if text.count(":") != 2:
        return InstrumentId.from_str(text)
    venue, market, outcome = text.split(":")
    return outcome_id(market, venue.upper(), outcome.upper())


def find_instrument(text: str, known: Iterable[Instrument]) -> InstrumentId:
    """Return the id of the outcome that `text` names among the `known` instruments.

    Raises UnknownName with the nearest names when there is none, and ValueError when `text` is neither
    a name nor an id.
    """
    if text.count(":") != 2:
        wanted = InstrumentId.from_str(text)
        ids = [instrument.id for instrument in known]
        if wanted in ids:
            return wanted
        raise UnknownName(_not_found(text, [str(one) for one in ids]))
    folded = text.casefold()
    by_name = {readable(instrument): instrument.id for instrument in known}
    for name, instrument_id in by_name.items():
        if name.casefold() == folded:
            return instrument_id
    raise UnknownName(_not_found(text, list(by_name)))


def _not_found(text: str, names: list[str]) -> str:
    folded = {name.casefold(): name for name in names}
    near = [folded[one] for one in get_close_matches(text.casefold(), folded, n=2)]
    hint = f"; did you mean {' or '.join(near)}?" if near else f"; {len(names)} outcomes are known"
    return f"expected an instrument that the catalog holds, found {text!r}{hint}"
