"""The live data client in a node, against a small venue of our own on loopback."""

import json

import pytest
from nautilus_trader.model import AggressorSide, BarType
from node_scene import SECOND, iso, now_ns, play

from markets.facts import Condition, Phase
from markets.instruments import info_of

EVERYTHING = [
    ("0.3900", "20.500000"),
    ("0.4000", "10.000000"),
    ("0.6000", "30.000000"),
    ("0.6100", "40.000001"),
]


@pytest.mark.card("polymarket", "TC-D01", "TC-D10", "TC-D20", "AR-D06")
def test_a_window_is_found_and_both_its_books_are_told_whole():
    async def scene(on):
        await on.with_book()
        yes, no = on.side(0), on.side(1)
        assert on.ear.levels(yes) == [
            [("0.4000", "10.000000"), ("0.3900", "20.500000")],
            [("0.6000", "30.000000"), ("0.6100", "40.000001")],
        ]
        assert on.ear.levels(no)[0] == [("0.4000", "30.000000"), ("0.3900", "40.000001")]
        info = info_of(on.ear.of("BinaryOption")[0])
        assert (info["series"], info["labels"], info["recorded_as"]) == (
            "btc-updown-5m",
            ["Up", "Down"],
            "live",
        )
        assert info["venue_says"]["feeSchedule"]["rate"] == "0.07"
        await on.change(("BUY", "0.41", "5.5"), ("SELL", "0.6", "0"))
        await on.until(lambda: len(on.ear.of("OrderBookDeltas", no)) > 1)
        quote = on.ear.of("QuoteTick", yes)[-1]
        assert [str(quote.bid_price), str(quote.ask_price), str(quote.bid_size)] == [
            "0.4100",
            "0.6100",
            "5.500000",
        ]
        mirror = on.ear.of("QuoteTick", no)[-1]
        assert [str(mirror.bid_price), str(mirror.ask_price)] == ["0.3900", "0.5900"]
        assert on.client.counts["proofs"] >= 2
        assert on.client.counts["proofs_failed"] == 0

    play(scene)


def test_windows_to_come_are_listed_before_they_begin():
    async def scene(on):
        await on.with_book()
        later = on.open_window(on.start_secs + 600, "0xb", ("21", "22"))
        await on.with_book(on.side(0, later))
        assert on.ear.of("MarketPhase")[-1].phase is Phase.OPEN
        assert on.ear.of("MarketPhase")[-1].market == "0xb"

    play(scene)


