"""Our side of a Kalshi campaign: the node as `run_live.py` builds it, with parts of the adapter put in place of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from unittest.mock import patch

from adapters.kalshi.data.watch import Pace
from adapters.kalshi.execution.client import KalshiExecutionClient
from adapters.kalshi.factories import data, execution
from adapters.kalshi.factories.execution import SharedHttp
from adapters.kalshi.websocket.client import KalshiSocket, Listener

type Wrap = Callable[[Listener], Listener]

_PACE: Final = Pace(discovery_secs=1.0, settlement_secs=0.5, stale_list_secs=0.0, clock_secs=0.2)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a campaign may put in place of the adapter's own parts."""

    client: type[KalshiExecutionClient] = KalshiExecutionClient
    http: type[SharedHttp] = SharedHttp
    wrap: Wrap = field(default=lambda listener: listener)
    clients: list[KalshiExecutionClient] = field(default_factory=list)
    """Those that were made, the newest last."""


@contextmanager
def in_place(parts: Parts, pace: Pace = _PACE) -> Iterator[None]:
    """Let the adapter's factories make clients of these parts meanwhile, which look at this pace."""
    open_socket_of = execution.socket_opener

    def make(**asked: Any) -> KalshiExecutionClient:
        parts.clients.append(parts.client(**asked))
        return parts.clients[-1]

    def opener(*asked: Any) -> Callable[[Listener], KalshiSocket]:
        open_socket = open_socket_of(*asked)
        return lambda listener: open_socket(parts.wrap(listener))

    with (
        patch.multiple(execution, KalshiExecutionClient=make, SharedHttp=parts.http, socket_opener=opener),
        patch.object(data, "Pace", lambda: pace),
    ):
        yield
