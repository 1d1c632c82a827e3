"""Builds Kalshi's data client for Nautilus: settings become a config, and nothing here can place an order."""

from collections.abc import Callable, Iterable
from typing import Any, Self, override

from nautilus_trader.config import DataClientConfig
from nautilus_trader.live.clients import DataClientFactory

from adapters.kalshi.config import KalshiDataConfig
from adapters.kalshi.data.client import KalshiDataClient, Wishes
from adapters.kalshi.data.watch import Pace
from adapters.kalshi.factories.sharing import SharedReader, environ, share, socket_opener
from adapters.kalshi.signing import Credentials
from markets.live.outlet import Note, note_nothing

type Tap = Callable[[bytes, int, int], None]
type Respell = Callable[[Any], Iterable[Any]]


class KalshiDataClientConfig(DataClientConfig):
    """What Nautilus passes on to the factory of the data client.

    `series` are listed at the start and followed, `markets` are listed. `tap` gets each raw frame before anybody else, `note` what no
    frame tells (`KalshiDataClient`): what a recorder needs. `respell` says what the engine is told for each datum: a simulated venue wants prints spelt out. While `has_room()` is false, frames wait.
    """

    def __new__(  # noqa: PLR0913  each is one thing that a caller may want
        cls,
        *,
        settings: KalshiDataConfig,
        series: tuple[str, ...] = (),
        markets: tuple[str, ...] = (),
        pace: Pace | None = None,
        tap: Tap | None = None,
        respell: Respell | None = None,
        note: Note = note_nothing,
        has_room: Callable[[], bool] = lambda: True,
        **nautilus: Any,
    ) -> Self:
        return super().__new__(cls, **nautilus)

    def __init__(  # noqa: PLR0913  as above
        self,
        *,
        settings: KalshiDataConfig,
        series: tuple[str, ...] = (),
        markets: tuple[str, ...] = (),
        pace: Pace | None = None,
        tap: Tap | None = None,
        respell: Respell | None = None,
        note: Note = note_nothing,
        has_room: Callable[[], bool] = lambda: True,
        **nautilus: Any,
    ) -> None:
        self.settings = settings
        self.wishes = Wishes(
            series=series,
            markets=markets,
            indices=settings.indices,
            follows_lifecycle=settings.follows_lifecycle,
            pace=pace or Pace(),
            has_room=has_room,
        )
        self.tap = tap
        self.respell = respell
        self.note = note


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
