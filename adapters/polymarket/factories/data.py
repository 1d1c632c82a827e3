"""Builds Polymarket's data client for Nautilus: settings become a config, and nothing here can place an order."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, override

from nautilus_trader.config import DataClientConfig
from nautilus_trader.live.clients import DataClientFactory

from adapters.polymarket.config import PolymarketDataConfig
from adapters.polymarket.data.book import Proving
from adapters.polymarket.data.client import OnPrice, PolymarketDataClient, Tap, Wishes
from adapters.polymarket.data.watch import Pace
from adapters.polymarket.http.market_data import MarketData
from adapters.polymarket.messages.user_stream import Auth
from adapters.polymarket.signing.keys import ApiCredentials, BadCredentials
from adapters.polymarket.websocket.bolt import BoltSocket, PriceSockets, bolt_wish, is_bolt
from adapters.polymarket.websocket.client import Listener, MarketSocket
from adapters.polymarket.websocket.prices import PriceSocket, topic_of
from markets.live.outlet import Note, note_nothing

type Respell = Callable[[Any], Iterable[Any]]

_SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Streams:
    """Opens both streams under a user's settings."""

    config: PolymarketDataConfig
    now_ns: Callable[[], int]

    def market(self, listener: Listener) -> MarketSocket:
        """Return the market stream."""
        return MarketSocket(self.config, listener, now_ns=self.now_ns)

    def prices(
        self, on_price: OnPrice, on_down: Callable[[str], None], tap: Tap | None
    ) -> PriceSockets | None:
        """Return the streams of reference prices; None when none are wanted.

        ValueError for a wish that is none, BadCredentials when PolyBolt is wanted and the environment has no key for it.
        """
        topics = [topic_of(wish) for wish in self.config.oracles if not is_bolt(wish)]
        wishes = [bolt_wish(wish) for wish in self.config.oracles if is_bolt(wish)]
        told: dict[str, Any] = {"on_price": on_price, "on_down": on_down, "now_ns": self.now_ns, "tap": tap}
        sockets: list[Any] = []
        if topics:
            sockets.append(PriceSocket(self.config, topics, **told))
        if wishes:
            sockets.append(BoltSocket(self.config, _auth(os.environ), wishes, **told))
        return PriceSockets(sockets) if sockets else None


class PolymarketDataClientConfig(DataClientConfig):
    """What Nautilus passes on to the factory of the data client.

    `series` are listed at the start and followed, `markets` are listed by their conditions. `tap` gets each raw frame
    before anybody else, `note` what no frame tells (`PolymarketDataClient`): what a recorder needs. `respell` says what
    the engine is told for each datum: a simulated venue wants prints spelt out. While `has_room()` is false, frames wait.
    """

    def __new__(  # noqa: PLR0913  each is one thing that a caller may want
        cls,
        *,
        settings: PolymarketDataConfig,
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
        settings: PolymarketDataConfig,
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
            windows_ahead=settings.windows_ahead,
            pace=pace or Pace(),
            has_room=has_room,
            proving=Proving(
                every_ns=round(settings.proof_every_secs * _SECOND_NS),
                patience_ns=round(settings.proof_secs * _SECOND_NS),
            ),
        )
        self.tap = tap
        self.respell = respell
        self.note = note


class PolymarketDataClientFactory(DataClientFactory):
    """Makes a data client without any key: all that it asks for is public."""

    @staticmethod
    @override
    def create(*, name: str, config: Any, cache: Any, clock: Any) -> PolymarketDataClient:
        """Return a client on connections of its own."""
        settings: PolymarketDataConfig = config.settings
        now_ns = clock.timestamp_ns
        return PolymarketDataClient(
            http=MarketData(settings, now_ns=now_ns, monotonic=time.monotonic),
            sockets=Streams(settings, now_ns),
            wishes=config.wishes,
            tap=config.tap,
            respell=config.respell,
            note=config.note,
            name=name,
            config=config,
            cache=cache,
            clock=clock,
        )


def _auth(environ: Mapping[str, str]) -> Auth:
    found = ApiCredentials.from_environment("", environ)
    if found is None:
        raise BadCredentials(
            "expected API credentials in the environment for the prices of PolyBolt, found none"
        )
    return Auth(api_key=found.key, secret=found.secret, passphrase=found.passphrase)
