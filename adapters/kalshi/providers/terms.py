"""What a market is, from whoever described it: a recorder, REST, or nothing but its ticker. Pure."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from adapters.kalshi import constants as venue
from adapters.kalshi.fees import fee_terms
from adapters.kalshi.messages.market_data import EventFeeUpdate, MarketLifecycle
from adapters.kalshi.messages.numbers import time_ns
from adapters.kalshi.messages.recordings import ControlInfo, ResultRow
from adapters.kalshi.messages.reference import Event, EventFeeChange, Market
from adapters.kalshi.providers.schedule import SeriesFacts, dated_fees
from markets.instruments import MarketTerms, PriceRange

WINDOW: Final = re.compile(r"(\w+15M)-(\d\d)([A-Z]{3})(\d\d)(\d\d)(\d\d)-\d\d", re.ASCII)
_SECOND_NS: Final = 1_000_000_000
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclasses.dataclass(frozen=True, slots=True)
class Listing:
    """A market as REST lists it now: what we read of it, what its event and series say, and its row unabridged."""

    facts: SeriesFacts
    event: Event
    market: Market
    overrides: tuple[EventFeeChange, ...] = ()
    says: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    event_says: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def terms_of_watch(info: ControlInfo, known_ns: int, later: ResultRow | None = None) -> MarketTerms:
    """Return the terms of a market that a recorder announced at `known_ns`.

    `later` fills in a close or strike that the announcement lacks, never the result. The announcement
    names neither series nor event, so both are cut from the ticker: right for all recorded series, wrong in
    general (reference, section 3). ValueError when nobody knows the close.
    """
    ticker = info.market_ticker
    close_time = info.close_time or (later.close_time if later else None)
    if not ticker or not close_time:
        raise ValueError(f"expected a market and its close_time, found {ticker} and {close_time}")
    strike = info.strike if info.strike is not None or later is None else later.strike
    series, closes_ns = ticker.partition("-")[0], time_ns(close_time)
    return MarketTerms(
        market=ticker,
        venue=venue.VENUE,
        series=series,
        event=ticker.rpartition("-")[0],
        title=ticker if strike is None else f"{ticker}: at or above {strike}",
        opens_ns=_window_opens_ns(series, closes_ns) or known_ns,
        closes_ns=closes_ns,
        known_ns=known_ns,
        floor_strike=strike,
        venue_says={"close_time": close_time, "strike": None if strike is None else str(strike)},
        **_habits(series),
    )


def terms_of_market(event: Event, market: Market, recorded_as: str = "recording") -> MarketTerms:
    """Return the terms of a market as REST describes it; known, strikes included, when it opened.

    Nothing that was known only after the close (result, settlement, final value) gets in.
    """
    ranges = tuple(PriceRange(part.start, part.end, part.step) for part in market.price_ranges)
    habits = _habits(event.series_ticker)
    opens_ns = time_ns(market.open_time)
    stated = {
        "strike_type": market.strike_type or habits.get("strike_type"),
        "settlement_timer_secs": market.settlement_timer_seconds,
        "price_ranges": ranges or habits["price_ranges"],
    }
    return MarketTerms(
        market=market.ticker,
        venue=venue.VENUE,
        series=event.series_ticker,
        event=event.event_ticker,
        title=" ".join(part for part in (market.title or event.title, market.yes_sub_title) if part),
        opens_ns=opens_ns,
        closes_ns=time_ns(market.close_time),
        known_ns=opens_ns,
        floor_strike=market.floor_strike,
        cap_strike=market.cap_strike,
        mutually_exclusive=event.mutually_exclusive,
        shard=market.exchange_index,
        payout_unit=venue.PAYOUT_UNIT,
        recorded_as=recorded_as,
        venue_says={"yes_sub_title": market.yes_sub_title, "rules_primary": market.rules_primary},
        **(habits | stated),
    )


def terms_of_listing(listing: Listing, known_ns: int) -> MarketTerms:
    """Return the terms of a live market, as the venue states them at `known_ns`; nothing is assumed.

    ValueError when it is no binary market of one outcome, has no price ranges, or fees that nobody understands.
    """
    event, market, facts = listing.event, listing.market, listing.facts
    if market.market_type != "binary" or market.mve_collection_ticker:
        found = "a combo" if market.mve_collection_ticker else market.market_type
        raise ValueError(f"expected {market.ticker} to be a binary market, found {found}")
    if not market.price_ranges:
        raise ValueError(f"expected price_ranges on {market.ticker}, found none")
    terms = terms_of_market(event, market, "live")
    sources = [one.name for one in facts.series.settlement_sources or () if one.name]
    return replace(
        terms,
        known_ns=known_ns,
        fees=dated_fees(facts, event, listing.overrides, known_ns),
        settlement_source="; ".join(sources) or terms.settlement_source,
        has_trades=True,
        venue_says={"market": listing.says, "event": listing.event_says},
    )


def amended(terms: MarketTerms, step: MarketLifecycle, known_ns: int) -> MarketTerms:
    """Return `terms` with what a lifecycle message changes in them; the same object when that is nothing."""
    ranges = tuple(PriceRange(part.start, part.end, part.step) for part in step.price_ranges)
    stated = {
        "opens_ns": None if step.open_ts is None else step.open_ts * _SECOND_NS,
        "closes_ns": None if step.close_ts is None else step.close_ts * _SECOND_NS,
        "strike_type": step.strike_type,
        "floor_strike": step.floor_strike,
        "cap_strike": step.cap_strike,
        "price_ranges": ranges or None,
    }
    news = {
        name: value for name, value in stated.items() if value is not None and value != getattr(terms, name)
    }
    return replace(terms, known_ns=known_ns, **news) if news else terms


def overridden(listing: Listing, update: EventFeeUpdate, since_ns: int) -> Listing:
    """Return a listing with the fee override that its event announced at `since_ns`; null is the series' fee."""
    before = listing.overrides or (_override(listing.event, 0),)
    event = replace(
        listing.event,
        fee_type_override=update.fee_type_override,
        fee_multiplier_override=update.fee_multiplier_override,
    )
    return dataclasses.replace(listing, event=event, overrides=(*before, _override(event, since_ns)))


