"""What a book says about Kalshi, read for whoever needs a part of it. Loads no Nautilus."""

from msgspec import ValidationError, convert

from adapters.kalshi.config import KalshiConfig, KalshiDataConfig, KalshiExecutionConfig
from system.book import BadBook, Live, Raw


def read_settings[C: KalshiConfig](raw: Raw, kind: type[C]) -> C:
    """Return what `raw` says for one client; it speaks of data and execution, and BadBook names what is of neither."""
    known = {*KalshiDataConfig.__struct_fields__, *KalshiExecutionConfig.__struct_fields__}
    for name in raw:
        if name not in known:
            raise BadBook(
                f"expected one of {', '.join(sorted(known))}, found {name!r} - at `$.live.settings.KALSHI`"
            )
    mine = {name: value for name, value in raw.items() if name in kind.__struct_fields__}
    try:
        return convert(mine, kind, strict=False)
    except ValidationError as error:
        raise BadBook(f"{error} below `$.live.settings.KALSHI`") from error


def shard_of(live: Live) -> int:
    """Return the shard on which a made-up venue should hold our cash: the first that the book counts on."""
    return read_settings(live.settings.get("KALSHI", {}), KalshiExecutionConfig).funded_shards[0]
