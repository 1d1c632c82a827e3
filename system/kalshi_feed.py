"""How a node hears Kalshi. Nothing here can place an order."""

from importlib import import_module
from typing import Any

from msgspec import ValidationError, convert

from adapters.kalshi.config import KalshiConfig, KalshiDataConfig, KalshiExecutionConfig
from adapters.kalshi.data.markets import note_nothing
from adapters.kalshi.factories.data import KalshiDataClientConfig, KalshiDataClientFactory
from system.book import BadBook, Raw
from system.venues import Client, FeedWish


def make(wish: FeedWish) -> Client:
    """Return the data client; one that shares a connection with a trading one loads what can trade."""
    config = KalshiDataClientConfig(
        settings=read_settings(wish.settings, KalshiDataConfig),
        series=wish.series,
        tap=wish.tap,
        note=wish.note or note_nothing,
        respell=wish.respell,
    )
    factory: Any = KalshiDataClientFactory
    if wish.trades:
        factory = import_module("adapters.kalshi.factories.execution").KalshiTradingDataClientFactory
    return Client(config, factory)


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
