"""Who is let in at the Polymarket double: bans, countries, wallets, rates; and what its catalogue and prices say."""

import json
import re

import pytest
from polymarket_client import rehearse
from polymarket_stage import CONDITION, NO, YES

from simulation.wire.polymarket_desk import PolymarketSettings
from simulation.wire.polymarket_orders import About, Market
from simulation.wire.polymarket_rates import WINDOWS, Rates
from simulation.wire.polymarket_signatures import STANDARD_EXCHANGE
from simulation.wire.polymarket_units import ONE

SECOND_NS = 1_000_000_000
END_NS = 1_790_000_400_000_000_000


def window(number, start, series="btc-up-or-down-5m"):
    about = About(
        number, "Bitcoin Up or Down", f"btc-updown-5m-{start}", f"btc-updown-5m-{start}", series,
        start_ns=(start - 86_400) * SECOND_NS, end_ns=(start + 300) * SECOND_NS, tags=("Crypto", "Up or Down"),
        twap_secs=60, asset="btc",
    )  # fmt: skip
    tokens = (f"{number}1", f"{number}2")
    return Market(f"0x{number:064x}", tokens, ("Up", "Down"), about=about, is_delayed=True)


@pytest.mark.parametrize(
    ("change", "buy", "sell"),
    [
        (lambda standing, who: standing.banned.add(who), (400, "banned"), (400, "banned")),
        (lambda standing, who: standing.closed_only.add(who), (400, "closed only mode"), (200, "")),
        (lambda standing, _: setattr(standing, "is_blocked", True), (403, "restricted"), (403, "restricted")),
    ],
)
def test_those_who_may_not_trade_are_told_so_and_may_still_cancel(change, buy, sell):
    async def work(double, alice, _bob):
        double.exchange.ledger.split(alice.address, double.exchange.markets[CONDITION], 50 * ONE)
        _, resting = await alice.place(YES, "BUY", 10, 10)
        change(double.desk.standing, alice.address)
        for side, price, expected in (("BUY", 20, buy), ("SELL", 80, sell)):
            status, answer = await alice.place(YES, side, price, 10)
            assert (status, expected[1] in answer.get("error", "")) == (expected[0], True)
        _, answer = await alice.ask("DELETE", "/order", {"orderID": resting["orderID"]})
        assert answer["canceled"] == [resting["orderID"]]
        _, answer = await alice.read("/api/geoblock")
        assert answer["blocked"] == double.desk.standing.is_blocked
        _, answer = await alice.ask("GET", "/auth/ban-status/closed-only")
        assert answer["closed_only"] == (alice.address in double.desk.standing.closed_only)

    rehearse(work)


def test_an_order_spends_only_from_a_wallet_of_its_signer():
    async def work(double, alice, bob):
        double.desk.standing.wallets[alice.address, 2] = "0x" + "11" * 20
        _, answer = await alice.ask("GET", "/balance-allowance", asset_type="COLLATERAL", signature_type="2")
        assert answer["balance"] == "0"
        status, answer = await bob.ask(
            "GET", "/balance-allowance", asset_type="COLLATERAL", signature_type="2"
        )
        assert (status, answer["error"]) == (400, "Invalid signature_type")

    rehearse(work)


def test_allowances_are_shown_as_the_venue_remembers_them():
    async def work(double, alice, _bob):
        double.exchange.allowances.approve(alice.address, STANDARD_EXCHANGE, 7 * ONE)
        _, answer = await alice.ask("GET", "/balance-allowance", asset_type="COLLATERAL")
        assert answer["allowances"][STANDARD_EXCHANGE] == "0"
        _, answer = await alice.ask("GET", "/balance-allowance/update", asset_type="COLLATERAL")
        assert answer["allowances"][STANDARD_EXCHANGE] == "7000000"

    rehearse(work)


