"""Builds the clients of a node that trades at Kalshi: data and execution on one connection and its budgets."""

from collections.abc import Callable
from typing import Any, override

from nautilus_trader.live.clients import DataClientFactory, ExecutionClientFactory

from adapters.kalshi.data.client import KalshiDataClient
from adapters.kalshi.execution.client import KalshiExecutionClient
from adapters.kalshi.factories.data import make_data_client
from adapters.kalshi.factories.sharing import SharedReader, environ, share, socket_opener
from adapters.kalshi.http.client import KalshiHttp
from adapters.kalshi.signing import Credentials
from orders.guard import Memory, OnCondition, SecondGuard


class SharedHttp(SharedReader, KalshiHttp):
    """Reads and writes over one connection."""


class KalshiTradingDataClientFactory(DataClientFactory):
    """Makes a data client on the connection of the execution client; the key comes from the environment."""

    @staticmethod
    @override
    def create(*, name: str, config: Any, cache: Any, clock: Any) -> KalshiDataClient:
        """Return a client; BadCredentials when the environment has no usable key."""
        credentials = Credentials.from_environment(environ())
        http = share(SharedHttp, config.settings, credentials, clock.timestamp_ns)
        return make_data_client(http, credentials, name=name, config=config, cache=cache, clock=clock)


def execution_factory(
    second_guard: SecondGuard | None = None,
    on_difference: Callable[[str], None] | None = None,
    on_condition: OnCondition | None = None,
    memory: Memory | None = None,
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
            credentials = Credentials.from_environment(environ())
            now_ns = clock.timestamp_ns
            http = share(SharedHttp, config.settings, credentials, now_ns)
            return KalshiExecutionClient(
                name=name,
                config=config,
                cache=cache,
                clock=clock,
                trader_id=trader_id,
                http=http,
                socket_factory=socket_opener(config.settings, credentials, http, now_ns),
                second_guard=second_guard,
                on_difference=on_difference,
                on_condition=on_condition,
                memory=memory,
            )

    return KalshiExecutionClientFactory
