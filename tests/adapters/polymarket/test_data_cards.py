"""Data cards at Polymarket that need more than the other tests show: requests, refusals, ends of connections."""

import json
from collections import Counter

import pytest
from nautilus_trader.model import (
    BarType,
    BookAction,
    BookType,
    ClientId,
    OptionSeriesId,
    OrderBookDeltas,
    QuoteTick,
    StrikeRange,
)
from node_scene import POLYMARKET, SECOND, play
from polymarket_samples import START, gamma_market, listing
from true_books import EVERY_FRAME, T0, Stage

from adapters.polymarket.data.market import LiveMarket
from adapters.polymarket.providers.terms import terms_of_listing
from markets.facts import MarketPhase, MarketResolution, Phase
from markets.instruments import info_of
from markets.mirror import Mirror


@pytest.mark.card("polymarket", "TC-D01", "TC-D72")
def test_the_markets_of_an_event_can_be_asked_for_by_its_name():
    async def scene(on):
        await on.with_book()
        rows = []
        for name, condition in (("rain-monday", "0xe1"), ("rain-tuesday", "0xe2")):
            row = dict(on.venue.rows["0xa"]) | {"slug": name, "conditionId": condition, "events": []}
            row["clobTokenIds"] = json.dumps(
                [condition[2:].replace("e", "5") + "1", condition[2:].replace("e", "5") + "2"]
            )
            row["outcomes"] = '["Yes", "No"]'
            on.venue.list(row)
            rows.append(row)
        on.venue.events["rain"] = {"id": "5", "slug": "rain", "negRisk": True, "markets": rows}
        on.ear.request_instruments(POLYMARKET, params={"series": "rain"})
        await on.until(lambda: len(on.ear.cache.instruments(POLYMARKET)) == 6)
        rain = [one for one in on.ear.cache.instruments(POLYMARKET) if info_of(one)["series"] == "rain"]
        assert {one.outcome for one in rain} == {"Yes", "No"}
        assert {(one.price_precision, one.size_precision, str(one.size_increment)) for one in rain} == {
            (4, 6, "0.010000")
        }

    play(scene)


@pytest.mark.card("polymarket", "TC-D02", "TC-D03")
def test_one_instrument_that_nobody_follows_is_loaded_with_its_rules():
    async def scene(on):
        await on.with_book()
        stage = on.open_window(on.start_secs + 30_000, "0xc", ("31", "32"))
        wanted = on.side(1, stage)
        on.ear.request_instrument(wanted)
        on.ear.subscribe_instrument(wanted)
        await on.until(lambda: on.ear.cache.instrument(wanted) is not None)
        info = info_of(on.ear.cache.instrument(wanted))
        assert (info["min_size"], info["taker_delay_ms"], info["price_ranges"][0]["step"]) == (
            "5",
            150,
            "0.01",
        )

    play(scene)


@pytest.mark.card("polymarket", "TC-D11", "TC-D14")
def test_the_engine_keeps_a_book_and_shows_it_once_a_second():
    async def scene(on):
        await on.with_book()
        stage = on.open_window(on.start_secs + 30_000, "0xc", ("31", "32"))
        wanted = on.side(1, stage)
        on.ear.left_alone.add(wanted)
        on.ear.request_instrument(wanted)
        await on.until(lambda: on.ear.cache.instrument(wanted) is not None)
        on.ear.subscribe_book_at_interval(wanted, BookType.L2_MBP, 1000, 10)
        await on.until(lambda: sum(kind == "book" for kind, _ in on.ear.answers) >= 2)
        book = on.ear.answers[-1][1]
        bids, asks = ([one.price for one in side] for side in (book.bids(), book.asks()))
        assert (bids, asks) == (sorted(bids, reverse=True), sorted(asks))
        assert (str(bids[0]), str(asks[0])) == ("0.4000", "0.6000")

    play(scene)


