"""The two streams of the Polymarket double: books that rebuild, hashes that fit, events of own orders and trades."""

import json
from hashlib import sha1

import aiohttp
import pytest
from polymarket_client import rehearse, until
from polymarket_stage import CONDITION, NO, YES

from simulation.wire.fault_plan import FaultPlan, PlannedFault
from simulation.wire.polymarket_desk import PolymarketSettings
from simulation.wire.polymarket_orders import About, Market
from simulation.wire.polymarket_units import ONE


async def market_stream(client, *tokens, custom=False):
    socket = await client.session.ws_connect(f"{client.base}/ws/market")
    await socket.send_json({"type": "market", "assets_ids": list(tokens), "custom_feature_enabled": custom})
    return socket, await socket.receive_json()


async def user_stream(client, **more):
    names = ("apiKey", "secret", "passphrase")
    auth = {name: client.credentials[name] for name in names}
    socket = await client.session.ws_connect(f"{client.base}/ws/user")
    await socket.send_json({"type": "user", "auth": auth} | more)
    await pong(socket)
    return socket


async def pong(socket):
    """Everything that came before the answer to a PING."""
    await socket.send_str("PING")
    heard = []
    while True:
        text = await socket.receive_str()
        if text == "PONG":
            return heard
        heard.append(json.loads(text))


def rebuilt(book, frames):
    """A token's levels after its frames, and the last best prices and hash they name."""
    levels = {("BUY", row["price"]): row["size"] for row in book["bids"]}
    levels |= {("SELL", row["price"]): row["size"] for row in book["asks"]}
    said = {}
    for frame in frames:
        for entry in frame.get("price_changes", ()):
            if entry["asset_id"] == book["asset_id"]:
                levels[entry["side"], entry["price"]] = entry["size"]
                said = entry
    return {key: size for key, size in levels.items() if size != "0"}, said


def test_the_opening_books_and_the_changes_rebuild_both_books_with_their_hash():
    async def work(_double, alice, bob):
        await alice.place(YES, "BUY", 40, 10)
        socket, books = await market_stream(alice, YES, NO)
        assert [book["event_type"] for book in books] == ["book", "book"]
        await alice.place(YES, "BUY", 41, 20)
        await bob.place(NO, "BUY", 50, 30)
        await bob.place(NO, "BUY", 60, 25)
        frames = await pong(socket)
        for opening in books:
            levels, said = rebuilt(opening, frames)
            _, now = await alice.read("/book", token_id=opening["asset_id"])
            shown = {("BUY", row["price"]): row["size"] for row in now["bids"]}
            assert levels == shown | {("SELL", row["price"]): row["size"] for row in now["asks"]}
            assert said["hash"] == now["hash"]
            assert (said["best_bid"], said["best_ask"]) == (
                now["bids"][-1]["price"],
                now["asks"][-1]["price"],
            )
        await socket.close()

    rehearse(work)


def test_a_trade_is_told_with_the_book_after_it():
    async def work(_double, alice, bob):
        socket, _ = await market_stream(alice, YES)
        await alice.place(NO, "BUY", 40, 10)
        await bob.place(YES, "BUY", 65, 10)
        frames = await pong(socket)
        kinds = [frame["event_type"] for frame in frames]
        assert kinds == ["price_change", "price_change", "book", "last_trade_price"]
        assert (frames[3]["price"], frames[3]["size"], frames[3]["side"]) == ("0.600", "10", "BUY")
        assert set(frames[2]) == {"market", "asset_id", "bids", "asks", "hash", "timestamp", "event_type"}
        terms = {"min_order_size": "5", "tick_size": "0.01", "neg_risk": False, "last_trade_price": "0.600"}
        names = ("market", "asset_id", "timestamp", "hash", "bids", "asks")
        blank = {name: frames[2][name] for name in names} | {"hash": ""} | terms
        text = json.dumps(blank, separators=(",", ":")).encode()
        assert frames[2]["hash"] == sha1(text, usedforsecurity=False).hexdigest()
        await socket.close()

    rehearse(work)


def test_an_empty_side_is_told_as_zero_and_one():
    async def work(_double, alice, _bob):
        socket, _ = await market_stream(alice, NO)
        await alice.place(YES, "BUY", 40, 10)
        [frame] = await pong(socket)
        best = {entry["asset_id"]: (entry["best_bid"], entry["best_ask"]) for entry in frame["price_changes"]}
        assert best == {YES: ("0.4", "1"), NO: ("0", "0.6")}
        await socket.close()

    rehearse(work)


