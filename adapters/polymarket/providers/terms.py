"""What a market is, from the catalogue's row and the order book's terms. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from adapters.polymarket import constants as venue
from adapters.polymarket.fees import dated, fee_terms
from adapters.polymarket.messages.clob import CompactMarket
from adapters.polymarket.messages.gamma import EventRow, GammaMarket
from adapters.polymarket.messages.numbers import time_ns
from adapters.polymarket.providers.windows import Window
from markets.instruments import MarketTerms, PriceRange

_SIDES: Final = 2
_DAY_NS: Final = 86_400 * 1_000_000_000
_MILLISECOND_NS: Final = 1_000_000
_PROTOCOL_V2: Final = "v2"
_ORDINARY: Final = (None, "normal")


@dataclass(frozen=True, slots=True)
class Listing:
    """A market as it is listed now: its event, its row, the order book's terms, and both unabridged."""

    event: EventRow | None
    market: GammaMarket
    book: CompactMarket | None = None
    says: Mapping[str, Any] = field(default_factory=dict)


def terms_of_listing(
    listing: Listing, known_ns: int, recorded_as: str = "live", before: MarketTerms | None = None
) -> MarketTerms:
    """Return the terms of a market as the venue states them at `known_ns`; nothing is assumed.

    `before` are those that were known: its tick stays, since only the streams tell it without delay, and its
    fees stay for the time before `known_ns`. ValueError for a market that is not binary, of another protocol, or
    that says too little to be traded.
    """
    market, book = listing.market, listing.book
    yes, no = _two("tokens", market, market.tokens)
    labels = _two("outcomes", market, market.labels)
    _check(market)
    tick, least = _asked(market, book)
    window = Window.of(market.slug)
    fees = fee_terms(market.fee_schedule, book.fees if book else None, charges=market.fees_enabled)
    return MarketTerms(
        market=market.condition_id,
        venue=venue.VENUE,
        series=series_of(listing),
        event=event_of(listing),
        title=market.question or market.slug,
        opens_ns=_opens_ns(market, known_ns),
        closes_ns=closes_ns_of(market, known_ns, before.closes_ns if before else 0),
        known_ns=known_ns,
        price_ranges=before.price_ranges if before else price_ranges(tick),
        fees=dated(before.fees if before else (), fees, known_ns),
        strike_type="up_down" if window else None,
        underlying=f"{window.windows.asset.upper()}-USD" if window else None,
        averaging_secs=_averaging_secs(market),
        settlement_source=market.resolution_source or None,
        mutually_exclusive=is_neg_risk(listing),
        has_trades=True,
        recorded_as=recorded_as,
        venue_says=dict(listing.says),
        tokens=(yes, no),
        labels=labels,
        name=market.slug,
        currency=venue.CURRENCY,
        size_digits=venue.FILL_DECIMALS,
        order_step=Decimal(1).scaleb(-venue.SIZE_DECIMALS),
        min_size=least,
        taker_delay_ms=_taker_delay_ms(listing),
        takers_spend=True,
        neg_risk=is_neg_risk(listing),
    )


def price_ranges(tick: Decimal) -> tuple[PriceRange, ...]:
    """Return the whole scale in steps of a tick; ValueError for a tick that nobody has said how to sign at."""
    if tick not in venue.AMOUNT_DECIMALS:
        known = ", ".join(str(one) for one in venue.AMOUNT_DECIMALS)
        raise ValueError(f"expected a tick among {known}, found {tick}")
    return (PriceRange(Decimal(0), Decimal(1), tick),)


def series_of(listing: Listing) -> str:
    """Return what a market is one of: windows of an asset, a series of events, or its event alone."""
    window = Window.of(listing.market.slug)
    if window is not None:
        return window.windows.series
    event = listing.event
    return (event.series_slug or event.slug if event else None) or listing.market.slug


def event_of(listing: Listing) -> str:
    """Return what decides a market; a window is an event of its own."""
    event = listing.event
    return (event.slug or event.id) if event else listing.market.slug


def is_neg_risk(listing: Listing) -> bool:
    """Return whether exactly one market of the event can pay, and orders go to the exchange of such markets."""
    return listing.book.is_neg_risk if listing.book else bool(listing.market.neg_risk)


def closes_ns_of(market: GammaMarket, known_ns: int, before_ns: int = 0) -> int:
    """Return when trading ends as far as is known: a window's end, else the stated end, which is an estimate.

    The venue takes orders until a market is resolved. So while it takes them after the stated end, the close is
    a day ahead, and stays there (`before_ns`) until that has passed too.
    """
    window = Window.of(market.slug)
    if window is not None:
        return window.end_ns
    if market.end_date is None:
        raise ValueError(f"expected an end date of {market.slug}, found none")
    ends_ns = time_ns(market.end_date)
    is_taking = bool(market.accepting_orders) and not market.closed
    if not is_taking or ends_ns > known_ns:
        return ends_ns
    return before_ns if before_ns > known_ns else known_ns + _DAY_NS


def _opens_ns(market: GammaMarket, known_ns: int) -> int:
    stated = market.accepting_orders_timestamp or market.start_date
    return time_ns(stated) if stated else known_ns


def _two(what: str, market: GammaMarket, found: tuple[str, ...]) -> tuple[str, str]:
    if len(found) != _SIDES or len(set(found)) != _SIDES or not all(found):
        raise ValueError(f"expected two different {what} of {market.slug}, found {found}")
    return found[0], found[1]


def _check(market: GammaMarket) -> None:
    if market.market_type not in _ORDINARY:
        raise ValueError(f"expected {market.slug} to be a binary market, found {market.market_type!r}")
    if market.version == _PROTOCOL_V2:
        raise ValueError(
            f"expected {market.slug} to be of the CLOB's exchanges, found protocol {market.version}"
        )
    if market.enable_order_book is False:
        raise ValueError(f"expected {market.slug} to have an order book, found none")


def _asked(market: GammaMarket, book: CompactMarket | None) -> tuple[Decimal, Decimal]:
    tick = book.tick if book else market.order_price_min_tick_size
    least = book.min_size if book else market.order_min_size
    if tick is None or least is None:
        raise ValueError(f"expected a tick and a least size of {market.slug}, found {tick} and {least}")
    if book is not None and tuple(one.token for one in book.tokens) != market.tokens:
        raise ValueError(f"expected both lists to name the tokens of {market.slug} alike, found they differ")
    return tick, least


def _averaging_secs(market: GammaMarket) -> int:
    config = market.crypto_market_config
    return config.twap_lookback_seconds if config and config.twap_enabled else 0


def _taker_delay_ms(listing: Listing) -> int:
    book = listing.book
    delays = book.delays_takers if book else Window.of(listing.market.slug) is not None
    seconds = book.delay_secs if book else listing.market.seconds_delay or 0
    return max(seconds * 1_000, venue.TAKER_DELAY_MS if delays else 0)
