"""What a rehearsal may choose about the Kalshi double; every default follows the venue page of 2026-11-20."""

from typing import Final, Literal

import msgspec

from simulation.wire.kalshi_units import MILLI_NS

Tier = Literal["basic", "advanced", "expert", "premier", "paragon", "prime", "prestige"]

TIERS: Final[dict[str, tuple[int, int, int, int]]] = {
    "basic": (200, 400, 100, 100),
    "advanced": (300, 600, 300, 600),
    "expert": (600, 1_800, 600, 1_800),
    "premier": (1_000, 3_000, 1_000, 3_000),
    "paragon": (2_000, 6_000, 2_000, 6_000),
    "prime": (4_000, 12_000, 4_000, 12_000),
    "prestige": (10_000, 30_000, 8_000, 24_000),
}
"""Tokens per second and bucket size: read, read bucket, write, write bucket (kalshi.md section 11)."""


class KalshiSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the double behaves.

    `fee_unit_micro` is u and `cash_unit_micro` is q of the fee rule, in micro-dollars (September
    2026: 1 and 100; a broker's client 10,000). `read_lag_ms` is how far orders, fills and positions
    lag behind the engine on REST. Where the page leaves the venue's behaviour open there is a switch:
    `fok_kill_is_error`, `balance_excludes_resting`, `error_shape`, `cancel_all_tail_share` (chance that
    an order within a minute after a cancel-all dies too).
    """

    host: str = "127.0.0.1"
    port: int = 0
    tier: Tier = "premier"
    enforce_rates: bool = True
    enforce_signatures: bool = True
    max_skew_ms: int = 5_000
    read_lag_ms: int = 0
    write_latency_ms: float = 0.0
    fee_unit_micro: int = 1
    cash_unit_micro: int = 100
    scalar_payout_unit_micro: int = 10_000
    shards: tuple[tuple[int, str], ...] = ((0, "default"), (1, "combos"), (2, "crypto"), (3, "sports"))
    error_shape: Literal["nested", "flat"] = "nested"
    rate_error_shape: Literal["alternate", "nested", "text"] = "alternate"
    fok_kill_is_error: bool = False
    balance_excludes_resting: bool = False
    cancel_all_tail_share: float = 0.0
    cancel_all_tail_secs: float = 60.0
    crossed_groups: bool = True
    null_empty_sides: bool = False
    empty_pages: bool = True
    legacy_fields: bool = True
    sending_ts: bool = True
    group_window_secs: float = 15.0
    ticker_interval_ms: int = 1_000
    ping_secs: float = 10.0
    buffer_frames: int = 20_000
    tick_ms: float = 25.0
    removal_ms: int = 600
    removal_steps: int = 6
    clear_snapshot_ms: int = 6_500
    determination_ms: int = 4_000
    thursday_window: bool = False
    markets_per_subscription: int = 500_000

    def ns(self, millis: float) -> int:
        """Turn one of the settings in milliseconds into nanoseconds."""
        return int(millis * MILLI_NS)
