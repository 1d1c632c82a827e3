"""What a book says about Kalshi, read for whoever needs a part of it. Loads no Nautilus."""

from adapters.kalshi.config import KalshiConfig, KalshiDataConfig, KalshiExecutionConfig
from system.book import Live, Raw
from system.venue_settings import read_venue_settings


def read_settings[C: KalshiConfig](raw: Raw, kind: type[C]) -> C:
    """Return what `raw` says for one client; it speaks of data and execution, and BadBook names what is of neither."""
    return read_venue_settings(raw, "KALSHI", kind, (KalshiDataConfig, KalshiExecutionConfig))


def shard_of(live: Live) -> int:
    """Return the shard on which a made-up venue should hold our cash: the first that the book counts on."""
    return read_settings(live.settings.get("KALSHI", {}), KalshiExecutionConfig).funded_shards[0]
