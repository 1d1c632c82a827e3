"""What markets are and how they end, by our own rows and by recorded ones."""

import gzip
from collections import Counter
from decimal import Decimal

import msgspec
import pytest
from polymarket_samples import (
    CONDITION,
    DOWN,
    SECOND,
    SHARED,
    START,
    UP,
    compact_market,
    gamma_market,
    lines_of,
    listing,
    recorded,
)

from adapters.polymarket.fees import UnknownFees
from adapters.polymarket.messages.clob import ClobMarket, ClobToken, CompactFees
from adapters.polymarket.messages.gamma import EventRow, GammaEvent, GammaMarket
from adapters.polymarket.providers.life import MarketLife, payout_of_market, payout_of_row
from adapters.polymarket.providers.terms import Listing, terms_of_listing
from adapters.polymarket.providers.windows import Window, Windows
from markets.facts import MarketPhase, MarketResolution, Phase
from markets.instruments import awaits_strike, info_of, make_pair
from pricing.fees import FeeSchedule, expected_fee

NOW = (START - 3600) * SECOND
DAY = 86_400 * SECOND


def terms(market=None, book=None, known_ns=NOW, **event):
    return terms_of_listing(listing(market, book, **event), known_ns)


def test_a_window_becomes_two_instruments_that_say_all_that_a_trade_needs():
    pair = make_pair(terms(book=compact_market()))
    assert str(pair.yes.id) == f"{CONDITION}-{UP}.POLYMARKET"
    info = info_of(pair.no)
    assert info["complement"] == f"{CONDITION}-{UP}.POLYMARKET"
    assert (info["series"], info["name"]) == ("btc-updown-5m", f"btc-updown-5m-{START}")
    assert (info["min_size"], info["taker_delay_ms"], info["neg_risk"]) == ("5", 150, False)
    assert info["underlying"] == "BTC-USD"
    assert pair.yes.expiration_ns == (START + 300) * SECOND
    assert not awaits_strike(pair.yes)
    fees = FeeSchedule.from_info(info_of(pair.yes)).at(NOW)
    assert expected_fee(fees, Decimal(25), Decimal("0.64"), is_taker=True) == Decimal("0.40320")
    assert expected_fee(fees, Decimal(25), Decimal("0.64"), is_taker=False) == 0


def test_the_order_books_own_word_counts_before_the_catalogues_copy():
    book = compact_market(
        tick=Decimal("0.001"), fees=CompactFees(Decimal("0.05"), 2), is_neg_risk=True, delay_secs=3
    )
    found = terms(book=book)
    assert found.price_ranges[0].step == Decimal("0.001")
    assert (found.fees[0]["taker_rate"], found.fees[0]["exponent"]) == ("0.05", 2)
    assert found.neg_risk
    assert found.mutually_exclusive
    assert found.taker_delay_ms == 3000


def test_a_tick_that_the_stream_has_refined_is_not_taken_back_by_an_old_row():
    before = terms(book=compact_market(tick=Decimal("0.001")))
    found = terms_of_listing(listing(), NOW + 1, before=before)
    assert found.price_ranges == before.price_ranges


def test_fees_that_change_change_from_then_on():
    before = terms(book=compact_market())
    assert terms_of_listing(listing(book=compact_market()), NOW + 5, before=before).fees == before.fees
    after = terms_of_listing(
        listing(book=compact_market(fees=None), market=gamma_market(feeSchedule=None, feesEnabled=False)),
        NOW + 5,
        before=before,
    )
    schedule = FeeSchedule.from_info({"fees": after.fees})
    assert schedule.at(NOW + 4).taker_rate == Decimal("0.07")
    assert schedule.at(NOW + 5).taker_rate == 0


@pytest.mark.parametrize(
    ("market", "book", "error", "words"),
    [
        ({"clobTokenIds": '["1"]'}, None, ValueError, "two different tokens"),
        ({"clobTokenIds": '["1", "1"]'}, None, ValueError, "two different tokens"),
        ({"outcomes": None}, None, ValueError, "two different outcomes"),
        ({"marketType": "scalar"}, None, ValueError, "binary market, found 'scalar'"),
        ({"version": "v2"}, None, ValueError, "protocol v2"),
        ({"enableOrderBook": False}, None, ValueError, "an order book, found none"),
        ({"orderPriceMinTickSize": None}, None, ValueError, "a tick and a least size"),
        ({"orderPriceMinTickSize": 0.003}, None, ValueError, "a tick among"),
        ({"slug": "who", "endDate": None}, None, ValueError, "an end date"),
        ({"feeSchedule": None}, None, UnknownFees, "a fee schedule"),
        ({"clobTokenIds": '["1", "2"]'}, compact_market(), ValueError, "name the tokens"),
    ],
)
def test_a_market_that_says_too_little_or_is_another_thing_is_refused(market, book, error, words):
    with pytest.raises(error, match=words):
        terms(gamma_market(**market), book)


