"""What can be asked for by REST, with the venue's own names, limits and forbidden mixtures.

Every `*_ts` is in seconds since the epoch. What the venue is known to refuse is a ValueError here. Source:
REST description 3.34.0 (Oct 2026) and live answers of Aug 2026 (reference, section 4), read 2026-11-20.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from msgspec import UNSET, Meta, Struct

from adapters.kalshi.messages.orders import CancelOrder

_TIME_FILTERS: Final[Mapping[str, tuple[str | None, ...]]] = {
    "created": (None, "unopened", "open"),
    "close": (None, "closed"),
    "settled": (None, "settled"),
    "updated": (None,),
}
_MOST_CANDLES: Final = 5_000
_MOST_BATCH_CANDLES: Final = 10_000
_MOST_TICKERS: Final = 100


class Query(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A question; what is None or empty is not sent."""

    most_rows: ClassVar[int] = 1000

    def params(self) -> dict[str, Any]:
        """Return the query string's parts as text; a tuple is a comma list, a list repeats its key."""
        values = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return {name: _text(value) for name, value in values if value is not None and value != ()}


class MarketsQuery(Query, frozen=True, kw_only=True):
    """Which markets; `status` is a filter word, not a returned one. Combos are left out by default.

    One pair of time filters at most, each with few words of `status`; by `updated` only with the series.
    """

    event_ticker: str | None = None
    series_ticker: str | None = None
    status: Literal["unopened", "open", "paused", "closed", "settled"] | None = None
    tickers: tuple[str, ...] = ()
    mve_filter: Literal["only", "exclude"] | None = "exclude"
    min_created_ts: int | None = None
    max_created_ts: int | None = None
    min_close_ts: int | None = None
    max_close_ts: int | None = None
    min_settled_ts: int | None = None
    max_settled_ts: int | None = None
    min_updated_ts: int | None = None
    max_updated_ts: int | None = None

    def __post_init__(self) -> None:
        used = [
            kind
            for kind in _TIME_FILTERS
            if (getattr(self, f"min_{kind}_ts"), getattr(self, f"max_{kind}_ts")) != (None, None)
        ]
        if len(used) > 1:
            raise ValueError(f"expected one kind of time filter on markets, found {used}")
        if used and self.status not in _TIME_FILTERS[used[0]]:
            words = _TIME_FILTERS[used[0]]
            raise ValueError(
                f"expected a status among {words} with a filter by {used[0]}, found {self.status}"
            )
        if used == ["updated"] and (self.mve_filter != "exclude" or self.event_ticker or self.tickers):
            raise ValueError(
                "expected mve_filter=exclude and at most a series with a filter by updated, found more"
            )


class HistoricalMarketsQuery(Query, frozen=True, kw_only=True):
    """Which archived markets; there is no filter by time."""

    tickers: tuple[str, ...] = ()
    event_ticker: str | None = None
    series_ticker: str | None = None
    mve_filter: Literal["exclude"] | None = "exclude"


class EventsQuery(Query, frozen=True, kw_only=True):
    """Which events; combos have their own endpoint."""

    most_rows: ClassVar[int] = 200

    with_nested_markets: bool | None = None
    status: Literal["unopened", "open", "closed", "settled"] | None = None
    series_ticker: str | None = None
    tickers: tuple[str, ...] = ()
    min_close_ts: int | None = None
    min_updated_ts: int | None = None


class SeriesQuery(Query, frozen=True, kw_only=True):
    """Which series."""

    category: str | None = None
    tags: str | None = None
    min_updated_ts: int | None = None


class SeriesFeeChangesQuery(Query, frozen=True, kw_only=True):
    """Which fee changes of series, past ones included unless told otherwise."""

    series_ticker: str | None = None
    show_historical: bool = True


class EventFeeChangesQuery(Query, frozen=True, kw_only=True):
    """Which fee overrides."""

    event_ticker: str | None = None


class OrderbookQuery(Query, frozen=True, kw_only=True):
    """How much of a book: levels per side, 0 for all."""

    depth: Annotated[int, Meta(ge=0, le=100)] = 0


class OrderbooksQuery(Query, frozen=True, kw_only=True):
    """Whose books, of 1 to 100 markets; the key repeats, a comma list fails."""

    tickers: list[str]

    def __post_init__(self) -> None:
        _expect_markets(self.tickers)


