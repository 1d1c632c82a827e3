"""What the commands about Polymarket do: list the markets of a series; and how that looks in a terminal."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from msgspec import MsgspecError, to_builtins
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from adapters.polymarket.config import PolymarketConfig
from adapters.polymarket.http.market_data import MarketData
from adapters.polymarket.providers.catalogue import PolymarketCatalogue
from adapters.polymarket.providers.terms import Listing, terms_of_listing
from markets.instruments import MarketTerms, outcome_id
from storage.layout import timestamp_of

DEFAULT_SERIES: Final = ("btc-updown-5m", "btc-updown-15m")
_SHOWN_MARKETS: Final = 60


@dataclass(frozen=True, slots=True)
class Listed:
    """A market that trades or will: its terms; None for what we could not trade, and why."""

    slug: str
    terms: MarketTerms | None
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the same in plain JSON, with the ids of both instruments."""
        if self.terms is None:
            return {"name": self.slug, "problem": self.problem}
        terms: dict[str, Any] = to_builtins(self.terms)
        del terms["venue_says"]
        return {"problem": ""} | terms | {"instruments": self.instruments}

    @property
    def instruments(self) -> list[str]:
        """The ids of both sides, as a book wants them."""
        if self.terms is None:
            return []
        return [str(outcome_id(self.terms.market, self.terms.venue, one)) for one in self.terms.tokens]


def list_polymarket(
    config: PolymarketConfig, series: Sequence[str], now_ns: Callable[[], int]
) -> list[Listed]:
    """Return what trades or will in these series or events, by default the shortest windows; no key is needed.

    Raises from `network.errors`.
    """
    return asyncio.run(_list(config, series or DEFAULT_SERIES, now_ns))


def market_table(markets: Sequence[Listed]) -> Table:
    """Return markets as a person reads them."""
    table = Table(title=f"{len(markets)} markets", box=SIMPLE_HEAD)
    table.add_column("market", no_wrap=True)
    for name in (
        "closes",
        "tick",
        "least size",
        "taker fee",
        "taker waits",
        "instrument of the first outcome",
    ):
        table.add_column(name, justify="right", overflow="fold")
    for one in markets[:_SHOWN_MARKETS]:
        table.add_row(one.slug, *_cells(one))
    if len(markets) > _SHOWN_MARKETS:
        table.caption = f"and {len(markets) - _SHOWN_MARKETS:,} more; --json tells them all"
    return table


async def _list(config: PolymarketConfig, series: Sequence[str], now_ns: Callable[[], int]) -> list[Listed]:
    async with MarketData(config, now_ns=now_ns, monotonic=time.monotonic) as http:
        catalogue, listed = PolymarketCatalogue(http, now_ns), list[Listed]()
        for one in series:
            listed += [_read(listing, now_ns()) for listing in await catalogue.find_open(one)]
        return sorted(listed, key=lambda one: (one.terms.closes_ns if one.terms else 0, one.slug))


def _read(listing: Listing, at_ns: int) -> Listed:
    try:
        return Listed(listing.market.slug, terms_of_listing(listing, at_ns))
    except (ValueError, ArithmeticError, MsgspecError) as error:
        return Listed(listing.market.slug, None, str(error))


def _cells(one: Listed) -> list[str]:
    if one.terms is None:
        return [escape(one.problem)]
    return [
        timestamp_of(one.terms.closes_ns)[:16],
        str(one.terms.price_ranges[0].step),
        str(one.terms.min_size),
        one.terms.fees[-1]["taker_rate"],
        f"{one.terms.taker_delay_ms} ms",
        one.instruments[0],
    ]
