"""Builds Kalshi's clients for Nautilus: settings become configs, and all clients share one connection."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Self, override
from weakref import WeakValueDictionary

from nautilus_trader.config import DataClientConfig
from nautilus_trader.live.clients import DataClientFactory, ExecutionClientFactory

from adapters.kalshi.config import KalshiConfig, KalshiDataConfig
from adapters.kalshi.data.client import KalshiDataClient, Wishes
from adapters.kalshi.data.watch import Pace
from adapters.kalshi.execution.client import KalshiExecutionClient
from adapters.kalshi.execution.desk import SecondGuard
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.signing import Credentials
from adapters.kalshi.websocket.client import KalshiSocket, Listener

type Tap = Callable[[bytes, int, int], None]


class KalshiDataClientConfig(DataClientConfig):
    """What Nautilus passes on to the factory of the data client.

    `series` are listed at the start and followed. `tap` gets each raw frame before anybody else.
    """

    def __new__(
        cls,
        *,
        settings: KalshiDataConfig,
        series: tuple[str, ...] = (),
        pace: Pace | None = None,
        tap: Tap | None = None,
        **nautilus: Any,
    ) -> Self:
        return super().__new__(cls, **nautilus)

    def __init__(
        self,
        *,
        settings: KalshiDataConfig,
        series: tuple[str, ...] = (),
        pace: Pace | None = None,
        tap: Tap | None = None,
        **nautilus: Any,
    ) -> None:
        self.settings = settings
        self.wishes = Wishes(
            series=series,
            indices=settings.indices,
            follows_lifecycle=settings.follows_lifecycle,
            pace=pace or Pace(),
        )
        self.tap = tap


class SharedHttp(KalshiHttp):
    """One connection for several clients, so that they share its budgets: it closes with the last of them."""

    users = 0

    @override
    async def close(self) -> None:
        self.users -= 1
        if self.users <= 0:
            await super().close()


_SHARED: Final[WeakValueDictionary[tuple[str, str, int | None], SharedHttp]] = WeakValueDictionary()


def share_http(config: KalshiConfig, credentials: Credentials, now_ns: Callable[[], int]) -> SharedHttp:
    """Return this process' connection to an address under a key; each caller closes it once.

    The settings of the first caller count. A connection that was closed by all is not used again.
    """
    key = (config.rest_address, credentials.key_id, config.subaccount)
    http = _SHARED.get(key)
    if http is None or http.users <= 0:
        http = SharedHttp(config, credentials, now_ns=now_ns, monotonic=time.monotonic)
        _SHARED[key] = http
    http.users += 1
    return http


def socket_opener(
    config: KalshiConfig, credentials: Credentials, now_ns: Callable[[], int]
) -> Callable[[Listener], KalshiSocket]:
    """Return what opens a socket for a listener; each client has its own, as their channels fail apart."""

    def open_socket(listener: Listener) -> KalshiSocket:
        return KalshiSocket(config, credentials, listener, now_ns=now_ns)

    return open_socket


class KalshiDataClientFactory(DataClientFactory):
    """Makes the data client; the key comes from the environment (`signing`)."""

    @staticmethod
    @override
    def create(*, name: str, config: Any, cache: Any, clock: Any) -> KalshiDataClient:
        """Return a client; BadCredentials when the environment has no usable key."""
        credentials = Credentials.from_environment(_environ())
        now_ns = clock.timestamp_ns
        return KalshiDataClient(
            http=share_http(config.settings, credentials, now_ns),
            open_socket=socket_opener(config.settings, credentials, now_ns),
            wishes=config.wishes,
            tap=config.tap,
            name=name,
            config=config,
            cache=cache,
            clock=clock,
        )


def execution_factory(
    second_guard: SecondGuard | None = None, on_difference: Callable[[str], None] | None = None
) -> type[ExecutionClientFactory]:
    """Return what makes the execution client; the arguments are those of `KalshiExecutionClient`.

    Nautilus hands a factory nothing of ours but the config (`KalshiClientConfig`), so the rest is given here.
    """

    class KalshiExecutionClientFactory(ExecutionClientFactory):
        @staticmethod
        @override
        def create(
            *, name: str, config: Any, cache: Any, clock: Any, trader_id: Any
        ) -> KalshiExecutionClient:
            credentials = Credentials.from_environment(_environ())
            now_ns = clock.timestamp_ns
            return KalshiExecutionClient(
                name=name,
                config=config,
                cache=cache,
                clock=clock,
                trader_id=trader_id,
                http=share_http(config.settings, credentials, now_ns),
                socket_factory=socket_opener(config.settings, credentials, now_ns),
                second_guard=second_guard,
                on_difference=on_difference,
            )

    return KalshiExecutionClientFactory


def _environ() -> Mapping[str, str]:
    return os.environ
