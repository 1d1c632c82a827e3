"""What a node tells the world through Redis: Nautilus' own streams, in JSON, less the flood of market data."""

from typing import Any, Final
from urllib.parse import urlsplit

from nautilus_trader.common import MessageBusConfig, SerializationEncoding
from nautilus_trader.infrastructure import RedisMessageBusConfig, RedisMessageBusFactory
from nautilus_trader.live import LiveNodeBuilder

_KEPT_MINS: Final = 30
_HEARTBEAT_SECS: Final = 1
_PORT: Final = 6379
_UNTOLD: Final = (
    "OrderBookDelta",
    "OrderBookDeltas",
    "OrderBookDepth10",
    "QuoteTick",
    "TradeTick",
    "CustomData",
)


def with_streams(builder: LiveNodeBuilder, url: str) -> LiveNodeBuilder:
    """Return the builder of a node that tells a Redis of its orders, positions, accounts and heartbeat.

    A stream a topic, such as `trader-<trader>:stream:events.order.<strategy>`, of the last half hour. A Redis that cannot
    be reached is logged by Nautilus, and the node goes on without (run on rc7).
    """
    bus = MessageBusConfig(
        encoding=SerializationEncoding.JSON,
        stream_per_topic=True,
        use_instance_id=False,
        autotrim_mins=_KEPT_MINS,
        heartbeat_interval_secs=_HEARTBEAT_SECS,
        types_filter=list(_UNTOLD),
    )
    return builder.with_msgbus_config(bus).with_external_msgbus_factory(RedisMessageBusFactory(_server(url)))


def _server(url: str) -> RedisMessageBusConfig:
    parts = urlsplit(url)
    more: dict[str, Any] = {"username": parts.username, "password": parts.password}
    return RedisMessageBusConfig(
        host=parts.hostname,
        port=parts.port or _PORT,
        ssl=parts.scheme == "rediss",
        **{name: value for name, value in more.items() if value is not None},
    )
