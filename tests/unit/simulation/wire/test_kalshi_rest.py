"""REST over real loopback sockets; every answer is also checked against the published schema."""

import asyncio

from kalshi_stage import EVENT, MARKET, REST_SCHEMA, list_market, wall_ns

from simulation.wire.kalshi_settings import KalshiSettings

ORDERS = "/portfolio/events/orders"


def test_public_reads_answer_in_the_documented_shape(rehearse):
    async def work(stage):
        stage.crowd("ask", "0.60", "10")
        stage.crowd("bid", "0.55", "10")
        await stage.alice.order("bid", "0.60", "4.50")
        now = wall_ns() // 10**9
        window = {"start_ts": now - 3600, "end_ts": now + 3600, "period_interval": 1}
        paths = {
            "/exchange/status": {}, "/exchange/schedule": {}, "/exchange/user_data_timestamp": {}, "/series": {},
            "/series/KXBTC15M": {}, "/series/fee_changes": {"show_historical": "true"}, "/events": {},
            "/events/fee_changes": {}, f"/events/{EVENT}": {"with_nested_markets": "true"}, "/markets": {},
            f"/markets/{MARKET}": {}, f"/markets/{MARKET}/orderbook": {"depth": 5}, "/markets/trades": {},
            "/markets/orderbooks": {"tickers": MARKET}, "/historical/cutoff": {}, "/historical/trades": {},
            f"/series/KXBTC15M/markets/{MARKET}/candlesticks": window, "/account/endpoint_costs": {},
            "/markets/candlesticks": window | {"market_tickers": MARKET},
        }  # fmt: skip
        for path, query in paths.items():
            status, body = await stage.alice.call("GET", path, signed=False, **query)
            assert status == 200, (path, body)
        _, book = await stage.alice.call("GET", f"/markets/{MARKET}/orderbook", signed=False)
        assert book["orderbook_fp"] == {
            "yes_dollars": [["0.5500", "10.00"]],
            "no_dollars": [["0.4000", "5.50"]],
        }
        assert REST_SCHEMA.spec is None or REST_SCHEMA.checked > 200

    rehearse(work)


def test_an_order_lives_through_create_amend_decrease_cancel(rehearse):
    async def work(stage):
        alice = stage.alice
        status, made = await alice.order("bid", "0.40", "10.00", client_order_id="mine")
        assert (status, made["remaining_count"], made["client_order_id"]) == (201, "10.00", "mine")
        path = f"{ORDERS}/{made['order_id']}"
        body = {"ticker": MARKET, "side": "bid", "price": "0.42", "count": "12.00"}
        status, amended = await alice.call("POST", f"{path}/amend", body | {"updated_client_order_id": "new"})
        assert (status, amended["remaining_count"], amended["fill_count"]) == (200, "12.00", None)
        _, cut = await alice.call("POST", f"{path}/decrease", {"reduce_to": "5.00", "market_ticker": MARKET})
        assert cut["remaining_count"] == "5.00"
        _, seen = await alice.call("GET", f"/portfolio/orders/{made['order_id']}")
        assert (seen["order"]["client_order_id"], seen["order"]["yes_price_dollars"]) == ("new", "0.4200")
        status, _ = await alice.call("DELETE", path)
        assert status == 404, "without market_ticker only shard 0 is searched"
        status, gone = await alice.call("DELETE", path, market_ticker=MARKET)
        assert (status, gone["reduced_by"]) == (200, "5.00")
        status, _ = await alice.call("DELETE", path, exchange_index=2)
        assert status == 404

    rehearse(work)


