"""What the venue says about what can be traded: series, events, markets, their fees, and the exchange itself.

Source: REST description 3.34.0 (Oct 2026) and recorded answers, read 2026-11-20. Unknown keys are ignored.
"""

from decimal import Decimal
from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from adapters.kalshi.messages.market_data import PriceStep
from adapters.kalshi.messages.numbers import Row, time_ns


class Market(Row, frozen=True):
    """A market as REST describes it: what an instrument, its state and its result need.

    Missing quotes are sentinels: bid 0.0000, ask 1.0000 with size 0.00. `status` is a returned word
    (`active`, `finalized`), never the word of a filter (`open`, `settled`).
    """

    ticker: str
    open_time: str
    close_time: str
    title: str = ""
    yes_sub_title: str = ""
    expected_expiration_time: str | None = None
    settlement_ts: str | None = None
    settlement_timer_seconds: int = 0
    settlement_value_dollars: Decimal | None = None
    result: str = ""
    strike_type: str | None = None
    floor_strike: Decimal | None = None
    cap_strike: Decimal | None = None
    price_ranges: tuple[PriceStep, ...] = ()
    exchange_index: int = 0
    rules_primary: str = ""
    event_ticker: str = ""
    status: str = ""
    market_type: str = "binary"
    price_level_structure: str = ""
    yes_bid_dollars: Decimal | None = None
    yes_ask_dollars: Decimal | None = None
    yes_bid_size_fp: Decimal | None = None
    yes_ask_size_fp: Decimal | None = None
    last_price_dollars: Decimal | None = None
    volume_fp: Decimal | None = None
    open_interest_fp: Decimal | None = None
    updated_time: str | None = None
    can_close_early: bool = False
    settlement_bounds_type: str = "default"
    mve_collection_ticker: str | None = None


class Event(Row, frozen=True):
    """The occurrence that decides one or more markets; an override that is null leaves the series' fee."""

    event_ticker: str
    series_ticker: str
    title: str = ""
    mutually_exclusive: bool = False
    sub_title: str = ""
    collateral_return_type: str = ""
    fee_type_override: str | None = None
    fee_multiplier_override: Decimal | None = None
    exchange_index: int = 0
    strike_date: str | None = None
    markets: tuple[Market, ...] = ()


class EventAndMarkets(Struct, frozen=True):
    """The answer of `GET /events/{event}`, kept one to a line beside trade dumps."""

    event: Event
    markets: tuple[Market, ...] = ()


class SettlementSource(Struct, frozen=True):
    """Who tells the result."""

    name: str = ""
    url: str = ""


class Series(Row, frozen=True):
    """A family of events under one set of rules and fees."""

    ticker: str
    title: str
    fee_type: str
    fee_multiplier: Decimal
    frequency: str = ""
    category: str = ""
    tags: tuple[str, ...] | None = None
    settlement_sources: tuple[SettlementSource, ...] | None = None
    exchange_index: int = 0


class SeriesFeeChange(Row, frozen=True):
    """A fee of a series from `scheduled_ts` (RFC 3339) on."""

    series_ticker: str
    fee_type: str
    fee_multiplier: Decimal
    scheduled_ts: str
    id: str = ""

    @property
    def since_ns(self) -> int:
        """When it begins, in nanoseconds since the epoch."""
        return time_ns(self.scheduled_ts)


class EventFeeChange(Row, frozen=True):
    """An override of one event from `scheduled_ts` (RFC 3339) on; null means back to the series."""

    event_ticker: str
    series_ticker: str
    fee_type_override: str | None
    fee_multiplier_override: Decimal | None
    scheduled_ts: str
    id: str = ""

    @property
    def since_ns(self) -> int:
        """When it begins, in nanoseconds since the epoch."""
        return time_ns(self.scheduled_ts)


class MarketAnswer(Struct, frozen=True):
    """The answer of `GET /markets/{m}`."""

    market: Market


class MarketsPage(Struct, frozen=True):
    """A page of markets; it may be empty while `cursor` is not."""

    markets: tuple[Market, ...]
    cursor: str = ""

    @property
    def rows(self) -> tuple[Market, ...]:
        """The rows of this page."""
        return self.markets


class EventsPage(Struct, frozen=True):
    """A page of events, with their markets when these were asked for."""

    events: tuple[Event, ...]
    cursor: str = ""

    @property
    def rows(self) -> tuple[Event, ...]:
        """The rows of this page."""
        return self.events


class SeriesAnswer(Struct, frozen=True):
    """The answer of `GET /series/{s}`."""

    series: Series


class SeriesListAnswer(Struct, frozen=True):
    """The answer of `GET /series`: all of them at once, 14,393 on 2026-09-26."""

    series: tuple[Series, ...]


class SeriesFeeChangesAnswer(Struct, frozen=True):
    """The answer of `GET /series/fee_changes`."""

    series_fee_change_arr: tuple[SeriesFeeChange, ...]


class EventFeeChangesPage(Struct, frozen=True):
    """A page of fee overrides."""

    event_fee_changes: tuple[EventFeeChange, ...]
    cursor: str = ""

    @property
    def rows(self) -> tuple[EventFeeChange, ...]:
        """The rows of this page."""
        return self.event_fee_changes


class ShardStatus(Struct, frozen=True):
    """Whether one shard takes orders; with `exchange_active` false not even cancels pass."""

    exchange_index: int
    description: str
    exchange_active: bool
    trading_active: bool
    intra_exchange_transfers_active: bool = False


class ExchangeStatus(Struct, frozen=True):
    """Whether the exchange takes orders, in all and per shard."""

    exchange_active: bool
    trading_active: bool
    intra_exchange_transfers_active: bool = False
    exchange_estimated_resume_time: str | None = None
    exchange_index_statuses: tuple[ShardStatus, ...] = ()


class TradingHours(Struct, frozen=True):
    """A part of a day in New York time, "03:00" to "05:00"."""

    open_time: str
    close_time: str


class WeeklySchedule(Struct, frozen=True):
    """The hours of each weekday between two dates."""

    start_time: str
    end_time: str
    monday: tuple[TradingHours, ...]
    tuesday: tuple[TradingHours, ...]
    wednesday: tuple[TradingHours, ...]
    thursday: tuple[TradingHours, ...]
    friday: tuple[TradingHours, ...]
    saturday: tuple[TradingHours, ...]
    sunday: tuple[TradingHours, ...]


class MaintenanceWindow(Struct, frozen=True):
    """A planned pause."""

    start_datetime: str
    end_datetime: str


class Schedule(Struct, frozen=True):
    """When the exchange is open."""

    standard_hours: tuple[WeeklySchedule, ...]
    maintenance_windows: tuple[MaintenanceWindow, ...]


class ScheduleAnswer(Struct, frozen=True):
    """The answer of `GET /exchange/schedule`."""

    schedule: Schedule


class UserDataTimestamp(Struct, frozen=True):
    """How far the read side has come: what happened later may be missing from every portfolio answer."""

    as_of_time: str

    @property
    def as_of_ns(self) -> int:
        """The same in nanoseconds since the epoch."""
        return time_ns(self.as_of_time)


class HistoricalCutoff(Struct, frozen=True):
    """Where the live endpoints end and `/historical` begins (RFC 3339); live data may reach further back."""

    market_settled_ts: str
    trades_created_ts: str
    orders_updated_ts: str
    market_positions_last_updated_ts: str | None = None


decode_event: Final = Decoder(EventAndMarkets).decode
