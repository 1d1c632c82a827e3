from decimal import Decimal

import msgspec
import pytest

from adapters.kalshi.messages.market_data import EventFeeUpdate, MarketLifecycle
from adapters.kalshi.messages.numbers import time_ns
from adapters.kalshi.messages.reference import Event, EventFeeChange, Market, Series, SeriesFeeChange
from adapters.kalshi.providers.schedule import SeriesFacts, dated_fees
from adapters.kalshi.providers.terms import Listing, amended, overridden, terms_of_listing
from markets.instruments import PriceRange, differs, make_pair
from pricing.fees import FeeSchedule

S, E, M = "KXMLBGAME", "KXMLBGAME-26JUL08", "KXMLBGAME-26JUL08-NYY"
PITCH = "2026-10-08T22:40:00Z"
NOW = time_ns("2026-10-08T20:00:00Z")
HALF = Series(S, "MLB", "quadratic", Decimal("0.5"), settlement_sources=())
EVENT = Event(E, S, "Yankees at Jays", mutually_exclusive=True)
ROW = msgspec.convert(
    {
        "ticker": M,
        "event_ticker": E,
        "open_time": "2026-10-01T00:00:00Z",
        "close_time": "2026-10-12T00:00:00Z",
        "price_ranges": [
            {"start": "0", "end": "0.1", "step": "0.001"},
            {"start": "0.1", "end": "0.9", "step": "0.01"},
            {"start": "0.9", "end": "1", "step": "0.001"},
        ],
    },
    Market,
)


def listing(row=ROW, event=EVENT, overrides=(), changes=()):
    return Listing(SeriesFacts(HALF, changes), event, row, overrides, says={"ticker": M, "new_word": "kept"})


def takers(fees, *times):
    schedule = FeeSchedule.from_info({"fees": fees})
    return [str(schedule.at(time_ns(one) if isinstance(one, str) else one).taker_rate) for one in times]


def test_an_override_at_the_first_pitch_counts_from_the_first_pitch():
    override = msgspec.convert(
        {
            "event_ticker": E,
            "series_ticker": S,
            "fee_type_override": "quadratic",
            "fee_multiplier_override": "1",
            "scheduled_ts": PITCH,
        },
        EventFeeChange,
    )
    fees = dated_fees(SeriesFacts(HALF), EVENT, [override], NOW)
    assert takers(fees, NOW, "2026-10-08T22:39:59Z", PITCH) == ["0.035", "0.035", "0.07"]


def test_an_override_of_null_gives_the_fee_back_to_the_series():
    rows = [("2026-10-07T00:00:00Z", "1"), ("2026-10-09T00:00:00Z", None)]
    overrides = [
        msgspec.convert(
            {
                "event_ticker": E,
                "series_ticker": S,
                "fee_type_override": None,
                "fee_multiplier_override": multiplier,
                "scheduled_ts": at,
            },
            EventFeeChange,
        )
        for at, multiplier in rows
    ]
    event = msgspec.structs.replace(EVENT, fee_multiplier_override=Decimal(1))
    fees = dated_fees(SeriesFacts(HALF), event, overrides, NOW)
    assert takers(fees, "2026-10-06T00:00:00Z", NOW, "2026-10-09T00:00:00Z") == ["0.035", "0.07", "0.035"]


def test_past_changes_of_a_series_are_dated_and_what_holds_now_has_the_last_word():
    changes = tuple(
        msgspec.convert(
            {"series_ticker": S, "fee_type": "quadratic", "fee_multiplier": multiplier, "scheduled_ts": at},
            SeriesFeeChange,
        )
        for at, multiplier in (("2026-09-10T00:00:00Z", "2"), ("2026-10-01T00:00:00Z", "1"))
    )
    fees = dated_fees(SeriesFacts(HALF, changes), EVENT, [], NOW)
    assert takers(fees, "2026-09-20T00:00:00Z", NOW - 1, NOW) == ["0.14", "0.07", "0.035"]


def test_a_fee_type_that_nobody_understands_is_refused():
    facts = SeriesFacts(msgspec.structs.replace(HALF, fee_type="flat"))
    with pytest.raises(ValueError, match="flat"):
        dated_fees(facts, EVENT, [], NOW)


def test_a_listing_carries_the_row_unabridged_and_grows_into_instruments():
    terms = terms_of_listing(listing(), NOW)
    assert terms.venue_says["market"] == {"ticker": M, "new_word": "kept"}
    assert (terms.known_ns, terms.recorded_as, terms.has_trades) == (NOW, "live", True)
    assert terms.mutually_exclusive
    assert str(make_pair(terms).yes.id) == f"{M}-YES.KALSHI"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"price_ranges": ()}, "price_ranges"),
        ({"market_type": "scalar"}, "scalar"),
        ({"mve_collection_ticker": "X"}, "a combo"),
    ],
)
def test_a_market_that_cannot_be_traded_is_refused_with_its_reason(change, message):
    with pytest.raises(ValueError, match=message):
        terms_of_listing(listing(msgspec.structs.replace(ROW, **change)), NOW)


def test_a_lifecycle_message_amends_what_it_names_and_nothing_else():
    terms = terms_of_listing(listing(), NOW)
    step = msgspec.convert(
        {
            "event_type": "metadata_updated",
            "market_ticker": M,
            "strike_type": "greater",
            "floor_strike": "5.5",
        },
        MarketLifecycle,
    )
    news = amended(terms, step, NOW + 1)
    assert (news.strike_type, news.floor_strike, news.known_ns) == ("greater", Decimal("5.5"), NOW + 1)
    assert news.closes_ns == terms.closes_ns
    assert amended(news, step, NOW + 2) is news
    finer = msgspec.convert(
        {
            "event_type": "price_level_structure_updated",
            "market_ticker": M,
            "price_ranges": [{"start": "0", "end": "1", "step": "0.001"}],
        },
        MarketLifecycle,
    )
    ticks = amended(terms, finer, NOW).price_ranges
    assert ticks == (PriceRange(Decimal(0), Decimal(1), Decimal("0.001")),)


def test_terms_differ_by_what_a_trader_would_notice_only():
    terms = terms_of_listing(listing(), NOW)
    assert not differs(terms, terms_of_listing(listing(), NOW + 5))
    assert differs(terms, msgspec.structs.replace(terms, closes_ns=1))


def test_an_announced_override_dates_the_fees_from_its_announcement():
    one = overridden(listing(), EventFeeUpdate(E, "quadratic_with_maker_fees", Decimal(1)), NOW)
    one = overridden(one, EventFeeUpdate(E, None, None), NOW + 7)
    fees = dated_fees(one.facts, one.event, one.overrides, NOW + 8)
    schedule = FeeSchedule.from_info({"fees": fees})
    rates = [str(schedule.at(NOW + after).maker_rate) for after in (-1, 0, 6, 7)]
    assert rates == ["0", "0.0175", "0.0175", "0"]
