"""Kalshi's markets: what each one is, from whoever described it, and how it fares from opening to payout. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from nautilus_trader.model import BinaryOption, CustomData, QuoteTick, TradeTick

from adapters.kalshi import constants as venue
from adapters.kalshi.fees import fee_terms
from adapters.kalshi.messages.market_data import MarketLifecycle, OrderbookDelta, OrderbookSnapshot, Trade
from adapters.kalshi.messages.numbers import time_ns
from adapters.kalshi.messages.recordings import ControlInfo, ResultRow, decode_results
from adapters.kalshi.messages.reference import Event, Market, decode_event
from adapters.kalshi.parsing import BookBuilder, BookData, TickerComparison, parse_trade
from markets.facts import DataGap, Fact, MarketPhase, MarketResolution, Phase
from markets.instruments import MarketTerms, PriceRange, make_pair, outcome_id

_WINDOW: Final = re.compile(r"(\w+15M)-(\d\d)([A-Z]{3})(\d\d)(\d\d)(\d\d)-\d\d", re.ASCII)
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_SECOND_NS: Final = 1_000_000_000
_PAYOUTS: Final = {"yes": Decimal(1), "no": Decimal(0)}
_PHASES: Final = {
    "created": Phase.PENDING,
    "activated": Phase.OPEN,
    "deactivated": Phase.PAUSED,
    "determined": Phase.DETERMINED,
    "settled": Phase.SETTLED,
}


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
        recorded_as=recorded_as,
        venue_says={"yes_sub_title": market.yes_sub_title, "rules_primary": market.rules_primary},
        **(habits | stated),
    )


def terms_of_window(ticker: str, recorded_as: str) -> MarketTerms:
    """Return the terms of a 15-minute market of which nothing but the ticker is left.

    The last resort for trade dumps: `KXBTC15M-26OCT031745-45` closes at 17:45 in New York. There is no
    strike. ValueError for any other ticker.
    """
    found = _WINDOW.fullmatch(ticker)
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


class MarketLife:
    """One market's way from its opening to its payout, as facts.

    The venue sends no message at open and close times, and `settled` does not repeat the result that
    `determined` brought: so the market is remembered. `later` is what a recorder's author noted after the
    fact; it is told by `paid` only, at its own time.
    """

    def __init__(
        self, terms: MarketTerms, later: ResultRow | Market | None = None, *, is_news: bool = True
    ) -> None:
        self.terms = terms
        self.closes_ns = terms.closes_ns
        self._later = later
        self._is_news = is_news
        self._payout: Decimal | None = None
        self._is_settled = False

    def take(self, message: MarketLifecycle, recv_ns: int) -> list[Fact]:
        """Return what a lifecycle message says; nothing for kinds that change no phase."""
        if message.close_ts is not None:
            self.closes_ns = message.close_ts * _SECOND_NS
        if message.result:
            self._payout = _payout(message.result, message.settlement_value)
        phase = _PHASES.get(message.event_type)
        if phase is None and message.event_type == "close_date_updated":
            phase = Phase.OPEN if recv_ns < self.closes_ns else Phase.CLOSED
        if phase is None:
            return []
        happened_secs = message.settled_ts or message.determination_ts
        happened_ns = happened_secs * _SECOND_NS if happened_secs else recv_ns
        facts: list[Fact] = [self._phase(phase, happened_ns, recv_ns)]
        if phase in (Phase.DETERMINED, Phase.SETTLED) and self._payout is not None:
            self._is_settled = phase == Phase.SETTLED
            facts.append(self._resolution(self._payout, happened_ns, recv_ns, venue.OFFICIAL))
        return facts

    def first_facts(self) -> list[Fact]:
        """Return that the market is open, known as soon as the market is; nothing when that is no news."""
        if not self._is_news:
            return []
        return [self._phase(Phase.OPEN, self.terms.opens_ns, max(self.terms.opens_ns, self.terms.known_ns))]

    def closed(self) -> MarketPhase:
        """Return the close, known from the clock."""
        return self._phase(Phase.CLOSED, self.closes_ns, self.closes_ns)

    def paid(self) -> list[MarketResolution]:
        """Return the payout if an official result was noted later and no message has told it.

        Where nobody noted the time of payment, it is the expected one of the market, or else the median
        delay after the close, and the source says "time assumed". ValueError for an unreadable result.
        """
        later = self._later
        if later is None or not later.result or self._is_settled:
            return []
        value, expected = None, None
        if isinstance(later, Market):
            value, expected = later.settlement_value_dollars, later.expected_expiration_time
        source, paid_ns = venue.OFFICIAL_AT_ASSUMED_TIME, self.closes_ns + venue.MEDIAN_SETTLEMENT_DELAY_NS
        if later.settlement_ts:
            source, paid_ns = venue.OFFICIAL, time_ns(later.settlement_ts)
        elif expected:
            paid_ns = max(paid_ns, time_ns(expected))
        payout = _payout(later.result, value)
        self._is_settled = True
        return [self._resolution(payout, paid_ns, paid_ns, source)]

    def gap(self, since_ns: int, until_ns: int, reason: str) -> DataGap:
        """Return the fact that nobody looked at this market for a while, at most until its close."""
        return DataGap(
            ts_event=since_ns,
            ts_init=since_ns,
            venue=venue.VENUE,
            series=self.terms.series,
            market=self.terms.market,
            until_ns=min(until_ns, self.closes_ns),
            reason=reason,
        )

    def _phase(self, phase: Phase, happened_ns: int, known_ns: int) -> MarketPhase:
        return MarketPhase(
            ts_event=happened_ns,
            ts_init=known_ns,
            venue=venue.VENUE,
            series=self.terms.series,
            market=self.terms.market,
            phase=phase,
            closes_ns=self.closes_ns,
        )

    def _resolution(self, payout: Decimal, happened_ns: int, known_ns: int, source: str) -> MarketResolution:
        return MarketResolution(
            ts_event=happened_ns,
            ts_init=known_ns,
            venue=venue.VENUE,
            series=self.terms.series,
            market=self.terms.market,
            payout=payout,
            source=source,
            is_final=self._is_settled,
        )


class MarketNotes:
    """What was written about markets beside their recordings, and when each was first announced."""

    def __init__(self) -> None:
        self._announced: dict[str, MarketTerms] = {}
        self._results: dict[str, ResultRow] = {}
        self._described: dict[str, tuple[Event, Market]] = {}

    def take_results(self, text: bytes) -> None:
        """Take a recording's `markets.json`."""
        self._results |= {row.ticker: row for row in decode_results(text)}

    def take_event(self, line: bytes) -> None:
        """Take an event with its markets, as REST describes them."""
        found = decode_event(line)
        self._described |= {market.ticker: (found.event, market) for market in found.markets}

    def watched(self, info: ControlInfo, recv_ns: int) -> MarketLife:
        """Return the market that a recorder announces, known since its first announcement of all."""
        ticker = info.market_ticker or ""
        later = self._results.get(ticker)
        is_news = ticker not in self._announced
        if is_news:
            self._announced[ticker] = terms_of_watch(info, recv_ns, later)
        return MarketLife(self._announced[ticker], later, is_news=is_news)

    def traded(self, ticker: str) -> MarketLife | None:
        """Return a market of a trade dump; None when neither a description nor the ticker tells its close."""
        if ticker in self._described:
            event, market = self._described[ticker]
            return MarketLife(terms_of_market(event, market, "trades"), market)
        return MarketLife(terms_of_window(ticker, "trades")) if _WINDOW.fullmatch(ticker) else None


