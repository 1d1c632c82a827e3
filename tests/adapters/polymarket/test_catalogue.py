"""The catalogue over loopback: what is found, what is left out, and what is asked."""

import asyncio
import json
import time

import pytest
from fake_venue import FakeVenue, settings_for
from polymarket_samples import CONDITION, DOWN, SECOND, START, UP

from adapters.polymarket.http.market_data import MarketData
from adapters.polymarket.providers.catalogue import PolymarketCatalogue
from network.errors import BadReply, Refusal, ServerError

NOW = (START + 10) * SECOND


def row(slug=f"btc-updown-5m-{START}", condition=CONDITION, **more):
    return {
        "conditionId": condition,
        "slug": slug,
        "question": "q",
        "clobTokenIds": json.dumps([f"{condition}1", f"{condition}2"]),
        "outcomes": '["Up", "Down"]',
        "acceptingOrders": True,
        "endDate": "2026-08-16T05:05:00Z",
        "events": [{"id": "9", "slug": "e"}],
        "aNumber": 0.07,
    } | more


def run(venue, work, **settings):
    async def go():
        async with venue.running() as base:
            config = settings_for(base, read_attempts=1, **settings)
            async with MarketData(config, now_ns=lambda: NOW, monotonic=time.monotonic) as http:
                return await work(http)

    return asyncio.run(go())


def find(venue, series, known=()):
    return run(venue, lambda http: PolymarketCatalogue(http, lambda: NOW, 2).find_open(series, known))


def test_windows_are_asked_for_by_the_names_that_they_will_have():
    venue = FakeVenue()
    for step in range(5):
        venue.list(row(f"btc-updown-5m-{START + 300 * step}", f"0x{step}"))
    found = find(venue, "btc-updown-5m", known={"0x1"})
    assert [one.market.condition_id for one in found] == ["0x0", "0x2"]
    assert found[0].event.slug == "e"
    assert found[0].says["aNumber"] == "0.07"
    assert str(found[0].book.fees.rate) == "0.07"


def test_a_market_that_the_order_book_does_not_have_yet_is_left_out():
    venue = FakeVenue()
    venue.list(row())
    del venue.compact[CONDITION]
    assert find(venue, "btc-updown-5m") == []


def test_a_row_that_cannot_be_read_hides_no_other():
    venue = FakeVenue()
    venue.list(row())
    venue.rows["0xbad"] = row(f"btc-updown-5m-{START + 300}", "0xbad", active="maybe")
    assert [one.market.condition_id for one in find(venue, "btc-updown-5m")] == [CONDITION]


def test_a_name_may_be_that_of_an_event_or_of_a_series_of_events():
    venue = FakeVenue()
    market = row("rain-on-monday", "0xa")
    venue.list(market)
    venue.list(row("rain-on-tuesday", "0xb"))
    venue.events["rain"] = {"id": "3", "slug": "rain", "title": "Rain?", "negRisk": True, "markets": [market]}
    (found,) = find(venue, "rain")
    assert (found.event.slug, found.event.neg_risk) == ("rain", True)
    venue.series["daily-rain"] = [{"id": "77", "slug": "daily-rain"}]
    venue.events["77"] = [
        [venue.events["rain"]],
        [{"id": "4", "slug": "t", "markets": [row("rain-on-tuesday", "0xb")]}],
    ]
    assert [one.market.slug for one in find(venue, "daily-rain")] == ["rain-on-monday", "rain-on-tuesday"]
    assert find(venue, "nothing-of-the-kind") == []


def test_a_market_is_found_by_condition_or_name_also_when_it_is_closed():
    venue = FakeVenue()
    venue.list(row(closed=True))

    async def both(http):
        catalogue = PolymarketCatalogue(http, lambda: NOW)
        return [
            await catalogue.list_market(CONDITION),
            await catalogue.list_slug(f"btc-updown-5m-{START}"),
            await catalogue.list_market("0xnone"),
            *await catalogue.find_rows([CONDITION, "0xnone"]),
        ]

    by_condition, by_name, none, stands = run(venue, both)
    assert by_condition.market == by_name.market == stands
    assert none is None


def test_a_venue_that_fails_is_no_empty_list():
    venue = FakeVenue()
    venue.refusals["/gamma/markets"] = 503
    with pytest.raises(ServerError):
        find(venue, "btc-updown-5m")
    venue.refusals = {"/clob/clob-markets": 403}
    venue.list(row())
    with pytest.raises(Refusal):
        find(venue, "btc-updown-5m")


def test_books_clock_and_version_are_read():
    venue = FakeVenue()
    book = {"market": CONDITION, "asset_id": UP, "timestamp": "5", "hash": "h", "bids": [], "asks": []}
    venue.books = {UP: book, DOWN: book | {"asset_id": DOWN}}

    async def ask(http):
        return [
            await http.get_time(),
            await http.get_version(),
            (await http.get_book(UP)).asset_id,
            [one.asset_id for one in await http.post_books([UP, "none", DOWN])],
        ]

    assert run(venue, ask) == [1_786_856_000, 2, UP, [UP, DOWN]]
    venue.refusals["/clob/books"] = 500
    with pytest.raises(BadReply, match="expected books"):
        run(venue, lambda http: http.post_books([UP]))


def test_pages_of_trades_are_followed_to_their_end_and_a_cursor_that_repeats_is_refused():
    venue = FakeVenue()
    trade = {
        "token_id": UP,
        "condition_id": CONDITION,
        "side": "BUY",
        "size": 5.5,
        "price": 0.62,
        "timestamp": 7,
    }
    venue.trades = [[trade], [trade | {"timestamp": 6}]]

    async def ask(http):
        return [one.timestamp async for page in http.get_trades(CONDITION, 5, None) for one in page]

    assert run(venue, ask) == [7, 6]
    assert any("start=5" in one and "taker_only=true" in one for one in venue.asked)


def test_past_prices_are_read_exactly():
    venue = FakeVenue()
    venue.prices = [{"t": 1, "p": 0.555}]
    (point,) = run(venue, lambda http: http.get_prices_history(UP, 0, 9, 1))
    assert str(point.price) == "0.555"
