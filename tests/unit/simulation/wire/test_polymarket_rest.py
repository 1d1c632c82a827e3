"""The Polymarket double over HTTP: orders, cancels, reads, credentials, modes, faults."""

import json
from hashlib import sha1
from pathlib import Path

import pytest
from polymarket_client import rehearse, until
from polymarket_stage import CONDITION, NO, YES

from simulation.wire.fault_plan import FaultPlan, PlannedFault
from simulation.wire.polymarket import PolymarketDouble
from simulation.wire.polymarket_desk import PolymarketSettings
from simulation.wire.polymarket_orders import Market
from simulation.wire.polymarket_units import ONE

FILE = Path(__file__).parents[5] / "shared" / "data" / "polymarket" / "vectors" / "signing.json"


def test_an_order_rests_is_listed_and_is_cancelled():
    async def work(double, alice, _bob):
        status, answer = await alice.place(YES, "BUY", 40, 10)
        found = answer["orderID"]
        assert (status, answer["success"], answer["status"], answer["errorMsg"]) == (200, True, "live", "")
        _, row = await alice.ask("GET", f"/data/order/{found}")
        assert (row["price"], row["original_size"], row["size_matched"]) == ("0.4", "10", "0")
        _, listed = await alice.ask("GET", "/data/orders", market=CONDITION)
        assert listed["data"] == [row]
        assert listed["next_cursor"] == "LTE="
        _, answer = await alice.ask("DELETE", "/order", {"orderID": found})
        assert answer == {"canceled": [found], "not_canceled": {}}
        _, answer = await alice.ask("DELETE", "/orders", [found, "0xabc"])
        assert answer["not_canceled"] == {
            found: "already canceled or matched", "0xabc": "Order not found or already canceled",
        }  # fmt: skip
        assert (await alice.ask("GET", f"/data/order/{found}"))[0] == 404
        assert double.exchange.open_orders() == []

    rehearse(work)


def test_a_match_is_answered_listed_and_settles_later():
    async def work(double, alice, bob):
        await alice.place(NO, "BUY", 40, 10)
        _, answer = await bob.place(YES, "BUY", 65, 10)
        assert (answer["status"], answer["makingAmount"], answer["takingAmount"]) == ("matched", "6", "10")
        for client, role in ((alice, "MAKER"), (bob, "TAKER")):
            _, trades = await client.ask("GET", "/data/trades", id=answer["tradeIDs"][0])
            [row] = trades["data"]
            assert (row["status"], row["trader_side"], row["price"]) == ("MATCHED", role, "0.6")
            assert (row["maker_orders"][0]["price"], row["maker_orders"][0]["asset_id"]) == ("0.4", NO)
        [trade] = double.exchange.trades.values()
        alice.clock.after(3)
        await until(lambda: trade.status == "MINED")
        alice.clock.after(3)
        await until(lambda: trade.status == "CONFIRMED")
        _, held = await bob.ask("GET", "/balance-allowance", asset_type="CONDITIONAL", token_id=YES)
        assert held["balance"] == "10000000"
        _, held = await bob.ask(
            "GET", "/balance-allowance/update", asset_type="COLLATERAL", signature_type="0"
        )
        assert held["balance"] == "994000000"

    rehearse(work)


def test_a_settlement_fails_when_the_rehearsal_says_so():
    async def work(double, alice, bob):
        double.settlement.fates.append("fail")
        await alice.place(NO, "BUY", 40, 10)
        await bob.place(YES, "BUY", 60, 10)
        [trade] = double.exchange.trades.values()
        for status in ("RETRYING", "FAILED"):
            alice.clock.after(5)
            await until(lambda wanted=status: trade.status == wanted)
        _, held = await bob.ask("GET", "/balance-allowance", asset_type="COLLATERAL")
        assert held["balance"] == "1000000000"

    rehearse(work)


def test_the_same_signed_bytes_are_refused_as_duplicated_and_book_nothing_twice():
    async def work(double, alice, _bob):
        body = alice.order(YES, "BUY", 40, 10)
        assert (await alice.ask("POST", "/order", body))[0] == 200
        status, answer = await alice.ask("POST", "/order", body)
        assert status == 400
        assert answer["error"].endswith("Duplicated.")
        assert len(double.exchange.open_orders()) == 1

    rehearse(work)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"owner": "someone"}, "the order owner has to be the owner of the API KEY"),
        ({"deferExec": True}, "Invalid order payload"),
        ({"orderType": "DAY"}, "Invalid order payload"),
        ({"order": {"salt": "1"}}, "Invalid order payload"),
        ({"order": {"salt": 1}}, "invalid signature"),
        ({"order": {"signer": "0x" + "11" * 20}}, "the order signer address has to be the address of the API KEY"),
        ({"order": {"makerAmount": "0"}}, "Invalid order payload"),
        ({"order": {"tokenId": "333"}}, "No orderbook exists for the requested token id"),
    ],
)  # fmt: skip
def test_an_order_that_is_not_the_keys_own_is_refused(change, text):
    async def work(_double, alice, _bob):
        body = alice.order(YES, "BUY", 40, 10)
        body = body | change | {"order": body["order"] | change.get("order", {})}
        status, answer = await alice.ask("POST", "/order", body)
        assert (status, answer["error"]) == (404 if "No orderbook" in text else 400, text)

    rehearse(work)


