"""Data cards at Kalshi about faults of the stream, with the guard behind the strategy: what it does not know is not traded."""

import pytest
from kalshi_house import Plan, side
from kalshi_keeper import kept

from markets.facts import Phase
from simulation.wire.fault_plan import PlannedFault

BOOK = "orderbook_delta"
QUICK_END = {"determination_ms": 100, "removal_ms": 100, "clear_snapshot_ms": 300}


@pytest.fixture(scope="module")
def play():
    with kept(Plan(double=QUICK_END)) as keeper:
        yield keeper


def plan(on, kind, **where):
    """Plan one fault of the book channel, from now on."""
    on.double.faults.add(PlannedFault(kind=kind, channel=BOOK, **where))


def is_blank(quote):
    return not (quote.bid_size.raw or quote.ask_size.raw)


def gaps_of(on, *tickers):
    return [on.of("DataGap", one) for one in tickers]


# Book integrity


@pytest.mark.card("kalshi", "AR-D01")
def test_after_a_gap_every_book_of_the_subscription_is_blank_and_nothing_is_bought_until_it_is_whole(play):
    async def scene(on):
        first, second = await on.market(), await on.market()
        plan(on, "sequence_gap", nth=1)
        plan(on, "delay", nth=3, millis=1000)  # the fresh snapshots take a while
        on.rest(first, "bid", "0.45", "7")
        on.rest(second, "bid", "0.46", "3")
        await on.until(lambda: all(is_blank(on.of("QuoteTick", one, "YES")[-1]) for one in (first, second)))
        for ticker in (first, second):
            denied = on.send(ticker, "YES", "BUY", "1", "0.60")
            await on.has(denied, "Denied")
            assert on.last(denied, "Denied").reason.startswith("crossed_book")
        await on.until(lambda: all(gaps_of(on, first, second)))
        assert on.levels(first)[0][0] == ("0.4500", "7.00")
        assert on.levels(second)[0][0] == ("0.4600", "3.00")
        assert on.levels(second, "NO")[1][0] == ("0.5400", "3.00")
        for (gap,) in gaps_of(on, first, second):
            assert gap.ts_event < gap.until_ns
            assert "expected seq" in gap.reason
        assert not is_blank(on.of("QuoteTick", first, "NO")[-1])
        bought = on.send(first, "YES", "BUY", "1", "0.60")
        await on.has(bought, "Filled")
        assert on.double.faults.kinds()[-2:] == ["sequence_gap", "delay"]

    play(scene)


@pytest.mark.card("kalshi", "AR-D02")
def test_books_have_no_hash_and_a_change_that_was_altered_shows_at_the_next_ticker(play):
    async def scene(on):
        ticker = await on.market()
        seen = []

        def alter(frame):
            if frame["type"] in ("orderbook_delta", "orderbook_snapshot", "ticker"):
                seen.append(frame)
            if frame["type"] == "orderbook_delta" and frame["msg"]["market_ticker"] == ticker:
                frame["msg"]["price_dollars"] = "0.4400"
            return (frame,)

        on.wire.passes = alter
        before = on.data.counts["tickers_differing"]
        on.rest(ticker, "bid", "0.45", "7")
        await on.until(lambda: on.data.counts["tickers_differing"] > before)
        assert seen
        assert not [name for frame in seen for name in (*frame, *frame["msg"]) if "hash" in name]

    play(scene)


@pytest.mark.card("kalshi", "AR-D03")
def test_a_change_that_comes_twice_is_a_gap_and_counts_once(play):
    async def scene(on):
        ticker = await on.market()
        repeated = on.data.socket.counts["repeated"]
        plan(on, "duplicate", nth=1)
        on.rest(ticker, "bid", "0.45", "7")
        await on.until(lambda: gaps_of(on, ticker)[0])
        assert on.data.socket.counts["repeated"] == repeated + 1
        assert on.levels(ticker) == [[("0.4500", "7.00"), ("0.4000", "100.00")], [("0.6000", "100.00")]]

    play(scene)


@pytest.mark.card("kalshi", "AR-D05")
def test_an_empty_side_has_no_price_and_the_clearing_at_the_close_is_no_gap(play):
    async def scene(on):
        ticker = await on.market(ask=None)
        quotes = on.of("QuoteTick", ticker)
        assert {str(one.ask_size) for one in quotes if one.instrument_id == side(ticker)} == {"0.00"}
        assert {str(one.bid_size) for one in quotes if one.instrument_id == side(ticker, "NO")} == {"0.00"}
        assert on.levels(ticker) == [[("0.4000", "100.00")], []]
        said = len(on.wire.commands)
        await on.end(ticker, "no")
        await on.until(lambda: on.levels(ticker) == [[], []] == on.levels(ticker, "NO"))
        await on.until(lambda: len(on.of("InstrumentClose", ticker)) == 2)
        assert gaps_of(on, ticker) == [[]]
        assert [one for one in on.wire.commands[said:] if one["cmd"] == "subscribe"] == []
        assert [one for one in on.wire.commands[said:] if one["params"].get("action") == "get_snapshot"] == []
        closed = next(one for one in on.of("MarketPhase", ticker) if one.phase is Phase.CLOSED)
        after = on.hand.heard[on.hand.heard.index(closed) :]
        assert not [one for one in after if one in on.of("QuoteTick", ticker)]

    play(scene)