def test_tokens_come_and_go_and_one_without_a_book_answers_nothing():
    async def work(_double, alice, _bob):
        socket, books = await market_stream(alice, "333")
        assert books == []
        await socket.send_json({"operation": "subscribe", "assets_ids": [YES]})
        [book] = await pong(socket)
        assert book["asset_id"] == YES
        await socket.send_json({"operation": "unsubscribe", "assets_ids": [YES]})
        await socket.send_str("no json")
        await alice.place(YES, "BUY", 40, 10)
        assert await pong(socket) == []
        await socket.close()

    rehearse(work)


@pytest.mark.parametrize("custom", [True, False])
def test_a_new_tick_and_the_result_are_told(custom):
    async def work(double, alice, _bob):
        await alice.place(YES, "BUY", 40, 10)
        socket, _ = await market_stream(alice, YES, custom=custom)
        market = double.exchange.markets[CONDITION]
        double.exchange.change_tick(market, 10)
        double.exchange.resolve(market, YES)
        frames = await pong(socket)
        assert (frames[0]["old_tick_size"], frames[0]["new_tick_size"]) == ("0.01", "0.001")
        assert frames[1]["price_changes"][0]["size"] == "0"
        results = [frame["winning_outcome"] for frame in frames if frame["event_type"] == "market_resolved"]
        assert results == (["Yes"] if custom else [])
        await socket.close()

    rehearse(work, PolymarketSettings(tick_ms=5, closes_resolved=False))


def test_a_user_hears_of_its_orders_and_trades_up_to_the_confirmation():
    async def work(double, alice, bob):
        makers, takers = await user_stream(alice), await user_stream(bob, markets=[CONDITION])
        await alice.place(NO, "BUY", 40, 10)
        _, other = await alice.place(NO, "BUY", 30, 10)
        await bob.place(YES, "BUY", 60, 10)
        await alice.ask("DELETE", "/order", {"orderID": other["orderID"]})
        heard = [(row["event_type"], row["type"], row["status"]) for row in await pong(makers)]
        assert heard == [
            ("order", "PLACEMENT", "LIVE"), ("order", "PLACEMENT", "LIVE"), ("order", "UPDATE", "MATCHED"),
            ("trade", "TRADE", "MATCHED"), ("order", "CANCELLATION", "CANCELED"),
        ]  # fmt: skip
        order, trade = await pong(takers)
        assert (order["status"], order["size_matched"]) == ("MATCHED", "10")
        assert (trade["trader_side"], trade["price"], trade["transaction_hash"]) == ("TAKER", "0.6", "")
        assert (trade["maker_orders"][0]["side"], trade["maker_orders"][0]["price"]) == ("BUY", "0.4")
        for status in ("MINED", "CONFIRMED"):
            alice.clock.after(3)
            await until(lambda wanted=status: next(iter(double.exchange.trades.values())).status == wanted)
        later = await pong(makers)
        assert [(row["id"], row["status"]) for row in later] == [
            (trade["id"], "MINED"),
            (trade["id"], "CONFIRMED"),
        ]
        assert later[0]["transaction_hash"].startswith("0x")
        for socket in (makers, takers):
            await socket.close()

    rehearse(work)


def test_a_user_may_leave_a_market_and_come_back():
    async def work(_double, alice, _bob):
        socket = await user_stream(alice)
        await socket.send_json({"operation": "unsubscribe", "markets": [CONDITION]})
        await pong(socket)
        await alice.place(YES, "BUY", 40, 10)
        assert await pong(socket) == []
        await socket.send_json({"operation": "subscribe", "markets": [CONDITION]})
        await pong(socket)
        await alice.place(YES, "BUY", 40, 10)
        assert [row["type"] for row in await pong(socket)] == ["PLACEMENT"]
        await socket.close()

    rehearse(work)


def test_wrong_credentials_close_the_user_stream_without_a_word():
    async def work(_double, alice, bob):
        socket = await alice.session.ws_connect(f"{alice.base}/ws/user")
        await socket.send_json(
            {"type": "user", "auth": alice.credentials | {"secret": bob.credentials["secret"]}}
        )
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE

    rehearse(work)


def test_a_slow_reader_is_closed_with_1013():
    plan = FaultPlan("slow", (PlannedFault(kind="slow_consumer", channel="price_change", frames=3),))

    async def work(_double, alice, _bob):
        socket, _ = await market_stream(alice, YES)
        for price in range(10, 20):
            await alice.place(YES, "BUY", price, 10)
        message = await socket.receive()
        while message.type is aiohttp.WSMsgType.TEXT:
            message = await socket.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1013)

    rehearse(work, plan=plan)


