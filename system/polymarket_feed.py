"""How a node hears Polymarket. Nothing here can place an order."""

from adapters.polymarket.config import PolymarketDataConfig
from adapters.polymarket.data.client import condition_of
from adapters.polymarket.factories.data import PolymarketDataClientConfig, PolymarketDataClientFactory
from markets.live.outlet import note_nothing
from system.book import BadBook
from system.polymarket_settings import read_settings
from system.venues import Client, FeedWish


def make(wish: FeedWish) -> Client:
    """Return the data client; BadBook for an outcome that is not named by its id, which only the venue knows."""
    try:
        conditions = [condition_of(side) for side in wish.sides]
    except ValueError as error:
        raise BadBook(f"{error}; `argonaut markets polymarket --series NAME` shows the ids") from error
    config = PolymarketDataClientConfig(
        settings=read_settings(wish.settings, PolymarketDataConfig),
        series=wish.series,
        markets=tuple(dict.fromkeys(conditions)),
        tap=wish.tap,
        note=wish.note or note_nothing,
        respell=wish.respell,
        has_room=wish.has_room,
    )
    return Client(config, PolymarketDataClientFactory)
