"""What a made-up venue as a process is told, and what it says: values only. Loads no Nautilus."""

from typing import Final

from msgspec import Struct

USER: Final = "argonaut"
OPEN_ORDERS_FILE: Final = "venue_orders.jsonl"
VERDICT_FILE: Final = "venue.json"


class VenueTask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the double is to be: a crowd in rolling markets with faults, or a recording played back.

    One market of `series` follows another every `window_secs`; `markets` are listed for a day. `cash_usd` lies on shard
    `shard`, where all of them trade. With a `recording` nobody may write: the key has the scope read. At POLYMARKET a
    series such as `btc-updown-5m` says itself how long its windows are, and there are no shards.
    `folder` gets the double's own record: how many orders were open and when, and its books at the end.
    """

    folder: str
    venue: str = "KALSHI"
    seed: int = 7
    series: str | None = None
    markets: tuple[str, ...] = ()
    shard: int = 0
    window_secs: int = 300
    cash_usd: str = "1000"
    events_per_second: float = 20.0
    plan: str | None = None
    recording: str | None = None
    speed: float = 1.0
    read_lag_ms: int = 0


class Address(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the double listens, and what a client needs in its environment to reach it with keys made for this once."""

    rest: str
    environ: dict[str, str]


class Progress(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of a recording's own time has been played, told each second and at its end."""

    played_secs: float
    is_over: bool = False