def test_a_keys_bucket_is_emptied_by_a_batch_as_a_whole():
    async def work(double, alice, _bob):
        double.exchange.ledger.deposit(alice.address, 10_000 * ONE)
        batch = [alice.order(YES, "BUY", 10, 5) for _ in range(15)]
        answers = [await alice.ask("POST", "/orders", batch) for _ in range(5)]
        assert [status for status, _ in answers] == [200, 200, 200, 200, 429]
        assert answers[-1][1] == {"error": "Too Many Requests"}
        alice.clock.after(1)
        assert (await alice.place(YES, "BUY", 10, 5))[0] == 200
        assert double.desk.rates.refused == 1

    rehearse(work)


@pytest.mark.parametrize(("verb", "path", "short", "long"), WINDOWS)
def test_a_route_takes_so_many_requests_in_its_windows(verb, path, short, long):
    rates = Rates("standard", is_enforced=True)
    method = verb or "GET"
    for number in range(short):
        rates.count(method, path, 1_000 + number)
    with pytest.raises(Exception, match="429 Too Many Requests"):
        rates.count(method, path, 2_000 + short)
    rates.count("PUT", path + "/elsewhere", 2_000 + short)
    rates.count(method, path, 10_000_001_000)


def test_the_catalogue_lists_markets_events_and_series_by_its_filters():
    async def work(double, alice, _bob):
        double.exchange.list_market(window(7, 1_790_000_100))
        double.exchange.list_market(window(8, 1_790_000_400))
        double.exchange.resolve(double.exchange.markets[f"0x{8:064x}"], "81")
        _, [row] = await alice.read("/gamma/markets", slug="btc-updown-5m-1790000100")
        assert (json.loads(row["clobTokenIds"]), json.loads(row["outcomes"])) == (
            ["71", "72"],
            ["Up", "Down"],
        )
        assert (row["eventStartTime"], row["endDate"]) == ("2026-09-21T14:15:00Z", "2026-09-21T14:20:00Z")
        assert row["cryptoMarketConfig"] == {
            "id": "btc-5m-twap-60", "asset": "btc", "duration": "5m", "twapEnabled": True, "twapLookbackSeconds": 60,
        }  # fmt: skip
        assert row["events"][0]["seriesSlug"] == "btc-up-or-down-5m"
        _, [row] = await alice.read("/gamma/markets", clob_token_ids="82")
        assert (row["closed"], row["outcomePrices"]) == (True, '["1", "0"]')
        assert row["umaResolutionStatus"] == "resolved"
        _, rows = await alice.read("/gamma/events", closed="false", tag_slug="crypto")
        assert [row["slug"] for row in rows] == ["btc-updown-5m-1790000100"]
        _, row = await alice.read("/gamma/events/slug/btc-updown-5m-1790000400")
        assert [market["conditionId"] for market in row["markets"]] == [f"0x{8:064x}"]
        _, rows = await alice.read("/gamma/series", slug="btc-up-or-down-5m")
        assert [row["slug"] for row in rows] == ["btc-up-or-down-5m"]
        _, rows = await alice.read(
            "/gamma/markets", series_id=rows[0]["id"], end_date_max="2026-09-21T14:20:00Z"
        )
        assert [row["id"] for row in rows] == ["7"]
        assert (await alice.read("/gamma/markets/slug/none"))[0] == 404
        _, row = await alice.read(f"/clob-markets/0x{7:064x}")
        assert (row["itode"], row["sd"], row["cbos"]) == (True, 0, False)

    rehearse(work)


def test_the_catalogue_turns_its_pages_by_cursor():
    async def work(double, alice, _bob):
        for number in range(1, 6):
            double.exchange.list_market(window(number, 1_790_000_100 + 300 * number))
        found, cursor = [], ""
        while True:
            _, page = await alice.read("/gamma/markets/keyset", limit="2", after_cursor=cursor)
            found += [row["id"] for row in page["markets"]]
            if "next_cursor" not in page:
                break
            cursor = page["next_cursor"]
        assert found == ["0", "1", "2", "3", "4", "5"]

    rehearse(work)


