"""The crowd makes books move, repeats itself from a seed, and keeps the venue's books sound."""

from kalshi_stage import Engine

from simulation.wire.kalshi_crowd import Crowd, CrowdSettings


def play(seed, steps=3000, window_secs=60):
    engine = Engine()
    crowd = Crowd(engine.double.control, CrowdSettings(window_secs=window_secs), seed)
    for number in range(steps):
        engine.clock.now_ns += 50_000_000
        crowd.step()
        if number % 4 == 0:
            engine.double.tick()
    return engine, crowd


def prints(engine):
    return [(trade.ticker, trade.price, trade.count) for trade in engine.double.exchange.trades]


def test_books_move_markets_roll_and_every_cent_stays(engine):
    engine, crowd = play(5)
    markets = engine.double.exchange.markets
    assert crowd.events > 2000
    assert len(prints(engine)) > 100
    settled = [market for market in markets.values() if market.status == "finalized"]
    assert settled
    assert all(market.result in ("yes", "no") for market in settled)
    assert engine.double.audit() == []


def test_the_same_seed_gives_the_same_prints():
    assert prints(play(5, 800)[0]) == prints(play(5, 800)[0])
    assert prints(play(5, 800)[0]) != prints(play(6, 800)[0])


def test_fair_value_follows_the_spot_and_time():
    engine, crowd = play(5, 10, window_secs=0)
    market = engine.market
    crowd.spot = 68_200.0
    near = crowd.fair(market)
    engine.clock.now_ns = market.close_ns - 10**10
    assert 0.5 < near < crowd.fair(market) <= 1.0


def test_a_crowd_runs_on_the_wire_and_stops_with_the_double(rehearse):
    async def work(stage):
        stage.double.start_crowd(CrowdSettings(events_per_second=400), 3)
        reader = await stage.alice.subscribe("orderbook_delta", "trade")
        while sum(row["type"] == "orderbook_delta" for row in reader.frames) < 50:
            await reader.next()

    rehearse(work)
