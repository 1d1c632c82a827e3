"""Our side of a Polymarket campaign: the node as `run_live.py` builds it, with parts of the adapter put in place of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch

from adapters.polymarket.execution.client import PolymarketExecutionClient
from adapters.polymarket.factories import execution
from adapters.polymarket.http.client import PolymarketHttp
from adapters.polymarket.websocket.user import UserSocket


@dataclass(frozen=True, slots=True)
class Parts:
    """What a campaign may put in place of the adapter's own parts."""

    client: type[PolymarketExecutionClient] = PolymarketExecutionClient
    http: type[PolymarketHttp] = PolymarketHttp
    socket: type[UserSocket] = UserSocket
    clients: list[PolymarketExecutionClient] = field(default_factory=list)
    """Those that were made, the newest last."""


@contextmanager
def in_place(parts: Parts) -> Iterator[None]:
    """Let the adapter's factory make clients of these parts meanwhile."""

    def make(**asked: object) -> PolymarketExecutionClient:
        parts.clients.append(parts.client(**asked))  # type: ignore[arg-type]  # the factory's to know
        return parts.clients[-1]

    with patch.multiple(
        execution, PolymarketExecutionClient=make, PolymarketHttp=parts.http, UserSocket=parts.socket
    ):
        yield
