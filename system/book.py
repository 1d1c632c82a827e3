"""A book: what to run, in one TOML file; read here without loading any of it."""

import re
import tomllib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, ValidationError, convert

from simulation.settings import VenueModel

_REDIS = re.compile(r"rediss?://([^/?#]*@)?[^/?#@:]+(:\d+)?(/0?)?")

type Raw = dict[str, Any]


class BadBook(ValueError):
    """A book that cannot be run as it stands; the message says where and why."""


class StrategyEntry[C](Struct, frozen=True, forbid_unknown_fields=True):
    """One strategy: its class, the name it trades under, and what it is set to."""

    strategy: str
    id: str
    config: C


class RuleEntry[R](Struct, frozen=True, forbid_unknown_fields=True):
    """One limit; its settings are its fields."""

    rule: str
    config: R


class Backtest(Struct, frozen=True, forbid_unknown_fields=True):
    """What to replay, and with what money; without a start or an end, as far as the catalog reaches.

    `synthetic` holds the settings of the market generator: a missing catalog is then made up first.
    """

    starting_usd: dict[str, Decimal]
    catalog: str = "catalog"
    start: datetime | None = None
    end: datetime | None = None
    synthetic: Raw | None = None

    def __post_init__(self) -> None:
        """Refuse money that nobody has."""
        _must_have_money(self.starting_usd)


class Live(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to trade, and how far the book may go: `mode` "live" is the first of three locks on real orders.

    `starting_usd` is a sandbox's money by venue; without it, the backtest's. `settings` are each venue's own.
    `journal` and `redis` are addresses: without one, a file below the runs, and no Redis.
    """

    venues: list[str]
    mode: Literal["sandbox", "rehearsal", "live"] = "sandbox"
    starting_usd: dict[str, Decimal] | None = None
    settings: dict[str, Raw] = {}
    journal: str | None = None
    redis: str | None = None

    def __post_init__(self) -> None:
        """Refuse money that nobody has, and a Redis that Nautilus cannot name."""
        _must_have_money(self.starting_usd or {})
        if self.redis is not None and not _REDIS.fullmatch(self.redis):
            raise ValueError(
                "expected a Redis as redis://user:password@host:port, found another form: its database is 0"
            )


class Loosen(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a book's own rules may allow more than its preset does; printed at start."""

    reason: str

    def __post_init__(self) -> None:
        """Refuse a reason that says nothing."""
        if not self.reason.strip():
            raise ValueError("expected a reason to loosen a preset, found none")


class Book[S, R](Struct, frozen=True, forbid_unknown_fields=True):
    """Strategies and rules once, then how to replay them and how to run them."""

    name: str
    instruments: list[str]
    strategies: S
    risk: R
    preset: str | None = None
    loosen: Loosen | None = None
    simulation: VenueModel = VenueModel()
    backtest: Backtest | None = None
    live: Live | None = None


def _must_have_money(starting_usd: Mapping[str, Decimal]) -> None:
    for venue, amount in starting_usd.items():
        if not (amount.is_finite() and amount > 0):
            raise ValueError(f"expected a starting amount above 0 USD at {venue}, found {amount}")


type Outline = Book[list[StrategyEntry[Raw]], list[RuleEntry[Raw]]]


def read_book(text: str) -> Raw:
    """Return a book as plain data; no number in it has been a binary float."""
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise BadBook(f"expected a TOML file, found: {error}") from error


def read_book_file(path: Path) -> Raw:
    """Return the book in the file `path`; BadBook names the file when it is missing or no TOML."""
    try:
        return read_book(path.read_bytes().decode())
    except OSError as error:
        raise BadBook(f"expected a book at {path}, found none: {error.strerror}") from error
    except (BadBook, UnicodeDecodeError) as error:
        raise BadBook(f"{path}: {error}") from error


def outline(raw: Raw) -> Outline:
    """Return the book with the settings of its strategies and rules still unread."""
    try:
        return convert(raw, Outline.__value__)  # type: ignore[no-any-return]
    except ValidationError as error:
        raise BadBook(str(error)) from error
