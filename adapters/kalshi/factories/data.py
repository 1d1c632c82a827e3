"""Builds Kalshi's data client for Nautilus: settings become a config, and nothing here can place an order."""

from typing import Any, override

from nautilus_trader.live.clients import DataClientFactory

from adapters.kalshi.config import KalshiDataConfig
from adapters.kalshi.data.client import KalshiDataClient, Wishes
from adapters.kalshi.data.watch import Pace
from adapters.kalshi.factories.sharing import SharedReader, environ, share, socket_opener
from adapters.kalshi.signing import Credentials
from markets.live.client_config import FollowingConfig


class KalshiDataClientConfig(FollowingConfig[KalshiDataConfig, Pace]):
    """What Nautilus passes on to the factory of the data client; `markets` are tickers."""

    @property
    def wishes(self) -> Wishes:
        """What to take beside what strategies subscribe to."""
        return Wishes(
            series=self.series,
            markets=self.markets,
            indices=self.settings.indices,
            follows_lifecycle=self.settings.follows_lifecycle,
            pace=self.pace or Pace(),
            has_room=self.has_room,
        )


class KalshiDataClientFactory(DataClientFactory):
    """Makes a data client whose key signs reads only; the key comes from the environment (`signing`)."""

    @staticmethod
    @override
    def create(*, name: str, config: Any, cache: Any, clock: Any) -> KalshiDataClient:
        """Return a client; BadCredentials when the environment has no usable key."""
        credentials = Credentials.from_environment(environ()).for_reading()
        http = share(SharedReader, config.settings, credentials, clock.timestamp_ns)
        return make_data_client(http, credentials, name=name, config=config, cache=cache, clock=clock)


def make_data_client(
    http: SharedReader, credentials: Credentials, *, config: Any, clock: Any, **nautilus: Any
) -> KalshiDataClient:
    """Return a data client on a connection that may be shared."""
    return KalshiDataClient(
        http=http,
        open_socket=socket_opener(config.settings, credentials, http, clock.timestamp_ns),
        wishes=config.wishes,
        tap=config.tap,
        respell=config.respell,
        note=config.note,
        config=config,
        clock=clock,
        **nautilus,
    )