NO_STREAMS = [
    (
        lambda hand, one: hand.subscribe_book_depth(one, BookType.L2_MBP),
        "_subscribe_book_depth",
        "no depth stream",
    ),
    (
        lambda hand, one: hand.subscribe_bars(BarType.from_str(f"{one}-1-MINUTE-MID-EXTERNAL")),
        "_subscribe_bars",
        "no bar stream",
    ),
    (lambda hand, one: hand.subscribe_mark_prices(one), "_subscribe_mark_prices", "no mark price"),
    (lambda hand, one: hand.subscribe_index_prices(one), "_subscribe_index_prices", "OraclePrice"),
    (lambda hand, one: hand.subscribe_funding_rates(one), "_subscribe_funding_rates", "no funding"),
    (lambda hand, one: hand.request_funding_rates(one), "_request_funding_rates", "no funding"),
    (lambda hand, one: hand.subscribe_option_greeks(one), "_subscribe_option_greeks", "no options"),
    (lambda hand, one: hand.request_quotes(one), "_request_quotes", "request MID bars"),
    (
        lambda hand, one: hand.request_book_deltas(one),
        "_request_book_deltas",
        "keeps no past books",
    ),
]


@pytest.mark.card(
    "polymarket", "TC-D12", "TC-D15", "TC-D21", "TC-D40", "TC-D50", "TC-D51", "TC-D52", "TC-D53", "TC-D62"
)
def test_what_the_venue_has_not_is_refused_with_a_reason_before_a_byte_leaves():
    async def scene(on):
        await on.with_book()
        heard, refusals = len(on.venue.heard), []
        for ask, hook, _ in NO_STREAMS:
            refuse = getattr(on.client, hook)

            async def watch(command, refuse=refuse):
                try:
                    await refuse(command)
                except NotImplementedError as error:
                    refusals.append(str(error))
                    raise

            setattr(on.client, hook, watch)
            ask(on.ear, on.side(0))
        await on.until(lambda: len(refusals) == len(NO_STREAMS))
        assert [reason for *_, reason in NO_STREAMS if not any(reason in one for one in refusals)] == []
        await on.change(("BUY", "0.41", "5"))
        await on.until(lambda: str(on.ear.of("QuoteTick", on.side(0))[-1].bid_price) == "0.4100")
        assert [one for one in on.venue.heard[heard:] if one != "PING"] == []

    play(scene)


@pytest.mark.card("polymarket", "TC-D71")
def test_the_one_flag_of_the_stream_is_set_with_each_subscription():
    async def scene(on):
        await on.with_book()
        later = on.open_window(on.start_secs + 300, "0xb", ("21", "22"))
        await on.with_book(on.side(0, later))
        said = [json.loads(one) for one in on.venue.heard if one != "PING"]
        assert len(said) == 2
        assert all(one["custom_feature_enabled"] for one in said)

    play(scene)


@pytest.mark.card("polymarket", "TC-D60", "AR-D20")
def test_orders_that_are_not_taken_any_more_are_a_pause_and_an_earlier_word_on_fees_counts_from_then():
    async def scene(on):
        await on.with_book()
        row = on.venue.rows["0xa"]
        row["acceptingOrders"] = False
        await on.until(lambda: any(one.phase is Phase.PAUSED for one in on.ear.of("MarketPhase")))
        await on.until(lambda: on.ear.of("InstrumentStatus", on.side(0)))
        assert not on.ear.of("InstrumentStatus", on.side(0))[-1].is_trading
        row["feeSchedule"] = {"rate": 0.05, "exponent": 1}
        on.client.markets.by_condition["0xa"].listing = without_book_terms(on)
        await on.until(lambda: on.ear.met[on.side(0)] == 2)
        fees = info_of(on.ear.of("BinaryOption")[-1])["fees"]
        assert [one["taker_rate"] for one in fees] == ["0.07", "0.05"]
        assert fees[1]["since_ns"] > T0

    play(scene)


def without_book_terms(on):
    """Return the listing without the order book's own terms, so that the catalogue's word on fees counts."""
    from dataclasses import replace

    return replace(on.client.markets.by_condition["0xa"].listing, book=None)


@pytest.mark.card("polymarket", "TC-D70")
def test_nothing_is_told_after_everything_was_unsubscribed():
    async def scene(on):
        await on.with_book()
        for at in (0, 1):
            on.ear.unsubscribe_book_deltas(on.side(at))
            on.ear.unsubscribe_quotes(on.side(at))
            on.ear.unsubscribe_trades(on.side(at))
        await on.until(lambda: any('"unsubscribe"' in one for one in on.venue.heard))
        told = len(on.ear.of("OrderBookDeltas")), len(on.ear.of("QuoteTick"))
        await on.change(("BUY", "0.41", "5"))
        await on.until(lambda: on.client.counts["changes_without_book"] > 0)
        assert (len(on.ear.of("OrderBookDeltas")), len(on.ear.of("QuoteTick"))) == told

    play(scene)


