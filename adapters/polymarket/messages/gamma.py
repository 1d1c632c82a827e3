"""The catalogue's words for markets and their events: `/markets`, `/events` and one of either by slug.

A field that may be missing on a young, old or shortened row is optional; what a trade needs is asked for where
terms are made. Numbers are read as they are written, never as floats. Source: reference, section 11 (2026-11-20).
"""

from decimal import Decimal
from typing import Any, Final

from msgspec import Struct, field
from msgspec.json import Decoder

type Texts = str | tuple[str, ...] | None
"""A list of texts, which the venue writes as JSON inside a text, and older copies as a list."""

_TEXTS: Final = Decoder(tuple[str, ...])


class GammaFees(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a market charges, fixed when it was made."""

    rate: Decimal
    exponent: int
    taker_only: bool = True
    rebate_rate: Decimal = Decimal(0)


class CryptoConfig(Struct, frozen=True, kw_only=True, rename="camel"):
    """How an up/down market is decided: by a spot value, or by a mean over `twap_lookback_seconds`."""

    asset: str
    duration: str
    id: str | None = None
    twap_enabled: bool = False
    twap_lookback_seconds: int = 0


class SeriesRow(Struct, frozen=True, kw_only=True):
    """A series of events, such as one a day."""

    slug: str
    id: str | None = None
    title: str | None = None


class EventRow(Struct, frozen=True, kw_only=True, rename="camel"):
    """The event that a market row names: less of it than `/events` says."""

    id: str
    slug: str | None = None
    title: str | None = None
    series_slug: str | None = None
    start_time: str | None = None
    neg_risk: bool | None = None
    neg_risk_augmented: bool | None = None


class GammaMarket(Struct, frozen=True, kw_only=True, rename="camel"):
    """One market as the catalogue shows it: stale by seconds to minutes, never a price to trade on."""

    condition_id: str
    slug: str
    question: str = ""
    id: str | None = None
    clob_token_ids: Texts = None
    outcomes: Texts = None
    outcome_prices: Texts = None
    description: str | None = None
    active: bool = False
    closed: bool = False
    archived: bool = False
    accepting_orders: bool | None = None
    enable_order_book: bool | None = None
    start_date: str | None = None
    end_date: str | None = None
    event_start_time: str | None = None
    game_start_time: str | None = None
    closed_time: str | None = None
    accepting_orders_timestamp: str | None = None
    order_price_min_tick_size: Decimal | None = None
    order_min_size: Decimal | None = None
    neg_risk: bool | None = None
    neg_risk_market_id: str | None = field(name="negRiskMarketID", default=None)
    neg_risk_other: bool | None = None
    fees_enabled: bool | None = None
    fee_type: str | None = None
    fee_schedule: GammaFees | None = None
    seconds_delay: int | None = None
    clear_book_on_start: bool | None = None
    sports_market_type: str | None = None
    game_id: str | int | None = None
    line: Decimal | None = None
    group_item_title: str | None = None
    resolution_source: str | None = None
    uma_resolution_status: str | None = None
    automatically_resolved: bool | None = None
    crypto_market_config: CryptoConfig | None = None
    market_type: str | None = None
    version: str | None = None
    events: tuple[EventRow, ...] = ()

    @property
    def tokens(self) -> tuple[str, ...]:
        """The token ids, in the order of the outcomes; ValueError when the text is no list."""
        return texts_of(self.clob_token_ids)

    @property
    def labels(self) -> tuple[str, ...]:
        """What the outcomes are called; ValueError as for tokens."""
        return texts_of(self.outcomes)

    @property
    def prices(self) -> tuple[str, ...]:
        """What the outcomes are worth or have paid, as text; ValueError as for tokens."""
        return texts_of(self.outcome_prices)


class GammaEvent(Struct, frozen=True, kw_only=True, rename="camel"):
    """One event and its markets; of a neg-risk event exactly one market can pay."""

    id: str
    slug: str
    title: str | None = None
    active: bool = False
    closed: bool = False
    end_date: str | None = None
    series_slug: str | None = None
    series: tuple[SeriesRow, ...] = ()
    neg_risk: bool | None = None
    neg_risk_market_id: str | None = field(name="negRiskMarketID", default=None)
    enable_neg_risk: bool | None = None
    neg_risk_augmented: bool | None = None
    markets: tuple[GammaMarket, ...] = ()

    @property
    def row(self) -> EventRow:
        """The event as its markets name it."""
        return EventRow(
            id=self.id,
            slug=self.slug,
            title=self.title,
            series_slug=self.series_slug,
            neg_risk=self.neg_risk,
            neg_risk_augmented=self.neg_risk_augmented,
        )


class Found(Struct, frozen=True):
    """One answer of `/public-search`."""

    events: tuple[GammaEvent, ...] = ()
    tags: tuple[dict[str, Any], ...] = ()


def texts_of(said: Texts) -> tuple[str, ...]:
    """Return a list of texts however it was written, none for nothing; msgspec's errors for anything else."""
    if said is None or said == "":
        return ()
    return _TEXTS.decode(said) if isinstance(said, str) else said
