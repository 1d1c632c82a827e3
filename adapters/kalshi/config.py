"""What a user may set about Kalshi. The defaults are careful: the demo exchange, funds on shard 0 only.

Credentials are not settings: they come from the environment (`signing`).
"""

from typing import Annotated, Literal, override

from msgspec import Meta, Struct

from adapters.kalshi import constants as venue

type Seconds = Annotated[float, Meta(gt=0, le=3600)]
type Shard = Annotated[int, Meta(ge=0, le=99)]
type Subaccount = Annotated[int, Meta(ge=0, le=venue.MOST_SUBACCOUNT)]
type Share = Annotated[float, Meta(ge=0, lt=1)]
type GroupContracts = Annotated[int, Meta(ge=1, le=1_000_000)]


class KalshiConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to reach the venue, and as whom.

    `rest_url` and `socket_url` None mean the environment's own hosts; they name the whole address, path
    included. `subaccount` None means none is named: the primary one for orders. A `silence_secs` without any
    frame is a dead socket. Ordinary writes leave `cancel_reserve_share` of each rate bucket to cancels.
    `most_frames_waiting` bounds the frames between reading and handling.
    """

    environment: Literal["demo", "prod"] = "demo"
    rest_url: str | None = None
    socket_url: str | None = None
    subaccount: Subaccount | None = None
    request_timeout_secs: Seconds = 10.0
    read_attempts: Annotated[int, Meta(ge=1, le=10)] = 4
    heartbeat_secs: Seconds = venue.HEARTBEAT_SECS
    silence_secs: Seconds = venue.SILENCE_SECS
    reconnect_first_secs: Seconds = 0.5
    reconnect_most_secs: Seconds = 30.0
    cancel_reserve_share: Share = 0.2
    most_clock_skew_secs: Seconds = 1.0
    most_frames_waiting: Annotated[int, Meta(ge=100)] = 100_000
    markets_per_command: Annotated[int, Meta(ge=1, le=10_000)] = 500

    def __post_init__(self) -> None:
        if self.heartbeat_secs >= self.silence_secs:
            found = f"{self.heartbeat_secs} and {self.silence_secs}"
            raise ValueError(f"expected heartbeat_secs below silence_secs, found {found}")
        if self.reconnect_first_secs > self.reconnect_most_secs:
            found = f"{self.reconnect_first_secs} and {self.reconnect_most_secs}"
            raise ValueError(f"expected reconnect_first_secs at most reconnect_most_secs, found {found}")

    @property
    def rest_address(self) -> str:
        """Where requests go, path included."""
        return self.rest_url or venue.REST_HOSTS[self.environment] + venue.REST_PATH

    @property
    def socket_address(self) -> str:
        """Where the socket connects, path included."""
        return self.socket_url or venue.SOCKET_HOSTS[self.environment] + venue.SOCKET_PATH


class KalshiDataConfig(KalshiConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What market data to take beside what strategies subscribe to."""

    follows_lifecycle: bool = True
    indices: tuple[str, ...] = ()


class KalshiExecutionConfig(KalshiConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to trade.

    `funded_shards` are the shards that hold cash of ours: cash is per shard, and an order elsewhere is
    refused. One order group per shard cancels everything when more than `order_group_limit_contracts` fill
    within 15 s; None means no groups. `reconcile_secs` is the pause between two looks at orders, fills and
    positions by REST, since the private channels have no sequence.
    """

    funded_shards: tuple[Shard, ...] = (0,)
    order_group_limit_contracts: GroupContracts | None = 1000
    self_trade_prevention: Literal["taker_at_cross", "maker"] = "taker_at_cross"
    cancels_orders_on_pause: bool = True
    reconcile_secs: Seconds = 30.0

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.funded_shards or len(set(self.funded_shards)) != len(self.funded_shards):
            raise ValueError(f"expected one or more different funded_shards, found {self.funded_shards}")