class TradesQuery(Query, frozen=True, kw_only=True):
    """Which prints; without a ticker the whole tape."""

    ticker: str | None = None
    min_ts: int | None = None
    max_ts: int | None = None
    is_block_trade: bool | None = None


class CandlesticksQuery(Query, frozen=True, kw_only=True):
    """Which periods, of 1, 60 or 1440 minutes; at most 5,000 between the two ends."""

    start_ts: int
    end_ts: int
    period_interval: Literal[1, 60, 1440]
    include_latest_before_start: bool | None = None

    def __post_init__(self) -> None:
        _expect_periods(self.start_ts, self.end_ts, self.period_interval, _MOST_CANDLES)


class BatchCandlesticksQuery(Query, frozen=True, kw_only=True):
    """Which periods of at most 100 markets, at most 10,000 candles together."""

    market_tickers: tuple[str, ...]
    start_ts: int
    end_ts: int
    period_interval: Literal[1, 60, 1440]
    include_latest_before_start: bool | None = None

    def __post_init__(self) -> None:
        _expect_markets(self.market_tickers)
        most = _MOST_BATCH_CANDLES // len(self.market_tickers)
        _expect_periods(self.start_ts, self.end_ts, self.period_interval, most)


class OrdersQuery(Query, frozen=True, kw_only=True):
    """Which orders of ours; there is no filter by client id."""

    ticker: str | None = None
    event_ticker: str | None = None
    min_ts: int | None = None
    max_ts: int | None = None
    status: Literal["resting", "canceled", "executed"] | None = None
    subaccount: int | None = None
    exchange_index: int | None = None


class FillsQuery(Query, frozen=True, kw_only=True):
    """Which fills of ours."""

    ticker: str | None = None
    order_id: str | None = None
    min_ts: int | None = None
    max_ts: int | None = None
    subaccount: int | None = None
    exchange_index: int | None = None


class PositionsQuery(Query, frozen=True, kw_only=True):
    """Which positions of ours; unsettled ones unless said otherwise."""

    ticker: str | None = None
    event_ticker: str | None = None
    count_filter: Literal["position", "total_traded"] | None = None
    settlement_status: Literal["unsettled", "settled", "all"] | None = None
    subaccount: int | None = None
    exchange_index: int | None = None


class SettlementsQuery(Query, frozen=True, kw_only=True):
    """Which settlements of ours."""

    ticker: str | None = None
    event_ticker: str | None = None
    min_ts: int | None = None
    max_ts: int | None = None
    subaccount: int | None = None


class SubaccountQuery(Query, frozen=True, kw_only=True):
    """Whose."""

    subaccount: int | None = None


class ShardQuery(SubaccountQuery, frozen=True, kw_only=True):
    """Whose, and on which shard."""

    exchange_index: int | None = None


class BalanceQuery(ShardQuery, frozen=True, kw_only=True):
    """Whose cash; of all shards together unless one is named."""


class CancelQuery(ShardQuery, frozen=True, kw_only=True):
    """Where the order to cancel is; without its market only shard 0 is searched."""

    market_ticker: str

    @classmethod
    def of(cls, cancel: CancelOrder) -> Self:
        """Return the same said in a query string."""
        return cls(
            market_ticker=cancel.market_ticker,
            exchange_index=None if cancel.exchange_index is UNSET else cancel.exchange_index,
            subaccount=None if cancel.subaccount is UNSET else cancel.subaccount,
        )


class QueuePositionsQuery(SubaccountQuery, frozen=True, kw_only=True):
    """Of which resting orders; one of the two must be named."""

    market_tickers: tuple[str, ...] = ()
    event_ticker: str | None = None

    def __post_init__(self) -> None:
        if not (self.market_tickers or self.event_ticker):
            raise ValueError("expected markets or an event for queue positions, found neither")


def _expect_markets(tickers: Sequence[str]) -> None:
    if not 1 <= len(tickers) <= _MOST_TICKERS:
        raise ValueError(f"expected 1 to {_MOST_TICKERS} markets, found {len(tickers)}")


def _text(value: object) -> str | list[str]:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(value)
    return [*map(str, value)] if isinstance(value, list) else str(value)


def _expect_periods(start_ts: int, end_ts: int, minutes: int, most: int) -> None:
    if end_ts < start_ts:
        raise ValueError(f"expected an end at or after {start_ts}, found {end_ts}")
    periods = -(-(end_ts - start_ts) // (60 * minutes))
    if periods > most:
        raise ValueError(f"expected at most {most} periods between start and end, found {periods}")
