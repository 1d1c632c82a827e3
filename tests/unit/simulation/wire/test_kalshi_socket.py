"""The socket over real loopback connections; every frame is also checked against the published schema."""

import asyncio

import aiohttp
from kalshi_stage import EVENT, MARKET, Reader, list_market, wall_ns

from simulation.wire.kalshi_settings import KalshiSettings


def rebuild(frames):
    """Apply snapshots and deltas of one market; return YES bids and NO levels as sent."""
    book = {}
    for row in frames:
        body = row["msg"]
        if row["type"] == "orderbook_snapshot":
            book = {("yes", p): float(q) for p, q in body.get("yes_dollars_fp", [])}
            book |= {("no", p): float(q) for p, q in body.get("no_dollars_fp", [])}
        elif row["type"] == "orderbook_delta":
            key = (body["side"], body["price_dollars"])
            book[key] = round(book.get(key, 0.0) + float(body["delta_fp"]), 2)
            assert book[key] >= 0
    return {key: size for key, size in book.items() if size}


def test_snapshot_then_deltas_rebuild_the_book_and_seq_has_no_hole(rehearse):
    async def work(stage):
        stage.crowd("ask", "0.60", "10")
        reader = await stage.alice.subscribe("orderbook_delta")
        await stage.alice.order("bid", "0.60", "12.00", client_order_id="mine")
        stage.crowd("bid", "0.55", "3")
        await reader.rest()
        rows = [row for row in reader.frames if "seq" in row]
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        assert rebuild(rows) == {("yes", "0.6000"): 2.0, ("yes", "0.5500"): 3.0}
        group = [row for row in rows if row["type"] == "orderbook_delta"][:2]
        assert group[0]["msg"]["clock"] == group[1]["msg"]["clock"]
        assert (group[0]["msg"]["delta_fp"], group[1]["msg"]["delta_fp"]) == ("2.00", "-10.00"), (
            "crossed inside"
        )
        assert group[0]["msg"]["client_order_id"] == "mine"
        assert "client_order_id" not in group[1]["msg"]

    rehearse(work)


def test_no_prices_come_on_the_scale_that_was_asked_for(rehearse):
    async def work(stage):
        stage.crowd("ask", "0.70", "10")
        plain = await stage.alice.subscribe("orderbook_delta")
        scaled = await stage.alice.subscribe("orderbook_delta", use_yes_price=True)
        assert (await plain.next())["msg"]["no_dollars_fp"] == [["0.3000", "10.00"]]
        first = await scaled.next()
        assert first["msg"]["no_dollars_fp"] == [["0.7000", "10.00"]]
        assert "yes_dollars_fp" not in first["msg"], "a side without orders is missing"
        stage.crowd("ask", "0.71", "1")
        assert (await plain.next())["msg"]["price_dollars"] == "0.2900"
        assert (await scaled.next())["msg"]["price_dollars"] == "0.7100"

    rehearse(work)


def test_private_channels_tell_the_owner_only(rehearse):
    async def work(stage):
        stage.double.control.fund("bob", "100", 2)
        channels = ("fill", "user_orders", "market_positions", "trade")
        alice = await stage.alice.subscribe(*channels)
        bob = await stage.client("bob").subscribe(*channels)
        stage.crowd("ask", "0.60", "10")
        await stage.alice.order("bid", "0.60", "4.00", client_order_id="mine")
        kinds = [row["type"] for row in await alice.rest()]
        assert sorted(kinds) == ["fill", "market_position", "trade", "user_order"]
        fill = next(row for row in alice.frames if row["type"] == "fill")
        assert (fill["msg"]["post_position_fp"], fill["msg"]["client_order_id"]) == ("4.00", "mine")
        assert "seq" not in fill
        assert [row["type"] for row in await bob.rest()] == ["trade"]

    rehearse(work)


def test_commands_are_refused_with_the_venues_codes(rehearse):
    async def work(stage):
        reader = Reader(await stage.alice.socket())
        cases = [
            ("fly", {}, 5), ("subscribe", None, 2), ("subscribe", {}, 3), ("subscribe", {"channels": ["nope"]}, 8),
            ("subscribe", {"channels": ["orderbook_delta"]}, 14),
            ("subscribe", {"channels": ["cfbenchmarks_value"]}, 24), ("unsubscribe", {}, 4),
            ("unsubscribe", {"sids": [9]}, 7), ("update_subscription", {"sids": [1, 2], "action": "add_markets"}, 12),
            ("update_subscription", {"sid": 9, "action": "add_markets"}, 7),
        ]  # fmt: skip
        for command, params, code in cases:
            await reader.send(3, command, params)
            row = await reader.next()
            assert (row["type"], row["msg"]["code"], row["id"]) == ("error", code, 3), command
        await reader.socket.send_str("{")
        assert (await reader.next())["msg"]["code"] == 1
        await reader.send(1, "subscribe", {"channels": ["orderbook_delta"], "market_tickers": [MARKET]})
        await reader.until("orderbook_snapshot")
        for params, code in [({"sid": 1}, 15), ({"sid": 1, "action": "fly", "market_ticker": MARKET}, 13)]:
            await reader.send(4, "update_subscription", params)
            assert (await reader.next())["msg"]["code"] == code

    rehearse(work)