def test_a_batch_answers_each_leg():
    async def work(_double, alice, _bob):
        legs = [alice.order(YES, "BUY", 40, 10), alice.order(YES, "SELL", 60, 10)]
        status, (good, bad) = await alice.ask("POST", "/orders", legs)
        assert (status, good["status"]) == (200, "live")
        assert (bad["success"], bad["orderID"]) == (True, "")
        assert "the balance is not enough -> balance: 0, order amount: 10000000" in bad["errorMsg"]
        status, answer = await alice.ask("POST", "/orders", legs * 8)
        assert (status, answer["error"]) == (400, "Too many orders in payload: 16, max allowed: 15")

    rehearse(work)


def test_cancels_by_market_and_of_everything_touch_only_the_keys_own():
    async def work(double, alice, bob):
        await bob.place(YES, "BUY", 10, 10)
        for token in (YES, NO):
            await alice.place(token, "BUY", 40, 10)
        _, answer = await alice.ask("DELETE", "/cancel-market-orders", {"market": CONDITION, "asset_id": NO})
        assert len(answer["canceled"]) == 1
        _, answer = await alice.ask("DELETE", "/cancel-all")
        assert len(answer["canceled"]) == 1
        assert [order.ask.wallet for order in double.exchange.open_orders()] == [bob.address]

    rehearse(work)


def test_orders_come_in_pages():
    async def work(_double, alice, _bob):
        for price in (10, 11, 12):
            await alice.place(YES, "BUY", price, 10)
        _, first = await alice.ask("GET", "/data/orders", next_cursor="MA==")
        _, second = await alice.ask("GET", "/data/orders", next_cursor=first["next_cursor"])
        prices = [row["price"] for page in (first, second) for row in page["data"]]
        assert (prices, second["next_cursor"]) == (["0.1", "0.11", "0.12"], "LTE=")
        assert (await alice.ask("GET", "/data/orders", next_cursor="?"))[0] == 400

    rehearse(work, PolymarketSettings(tick_ms=5, page_size=2))


def test_the_public_side_shows_books_with_their_hash_and_the_markets_terms():
    async def work(double, alice, _bob):
        await alice.place(YES, "BUY", 40, 10)
        await alice.place(NO, "BUY", 30, 20)
        _, book = await alice.read("/book", token_id=NO)
        assert (book["bids"], book["asks"]) == (
            [{"price": "0.3", "size": "20"}], [{"price": "0.6", "size": "10"}],
        )  # fmt: skip
        blank = json.dumps(book | {"hash": ""}, separators=(",", ":"))
        assert book["hash"] == sha1(blank.encode(), usedforsecurity=False).hexdigest()
        assert (await alice.read("/book", token_id="333"))[0] == 404
        assert (await alice.read("/book", token_id="x"))[0] == 400
        async with alice.session.post(
            f"{alice.base}/books", json=[{"token_id": NO}, {"token_id": "333"}]
        ) as answer:
            assert await answer.json() == [book]
        assert await alice.read("/version") == (200, {"version": 2})
        assert await alice.read("/time") == (200, 1_790_000_000)
        _, terms = await alice.read(f"/clob-markets/{CONDITION}")
        assert (terms["mts"], terms["mos"], terms["nr"], terms["ao"], "fd" in terms) == (
            0.01,
            5,
            False,
            True,
            False,
        )
        double.exchange.resolve(double.exchange.markets[CONDITION], NO)
        _, market = await alice.read(f"/markets/{CONDITION}")
        assert [token["winner"] for token in market["tokens"]] == [False, True]
        assert (market["closed"], market["accepting_orders"]) == (True, False)
        assert (await alice.read("/markets/0x12"))[0] == 404

    rehearse(work)


def test_credentials_are_made_once_and_derived_again():
    async def work(_double, alice, _bob):
        before = alice.credentials
        assert (await alice.login())[0] == 400
        assert await alice.login("GET", "/auth/derive-api-key") == (200, before)
        assert await alice.ask("GET", "/auth/ban-status/closed-only") == (200, {"closed_only": False})
        alice.credentials = before | {"secret": "AAAA"}
        assert await alice.ask("GET", "/data/orders") == (401, {"error": "Unauthorized/Invalid api key"})

    rehearse(work)