def test_refusals_carry_the_documented_codes(rehearse):
    async def work(stage):
        alice = stage.alice
        await alice.order("bid", "0.40", "1", client_order_id="taken")
        list_market(stage.double, "KXHIGHNY-26NOV20-T50", shard=0)
        past = wall_ns() // 10**9 - 10
        cases = [
            ({"price": "0.405"}, 400, "invalid_price"), ({"price": "1.00"}, 400, "invalid_price"),
            ({"count": "0.001"}, 400, "invalid_order_size"), ({"side": "yes"}, 400, "invalid_order"),
            ({"client_order_id": "taken"}, 409, "order_already_exists"), ({"ticker": "NOPE"}, 404, "market_not_found"),
            ({"exchange_index": 0}, 404, "market_not_found"), ({"count": "9000"}, 400, "insufficient_balance"),
            ({"ticker": "KXHIGHNY-26NOV20-T50"}, 400, "user_not_found"),
            ({"expiration_time": past}, 400, "invalid_order"),
            ({"time_in_force": "immediate_or_cancel", "expiration_time": past + 99}, 400, "invalid_order"),
            ({"post_only": True, "time_in_force": "fill_or_kill"}, 400, "invalid_order"),
            ({"reduce_only": True}, 400, "invalid_order"), ({"order_group_id": "none"}, 404, "not_found"),
        ]  # fmt: skip
        for change, status, code in cases:
            more = {"count": "1.00", "price": "0.40"} | change
            side = more.pop("side", "bid")
            found = await alice.order(side, more.pop("price"), more.pop("count"), **more)
            assert (found[0], found[1]["error"]["code"]) == (status, code), change
        status, body = await alice.call("POST", "/portfolio/orders", {})
        assert (status, body["error"]["code"]) == (410, "endpoint_removed")
        status, body = await alice.call("GET", "/markets", signed=False, status="active")
        assert (status, body["error"]["details"]) == (400, "invalid status filter")
        status, body = await alice.call("GET", "/markets", signed=False, limit="many")
        assert (status, "msg" in body) == (400, True)

    rehearse(work)


def test_amend_refuses_what_does_not_match_its_order(rehearse):
    async def work(stage):
        _, made = await stage.alice.order("bid", "0.40", "10.00", client_order_id="mine")
        list_market(stage.double, EVENT + "-46")
        body = {"ticker": MARKET, "side": "bid", "price": "0.42", "count": "12.00"}
        for change, code in [
            ({"ticker": EVENT + "-46"}, "order_ticker_mismatch"), ({"side": "ask"}, "order_side_mismatch"),
            ({"client_order_id": "other"}, "order_id_and_client_order_id_mismatch"),
        ]:  # fmt: skip
            path = f"{ORDERS}/{made['order_id']}/amend"
            assert (await stage.alice.call("POST", path, body | change))[1]["error"]["code"] == code

    rehearse(work)


def test_batches_live_and_fail_item_by_item(rehearse):
    async def work(stage):
        base = {
            "ticker": MARKET, "side": "bid", "count": "1.00", "time_in_force": "good_till_canceled",
            "self_trade_prevention_type": "maker",
        }  # fmt: skip
        items = [base | {"price": price, "client_order_id": price} for price in ("0.40", "0.405", "0.41")]
        status, made = await stage.alice.call("POST", f"{ORDERS}/batched", {"orders": items})
        assert status == 201
        assert [row.get("error", {}).get("code") for row in made["orders"]] == [None, "invalid_price", None]
        ids = [row["order_id"] for row in made["orders"] if "order_id" in row]
        asks = [{"order_id": ids[0], "market_ticker": MARKET}, {"order_id": ids[1]}]
        status, gone = await stage.alice.call("DELETE", f"{ORDERS}/batched", {"orders": asks})
        assert [row["reduced_by"] for row in gone["orders"]] == ["1.00", "0.00"]
        assert (await stage.alice.call("DELETE", ORDERS))[0] == 204
        _, left = await stage.alice.call("GET", "/portfolio/orders", status="resting")
        assert left["orders"] == []

    rehearse(work)


def test_the_account_reads_agree_with_each_other(rehearse):
    async def work(stage):
        alice = stage.alice
        stage.crowd("ask", "0.52", "1")
        await alice.order("bid", "0.52", "1.00")
        await alice.order("bid", "0.30", "2.00")
        _, balance = await alice.call("GET", "/portfolio/balance")
        assert (balance["balance_dollars"], balance["portfolio_value"]) == ("999.4625", 52)
        assert balance["balance_breakdown"] == [{"exchange_index": 2, "balance": "999.4625"}]
        _, fills = await alice.call("GET", "/portfolio/fills", ticker=MARKET)
        assert [(row["fee_cost"], row["is_taker"]) for row in fills["fills"]] == [("0.017500", True)]
        _, held = await alice.call("GET", "/portfolio/positions", count_filter="position")
        assert held["market_positions"][0]["position_fp"] == "1.00"
        _, queue = await alice.call("GET", "/portfolio/orders/queue_positions", market_tickers=MARKET)
        assert [row["queue_position_fp"] for row in queue["queue_positions"]] == ["0.00"]
        _, value = await alice.call("GET", "/portfolio/summary/total_resting_order_value")
        assert value["total_resting_order_value"] == 60
        stage.double.life.move_close(MARKET, wall_ns())
        stage.double.tick()
        stage.double.life.determine(MARKET, "yes")
        for _ in range(100):
            _, paid = await alice.call("GET", "/portfolio/settlements")
            if paid["settlements"]:
                break
            await asyncio.sleep(0.02)
        assert (paid["settlements"][0]["revenue"], paid["settlements"][0]["market_result"]) == (100, "yes")
        assert (await alice.order("bid", "0.40", "1"))[1]["error"]["code"] == "MARKET_INACTIVE"

    rehearse(work)


