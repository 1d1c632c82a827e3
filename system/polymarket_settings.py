"""What a book says about Polymarket, read for whoever needs a part of it. Loads no Nautilus."""

from adapters.polymarket.config import PolymarketConfig, PolymarketDataConfig, PolymarketExecutionConfig
from system.book import Raw
from system.venue_settings import read_venue_settings


def read_settings[C: PolymarketConfig](raw: Raw, kind: type[C]) -> C:
    """Return what `raw` says for one client; BadBook names what is of no client."""
    return read_venue_settings(raw, "POLYMARKET", kind, (PolymarketDataConfig, PolymarketExecutionConfig))
