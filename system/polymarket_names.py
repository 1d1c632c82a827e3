"""What people call outcomes at Polymarket, as the ids that only the venue knows: asked once, before a book is run."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from adapters.polymarket.config import PolymarketDataConfig
from adapters.polymarket.http.market_data import MarketData
from adapters.polymarket.providers.catalogue import PolymarketCatalogue
from adapters.polymarket.providers.terms import Listing
from markets.instruments import outcome_id
from system.book import BadBook, Raw
from system.polymarket_settings import read_settings

_ADVICE = "`argonaut markets polymarket --series NAME` lists markets"


def find(settings: Raw, names: Sequence[str], now_ns: Callable[[], int]) -> Mapping[str, str]:
    """Return the instrument id of each name such as `polymarket:will-it-rain:Yes`; capitals of the outcome do not matter.

    BadBook for a market that the venue does not know, and for an outcome that it does not have; raises from
    `network.errors`. Own event loop; call it where none runs.
    """
    return asyncio.run(_find(read_settings(settings, PolymarketDataConfig), names, now_ns))


async def _find(
    config: PolymarketDataConfig, names: Sequence[str], now_ns: Callable[[], int]
) -> Mapping[str, str]:
    async with MarketData(config, now_ns=now_ns, monotonic=time.monotonic) as http:
        catalogue = PolymarketCatalogue(http, now_ns)
        slugs = dict.fromkeys(name.split(":")[1] for name in names)
        listings = {slug: await catalogue.list_slug(slug) for slug in slugs}
    return {name: _id_of(name, listings[name.split(":")[1]]) for name in names}


def _id_of(name: str, listing: Listing | None) -> str:
    _, slug, outcome = name.split(":")
    if listing is None:
        raise BadBook(f"expected a market of Polymarket called {slug!r} in {name!r}, found none: {_ADVICE}")
    market = listing.market
    tokens = {label.casefold(): token for label, token in zip(market.labels, market.tokens, strict=False)}
    token = tokens.get(outcome.casefold())
    if token is None:
        raise BadBook(f"expected an outcome among {', '.join(market.labels)} in {name!r}, found {outcome!r}")
    return str(outcome_id(market.condition_id, "POLYMARKET", token))
