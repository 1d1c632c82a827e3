"""What the commands about venues do: examine one, list its markets; and how that looks in a terminal."""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from msgspec import to_builtins
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from adapters.kalshi.config import KalshiConfig, KalshiExecutionConfig
from adapters.kalshi.constants import FIFTEEN_MINUTE_UNDERLYINGS
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.messages.reference import Market
from adapters.kalshi.providers.catalogue import KalshiCatalogue
from adapters.kalshi.providers.terms import terms_of_listing
from markets.instruments import MarketTerms
from storage.layout import timestamp_of
from system.book_doctor import BookDiagnosis, Surroundings, examine_book
from system.doctor import Diagnosis, examine_kalshi
from system.modes import Mode

_COLOURS: Final = {"ok": "green", "warning": "yellow", "failed": "red"}
_SHOWN_MARKETS: Final = 60


@dataclass(frozen=True, slots=True)
class Listed:
    """A market that trades or will: its terms, and how it stands; None for what we could not trade."""

    row: Market
    terms: MarketTerms | None
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the same in plain JSON."""
        terms: dict[str, Any] = {} if self.terms is None else to_builtins(self.terms)
        terms.pop("venue_says", None)
        quote = {
            "status": self.row.status,
            "yes_bid": _text(self.row.yes_bid_dollars),
            "yes_ask": _text(self.row.yes_ask_dollars),
            "volume": _text(self.row.volume_fp),
        }
        return {"market": self.row.ticker, "problem": self.problem} | terms | quote


def now_ns() -> int:
    """Return the wall clock: a command is where time enters, since it has no node."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def diagnose_kalshi(config: KalshiExecutionConfig) -> Diagnosis:
    """Return what `argonaut doctor kalshi` has to say."""
    return asyncio.run(examine_kalshi(config, os.environ, now_ns=now_ns, monotonic=time.monotonic))


def list_kalshi(config: KalshiConfig, series: Sequence[str]) -> list[Listed]:
    """Return what trades or will in these series, by default the crypto 15-minute ones; no key is needed.

    Raises from `network.errors`.
    """
    return asyncio.run(_list(config, series or tuple(FIFTEEN_MINUTE_UNDERLYINGS)))


def diagnose_book(file: Path, mode: Mode, out: Path) -> BookDiagnosis:
    """Return what `argonaut doctor BOOK` has to say."""
    return examine_book(file, mode, Surroundings(os.environ, out, now_ns, time.monotonic))


def diagnosis_table(diagnosis: Diagnosis) -> Table:
    """Return a diagnosis as a person reads it."""
    return _findings_table(f"{diagnosis.venue} {diagnosis.environment}", diagnosis)


def book_table(diagnosis: BookDiagnosis) -> Table:
    """Return a diagnosis of a book as a person reads it."""
    return _findings_table(f"{diagnosis.book} in mode {diagnosis.mode}", diagnosis)


def _findings_table(title: str, diagnosis: Diagnosis | BookDiagnosis) -> Table:
    verdict = "ready" if diagnosis.is_ready else "not ready"
    table = Table(title=f"{title}: {verdict}", box=SIMPLE_HEAD)
    for name in ("about", "", "found", "what to do"):
        table.add_column(name, overflow="fold")
    for one in diagnosis.findings:
        table.add_row(
            one.about, f"[{_COLOURS[one.state]}]{one.state}[/]", escape(one.found), escape(one.mend)
        )
    return table


def market_table(markets: Sequence[Listed]) -> Table:
    """Return markets as a person reads them."""
    table = Table(title=f"{len(markets)} markets", box=SIMPLE_HEAD)
    table.add_column("market", no_wrap=True)
    for name in ("status", "opens", "closes", "strike", "bid", "ask", "shard", "taker fee"):
        table.add_column(name, justify="right")
    for one in markets[:_SHOWN_MARKETS]:
        table.add_row(one.row.ticker, one.row.status, *_cells(one))
    if len(markets) > _SHOWN_MARKETS:
        table.caption = f"and {len(markets) - _SHOWN_MARKETS:,} more; --json tells them all"
    return table


async def _list(config: KalshiConfig, series: Sequence[str]) -> list[Listed]:
    async with KalshiHttp(config, None, now_ns=now_ns, monotonic=time.monotonic) as http:
        catalogue, listed = KalshiCatalogue(http, now_ns), list[Listed]()
        for one in series:
            rows = {row.ticker: row for row in await catalogue.find_open(one)}
            events = dict.fromkeys(row.event_ticker for row in rows.values())
            for event in events:
                for listing in await catalogue.list_event(event):
                    if listing.market.ticker not in rows:
                        continue
                    try:
                        listed.append(Listed(listing.market, terms_of_listing(listing, now_ns())))
                    except (ValueError, ArithmeticError) as error:
                        listed.append(Listed(listing.market, None, str(error)))
        return sorted(listed, key=lambda one: (one.row.close_time, one.row.ticker))


def _cells(one: Listed) -> list[str]:
    if one.terms is None:
        return [one.problem]
    strikes = [str(strike) for strike in (one.terms.floor_strike, one.terms.cap_strike) if strike is not None]
    fees = [terms for terms in one.terms.fees if terms["since_ns"] <= now_ns()]
    return [
        timestamp_of(one.terms.opens_ns)[:16],
        timestamp_of(one.terms.closes_ns)[:16],
        " to ".join(strikes) or "-",
        _text(one.row.yes_bid_dollars) or "-",
        _text(one.row.yes_ask_dollars) or "-",
        str(one.terms.shard),
        fees[-1]["taker_rate"],
    ]


def _text(value: object) -> str | None:
    return None if value is None else str(value)
