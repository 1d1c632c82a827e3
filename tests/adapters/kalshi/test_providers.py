import json
from decimal import Decimal

import msgspec
import pytest

from adapters.kalshi.constants import MEDIAN_SETTLEMENT_DELAY_NS
from adapters.kalshi.messages.market_data import MarketLifecycle
from adapters.kalshi.messages.numbers import time_ns
from adapters.kalshi.messages.recordings import ControlInfo, ResultRow
from adapters.kalshi.messages.reference import Event, Market
from adapters.kalshi.providers.life import MarketLife
from adapters.kalshi.providers.recorded import FollowedMarket, MarketNotes
from adapters.kalshi.providers.terms import terms_of_market, terms_of_watch, terms_of_window
from markets.facts import Phase
from markets.instruments import make_pair
from markets.ticks import grid_of
from pricing.fees import FeeSchedule

CLOSES_NS = time_ns("2026-05-13T16:45:00Z")
KNOWN_NS = CLOSES_NS - 100_000_000_000
WATCH = ControlInfo("KXBTC15M-26MAY131245-45", "2026-05-13T16:45:00Z", Decimal("79018.84"))
WEATHER = Event("KXHIGHNY-25MAR25", "KXHIGHNY", "Highest temperature in NYC?", mutually_exclusive=True)
BRACKET = Market(
    "KXHIGHNY-25MAR25-B55.5",
    open_time="2025-03-24T14:00:00Z",
    close_time="2025-03-26T03:59:00Z",
    yes_sub_title="55° to 56°",
    expected_expiration_time="2025-03-26T14:00:00Z",
    settlement_timer_seconds=3600,
    result="no",
    strike_type="between",
    floor_strike=Decimal(55),
    cap_strike=Decimal(56),
)


def step(kind, **fields):
    return msgspec.convert({"event_type": kind, "market_ticker": "M", **fields}, MarketLifecycle)


def test_a_watched_market_is_known_when_it_was_announced_and_opened_a_quarter_of_an_hour_before_its_close():
    terms = terms_of_watch(WATCH, KNOWN_NS)
    assert (terms.opens_ns, terms.closes_ns, terms.known_ns) == (
        CLOSES_NS - 900_000_000_000,
        CLOSES_NS,
        KNOWN_NS,
    )
    assert (terms.series, terms.event) == ("KXBTC15M", "KXBTC15M-26MAY131245")
    assert (terms.strike_type, terms.floor_strike) == ("greater_or_equal", Decimal("79018.84"))
    assert (terms.underlying, terms.averaging_secs, terms.settlement_timer_secs) == ("BTC-USD", 60, 1)


def test_crypto_quarters_have_finer_ticks_near_the_ends():
    pair = make_pair(terms_of_watch(WATCH, KNOWN_NS))
    for side in (pair.yes, pair.no):
        grid = grid_of(side)
        assert grid.holds(Decimal("0.099"))
        assert grid.holds(Decimal("0.901"))
        assert not grid.holds(Decimal("0.501"))
    assert FeeSchedule.from_info(pair.yes.info).at(CLOSES_NS).taker_rate == Decimal("0.07")


def test_a_close_or_strike_that_was_not_announced_is_looked_up_later():
    later = ResultRow(WATCH.market_ticker, Decimal(5), "yes", "2026-05-13T16:45:00Z")
    terms = terms_of_watch(ControlInfo(WATCH.market_ticker), KNOWN_NS, later)
    assert (terms.floor_strike, terms.closes_ns) == (Decimal(5), CLOSES_NS)
    with pytest.raises(ValueError, match="close_time"):
        terms_of_watch(ControlInfo(WATCH.market_ticker), KNOWN_NS)


def test_a_described_market_says_what_the_venue_said_before_it_opened():
    terms = terms_of_market(WEATHER, BRACKET)
    assert (terms.strike_type, terms.floor_strike, terms.cap_strike) == ("between", 55, 56)
    assert terms.known_ns == terms.opens_ns == time_ns("2025-03-24T14:00:00Z")
    assert terms.title == "Highest temperature in NYC? 55° to 56°"
    assert terms.mutually_exclusive
    assert [str(part.step) for part in terms.price_ranges] == ["0.01"]


def test_no_result_leaks_into_an_instrument():
    said = msgspec.structs.replace(BRACKET, result="LEAK", settlement_ts="LEAK")
    watched = terms_of_watch(WATCH, KNOWN_NS, ResultRow(WATCH.market_ticker, None, "LEAK", None, "LEAK"))
    for terms in (terms_of_market(WEATHER, said), watched):
        assert "LEAK" not in json.dumps(make_pair(terms).yes.info)


