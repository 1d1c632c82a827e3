"""Builds Polymarket's data client for Nautilus: settings become a config, and nothing here can place an order."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, override

from nautilus_trader.live.clients import DataClientFactory

from adapters.polymarket.config import PolymarketDataConfig
from adapters.polymarket.data.book import Proving
from adapters.polymarket.data.client import OnPrice, PolymarketDataClient, Wishes
from adapters.polymarket.data.watch import Pace
from adapters.polymarket.http.market_data import MarketData
from adapters.polymarket.messages.user_stream import Auth
from adapters.polymarket.signing.keys import ApiCredentials, BadCredentials
from adapters.polymarket.websocket.bolt import BoltSocket, PriceSockets, bolt_wish, is_bolt
from adapters.polymarket.websocket.client import Listener, MarketSocket
from adapters.polymarket.websocket.prices import PriceSocket, topic_of
from markets.live.client_config import FollowingConfig, Tap

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


class PolymarketDataClientConfig(FollowingConfig[PolymarketDataConfig, Pace]):
    """What Nautilus passes on to the factory of the data client; `markets` are conditions."""

    @property
    def wishes(self) -> Wishes:
        """What to take beside what strategies subscribe to."""
        return Wishes(
            series=self.series,
            markets=self.markets,
            windows_ahead=self.settings.windows_ahead,
            pace=self.pace or Pace(),
            has_room=self.has_room,
            proving=Proving(
                every_ns=round(self.settings.proof_every_secs * _SECOND_NS),
                patience_ns=round(self.settings.proof_secs * _SECOND_NS),
            ),
        )


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