def test_frames_get_lost_and_sockets_are_cut_as_planned():
    faults = (
        PlannedFault(kind="drop", channel="price_change", nth=2),
        PlannedFault(kind="disconnect_all", after_secs=10),
    )

    async def work(double, alice, _bob):
        socket, _ = await market_stream(alice, YES)
        for price in (10, 11, 12):
            await alice.place(YES, "BUY", price, 10)
        assert len(await pong(socket)) == 2
        alice.clock.after(10)
        closed = (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert (await socket.receive()).type in closed
        assert double.faults.kinds() == ["drop", "disconnect_all"]

    rehearse(work, plan=FaultPlan("cut", faults))


def test_a_sell_out_of_a_split_pair_is_heard_by_both_sides():
    async def work(double, alice, bob):
        double.exchange.ledger.split(alice.address, double.exchange.markets[CONDITION], 50 * ONE)
        makers = await user_stream(alice)
        await alice.place(YES, "SELL", 55, 50)
        await bob.place(YES, "BUY", 55, 20)
        placed, update, trade = await pong(makers)
        assert (placed["side"], update["size_matched"], update["status"]) == ("SELL", "20", "LIVE")
        assert (trade["trader_side"], trade["maker_orders"][0]["matched_amount"]) == ("MAKER", "20")
        await makers.close()

    rehearse(work, PolymarketSettings(tick_ms=5))


def test_custom_events_tell_the_best_prices_new_markets_and_results():
    async def work(double, alice, _bob):
        socket, _ = await market_stream(alice, YES, custom=True)
        await alice.place(YES, "BUY", 40, 10)
        await alice.place(YES, "BUY", 39, 10)
        double.exchange.list_market(Market("0x" + "cd" * 32, ("333", "444"), about=About(5, slug="another")))
        frames = await pong(socket)
        told = [frame["event_type"] for frame in frames]
        assert told == ["price_change", "best_bid_ask", "price_change", "new_market"]
        assert [frames[1][key] for key in ("best_bid", "best_ask", "spread")] == ["0.4", "1", "0.6"]
        assert (frames[3]["slug"], frames[3]["assets_ids"]) == ("another", ["333", "444"])
        double.exchange.resolve(double.exchange.markets[CONDITION], None)
        told = [await socket.receive() for _ in range(6)]
        assert (told[-1].data, told[-1].extra) == (1000, "all subscribed assets resolved")
        assert json.loads(told[-2].data)["winning_outcome"] == ""

    rehearse(work)


def test_a_delayed_order_is_told_when_it_is_taken_and_when_it_trades():
    async def work(double, alice, bob):
        double.exchange.markets[CONDITION].is_delayed = True
        takers = await user_stream(bob)
        await alice.place(NO, "BUY", 40, 10)
        _, answer = await bob.place(YES, "BUY", 60, 10)
        assert answer["status"] == "delayed"
        [placed] = await pong(takers)
        assert (placed["type"], placed["status"]) == ("PLACEMENT", "DELAYED")
        _, cancel = await bob.ask("DELETE", "/order", {"orderID": answer["orderID"]})
        assert "delayed" in cancel["not_canceled"][answer["orderID"]]
        _, row = await bob.ask("GET", f"/data/order/{answer['orderID']}")
        assert row["status"] == "DELAYED"
        bob.clock.after(0.2)
        await until(lambda: not double.exchange.delayed_orders())
        update, trade = await pong(takers)
        assert (update["type"], update["status"], update["size_matched"]) == ("UPDATE", "MATCHED", "10")
        assert (trade["status"], trade["trader_side"]) == ("MATCHED", "TAKER")
        await takers.close()

    rehearse(work)


@pytest.mark.parametrize(
    ("kind", "words"),
    [("FOK", "FOK orders are fully filled or killed."), ("FAK", "no orders found to match")],
)
def test_a_killed_order_is_refused_and_told_as_cancelled(kind, words):
    async def work(double, alice, bob):
        await alice.place(NO, "BUY", 40, 10)
        stream = await user_stream(bob)
        price = 60 if kind == "FOK" else 50
        status, answer = await bob.place(YES, "BUY", price, 20, kind)
        assert (status, words in answer["error"]) == (400, True)
        [event] = await pong(stream)
        assert (event["type"], event["size_matched"], event["order_type"]) == ("CANCELLATION", "", kind)
        assert event["status"].startswith("CANCELED_")
        assert words in event["status"]
        assert len(double.exchange.open_orders()) == 1
        await stream.close()

    rehearse(work)