def terms_of_window(ticker: str, recorded_as: str) -> MarketTerms:
    """Return the terms of a 15-minute market of which nothing but the ticker is left.

    The last resort for trade dumps: `KXBTC15M-26OCT031745-45` closes at 17:45 in New York. There is no
    strike. ValueError for any other ticker.
    """
    found = WINDOW.fullmatch(ticker)
    if found is None or found[3] not in _MONTHS:
        raise ValueError(f"expected a description of {ticker} beside the trades, found none")
    series = found[1]
    day = f"20{found[2]}-{_MONTHS.index(found[3]) + 1:02}-{found[4]}T{found[5]}:{found[6]}"
    local = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(venue.EXCHANGE_ZONE))
    closes_ns = int(local.timestamp()) * 1_000_000_000
    opens_ns = closes_ns - venue.FIFTEEN_MINUTES_NS
    return MarketTerms(
        market=ticker,
        venue=venue.VENUE,
        series=series,
        event=ticker.rpartition("-")[0],
        title=ticker,
        opens_ns=opens_ns,
        closes_ns=closes_ns,
        known_ns=opens_ns,
        recorded_as=recorded_as,
        **_habits(series),
    )


def _override(event: Event, since_ns: int) -> EventFeeChange:
    seconds, rest_ns = divmod(since_ns, _SECOND_NS)
    text = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest_ns:09}Z"
    return EventFeeChange(
        event_ticker=event.event_ticker,
        series_ticker=event.series_ticker,
        fee_type_override=event.fee_type_override,
        fee_multiplier_override=event.fee_multiplier_override,
        scheduled_ts=text,
    )


def _habits(series: str) -> dict[str, Any]:
    fees = fee_terms(fee_type=venue.DEFAULT_FEE_TYPE, multiplier=Decimal(1))
    underlying = venue.FIFTEEN_MINUTE_UNDERLYINGS.get(series)
    if underlying is None:
        return {"fees": fees, "price_ranges": _ranges(venue.LINEAR_CENT)}
    return {
        "fees": fees,
        "price_ranges": _ranges(venue.TAPERED_DECI_CENT),
        "strike_type": "greater_or_equal",
        "underlying": underlying,
        "averaging_secs": venue.FIFTEEN_MINUTE_AVERAGING_SECS,
        "settlement_timer_secs": venue.FIFTEEN_MINUTE_SETTLEMENT_TIMER_SECS,
        "settlement_source": venue.FIFTEEN_MINUTE_SETTLEMENT_SOURCE,
    }


def _window_opens_ns(series: str, closes_ns: int) -> int | None:
    return closes_ns - venue.FIFTEEN_MINUTES_NS if series.endswith("15M") else None


def _ranges(parts: Sequence[tuple[str, str, str]]) -> tuple[PriceRange, ...]:
    return tuple(PriceRange(Decimal(start), Decimal(end), Decimal(step)) for start, end, step in parts)
