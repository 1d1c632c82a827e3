"""What a user may set about Polymarket. The defaults are careful, and name the venue's own hosts.

Credentials are not settings: they come from the environment (`signing`).
"""

from typing import Annotated, Literal, override

from msgspec import Meta, Struct

from adapters.polymarket import constants as venue

type Seconds = Annotated[float, Meta(gt=0, le=3600)]
type Tier = Literal["standard", "copper", "bronze", "silver", "gold", "platinum", "diamond", "elite"]
type Share = Annotated[float, Meta(ge=0, lt=1)]


class PolymarketConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to reach the venue.

    `rest_url` is the order book's host, `gamma_url` the catalogue's, `data_url` that of past trades, `socket_url`
    the one below which both streams lie. None means the venue's own; whoever names one names all four, so that a
    rehearsal never asks the real venue for the rest. A `silence_secs` without any frame is a dead socket; a word
    of ours goes out every `ping_secs`. `most_frames_waiting` bounds the frames between reading and handling.
    """

    rest_url: str | None = None
    gamma_url: str | None = None
    data_url: str | None = None
    socket_url: str | None = None
    request_timeout_secs: Seconds = 10.0
    read_attempts: Annotated[int, Meta(ge=1, le=10)] = 4
    ping_secs: Seconds = venue.PING_SECS
    silence_secs: Seconds = venue.SILENCE_SECS
    reconnect_first_secs: Seconds = 0.5
    reconnect_most_secs: Seconds = 30.0
    cancel_reserve_share: Share = 0.2
    most_clock_skew_secs: Seconds = 1.0
    most_frames_waiting: Annotated[int, Meta(ge=100)] = 100_000

    def __post_init__(self) -> None:
        named = [one for one in self._addresses if one is not None]
        if named and len(named) < len(self._addresses):
            raise ValueError(
                f"expected all of rest_url, gamma_url, data_url and socket_url or none, found {sorted(named)}"
            )
        if self.ping_secs >= self.silence_secs:
            raise ValueError(
                f"expected ping_secs below silence_secs, found {self.ping_secs} and {self.silence_secs}"
            )
        if self.reconnect_first_secs > self.reconnect_most_secs:
            found = f"{self.reconnect_first_secs} and {self.reconnect_most_secs}"
            raise ValueError(f"expected reconnect_first_secs at most reconnect_most_secs, found {found}")

    @property
    def clob_address(self) -> str:
        """Where books are asked for and orders go."""
        return self.rest_url or venue.CLOB_URL

    @property
    def gamma_address(self) -> str:
        """Where the catalogue is."""
        return self.gamma_url or venue.GAMMA_URL

    @property
    def data_address(self) -> str:
        """Where past trades and positions are."""
        return self.data_url or venue.DATA_URL

    @property
    def market_stream_address(self) -> str:
        """Where the market stream connects, path included."""
        return (self.socket_url or venue.SOCKET_URL) + venue.MARKET_PATH

    @property
    def user_stream_address(self) -> str:
        """Where the user stream connects, path included."""
        return (self.socket_url or venue.SOCKET_URL) + venue.USER_PATH

    @property
    def _addresses(self) -> tuple[str | None, ...]:
        return self.rest_url, self.gamma_url, self.data_url, self.socket_url


class PolymarketDataConfig(PolymarketConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What market data to take beside what strategies subscribe to.

    `oracles` are reference prices: of RTDS as `topic:symbol`, such as `crypto_prices_chainlink:btc/usd`, of PolyBolt, which
    wants API credentials, as `price.crypto:btcusd` or `price.crypto.twap:btcusd:60`. A book proves
    itself by its hash every `proof_every_secs` (0: with every frame), and one that fails for `proof_secs` is fetched again.
    `windows_ahead` of each up/down series are listed before they begin.
    """

    rtds_url: str | None = None
    polybolt_url: str | None = None
    oracles: tuple[str, ...] = ()
    proof_every_secs: Annotated[float, Meta(ge=0, le=3600)] = 1.0
    proof_secs: Seconds = 2.0
    tokens_per_connection: Annotated[int, Meta(ge=2, le=500)] = venue.MOST_TOKENS_PER_CONNECTION
    windows_ahead: Annotated[int, Meta(ge=1, le=100)] = 3


class PolymarketExecutionConfig(PolymarketConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to trade.

    `wallet` says who holds the funds (`signing.wallets`), `funder` its address where that does not follow from the key.
    `tier` is the account's, by its volume of 30 days: the venue grants each its own orders and cancels per second.
    The site at `site_url` is asked at the start and every hour whether orders are taken from here; whoever names the
    other addresses names it too. With `arms_heartbeat` the venue cancels all orders of the key when we are silent for ten
    seconds; once armed this cannot be undone for the key. `reconcile_secs` is the pause between two looks at
    orders, trades and balances by REST. A match that is neither final nor reversed after `settles_within_secs` is asked for.
    """

    wallet: Literal["eoa", "proxy", "safe", "deposit"] = "eoa"
    funder: str | None = None
    tier: Tier = "standard"
    builder_code: Annotated[str, Meta(pattern="^0x[0-9a-fA-F]{64}$")] | None = None
    site_url: str | None = None
    arms_heartbeat: bool = False
    heartbeat_secs: Seconds = venue.HEARTBEAT_SECS
    reconcile_secs: Seconds = 30.0
    settles_within_secs: Seconds = 30.0

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.rest_url is None) != (self.site_url is None):
            raise ValueError("expected site_url together with the other addresses, found one alone")
        if self.heartbeat_secs >= venue.HEARTBEAT_LIMIT_SECS:
            most = venue.HEARTBEAT_LIMIT_SECS
            raise ValueError(f"expected heartbeat_secs below {most}, found {self.heartbeat_secs}")

    @property
    def site_address(self) -> str:
        """Where the venue says whether it takes orders from here."""
        return (self.site_url or venue.SITE_URL) + venue.GEOBLOCK_PATH
