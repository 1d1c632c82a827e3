"""One connection for all clients of a key, so that they share its budgets; and how each opens its socket."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Final, override
from weakref import WeakValueDictionary

from adapters.kalshi.config import KalshiConfig
from adapters.kalshi.http.connection import Connection
from adapters.kalshi.http.market_data import MarketData
from adapters.kalshi.signing import Credentials
from adapters.kalshi.websocket.client import KalshiSocket, Listener


class Shared(Connection):
    """A connection that closes with the last of its users."""

    users = 0

    @override
    async def close(self) -> None:
        self.users -= 1
        if self.users <= 0:
            await super().close()


class SharedReader(Shared, MarketData):
    """Public reads only: no method of it writes, and its key signs nothing but reads."""


_SHARED: Final[WeakValueDictionary[tuple[type[Shared], str, str, int | None], Shared]] = WeakValueDictionary()


def share[T: Shared](
    kind: type[T], config: KalshiConfig, credentials: Credentials, now_ns: Callable[[], int]
) -> T:
    """Return this process' connection of a kind to an address under a key; each caller closes it once.

    The settings of the first caller count. A connection that was closed by all is not used again.
    """
    key = (kind, config.rest_address, credentials.key_id, config.subaccount)
    shared = _SHARED.get(key)
    if not isinstance(shared, kind) or shared.users <= 0:
        shared = kind(config, credentials, now_ns=now_ns, monotonic=time.monotonic)
        _SHARED[key] = shared
    shared.users += 1
    return shared


def socket_opener(
    config: KalshiConfig, credentials: Credentials, http: Connection, now_ns: Callable[[], int]
) -> Callable[[Listener], KalshiSocket]:
    """Return what opens a socket for a listener; each client has its own, as their channels fail apart.

    What `http` learns about our clock counts for their handshakes too.
    """

    def ahead_ns() -> int:
        return http.session.signed_ahead_ns

    def open_socket(listener: Listener) -> KalshiSocket:
        return KalshiSocket(config, credentials, listener, now_ns=now_ns, signed_ahead_ns=ahead_ns)

    return open_socket


def environ() -> Mapping[str, str]:
    """Return where the key comes from (`signing`)."""
    return os.environ