def test_an_end_that_has_passed_while_orders_are_taken_lies_a_day_ahead():
    row = {"slug": "who-wins", "endDate": "2026-08-16T05:05:00Z"}
    ends = (START + 300) * SECOND
    assert terms(gamma_market(**row), known_ns=ends - DAY // 2).closes_ns == ends
    assert terms(gamma_market(**row), known_ns=ends + 7).closes_ns == ends + 7 + DAY
    assert terms(gamma_market(**row, acceptingOrders=False), known_ns=ends + 7).closes_ns == ends
    before = terms(gamma_market(**row), known_ns=ends + 7)
    again = terms_of_listing(listing(gamma_market(**row)), ends + 9, before=before)
    assert again.closes_ns == before.closes_ns


def test_windows_to_come_are_known_by_name():
    windows = Windows.of("btc-updown-5m")
    at = (START + 299) * SECOND
    assert windows.slugs(at, 2) == [f"btc-updown-5m-{START + 300 * step}" for step in range(3)]
    assert windows.next_start_ns(at) == (START + 300) * SECOND
    assert Windows.of("munich-daily-weather") is None
    assert Window.of(f"eth-updown-15m-{START}").end_ns == (START + 900) * SECOND
    assert Window.of("who-wins") is None


@pytest.mark.parametrize(("day", "hour"), [("2026-07-24", 4), ("2026-12-24", 5)])
def test_windows_of_four_hours_begin_on_new_yorks_hours(day, hour):
    from datetime import datetime

    midnight = int(datetime.fromisoformat(f"{day}T{hour:02}:00:00+00:00").timestamp())
    assert Windows.of("btc-updown-4h").slugs((midnight + 7) * SECOND, 0) == [f"btc-updown-4h-{midnight}"]


@pytest.mark.parametrize(
    ("row", "payout"),
    [
        ({"closed": True, "outcomePrices": '["1", "0"]'}, 1),
        ({"closed": True, "outcomePrices": '["0", "1"]'}, 0),
        ({"closed": True, "outcomePrices": '["0.5", "0.5"]'}, Decimal("0.5")),
        ({"closed": False, "outcomePrices": '["1", "0"]'}, None),
        ({"closed": True, "outcomePrices": '["0.9995", "0.0005"]'}, None),
        ({"closed": True, "outcomePrices": '["0", "0"]'}, None),
        ({"closed": True, "outcomePrices": '["1", "0"]', "umaResolutionStatus": "disputed"}, None),
        ({"closed": True, "outcomePrices": None}, None),
    ],
)
def test_a_result_counts_by_the_strict_rule_only(row, payout):
    assert payout_of_row(gamma_market(**row)) == payout


@pytest.mark.parametrize(
    ("winners", "more", "payout"),
    [
        ((True, False), {}, 1),
        ((False, True), {}, 0),
        ((True, True), {}, None),
        ((False, False), {}, None),
        ((False, False), {"is_50_50_outcome": True}, Decimal("0.5")),
        ((True, False), {"closed": False}, None),
    ],
)
def test_the_order_books_winner_is_a_result_too(winners, more, payout):
    tokens = tuple(ClobToken(token, "x", None, wins) for token, wins in zip((UP, DOWN), winners, strict=True))
    market = ClobMarket(**({"condition_id": CONDITION, "tokens": tokens, "closed": True} | more))
    assert payout_of_market(market) == payout


@pytest.mark.parametrize(
    ("row", "at", "phase"),
    [
        ({}, -400, Phase.OPEN),
        ({"acceptingOrders": False}, -400, Phase.PAUSED),
        ({"acceptingOrders": False, "acceptingOrdersTimestamp": "2026-08-16T05:00:00Z"}, -400, Phase.PENDING),
        ({}, 300, Phase.CLOSED),
        ({"acceptingOrders": False, "umaResolutionStatus": "proposed"}, 300, Phase.DETERMINED),
        ({"acceptingOrders": False, "umaResolutionStatus": "disputed"}, 300, Phase.DISPUTED),
        ({"closed": True}, 300, Phase.CLOSED),
    ],
)
def test_a_row_says_how_the_market_stands(row, at, phase):
    market = gamma_market(**row)
    life = MarketLife(terms(market))
    (fact,) = life.take_row(market, (START + at) * SECOND)
    assert isinstance(fact, MarketPhase)
    assert fact.phase is phase


def test_a_resolved_row_pays_at_the_time_at_which_it_closed():
    market = gamma_market(closed=True, outcomePrices='["0", "1"]', closedTime="2026-08-16 05:05:54+00")
    phase, resolution = MarketLife(terms(market)).take_row(market, (START + 400) * SECOND)
    assert (phase.phase, phase.ts_event) == (Phase.SETTLED, (START + 354) * SECOND)
    assert isinstance(resolution, MarketResolution)
    assert (resolution.payout, resolution.is_final) == (0, True)
    assert resolution.ts_init == (START + 400) * SECOND


def test_292_windows_of_july_are_read_and_pay_what_their_recorder_noted():
    payouts, ticks = Counter(), Counter()
    for row in lines_of("recorded/gamma_markets_btc_updown_5m_2026-07-24.jsonl"):
        market = msgspec.convert(row["raw"], GammaMarket, strict=False)
        found = terms_of_listing(Listing(None, market), row["start_sec"] * SECOND, "recording")
        assert found.closes_ns == row["end_sec"] * SECOND
        assert list(found.tokens) == row["token_ids"]
        assert found.fees[0]["taker_rate"] == "0.07"
        payout = payout_of_row(market)
        assert payout == Decimal(row["outcome_prices"][0])
        payouts[str(payout)] += 1
        ticks[str(found.price_ranges[0].step)] += 1
    assert sum(payouts.values()) == 292
    assert ticks == {"0.001": 210, "0.01": 82}


def test_a_window_of_the_mean_says_over_how_many_seconds():
    market = msgspec.json.decode(
        recorded("recorded/gamma_market_btc_updown_5m_twap_2026-08-15.json"), type=GammaMarket
    )
    found = terms_of_listing(Listing(market.events[0], market), NOW)
    assert found.averaging_secs == 60
    assert found.settlement_source == "https://data.chain.link/streams/btc-usd-twap-60s-streams"


def test_33_weather_markets_exclude_each_other_within_their_events():
    page = msgspec.json.decode(recorded("recorded/gamma_events_negrisk_weather_2026-06-16.json"))
    events = msgspec.convert(page["gamma_events"], tuple[GammaEvent, ...], strict=False)
    found = [
        terms_of_listing(Listing(event.row, market), 1_781_600_000 * SECOND)
        for event in events
        for market in event.markets
    ]
    assert len(found) == 33
    assert all(
        one.neg_risk and one.mutually_exclusive and one.fees[0]["taker_rate"] == "0.05" for one in found
    )
    assert {one.event for one in found} == {event.slug for event in events}
    assert found[0].series == "munich-daily-weather"


@pytest.mark.parametrize(("name", "delay"), [("money_line", 3000), ("map_handicap", 3000)])
def test_sports_say_their_delay_and_their_old_fee(name, delay):
    market = msgspec.json.decode(
        recorded(f"nautilus_rust/gamma_market_sports_market_{name}.json"), type=GammaMarket
    )
    found = terms_of_listing(Listing(market.events[0], market), NOW)
    assert found.taker_delay_ms == delay
    assert found.fees[0]["taker_rate"] == "0.03"


def test_of_a_real_capture_of_one_topic_most_markets_are_usable_and_each_other_says_why():
    file = SHARED / "real" / "api_samples" / "iran_polymarket_raw.json.gz"
    if not file.exists():
        pytest.skip(f"no capture at {file}")
    events = msgspec.json.decode(gzip.decompress(file.read_bytes()), type=tuple[GammaEvent, ...])
    usable, refused = 0, Counter()
    for event in events:
        for market in event.markets:
            try:
                make_pair(terms_of_listing(Listing(event.row, market), NOW))
                usable += 1
            except ValueError as error:
                refused[str(error).partition(" of ")[0]] += 1
    assert usable > 100
    assert usable > 5 * sum(refused.values()), refused


def test_a_market_without_an_event_is_its_own():
    found = terms_of_listing(Listing(None, gamma_market(slug="who-wins")), NOW)
    assert (found.series, found.event) == ("who-wins", "who-wins")
    named = terms_of_listing(
        Listing(EventRow(id="7", slug="race", series_slug="races"), gamma_market(slug="who-wins")), NOW
    )
    assert (named.series, named.event) == ("races", "race")