@pytest.mark.parametrize(
    ("ticker", "closes"),
    [
        ("KXBTC15M-26APR271445-45", "2026-04-27T18:45:00Z"),  # summer time in New York
        ("KXETH15M-26JAN010000-00", "2026-01-01T05:00:00Z"),
    ],
)
def test_the_last_resort_is_the_time_in_the_ticker(ticker, closes):
    terms = terms_of_window(ticker, "trades")
    assert (terms.closes_ns, terms.floor_strike, terms.recorded_as) == (time_ns(closes), None, "trades")
    assert terms.known_ns == terms.opens_ns


@pytest.mark.parametrize(
    "ticker", ["KXHIGHNY-25MAR25-B55.5", "KXBTC15M-26ABC271445-45", "KXBTC15M-26APR991445-45"]
)
def test_other_tickers_say_nothing(ticker):
    with pytest.raises(ValueError, match=r"expected|must be|out of range"):
        terms_of_window(ticker, "trades")


def test_the_payout_of_a_settled_market_is_the_one_that_was_determined():
    life = MarketLife(terms_of_watch(WATCH, KNOWN_NS))
    assert [fact.phase for fact in life.take(step("deactivated"), 5)] == [Phase.PAUSED]
    phase, early = life.take(step("determined", result="no", determination_ts=7), 9)
    assert (phase.phase, phase.ts_event, phase.ts_init) == (Phase.DETERMINED, 7_000_000_000, 9)
    assert (early.payout, early.is_final) == (0, False)
    phase, final = life.take(step("settled", settled_ts=8), 10)
    assert (phase.phase, final.payout, final.is_final, final.source) == (
        Phase.SETTLED,
        0,
        True,
        "kalshi official",
    )
    assert life.paid() == []


def test_a_void_market_pays_its_settlement_value():
    life = MarketLife(terms_of_watch(WATCH, KNOWN_NS))
    facts = life.take(step("determined", result="scalar", settlement_value="0.5000"), 9)
    assert facts[1].payout == Decimal("0.5")
    with pytest.raises(ValueError, match="found 'scalar'"):
        life.take(step("determined", result="scalar"), 9)


def test_a_settlement_without_a_determination_tells_no_payout():
    life = MarketLife(terms_of_watch(WATCH, KNOWN_NS))
    assert [type(fact).__name__ for fact in life.take(step("settled"), 9)] == ["MarketPhase"]
    assert life.take(step("metadata_updated"), 9) == []


def test_a_close_can_move():
    life = MarketLife(terms_of_watch(WATCH, KNOWN_NS))
    life.take(step("close_date_updated", close_ts=CLOSES_NS // 10**9 + 60), KNOWN_NS)
    closed = life.closed()
    assert (closed.phase, closed.ts_init) == (Phase.CLOSED, CLOSES_NS + 60 * 10**9)


@pytest.mark.parametrize(
    ("later", "paid_ns", "source"),
    [
        (
            ResultRow("M", None, "no", None, "2026-05-13T16:45:15.8Z"),
            CLOSES_NS + 15_800_000_000,
            "kalshi official",
        ),
        (ResultRow("M", None, "no"), CLOSES_NS + MEDIAN_SETTLEMENT_DELAY_NS, "kalshi official, time assumed"),
    ],
)
def test_a_result_is_told_when_it_was_paid(later, paid_ns, source):
    resolution = MarketLife(terms_of_watch(WATCH, KNOWN_NS), later).paid()[0]
    assert (resolution.ts_event, resolution.ts_init, resolution.source) == (paid_ns, paid_ns, source)
    assert (resolution.payout, resolution.is_final) == (0, True)


def test_weather_is_assumed_to_pay_at_its_expected_expiration():
    resolution = MarketLife(terms_of_market(WEATHER, BRACKET), BRACKET).paid()[0]
    assert (resolution.ts_init, resolution.source) == (
        time_ns("2025-03-26T14:00:00Z"),
        "kalshi official, time assumed",
    )


@pytest.mark.parametrize("later", [None, ResultRow("M"), ResultRow("M", Decimal(5), "")])
def test_without_an_official_result_there_is_no_resolution(later):
    assert MarketLife(terms_of_watch(WATCH, KNOWN_NS), later).paid() == []


def test_a_market_is_news_once():
    notes = MarketNotes()
    assert [fact.phase for fact in notes.watched(WATCH, KNOWN_NS).first_facts()] == [Phase.OPEN]
    again = notes.watched(WATCH, KNOWN_NS + 5)
    assert (again.terms.known_ns, again.first_facts()) == (KNOWN_NS, [])


def test_recordings_that_overlap_leave_no_gap_between_them():
    market = FollowedMarket(MarketLife(terms_of_watch(WATCH, KNOWN_NS)))
    market.blind = (KNOWN_NS, "the recording ends")
    assert market.end_gap(KNOWN_NS - 1) == []
    assert (market.blind, market.gaps) == (None, 0)
