"""The crowd makes Polymarket's books move, mints and merges, rolls its windows, repeats itself from a seed."""

import pytest
from polymarket_client import Clock, rehearse
from polymarket_stage import START_NS

from simulation.wire.polymarket import PolymarketDouble
from simulation.wire.polymarket_crowd import Crowd, CrowdSettings
from simulation.wire.polymarket_desk import PolymarketSettings
from simulation.wire.polymarket_orders import Market


def play(seed, steps=3_000, window_secs=60):
    clock = Clock()
    double = PolymarketDouble(PolymarketSettings(), 7, clock)
    settings = CrowdSettings(window_secs=window_secs, taker_share=0.3, twap_secs=30)
    crowd = Crowd(double.exchange, settings, seed)
    for number in range(steps):
        clock.after(0.05)
        crowd.step()
        if number % 4 == 0:
            double.tick()
    return double, crowd


def prints(double):
    return [
        (trade.taker.market.about.slug, trade.price, trade.shares)
        for trade in double.exchange.trades.values()
    ]


def test_books_move_windows_roll_and_every_token_is_accounted_for():
    double, crowd = play(5)
    markets = list(double.exchange.markets.values())
    assert crowd.events == 3_000
    assert len(prints(double)) > 100
    resolved = [market for market in markets if market.is_resolved]
    assert len(resolved) == 2
    assert len([market for market in markets if market.accepting]) >= 3
    made = {(order.ask.is_buy, order.status) for order in double.exchange.orders.values()}
    assert {(True, "MATCHED"), (False, "MATCHED"), (True, "CANCELED_MARKET_RESOLVED")} <= made
    assert double.audit() == []


def test_the_end_of_one_window_is_the_start_of_the_next():
    double, crowd = play(6)
    [first, second, *_] = sorted(double.exchange.markets.values(), key=lambda market: market.about.end_ns)
    is_up = crowd.strikes[second.condition_id] >= crowd.strikes[first.condition_id]
    assert first.winner == first.tokens[0 if is_up else 1]
    assert first.about.slug == f"btc-updown-60s-{START_NS // 60_000_000_000 * 60}"


def test_the_same_seed_gives_the_same_prints():
    assert prints(play(5, 800)[0]) == prints(play(5, 800)[0])
    assert prints(play(5, 800)[0]) != prints(play(6, 800)[0])


@pytest.mark.parametrize(
    ("price", "up", "snapped"), [(4_449, True, 4_500), (4_449, False, 4_400), (3, True, 100)]
)
def test_a_crowds_price_is_one_of_the_market(price, up, snapped):
    double = PolymarketDouble(PolymarketSettings(), 7, Clock())
    crowd = Crowd(double.exchange, CrowdSettings(), 1)
    assert crowd.snap(Market("0x1", ("1", "2")), price, up=up) == snapped


def test_a_crowd_runs_on_the_wire_and_stops_with_the_double():
    async def work(double, alice, _bob):
        double.start_crowd(CrowdSettings(events_per_second=200, window_secs=300), 3)
        socket = await alice.session.ws_connect(f"{alice.base}/ws/market")
        tokens = ["111", "222"]
        await socket.send_json({"type": "market", "assets_ids": tokens, "custom_feature_enabled": True})
        kinds = set()
        while not {"price_change", "last_trade_price", "new_market"} <= kinds:
            alice.clock.after(0.02)
            message = await socket.receive(timeout=30)
            rows = message.json()
            kinds |= {row["event_type"] for row in (rows if isinstance(rows, list) else [rows])}
            if "price_change" not in kinds:
                await alice.place("111", "BUY", 40, 10)
        await socket.close()

    rehearse(work)
