"""When the exchange trades: shards in pause, the weekly window, and how both are told."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from simulation.wire.kalshi_errors import VenueError
from simulation.wire.kalshi_exchange import Exchange
from simulation.wire.kalshi_settings import KalshiSettings

_NEW_YORK = ZoneInfo("America/New_York")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def in_weekly_window(now_ns: int) -> bool:
    """Thursday 03:00-05:00 in New York: trading pauses, cancels work (kalshi.md section 13)."""
    local = (_EPOCH + timedelta(microseconds=now_ns // 1000)).astimezone(_NEW_YORK)
    return local.weekday() == 3 and 3 <= local.hour < 5


def is_trading(exchange: Exchange, exchange_index: int) -> bool:
    """Whether a shard takes new orders and changes."""
    if exchange_index in exchange.paused_shards | exchange.halted_shards:
        return False
    return not (exchange.settings.thursday_window and in_weekly_window(exchange.now_ns()))


def require_trading(exchange: Exchange, exchange_index: int) -> None:
    """Refuse a new order or change while the shard pauses. The venue's code for it is not known: ours."""
    require_alive(exchange, exchange_index)
    if not is_trading(exchange, exchange_index):
        raise VenueError(400, "trading_paused", "trading is paused")


def require_alive(exchange: Exchange, exchange_index: int) -> None:
    """503 while the whole exchange is paused: not even cancels."""
    if exchange_index in exchange.halted_shards:
        raise VenueError(503, "exchange_unavailable", "exchange unavailable")


def status_row(exchange: Exchange) -> dict[str, Any]:
    """GET /exchange/status."""
    rows = [
        {
            "exchange_index": index, "description": text, "exchange_active": index not in exchange.halted_shards,
            "trading_active": is_trading(exchange, index), "intra_exchange_transfers_active": True,
        }
        for index, text in exchange.settings.shards
    ]  # fmt: skip
    return {
        "exchange_active": all(row["exchange_active"] for row in rows),
        "trading_active": all(row["trading_active"] for row in rows),
        "intra_exchange_transfers_active": True,
        "exchange_estimated_resume_time": None,
        "exchange_index_statuses": rows,
    }


def schedule_row(settings: KalshiSettings) -> dict[str, Any]:
    """GET /exchange/schedule: round the clock, with the Thursday hole when it is on."""
    whole = [{"open_time": "00:00", "close_time": "00:00"}]
    split = [{"open_time": "00:00", "close_time": "03:00"}, {"open_time": "05:00", "close_time": "00:00"}]
    hours: dict[str, Any] = dict.fromkeys(_DAYS, whole)
    if settings.thursday_window:
        hours["thursday"] = split
    hours |= {"start_time": "2024-12-01T00:00:00Z", "end_time": "2200-12-01T00:00:00Z"}
    return {"schedule": {"standard_hours": [hours], "maintenance_windows": []}}
