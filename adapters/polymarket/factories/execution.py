"""Builds the execution client of a node that trades at Polymarket; keys come from the environment (`signing`)."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, override

from nautilus_trader.live.clients import ExecutionClientFactory

from adapters.polymarket.config import PolymarketExecutionConfig
from adapters.polymarket.execution.client import PolymarketExecutionClient
from adapters.polymarket.http.client import PolymarketHttp
from adapters.polymarket.http.region import Region
from adapters.polymarket.signing.keys import ApiCredentials, Owner, Wallet
from adapters.polymarket.signing.wallets import WalletKind
from adapters.polymarket.websocket.user import UserListener, UserSocket
from orders.guard import Memory, OnCondition, SecondGuard


def make_http(
    settings: PolymarketExecutionConfig, environ: Mapping[str, str], now_ns: Callable[[], int]
) -> tuple[PolymarketHttp, Wallet]:
    """Return a connection that trades, and whose wallet; BadCredentials when the environment has no usable key."""
    owner = Owner.from_environment(environ)
    credentials = ApiCredentials.from_environment(owner.address, environ)
    http = PolymarketHttp(settings, owner, credentials, now_ns=now_ns, monotonic=time.monotonic)
    return http, Wallet.of(owner, WalletKind[settings.wallet.upper()], settings.funder)


def execution_factory(
    second_guard: SecondGuard | None = None,
    on_difference: Callable[[str], None] | None = None,
    on_condition: OnCondition | None = None,
    memory: Memory | None = None,
) -> type[ExecutionClientFactory]:
    """Return what makes the execution client; the arguments are those of `PolymarketExecutionClient`.

    Nautilus hands a factory nothing of ours but the config (`PolymarketClientConfig`), so the rest is given here.
    """

    class PolymarketExecutionClientFactory(ExecutionClientFactory):
        @staticmethod
        @override
        def create(
            *, name: str, config: Any, cache: Any, clock: Any, trader_id: Any
        ) -> PolymarketExecutionClient:
            settings, now_ns = config.settings, clock.timestamp_ns
            http, wallet = make_http(settings, os.environ, now_ns)

            def open_socket(listener: UserListener) -> UserSocket:
                return UserSocket(settings, http.credentials, listener, now_ns=now_ns)

            return PolymarketExecutionClient(
                name=name,
                config=config,
                cache=cache,
                clock=clock,
                trader_id=trader_id,
                http=http,
                region=Region(settings.site_address, now_ns=now_ns, monotonic=time.monotonic),
                wallet=wallet,
                socket_factory=open_socket,
                second_guard=second_guard,
                on_difference=on_difference,
                on_condition=on_condition,
                memory=memory,
            )

    return PolymarketExecutionClientFactory