def test_cursors_survive_new_rows_and_an_empty_page(rehearse):
    async def work(stage):
        for price in ("0.10", "0.11", "0.12", "0.13", "0.14"):
            await stage.alice.order("bid", price, "1.00")
        seen, cursor, pages = [], "", []
        while True:
            _, body = await stage.alice.call("GET", "/portfolio/orders", limit=2, cursor=cursor)
            pages.append(len(body["orders"]))
            seen += [row["yes_price_dollars"] for row in body["orders"]]
            await stage.alice.order("bid", "0.20", "1.00")
            cursor = body["cursor"]
            if not cursor:
                break
        assert seen == ["0.1400", "0.1300", "0.1200", "0.1100", "0.1000"]
        assert pages == [2, 0, 2, 0, 1]

    rehearse(work)


def test_read_models_lag_by_the_chosen_time(rehearse):
    async def work(stage):
        _, made = await stage.alice.order("bid", "0.40", "1.00")
        assert (await stage.alice.call("GET", f"/portfolio/orders/{made['order_id']}"))[0] == 404
        await asyncio.sleep(0.35)
        assert (await stage.alice.call("GET", f"/portfolio/orders/{made['order_id']}"))[0] == 200

    rehearse(work, KalshiSettings(read_lag_ms=300))


def test_order_groups_over_the_wire(rehearse):
    async def work(stage):
        alice = stage.alice
        body = {"contracts_limit_fp": "10.00", "exchange_index": 2}
        _, group = await alice.call("POST", "/portfolio/order_groups/create", body)
        path = f"/portfolio/order_groups/{group['order_group_id']}"
        _, made = await alice.order("bid", "0.40", "1.00", order_group_id=group["order_group_id"])
        _, row = await alice.call("GET", path)
        assert row["orders"] == [made["order_id"]]
        assert (await alice.call("PUT", f"{path}/trigger", {}))[0] == 200
        assert (await alice.order("bid", "0.40", "1.00", order_group_id=group["order_group_id"]))[0] == 400
        assert (await alice.call("PUT", f"{path}/reset", {}))[0] == 200
        assert (await alice.order("bid", "0.40", "1.00", order_group_id=group["order_group_id"]))[0] == 201
        assert (await alice.call("PUT", f"{path}/limit", {"contracts_limit": 20}))[0] == 200
        assert (await alice.call("DELETE", path))[0] == 200
        _, groups = await alice.call("GET", "/portfolio/order_groups")
        assert groups["order_groups"] == []

    rehearse(work)


def test_a_pause_refuses_orders_but_takes_cancels_and_a_halt_takes_nothing(rehearse):
    async def work(stage):
        _, made = await stage.alice.order("bid", "0.40", "1.00")
        _, other = await stage.alice.order("bid", "0.41", "1.00")
        stage.double.control.pause_shard(2)
        _, status = await stage.alice.call("GET", "/exchange/status", signed=False)
        assert (status["trading_active"], status["exchange_active"]) == (False, True)
        assert (await stage.alice.order("bid", "0.40", "1.00"))[1]["error"]["code"] == "trading_paused"
        assert (await stage.alice.call("DELETE", f"{ORDERS}/{made['order_id']}", exchange_index=2))[0] == 200
        stage.double.control.halt_shard(2)
        assert (await stage.alice.call("DELETE", f"{ORDERS}/{other['order_id']}", exchange_index=2))[0] == 503

    rehearse(work)


def test_orders_after_a_cancel_all_may_die_too(rehearse):
    async def work(stage):
        await stage.alice.call("DELETE", ORDERS)
        _, made = await stage.alice.order("bid", "0.40", "1.00")
        _, row = await stage.alice.call("GET", f"/portfolio/orders/{made['order_id']}")
        assert row["order"]["status"] == "canceled"

    rehearse(work, KalshiSettings(cancel_all_tail_share=1.0))
