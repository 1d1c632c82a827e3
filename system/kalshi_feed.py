"""How a node hears Kalshi. Nothing here can place an order."""

from importlib import import_module
from typing import Any

from adapters.kalshi.config import KalshiDataConfig
from adapters.kalshi.data.client import ticker_of
from adapters.kalshi.factories.data import KalshiDataClientConfig, KalshiDataClientFactory
from markets.live.outlet import note_nothing
from system.kalshi_settings import read_settings
from system.venues import Client, FeedWish


def make(wish: FeedWish) -> Client:
    """Return the data client; one that shares a connection with a trading one loads what can trade."""
    config = KalshiDataClientConfig(
        settings=read_settings(wish.settings, KalshiDataConfig),
        series=wish.series,
        markets=tuple(dict.fromkeys(ticker_of(side) for side in wish.sides)),
        tap=wish.tap,
        note=wish.note or note_nothing,
        respell=wish.respell,
        has_room=wish.has_room,
    )
    factory: Any = KalshiDataClientFactory
    if wish.trades:
        factory = import_module("adapters.kalshi.factories.execution").KalshiTradingDataClientFactory
    return Client(config, factory)