def test_a_price_is_the_best_bid_for_buy_and_an_empty_side_is_zero():
    async def work(_double, alice, _bob):
        await alice.place(YES, "BUY", 40, 10)
        for path, more, expected in (
            ("/price", {"side": "BUY"}, {"price": "0.4"}),
            ("/price", {"side": "sell"}, {"price": "0"}),
            ("/midpoint", {}, {"mid": "0.2"}),
            ("/last-trade-price", {}, {"price": "0.5", "side": ""}),
            ("/tick-size", {}, {"minimum_tick_size": 0.01}),
            ("/neg-risk", {}, {"neg_risk": False}),
        ):
            assert (await alice.read(path, token_id=YES, **more))[1] == expected
        assert (await alice.read("/price", token_id=NO, side="SELL"))[1] == {"price": "0.6"}
        assert (await alice.read("/price", token_id=YES, side="HOLD"))[1] == {"error": "Invalid side"}

    rehearse(work)


def test_positions_trades_and_results_are_told_to_anybody_once_they_are_on_the_chain():
    async def work(double, alice, bob):
        double.exchange.redeems = False
        await alice.place(NO, "BUY", 40, 10)
        await bob.place(YES, "BUY", 60, 10)
        assert (await alice.read("/data-api/trades", market=CONDITION))[1] == []
        alice.clock.after(3)
        double.tick()
        _, [row] = await alice.read("/data-api/trades", market=CONDITION)
        assert (row["proxyWallet"], row["asset"], row["size"], row["price"]) == (bob.address, YES, 10, 0.6)
        _, page = await alice.read("/data-api/v2/trades", condition_id=CONDITION, taker_only="false")
        assert {(row["token_id"], row["price"]) for row in page["data"]} == {(YES, 0.6), (NO, 0.4)}
        _, [row] = await alice.read("/data-api/positions", user=alice.address)
        assert (row["asset"], row["size"], row["avgPrice"], row["redeemable"]) == (NO, 10, 0.4, False)
        double.exchange.resolve(double.exchange.markets[CONDITION], NO)
        _, [row] = await alice.read("/data-api/positions", user=alice.address)
        assert (row["redeemable"], row["curPrice"]) == (True, 1)
        _, page = await alice.read("/data-api/v2/positions", user=bob.address)
        assert page["data"][0]["status"] == "REDEEMABLE_LOST"
        _, page = await alice.read("/data-api/v2/resolutions", condition_id=CONDITION)
        assert (page["data"][0]["status"], page["data"][0]["price"]) == ("resolved", "0")
        assert (await alice.read("/data-api/positions"))[0] == 400

    rehearse(work, PolymarketSettings(tick_ms=5))


def test_the_history_of_a_token_mirrors_that_of_its_complement():
    async def work(_double, alice, bob):
        await alice.place(YES, "BUY", 40, 10)
        await bob.place(NO, "BUY", 50, 10)
        alice.clock.after(120)
        await alice.place(YES, "BUY", 44, 10)
        for token, expected in ((YES, [0.45, 0.47]), (NO, [0.55, 0.53])):
            _, answer = await alice.read("/prices-history", market=token, interval="1h")
            assert [row["p"] for row in answer["history"]] == expected
        _, answer = await alice.read("/prices-history", market=YES, interval="1h", fidelity="60")
        assert [row["p"] for row in answer["history"]] == [0.47]
        assert (await alice.read("/prices-history", market=YES, interval="2h"))[0] == 400

    rehearse(work)


def test_a_request_for_which_there_is_no_route_is_noted():
    async def work(double, alice, _bob):
        assert (await alice.read("/rewards"))[0] == 404
        assert double.strays == ["GET /rewards"]

    rehearse(work)


def test_a_whole_minimum_size_is_written_without_a_point_since_hashes_take_its_text():
    async def work(_double, alice, _bob):
        for path in (f"/markets/{CONDITION}", f"/clob-markets/{CONDITION}", "/gamma/markets"):
            async with alice.session.get(alice.base + path) as answer:
                text = await answer.text()
            found = re.findall(r'"(?:mos|orderMinSize|minimum_order_size)": ([^,}]+)', text)
            assert found == ["5"], (path, text)

    rehearse(work)