class FollowedMarket:
    """One market's stream: its book, its blind spells, trades and quotes, in the order in which to tell them.

    While the market is blind its published book is empty; the book comes back whole. After the close
    nothing is a gap: the venue removes every level within 0.7 s and sends an empty snapshot 6 s later.
    """

    def __init__(self, life: MarketLife) -> None:
        self.life = life
        self.book = BookBuilder(outcome_id(life.terms.market, venue.VENUE, "YES"))
        self.tickers = TickerComparison()
        self.sid: int | None = None
        self.has_book = False
        self.has_trades = False
        self.first_book_ns: int | None = None
        self.blind: tuple[int, str] | None = None
        self.gaps = 0

    def instruments(self) -> tuple[BinaryOption, BinaryOption]:
        """Return YES and NO."""
        pair = make_pair(replace(self.life.terms, has_trades=self.has_trades))
        return pair.yes, pair.no

    def take_delta(self, delta: OrderbookDelta, recv_ns: int, seq: int) -> Sequence[BookData]:
        """Return the action that this delta ends, if any; errors as `BookBuilder.take_delta`."""
        due = self.book.take_delta(delta, recv_ns, seq)
        return self._noted(due, is_snapshot=False) if due else due

    def take_snapshot(self, snapshot: OrderbookSnapshot, recv_ns: int, seq: int) -> list[Any]:
        """Return the new book, and the gap that it ends."""
        due = self._noted(self.book.take_snapshot(snapshot, recv_ns, seq), is_snapshot=True)
        self.has_book = True
        self.first_book_ns = self.first_book_ns or recv_ns
        return [*due, *self.end_gap(recv_ns)]

    def end_action(self) -> Sequence[BookData]:
        """Return the action that was held back."""
        return self._noted(self.book.end_group(), is_snapshot=False)

    def take_trade(self, trade: Trade, recv_ns: int) -> list[TradeTick | CustomData]:
        """Return the trade and its provenance, of a block trade the provenance only."""
        tick, provenance = parse_trade(trade, self.book.instrument_id, recv_ns)
        self.has_trades = True
        return [provenance.as_data()] if tick is None else [tick, provenance.as_data()]

    def lose(self, since_ns: int, reason: str) -> list[BookData]:
        """Return the empty book of a market that is blind from now on; before the close, that is a gap."""
        if not self.has_book:
            return []
        self.has_book = False
        if since_ns >= self.life.closes_ns:
            return []
        self.blind = (since_ns, reason)
        return self.book.publish_blank(since_ns)

    def bridge(self, since_ns: int, until_ns: int, reason: str) -> list[Any]:
        """Return a gap after which the book is as good as before: nothing was lost, it was only late."""
        if not self.has_book or since_ns >= self.life.closes_ns:
            return []
        blank = self.lose(since_ns, reason)
        self.has_book = True
        return [*blank, *self.end_gap(until_ns), *self.book.publish_whole(until_ns)]

    def end_gap(self, until_ns: int) -> list[CustomData]:
        """Return the gap that ends now, if one was open."""
        if self.blind is None:
            return []
        since_ns, reason = self.blind
        self.blind = None
        if until_ns <= since_ns:  # recordings overlap
            return []
        self.gaps += 1
        return [self.life.gap(since_ns, until_ns, reason).as_data()]

    def _noted(self, due: Sequence[BookData], *, is_snapshot: bool) -> Sequence[BookData]:
        if due and isinstance(due[-1], QuoteTick):
            self.tickers.note_quote(due[-1], is_snapshot)
        return due


def _payout(result: str, settlement_value: Decimal | None) -> Decimal:
    if settlement_value is not None:
        return settlement_value
    if result not in _PAYOUTS:
        raise ValueError(f"expected a result among {sorted(_PAYOUTS)} or a value, found {result!r}")
    return _PAYOUTS[result]


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