def test_a_heart_that_stops_cancels_every_order_of_its_key():
    async def work(double, alice, bob):
        await alice.place(YES, "BUY", 40, 10)
        await bob.place(YES, "BUY", 40, 10)
        _, first = await alice.ask("POST", "/v1/heartbeats", {"heartbeat_id": ""})
        alice.clock.after(9)
        status, answer = await alice.ask("POST", "/v1/heartbeats", {"heartbeat_id": "old"})
        assert (status, answer) == (400, {"error_msg": "Invalid Heartbeat ID"} | first)
        assert (await alice.ask("POST", "/v1/heartbeats", first))[0] == 200
        alice.clock.after(9)
        double.tick()
        assert len(double.exchange.open_orders()) == 2
        alice.clock.after(6)
        await until(lambda: len(double.exchange.open_orders()) == 1)
        assert double.exchange.open_orders()[0].ask.wallet == bob.address

    rehearse(work)


def test_a_restart_refuses_all_then_takes_only_post_only_orders():
    plan = FaultPlan("restart", (PlannedFault(kind="maintenance", after_secs=10, millis=90_000),))

    async def work(double, alice, _bob):
        _, resting = await alice.place(YES, "BUY", 40, 10)
        alice.clock.after(10)
        await until(lambda: double.desk.mode == "restarting")
        assert (await alice.place(YES, "BUY", 40, 10))[0] == 425
        assert (await alice.ask("DELETE", "/cancel-all"))[0] == 425
        alice.clock.after(90)
        await until(lambda: double.desk.mode == "post_only")
        status, answer = await alice.place(YES, "BUY", 40, 10)
        assert (status, answer["code"], answer["retry_after_seconds"]) == (503, "post_only_mode", 120)
        assert (await alice.place(YES, "BUY", 40, 10, postOnly=True))[0] == 200
        assert (await alice.ask("DELETE", "/order", {"orderID": resting["orderID"]}))[1]["not_canceled"] == {}
        alice.clock.after(120)
        await until(lambda: double.desk.mode == "open")
        assert (await alice.place(YES, "BUY", 40, 10))[0] == 200

    rehearse(work, plan=plan)


def test_a_venue_that_only_cancels_or_is_disabled_says_so():
    async def work(double, alice, _bob):
        await alice.place(YES, "BUY", 40, 10)
        double.desk.set_mode("disabled")
        status, answer = await alice.ask("DELETE", "/cancel-all")
        assert (status, "disabled" in answer["error"]) == (503, True)
        double.desk.set_mode("cancel_only")
        status, answer = await alice.place(YES, "BUY", 40, 10)
        assert (status, "cancel-only" in answer["error"]) == (503, True)
        assert len((await alice.ask("DELETE", "/cancel-all"))[1]["canceled"]) == 1

    rehearse(work)


def test_an_order_whose_answer_is_lost_is_found_under_its_computed_id():
    plan = FaultPlan("lost", (PlannedFault(kind="status_after", route="POST /order", status=500),))

    async def work(double, alice, _bob):
        assert (await alice.place(YES, "BUY", 40, 10))[0] == 500
        _, listed = await alice.ask("GET", "/data/orders")
        assert len(listed["data"]) == 1
        assert double.faults.kinds() == ["status_after"]

    rehearse(work, plan=plan)


def test_a_plan_with_an_unknown_timed_fault_is_refused():
    plan = FaultPlan("odd", (PlannedFault(kind="close_moved", after_secs=1),))
    with pytest.raises(ValueError, match="found close_moved"):
        PolymarketDouble(PolymarketSettings(), 7, lambda: 0, plan)


def test_bodies_made_by_the_official_libraries_are_taken_under_their_ids():
    if not FILE.exists():
        pytest.skip(f"no vectors at {FILE}")
    vectors = json.loads(FILE.read_text())

    async def work(double, alice, _bob):
        for place, row in enumerate(vectors["orders"]):
            if row["domain"]["version"] != "2" or "fak" in row["name"]:
                continue
            message, neg_risk = row["message"], "negrisk" in row["name"]
            market = Market(f"0x{place:064x}", (message["tokenId"], f"{place}"), tick=10, neg_risk=neg_risk)
            double.exchange.list_market(market)
            double.exchange.ledger.deposit(message["maker"], 1_000 * ONE)
            double.exchange.ledger.split(message["maker"], market, 100 * ONE)
            alice.address = vectors["wallets"]["owner"]
            owned = (alice.address.lower(), message["signatureType"])
            double.desk.standing.wallets[owned] = message["maker"]
            made = double.desk.doorkeeper.create(alice.address, place)
            alice.credentials = {"apiKey": made.key, "secret": made.secret, "passphrase": made.passphrase}
            body = row["post_body"] | {"owner": alice.credentials["apiKey"]}
            status, answer = await alice.ask("POST", "/order", body)
            assert (status, answer.get("orderID")) == (200, row["order_hash"]), (row["name"], answer)
            double.exchange.resolve(market, message["tokenId"])  # the vectors share one token

    rehearse(work)
