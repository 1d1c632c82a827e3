"""Kalshi's own client (kalshi-python-sync, pinned, dev only) against our double: neither knows the other."""

import asyncio
import time

import pytest

from simulation.wire.kalshi import KalshiDouble
from simulation.wire.kalshi_control import Listing
from simulation.wire.kalshi_settings import KalshiSettings

pytestmark = pytest.mark.filterwarnings("ignore")  # of a client that is not ours
QUARTER_NS = 900_000_000_000
EVENT, MARKET, SHARD = "KXBTC15M-T", "KXBTC15M-T0", 2


def wall_ns():
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def with_client(kind, work):
    """Run `work(client package, client)` in a thread against a double with one market and one funded user."""

    async def main():
        double = KalshiDouble(KalshiSettings(), 7, wall_ns)
        urls = await double.start()
        now_ns = wall_ns()
        facts = {"floor_strike": 68000.0, "strike_type": "greater_or_equal"}
        double.control.list_market(
            Listing(MARKET, EVENT, "KXBTC15M", now_ns, now_ns + QUARTER_NS, "tapered_deci_cent",
                    exchange_index=SHARD, facts=facts)
        )  # fmt: skip
        double.control.fund("alice", "1000", SHARD)
        double.control.make_trusted("crowd", SHARD)
        key = double.add_key("alice", kind)
        double.control.trade_as("crowd", MARKET, "ask", "0.60", "100")
        double.control.trade_as("crowd", MARKET, "bid", "0.55", "100")
        try:
            await asyncio.wait_for(asyncio.to_thread(use, urls.rest, key), 30)
        finally:
            await double.stop()
        assert double.errors == []
        assert double.audit() == []

    def use(rest, key):
        import kalshi_python_sync as kalshi
        from kalshi_python_sync.auth import KalshiAuth

        client = kalshi.ApiClient(kalshi.Configuration(host=rest))
        client.kalshi_auth = KalshiAuth(
            key.key_id, key.private_pem
        )  # its own setter raises NameError (3.34.0)
        work(kalshi, client)

    asyncio.run(main())


def order(**terms):
    given = {
        "ticker": MARKET, "side": "bid", "count": "10.00", "price": "0.40",
        "time_in_force": "good_till_canceled", "self_trade_prevention_type": "maker",
    }  # fmt: skip
    return given | terms


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_it_reads_markets_book_and_trades(kind):
    def work(kalshi, client):
        markets = kalshi.MarketApi(client)
        assert [market.ticker for market in markets.get_markets(limit=2).markets] == [MARKET]
        book = markets.get_market_orderbook(MARKET).orderbook_fp
        assert (book.yes_dollars, book.no_dollars) == ([["0.5500", "100.00"]], [["0.4000", "100.00"]])
        assert kalshi.ExchangeApi(client).get_exchange_status().trading_active
        assert kalshi.EventsApi(client).get_event(EVENT).event.event_ticker == EVENT
        assert markets.get_series("KXBTC15M").series.fee_type == "quadratic"

    with_client(kind, work)


def test_it_places_amends_cancels_and_sees_fills_and_positions():
    def work(kalshi, client):
        orders, portfolio = kalshi.OrdersApi(client), kalshi.PortfolioApi(client)
        taken = orders.create_order_v2(**order(price="0.60", client_order_id="taker"))
        assert (taken.fill_count, taken.remaining_count) == ("10.00", "0.00")
        resting = orders.create_order_v2(**order(client_order_id="maker"))
        assert resting.remaining_count == "10.00"
        amend = {"ticker": MARKET, "side": "bid", "price": "0.42", "count": "12.00"}
        orders.amend_order_v2(resting.order_id, **amend)
        orders.decrease_order_v2(resting.order_id, reduce_by="1.00", market_ticker=MARKET)
        assert orders.get_order(resting.order_id).order.remaining_count_fp == "11.00"
        assert orders.get_order_queue_positions(market_tickers=MARKET).queue_positions
        assert orders.cancel_order_v2(resting.order_id, market_ticker=MARKET).reduced_by == "11.00"
        fills = portfolio.get_fills().fills
        assert [(fill.count_fp, fill.yes_price_dollars) for fill in fills] == [("10.00", "0.6000")]
        position = portfolio.get_positions().market_positions[0]
        assert (position.ticker, position.position_fp) == (MARKET, "10.00")
        assert portfolio.get_balance().balance_breakdown

    with_client("rsa", work)


def test_it_places_and_cancels_batches_and_hears_of_a_duplicate():
    def work(kalshi, client):
        orders = kalshi.OrdersApi(client)
        asks = [
            order(side="ask", count="1.00", price=price, client_order_id=price) for price in ("0.70", "0.80")
        ]
        placed = orders.batch_create_orders_v2(orders=asks).orders
        assert all(one.order_id for one in placed)
        cancels = [{"order_id": one.order_id, "market_ticker": MARKET} for one in placed]
        gone = orders.batch_cancel_orders_v2(orders=cancels).orders
        assert [one.reduced_by for one in gone] == ["1.00", "1.00"]
        with pytest.raises(kalshi.ApiException) as caught:
            orders.create_order_v2(**asks[0])
        assert caught.value.status == 409

    with_client("ed25519", work)