def test_subscriptions_grow_shrink_repeat_and_end(rehearse):
    async def work(stage):
        other = EVENT + "-46"
        list_market(stage.double, other)
        reader = await stage.alice.subscribe("orderbook_delta")
        await reader.until("orderbook_snapshot")
        await reader.send(
            2, "update_subscription", {"sids": [1], "market_tickers": [other], "action": "add_markets"}
        )
        acknowledged = await reader.next()
        assert (acknowledged["type"], acknowledged["seq"], len(acknowledged["msg"]["market_tickers"])) == (
            "ok",
            2,
            2,
        )
        assert (await reader.next())["seq"] == 3
        await reader.send(
            3, "update_subscription", {"sid": 1, "market_tickers": [MARKET], "action": "get_snapshot"}
        )
        again = await reader.next()
        assert (again["type"], again["id"], again["seq"]) == ("orderbook_snapshot", 3, 4)
        await reader.send(4, "subscribe", {"channels": ["orderbook_delta"], "market_tickers": [MARKET]})
        assert (await reader.next())["msg"]["sid"] == 1
        await reader.send(
            5, "update_subscription", {"sid": 1, "market_tickers": [other], "action": "delete_markets"}
        )
        assert (await reader.next())["msg"]["market_tickers"] == [MARKET]
        await reader.send(6, "list_subscriptions")
        assert (await reader.next())["msg"] == [{"channel": "orderbook_delta", "sid": 1}]
        await reader.send(7, "unsubscribe", {"sids": [1]})
        assert (await reader.next())["type"] == "unsubscribed"
        stage.crowd("ask", "0.60", "10")
        assert await reader.rest() == []

    rehearse(work)


def test_the_end_of_a_market_empties_the_book_then_the_ticker_then_a_snapshot(rehearse):
    async def work(stage):
        for price in ("0.60", "0.61", "0.62", "0.63"):
            stage.crowd("ask", price, "10")
        reader = await stage.alice.subscribe("orderbook_delta", "ticker", "market_lifecycle_v2")
        stage.double.life.move_close(MARKET, wall_ns() + 20_000_000)
        last = {}
        while "yes_dollars_fp" in last or "no_dollars_fp" in last or last.get("kind") != "orderbook_snapshot":
            row = await reader.next()
            last = {"kind": row["type"]} | row["msg"]
        book = [row for row in reader.frames if row["type"].startswith("orderbook")]
        assert rebuild(book[:-1]) == {}
        ticker = [row for row in reader.frames if row["type"] == "ticker"][-1]["msg"]
        assert (ticker["yes_bid_dollars"], ticker["yes_ask_dollars"], ticker["yes_ask_size_fp"]) == (
            "0.0000", "1.0000", "0.00",
        )  # fmt: skip
        stage.double.life.determine(MARKET, "yes")
        kinds = []
        while "settled" not in kinds:
            row = await reader.until("market_lifecycle_v2")
            kinds.append(row["msg"]["event_type"])
        assert kinds == ["determined", "settled"]

    rehearse(work, KalshiSettings(removal_ms=60, clear_snapshot_ms=120, tick_ms=5))


def test_changes_of_terms_are_told(rehearse):
    async def work(stage):
        reader = await stage.alice.subscribe("market_lifecycle_v2", tickers=())
        control = stage.double.control
        control.change_structure(MARKET, "deci_cent")
        control.change_facts(MARKET, floor_strike=69000.5)
        control.override_fee(EVENT, "quadratic_with_maker_fees", None)
        list_market(stage.double, "KXNEW-26NOV20-A")
        stage.double.life.deactivate(MARKET)
        rows = await reader.rest()
        kinds = [row["msg"].get("event_type", row["type"]) for row in rows]
        assert kinds == [
            "price_level_structure_updated", "metadata_updated", "event_fee_update", "event_lifecycle", "created",
            "deactivated",
        ]  # fmt: skip
        assert (await stage.alice.order("bid", "0.405", "1.00"))[0] == 400, "paused"

    rehearse(work)


def test_group_and_index_channels_speak(rehearse):
    async def work(stage):
        stage.double.start_crowd(stage_crowd(), 3)
        reader = await stage.alice.subscribe("order_group_updates", tickers=())
        body = {"contracts_limit_fp": "10.00", "exchange_index": 2}
        await stage.alice.call("POST", "/portfolio/order_groups/create", body)
        assert (await reader.next())["msg"]["event_type"] == "created"
        await reader.send(2, "subscribe", {"channels": ["cfbenchmarks_value"], "index_ids": ["BRTI"]})
        value = await reader.until("cfbenchmarks_value")
        assert value["msg"]["index_id"] == "BRTI"
        await reader.send(3, "update_subscription", {"sid": 2, "action": "indexlist"})
        assert (await reader.until("cfbenchmarks_value_indexlist"))["msg"]["index_ids"] == ["BRTI"]

    rehearse(work)


def stage_crowd():
    from simulation.wire.kalshi_crowd import CrowdSettings

    return CrowdSettings(events_per_second=50)


def test_pings_carry_heartbeat_and_ours_are_answered(rehearse):
    async def work(stage):
        socket = await stage.alice.socket(autoping=False)
        message = await socket.receive(timeout=2)
        assert (message.type, message.data) == (aiohttp.WSMsgType.PING, b"heartbeat")
        await socket.ping(b"me")
        while message.type is not aiohttp.WSMsgType.PONG:
            message = await socket.receive(timeout=2)
        assert message.data == b"me"

    rehearse(work, KalshiSettings(ping_secs=0.05))


def test_a_slow_reader_loses_its_subscription_with_code_25(rehearse):
    async def work(stage):
        reader = await stage.alice.subscribe("orderbook_delta")
        await reader.until("orderbook_snapshot")
        for _ in range(40):
            stage.crowd("ask", "0.60", "1")
        rows = await reader.rest()
        assert (rows[-1]["type"], rows[-1]["msg"]["code"]) == ("error", 25)
        stage.crowd("ask", "0.61", "1")
        assert await reader.rest() == []
        await asyncio.sleep(0)

    rehearse(work, KalshiSettings(buffer_frames=30))
