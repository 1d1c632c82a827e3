"""The modes in which one book runs in real time, and the three locks on the one that spends money."""

import re
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import urlsplit

from system.book import BadBook, Live

type Mode = Literal["sandbox", "rehearsal", "live"]

MODES: Final[tuple[Mode, ...]] = ("sandbox", "rehearsal", "live")
LIVE_LOCK: Final = "ARGONAUT_LIVE"
"""The third lock: an environment variable that holds the trader id."""

_ADDRESSES: Final = {"POLYMARKET": ("rest_url", "gamma_url", "data_url", "socket_url")}
_TWO_ADDRESSES: Final = ("rest_url", "socket_url")
_TRADING: Final = {"POLYMARKET": ("site_url",)}  # wanted by those who trade only
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Locked(BadBook):
    """A lock on live trading that is not open; the message says which, and how it is opened."""


def trader_id_of(book_name: str, mode: Mode) -> str:
    """Return who trades: the book, then the mode, which Nautilus puts into every log line and client order id.

    The part after the last dash becomes part of each client order id (run on rc7), so it is the mode alone.
    """
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", book_name).strip("_") or "BOOK"
    return f"{plain}-{mode.upper()}"


def check_locks(mode: Mode, book_name: str, live: Live, environ: Mapping[str, str]) -> None:
    """Raise Locked unless a book may run in `mode`: live needs the book's own word and the environment's.

    That the mode was typed is the third lock, and the caller's: no mode but sandbox is ever a default.
    """
    if mode != "live":
        return
    if live.mode != "live":
        raise Locked(f'expected mode = "live" in [live], found {live.mode!r}: the book does not trade money')
    wanted, found = trader_id_of(book_name, mode), environ.get(LIVE_LOCK)
    if found != wanted:
        said = "none" if found is None else repr(found)
        raise Locked(f"expected {LIVE_LOCK}={wanted} in the environment, found {said}: set it to trade money")


def is_on_this_machine(address: object) -> bool:
    """Return whether an address is a text that names this machine."""
    return isinstance(address, str) and urlsplit(address).hostname in _LOOPBACK


def double_addresses(venue: str, mode: Mode, environ: Mapping[str, str]) -> dict[str, str]:
    """Return where a double stands in for `venue`, from the environment: each address by its setting's name, or nothing.

    BadBook for an address that is not on this machine, for some of them only, for one in mode live, and when a rehearsal has none.
    """
    names = {key: f"ARGONAUT_{venue}_{key.upper()}" for key in _ADDRESSES.get(venue, _TWO_ADDRESSES)}
    found = {key: environ[name] for key, name in names.items() if environ.get(name)}
    if not found and mode != "rehearsal":
        return {}
    if mode == "live":
        raise BadBook(
            f"expected no {' or '.join(names.values())} in mode live, found {sorted(found.values())}"
        )
    if len(found) < len(names):
        raise BadBook(
            f"expected {' and '.join(names.values())} in the environment, found {len(found)} of them"
        )
    also = {key: f"ARGONAUT_{venue}_{key.upper()}" for key in _TRADING.get(venue, ())}
    found |= {key: environ[name] for key, name in also.items() if environ.get(name)}
    names |= also
    for key, address in found.items():
        if not is_on_this_machine(address):
            raise BadBook(f"expected an address on this machine in {names[key]}, found {address!r}")
    return found