@pytest.mark.card("polymarket", "TC-D30")
def test_prints_are_told_once_with_the_venues_word_for_their_aggressor():
    async def scene(on):
        await on.with_book()
        said = {
            "event_type": "last_trade_price",
            "market": "0xa",
            "asset_id": "12",
            "price": "0.4",
            "size": "1.234567",
        }
        said |= {"side": "BUY", "timestamp": str(now_ns() // 10**6), "transaction_hash": "0xt"}
        for one in (said, said, said | {"size": "2"}):
            await on.venue.push(one)
        await on.until(lambda: len(on.ear.of("TradeTick", on.side(1))) == 2)
        tick = on.ear.of("TradeTick", on.side(0))[0]
        assert (str(tick.price), str(tick.size), tick.aggressor_side) == (
            "0.6000",
            "1.234567",
            AggressorSide.SELL,
        )
        assert on.client.counts["repeated_trades"] == 1

    play(scene)


@pytest.mark.card("polymarket", "AR-D07")
def test_a_new_tick_issues_both_instruments_anew_and_loses_no_book():
    async def scene(on):
        await on.with_book()
        for token in ("11", "12"):
            on.stage.theirs[int(token) - 11].tick = "0.001"
            said = {
                "event_type": "tick_size_change",
                "market": "0xa",
                "asset_id": token,
                "new_tick_size": "0.001",
            }
            await on.venue.push(said | {"old_tick_size": "0.01", "timestamp": str(now_ns() // 10**6)})
        await on.until(lambda: on.ear.met[on.side(0)] == 2 and on.ear.met[on.side(1)] == 2)
        assert info_of(on.ear.of("BinaryOption")[-1])["price_ranges"][0]["step"] == "0.001"
        await on.change(("BUY", "0.405", "5"))
        await on.until(lambda: str(on.ear.of("QuoteTick", on.side(0))[-1].bid_price) == "0.4050")
        assert on.client.counts["books_lost"] == 0

    play(scene)


@pytest.mark.card("polymarket", "TC-D61", "TC-D60")
def test_a_result_counts_when_the_strict_rule_holds_and_closes_both_sides_once():
    async def scene(on):
        await on.with_book()
        said = {"event_type": "market_resolved", "id": "1", "market": "0xa", "assets_ids": ["11", "12"]}
        said |= {"winning_asset_id": "11", "winning_outcome": "Up", "timestamp": str(now_ns() // 10**6)}
        await on.venue.push(said)
        await on.until(lambda: any(one.phase is Phase.DETERMINED for one in on.ear.of("MarketPhase")))
        assert on.ear.of("MarketResolution") == []
        row = on.venue.rows["0xa"]
        row |= {
            "closed": True,
            "outcomePrices": '["0.9995", "0.0005"]',
            "closedTime": iso(now_ns() // SECOND),
        }
        await on.until(lambda: any("/clob/markets/0xa" in one for one in on.venue.asked))
        assert on.ear.of("InstrumentClose") == []
        row["outcomePrices"] = '["1", "0"]'
        await on.until(lambda: len(on.ear.of("InstrumentClose")) == 2)
        (resolution,) = on.ear.of("MarketResolution")
        assert (resolution.payout, resolution.is_final, resolution.source) == (
            1,
            True,
            "polymarket catalogue",
        )
        closes = {one.instrument_id: str(one.close_price) for one in on.ear.of("InstrumentClose")}
        assert closes == {on.side(0): "1.0000", on.side(1): "0.0000"}
        assert on.ear.of("MarketPhase")[-1].phase is Phase.SETTLED
        await on.until(lambda: any('"unsubscribe"' in one for one in on.venue.heard))

    play(scene)


def test_the_order_books_winner_is_a_result_where_the_catalogue_has_none_yet():
    async def scene(on):
        await on.with_book()
        tokens = [
            {"token_id": "11", "outcome": "Up", "winner": False},
            {"token_id": "12", "outcome": "Down", "winner": True},
        ]
        on.venue.results["0xa"] = {"condition_id": "0xa", "closed": True, "tokens": tokens}
        said = {"event_type": "market_resolved", "id": "1", "market": "0xa", "assets_ids": ["11", "12"]}
        said |= {"winning_asset_id": "12", "winning_outcome": "Down", "timestamp": str(now_ns() // 10**6)}
        await on.venue.push(said)
        await on.until(lambda: len(on.ear.of("InstrumentClose")) == 2)
        (resolution,) = on.ear.of("MarketResolution")
        assert (resolution.payout, resolution.source) == (0, "polymarket order book")

    play(scene)


@pytest.mark.card("polymarket", "AR-D02")
def test_a_burst_that_was_lost_is_a_gap_and_the_book_comes_back_by_rest():
    async def scene(on):
        await on.with_book()
        await on.change(("BUY", "0.2", "7"), is_lost=True)
        await on.change(("BUY", "0.41", "5"))
        await on.until(lambda: on.ear.of("DataGap"))
        assert any(one.startswith("/clob/books") for one in on.venue.asked)
        assert ("0.2000", "7.000000") in on.ear.levels(on.side(0))[0]
        assert on.ear.of("DataGap")[0].reason.startswith("expected the book to prove itself")
        assert (on.client.counts["books_broken"], on.client.counts["gaps"]) == (1, 1)
        await on.change(("BUY", "0.42", "5"))
        await on.until(lambda: str(on.ear.of("QuoteTick", on.side(0))[-1].bid_price) == "0.4200")

    play(scene)


def test_a_book_that_rest_refuses_is_asked_for_until_it_comes():
    async def scene(on):
        await on.with_book()
        on.venue.refusals["/clob/books"] = 503
        await on.change(("BUY", "0.2", "7"), is_lost=True)
        await on.change(("BUY", "0.41", "5"))
        await on.until(lambda: on.client.counts["failed_requests"] > 1)
        assert on.ear.of("VenueCondition")[-1].condition is Condition.API_ERROR
        del on.venue.refusals["/clob/books"]
        await on.until(lambda: on.ear.of("DataGap"))

    play(scene)


@pytest.mark.card("polymarket", "AR-D12")
def test_a_lost_connection_is_a_gap_and_comes_back_with_what_was_wanted():
    async def scene(on):
        await on.with_book()
        await on.until(lambda: any(one.condition is Condition.NORMAL for one in on.ear.of("VenueCondition")))
        before = len(on.ear.of("OrderBookDeltas", on.side(0)))
        await on.venue.drop()
        await on.until(lambda: on.ear.of("DataGap"))
        assert on.ear.of("DataGap")[0].reason.startswith("no connection")
        deltas = on.ear.of("OrderBookDeltas", on.side(0))[before:]
        assert len(deltas[0].deltas) == 1  # the empty book of the gap
        assert on.ear.levels(on.side(0))[0][0] == ("0.4000", "10.000000")
        await on.until(lambda: on.ear.of("VenueCondition")[-1].condition is Condition.NORMAL)
        words = [one.condition for one in on.ear.of("VenueCondition")]
        assert words == [Condition.NORMAL, Condition.DOWN, Condition.NORMAL]

    play(scene)


def test_a_frame_that_cannot_be_read_costs_the_books_of_its_connection_and_they_come_back():
    async def scene(on):
        await on.with_book()
        await on.venue.push('{"event_type":"price_change","market":"0xa"}')
        await on.until(lambda: on.ear.of("DataGap"))
        assert on.ear.of("DataGap")[0].reason.startswith("no connection: malformed frame")
        assert on.ear.levels(on.side(0))[0][0] == ("0.4000", "10.000000")

    play(scene)


@pytest.mark.card("polymarket", "AR-D10")
def test_a_word_keeps_the_connection_and_a_mute_one_is_left():
    async def scene(on):
        await on.with_book()
        await on.until(lambda: on.venue.heard.count("PING") > 2)
        assert on.client.counts["connections_lost"] == 0
        on.venue.is_mute = True
        await on.until(lambda: on.client.counts["connections_lost"] > 0)

    play(scene, ping_secs=0.1, silence_secs=1.0)


@pytest.mark.card("polymarket", "AR-D14")
def test_new_kinds_of_messages_and_other_markets_change_nothing():
    async def scene(on):
        await on.with_book()
        told = len(on.ear.of("OrderBookDeltas"))
        await on.venue.push(
            [
                {"event_type": "halo"},
                {
                    "event_type": "best_bid_ask",
                    "market": "0xz",
                    "asset_id": "9",
                    "best_bid": "0",
                    "best_ask": "1",
                    "timestamp": "1",
                },
            ]
        )
        await on.until(lambda: on.client.counts["messages_of_strangers"] == 1)
        assert on.client.socket.unknown_types == {"halo": 1}
        assert len(on.ear.of("OrderBookDeltas")) == told

    play(scene)


@pytest.mark.card("polymarket", "TC-D13", "TC-D31", "TC-D41")
def test_what_is_asked_once_is_answered():
    async def scene(on):
        await on.with_book()
        block = now_ns() // SECOND - 60
        trade = {
            "token_id": "11",
            "condition_id": "0xa",
            "side": "BUY",
            "size": 5.5,
            "price": 0.62,
            "timestamp": block,
        }
        on.venue.trades = [[trade | {"timestamp": block + 1}, trade]]
        on.venue.prices = [
            {"t": 60_000_000, "p": 0.5},
            {"t": 60_000_030, "p": 0.6},
            {"t": 60_000_060, "p": 0.55},
        ]
        on.ear.request_trades(on.side(1))
        on.ear.request_book_snapshot(on.side(0))
        on.ear.request_bars(BarType.from_str(f"{on.side(0)}-1-MINUTE-MID-EXTERNAL"))
        await on.until(lambda: len(on.ear.answers) == 3)
        answers = dict(on.ear.answers)
        assert [(str(one.price), one.aggressor_side) for one in answers["trades"]] == [
            ("0.3800", AggressorSide.SELL)
        ] * 2
        assert str(answers["book"].best_bid_price()) == "0.4000"
        assert [(str(one.high), str(one.close)) for one in answers["bars"]] == [
            ("0.6000", "0.6000"),
            ("0.5500", "0.5500"),
        ]

    play(scene)


def test_reference_prices_are_told_and_their_connection_is_asked_for_each_topic():
    async def scene(on):
        await (
            on.with_book()
        )  # so the ear has subscribed: the client asks for its topics before the actors start
        await on.until(lambda: any("crypto_prices_chainlink" in one for one in on.venue.heard))
        assert json.loads(next(one for one in on.venue.heard if "chainlink" in one)) == {
            "action": "subscribe",
            "subscriptions": [
                {"topic": "crypto_prices_chainlink", "type": "*", "filters": '{"symbol":"btc/usd"}'}
            ],
        }
        payload = {
            "symbol": "btc/usd",
            "timestamp": now_ns() // 10**6,
            "value": 6.5,
            "full_accuracy_value": "6500000000000000001",
        }
        await on.venue.say(
            {
                "topic": "crypto_prices_chainlink",
                "type": "update",
                "timestamp": 1,
                "payload": payload | {"symbol": "btc/usd"},
            }
        )
        await on.until(lambda: on.ear.of("OraclePrice"))
        assert str(on.ear.of("OraclePrice")[0].value) == "6.500000000000000001"

    play(scene, oracles=["crypto_prices_chainlink:btc/usd"], rtds=True)


def test_tokens_are_spread_over_connections_that_fail_apart():
    async def scene(on):
        await on.with_book()
        other = on.open_window(on.start_secs + 300, "0xb", ("21", "22"))
        await on.with_book(on.side(0, other))
        assert len(on.venue.sockets) == 2
        await on.venue.sockets[1].close()
        await on.until(lambda: on.ear.of("DataGap"))
        assert {one.market for one in on.ear.of("DataGap")} == {"0xb"}

    play(scene, tokens_per_connection=2)


@pytest.mark.card("polymarket", "TC-D70")
def test_what_nobody_wants_any_more_is_unsubscribed():
    async def scene(on):
        await on.with_book()
        for at in (0, 1):
            on.ear.unsubscribe_book_deltas(on.side(at))
            on.ear.unsubscribe_quotes(on.side(at))
            on.ear.unsubscribe_trades(on.side(at))
        await on.until(lambda: any('"unsubscribe"' in one for one in on.venue.heard))

    play(scene)