# Connection


@pytest.mark.card("kalshi", "AR-D11")
def test_a_subscription_killed_for_slow_reading_is_named_and_comes_back_whole(play):
    async def scene(on):
        ticker = await on.market()
        plan(on, "slow_consumer", nth=1, frames=3)
        on.rest(ticker, "bid", "0.41", "1")
        await on.until(lambda: on.double.faults.kinds()[-1:] == ["slow_consumer"])
        for number in range(2, 8):
            on.rest(ticker, "bid", f"0.4{number}", "1")
        await on.until(lambda: gaps_of(on, ticker)[0])
        assert "code 25" in gaps_of(on, ticker)[0][0].reason
        assert [price for price, _ in on.levels(ticker)[0]] == [f"0.4{one}00" for one in range(7, -1, -1)]
        assert on.data.socket.socket.queue_size == 100_000

    play(scene)


@pytest.mark.card("kalshi", "AR-D12")
def test_after_a_reconnect_changes_without_a_book_of_this_connection_are_dropped(play):
    async def scene(on):
        first, second = await on.market(), await on.market()
        epoch = on.data.socket.socket.epoch
        early = []

        def precede(frame):
            """Put a change before the first book of a market, and count on from there."""
            if frame["type"] not in ("orderbook_snapshot", BOOK, "ok"):
                return (frame,)
            counted = frame | {"seq": frame["seq"] + len(early)}
            if early or frame["type"] != "orderbook_snapshot" or frame["msg"]["market_ticker"] != first:
                return (counted,)
            change = {
                "market_ticker": first,
                "market_id": frame["msg"]["market_id"],
                "clock": 1,
                "side": "yes",
            }
            change |= {"price_dollars": "0.4800", "delta_fp": "5.00", "ts_ms": 1}
            early.append(frame | {"type": BOOK, "msg": change})
            return (early[0], frame | {"seq": frame["seq"] + 1})

        on.wire.passes = precede
        withheld = on.data.socket.counts["withheld"]
        await on.wire.cut()
        on.rest(first, "bid", "0.45", "7")
        await on.until(lambda: all(gaps_of(on, first, second)))
        assert early
        assert on.data.socket.socket.epoch == epoch + 1
        assert on.data.socket.counts["withheld"] > withheld
        assert on.levels(first)[0] == [("0.4500", "7.00"), ("0.4000", "100.00")]
        assert on.levels(second)[0] == [("0.4000", "100.00")]

    play(scene)


@pytest.mark.card("kalshi", "AR-D13")
def test_a_refused_topic_leaves_its_market_without_data_and_the_others_flowing(play):
    async def scene(on):
        other = await on.market()
        refused, asked = [], "KXBTC15M-REFUSED-00"

        def refuse(command):
            if asked not in command["params"].get("market_tickers", ()) or BOOK not in on_books(on, command):
                return None
            refused.append(command)
            problem = {"code": 26, "msg": "Market limit per subscription reached", "market_ticker": asked}
            return {"id": command["id"], "type": "error", "msg": problem}

        on.wire.answers = refuse
        denials = on.data.counts["denials"]
        on.announce(asked)
        await on.until(lambda: on.data.counts["denials"] > denials)
        on.rest(other, "bid", "0.45", "7")
        await on.until(lambda: on.levels(other)[0][0] == ("0.4500", "7.00"))
        assert on.of("QuoteTick", asked) == []
        denied = on.send(asked, "YES", "BUY", "1", "0.50")
        await on.has(denied, "Denied")
        assert "no quote" in on.last(denied, "Denied").reason
        assert len(refused) == 1  # it is asked for again ever later: tests/adapters/kalshi/test_websocket.py

    play(scene)


def on_books(on, command):
    """Return the channel that a command speaks of."""
    params = command["params"]
    return params.get("channels") or [
        one.channel for sid, one in on.data.socket._by_sid.items() if sid in params.get("sids", ())
    ]


@pytest.mark.card("kalshi", "AR-D14")
def test_what_is_new_is_ignored_and_counted_and_what_is_missing_fails_with_its_place(play):
    async def scene(on):
        ticker = await on.market()
        broken = []

        def alter(frame):
            if frame["type"] != "orderbook_delta" or frame["msg"]["market_ticker"] != ticker:
                return (frame,)
            frame["msg"]["queue_hint"] = {"new": 1}
            if not broken and frame["msg"]["price_dollars"] == "0.4600":
                broken.append(frame)
                del frame["msg"]["price_dollars"]
            word = {"event_type": "hibernated", "market_ticker": ticker, "mood": "calm"}
            return (frame, {"type": "brand_new", "msg": {}}, {"type": "market_lifecycle_v2", "msg": word})

        on.wire.passes = alter
        on.rest(ticker, "bid", "0.45", "7")
        await on.until(lambda: on.levels(ticker)[0][0] == ("0.4500", "7.00"))
        assert on.data.socket.unknown_types["brand_new"] == 1
        assert [one.phase for one in on.of("MarketPhase", ticker)] == [Phase.OPEN]
        on.rest(ticker, "bid", "0.46", "3")
        await on.until(lambda: gaps_of(on, ticker)[0])
        assert gaps_of(on, ticker)[0][0].reason == f"expected a price for {ticker}, found none"
        assert on.levels(ticker)[0][0] == ("0.4600", "3.00")

    play(scene)