@pytest.mark.card("polymarket", "AR-D05")
def test_a_book_that_is_cleared_at_the_close_is_neither_a_price_nor_a_gap():
    stage = Stage(closes_ns=T0 + SECOND)
    stage.open([("0.4", "10")], [("0.6", "30")], at_ms=T0 // 10**6)
    stage.now_ns = T0 + 2 * SECOND
    stage.take(stage.change(("BUY", "0.4", "0"), at_ms=T0 // 10**6 + 1900))
    stage.take(stage.change(("SELL", "0.6", "0"), at_ms=T0 // 10**6 + 1901))
    assert len(stage.deltas()) == 3
    assert stage.quotes() == [("0.4000", "0.6000")]
    assert stage.counts["quotes_after_close"] == 2
    assert (stage.counts["proofs_failed"], stage.counts["books_lost"], stage.book.overdue_ns) == (0, 0, None)


@pytest.mark.card("polymarket", "AR-D05")
def test_a_side_that_is_missing_has_no_size_in_the_quote():
    stage = Stage()
    stage.open([("0.4", "10")], [("0.6", "30")])
    stage.take(stage.change(("SELL", "0.6", "0")))
    quote = [
        one for one in stage.told if isinstance(one, QuoteTick) and one.instrument_id == stage.pair.yes.id
    ][-1]
    assert (str(quote.ask_price), str(quote.ask_size)) == ("1.0000", "0.000000")
    assert (stage.counts["proofs_failed"], stage.counts["tops_differing"]) == (0, 0)


@pytest.mark.card("polymarket", "AR-D11")
def test_a_venue_that_calls_us_slow_is_named_and_the_book_comes_back():
    async def scene(on):
        await on.with_book()
        (socket,) = on.venue.sockets
        await socket.close(code=1013, message=b"slow consumer: send buffer full")
        await on.until(lambda: on.ear.of("DataGap"))
        assert "1013 slow consumer" in on.ear.of("DataGap")[0].reason
        assert "1013 slow consumer" in next(one.detail for one in on.ear.of("VenueCondition") if one.detail)

    play(scene)


@pytest.mark.card("polymarket", "AR-D11")
def test_what_waits_between_reading_and_handling_is_bounded():
    async def scene(on):
        await on.with_book()
        on.client.socket._lines[0].socket.queue_size = 3
        frame = json.dumps({"event_type": "halo"})
        (socket,) = on.venue.sockets
        for _ in range(3_000):
            await socket.send_str(frame)
        await on.until(lambda: on.ear.of("DataGap"))
        assert "slow consumer" in on.ear.of("DataGap")[0].reason

    play(scene)


@pytest.mark.card("polymarket", "AR-D12")
def test_changes_before_the_book_of_a_new_connection_are_not_applied_to_the_old_one():
    async def scene(on):
        await on.with_book()
        books, on.venue.books = on.venue.books, {}
        await on.venue.drop()
        await on.until(lambda: on.client.counts["connections_lost"] == 1 and on.venue.sockets)
        await on.until(lambda: on.ear.levels(on.side(0)) == [[], []])
        told = len(on.ear.of("OrderBookDeltas", on.side(0)))
        on.venue.books = books
        await on.change(("BUY", "0.41", "5"))
        await on.until(lambda: on.client.counts["changes_without_book"] == 1)
        later = on.ear.of("OrderBookDeltas", on.side(0))[told:]
        # REST may bring the whole book by now; nothing else may be told.
        assert {one.deltas[0].action for one in later} <= {BookAction.CLEAR}
        epochs = {epoch for _, _, epoch in on.tapped}
        assert epochs == {1, 2}

    play(scene, is_recorded=True)


@pytest.mark.card("polymarket", "AR-D13")
def test_a_market_whose_book_never_comes_is_named_and_asked_for_again_and_the_others_go_on():
    async def scene(on):
        await on.with_book()
        later = on.open_window(on.start_secs + 300, "0xb", ("21", "22"))
        books = {token: on.venue.books.pop(token) for token in ("21", "22")}
        await on.until(lambda: on.client.counts["markets_without_book"] == 1)
        await on.change(("BUY", "0.41", "5"))
        await on.until(lambda: str(on.ear.of("QuoteTick", on.side(0))[-1].bid_price) == "0.4100")
        on.venue.books |= books
        await on.with_book(on.side(0, later))

    play(scene)


@pytest.mark.card("polymarket", "AR-D15")
def test_the_venues_time_stays_and_ours_never_goes_back():
    stage = Stage()
    stage.open([("0.4", "10")], [("0.6", "30")])
    stage.now_ns = T0 + 5 * SECOND
    stage.take(stage.change(("BUY", "0.41", "5"), at_ms=2_000))
    stage.now_ns = T0 - 60 * SECOND  # our clock was set back
    stage.take(stage.change(("BUY", "0.42", "5"), at_ms=2_001))
    groups = [
        one
        for one in stage.told
        if isinstance(one, OrderBookDeltas) and one.instrument_id == stage.pair.yes.id
    ]
    assert [one.ts_event for one in groups[1:]] == [2_000_000_000, 2_001_000_000]
    times = [one.ts_init for one in groups]
    assert times == sorted(times)


def lives(row):
    told = []
    found = listing(row)
    terms = terms_of_listing(found, (START - 60) * SECOND)
    return LiveMarket(found, terms, told.append, Mirror(), Counter(), EVERY_FRAME), told


def facts_of(told, kind):
    return [one.data for one in told if isinstance(getattr(one, "data", None), kind)]


@pytest.mark.card("polymarket", "AR-D21")
def test_a_disputed_result_pays_nothing_until_it_is_final_and_then_once():
    row = gamma_market(slug="who-wins", endDate="2026-08-16T05:00:00Z", acceptingOrders=False)
    market, told = lives(row)
    steps = [
        {"umaResolutionStatus": "proposed", "outcomePrices": '["1", "0"]'},
        {"umaResolutionStatus": "disputed", "outcomePrices": '["1", "0"]', "closed": True},
        {"umaResolutionStatus": "resolved", "outcomePrices": '["0", "0"]', "closed": True},
        {"umaResolutionStatus": "resolved", "outcomePrices": '["0", "1"]', "closed": True},
        {"umaResolutionStatus": "resolved", "outcomePrices": '["0", "1"]', "closed": True},
    ]
    for number, step in enumerate(steps, 1):
        market.take_row(
            gamma_market(slug="who-wins", endDate="2026-08-16T05:00:00Z", acceptingOrders=False, **step),
            (START + number) * SECOND,
        )
    assert [one.phase for one in facts_of(told, MarketPhase)] == [
        Phase.DETERMINED,
        Phase.DISPUTED,
        Phase.CLOSED,
        Phase.SETTLED,
    ]
    (resolution,) = facts_of(told, MarketResolution)
    assert (resolution.payout, resolution.is_final) == (0, True)
    closes = [one for one in told if type(one).__name__ == "InstrumentClose"]
    assert [str(one.close_price) for one in closes] == ["0.0000", "1.0000"]


@pytest.mark.card("polymarket", "TC-E83")
def test_no_data_come_after_a_stop_and_every_connection_is_closed():
    async def scene(on):
        await on.with_book()
        await on.change(("BUY", "0.41", "5"))
        await on.until(lambda: str(on.ear.of("QuoteTick", on.side(0))[-1].bid_price) == "0.4100")
        assert on.venue.sockets
        await on.leave()
        heard = len(on.ear.heard)
        await on.until(lambda: not on.venue.sockets)
        await on.change(("BUY", "0.42", "5"))
        assert len(on.ear.heard) == heard

    play(scene)


@pytest.mark.card("polymarket", "TC-D63")
def test_an_option_chain_finds_no_option_and_asks_the_venue_nothing():
    async def scene(on):
        await on.with_book()
        heard = len(on.venue.heard)
        chain = OptionSeriesId("POLYMARKET", "BTC", "USD", 2_000_000_000_000_000_000)
        on.ear.subscribe_option_chain(chain, StrikeRange.atm_relative(1, 1), client_id=ClientId("POLYMARKET"))
        await on.change(("BUY", "0.41", "5"))
        await on.until(lambda: str(on.ear.of("QuoteTick", on.side(0))[-1].bid_price) == "0.4100")
        assert [one for one in on.venue.heard[heard:] if one != "PING"] == []
        with pytest.raises(NotImplementedError, match="no options"):
            await on.client._request_option_chain_reference_price(None)

    play(scene)
