"""Polymarket's own faults: restarts and modes, delayed takers, reverted matches, lost beats, lying and split bursts."""

import json

import pytest
from polymarket_client import rehearse, until
from polymarket_stage import CONDITION, NO, YES

from simulation.wire.fault_plan import FaultPlan, PlannedFault
from simulation.wire.kalshi import KalshiDouble
from simulation.wire.kalshi_settings import KalshiSettings
from simulation.wire.polymarket_bursts import rewrite
from simulation.wire.polymarket_desk import PolymarketSettings


def plan(*faults, **fault):
    return FaultPlan("one", (*faults, *([PlannedFault(**fault)] if fault else [])))


BURST = {
    "event_type": "price_change",
    "timestamp": "1",
    "price_changes": [{"asset_id": token, "price": "0.4", "hash": "abc1"} for token in (YES, NO)],
}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("swapped_burst", [[NO, YES]]),
        ("duplicate_burst", [[YES, NO], [NO, YES]]),
        ("split_burst", [[YES], [NO]]),
        ("hash_mismatch", [[YES, NO]]),
    ],
)
def test_a_burst_is_changed_as_its_fault_says(kind, expected):
    fault = PlannedFault(kind=kind, channel="price_change")
    frames = [json.loads(text) for text in rewrite(fault, json.dumps(BURST).encode())]
    assert [[row["asset_id"] for row in frame["price_changes"]] for frame in frames] == expected
    lies = {row["hash"] for frame in frames for row in frame["price_changes"]}
    assert lies == ({"1cba"} if kind == "hash_mismatch" else {"abc1"})


def test_what_a_burst_fault_cannot_strike_goes_as_it_is():
    fault = PlannedFault(kind="split_burst", channel="*")
    assert rewrite(fault, b"PONG") == [b"PONG"]
    assert rewrite(fault, b'{"event_type":"book"}') == [b'{"event_type":"book"}']


def test_a_split_burst_arrives_in_two_frames_of_one_time():
    async def work(_double, alice, _bob):
        socket = await alice.session.ws_connect(f"{alice.base}/ws/market")
        await socket.send_json({"type": "market", "assets_ids": [YES, NO]})
        await socket.receive_json()
        await alice.place(YES, "BUY", 40, 10)
        frames = [await socket.receive_json() for _ in range(2)]
        assert [frame["price_changes"][0]["asset_id"] for frame in frames] == [YES, NO]
        assert frames[0]["timestamp"] == frames[1]["timestamp"]
        await socket.close()

    rehearse(work, plan=plan(kind="split_burst", channel="price_change"))


def test_a_restart_answers_425_and_is_followed_by_post_only():
    async def work(double, alice, _bob):
        double.tick()
        status, answer = await alice.place(YES, "BUY", 40, 10)
        assert (status, answer) == (425, {"error": "matching engine is restarting"})
        alice.clock.after(1)
        double.tick()
        status, answer = await alice.place(YES, "BUY", 40, 10)
        assert (status, answer["code"], answer["retry_after_seconds"]) == (503, "post_only_mode", 3)
        assert (await alice.place(YES, "BUY", 40, 10, postOnly=True))[0] == 200
        alice.clock.after(3)
        double.tick()
        assert (await alice.place(YES, "BUY", 40, 10))[0] == 200

    settings = PolymarketSettings(tick_ms=60_000, post_only_ms=3_000)
    rehearse(work, settings, plan(kind="maintenance", after_secs=0, millis=1_000))


def test_takers_are_delayed_and_matches_reverted_as_planned():
    faults = (
        PlannedFault(kind="delay_takers", after_secs=0, millis=500, times=1),
        PlannedFault(kind="revert_matches", after_secs=0, times=1),
        PlannedFault(kind="slow_settlement", after_secs=0, millis=60_000),
    )

    async def work(double, alice, bob):
        await until(lambda: double.settlement.fates)
        await alice.place(NO, "BUY", 40, 20)
        answers = [(await bob.place(YES, "BUY", 60, 10))[1]["status"] for _ in range(2)]
        assert answers == ["delayed", "matched"]
        bob.clock.after(1)
        await until(lambda: len(double.exchange.trades) == 2)
        bob.clock.after(30)
        double.tick()
        assert [trade.status for trade in double.exchange.trades.values()] == ["MATCHED", "MATCHED"]
        bob.clock.after(30)
        await until(lambda: not [t for t in double.exchange.trades.values() if t.status == "MATCHED"])
        bob.clock.after(60)
        await until(lambda: double.settlement.under_way < 2)
        bob.clock.after(60)
        await until(lambda: not double.settlement.under_way)
        assert sorted(trade.status for trade in double.exchange.trades.values()) == ["CONFIRMED", "FAILED"]

    rehearse(work, plan=plan(*faults))


def test_a_lost_heartbeat_takes_the_orders_of_its_key_only():
    async def work(double, alice, bob):
        for client in (alice, bob):
            await client.place(YES, "BUY", 40, 10)
        assert (await alice.ask("POST", "/v1/heartbeats", {"heartbeat_id": ""}))[0] == 200
        alice.clock.after(20)
        await until(lambda: len(double.exchange.open_orders()) == 1)
        [left] = double.exchange.open_orders()
        assert left.ask.wallet == bob.address

    rehearse(work, plan=plan(kind="heartbeat_lost", after_secs=15))


def test_a_double_is_sound_again_once_its_faults_are_ended():
    async def work(double, alice, _bob):
        await until(lambda: double.desk.mode == "cancel_only")
        assert (await alice.place(YES, "BUY", 40, 10))[0] == 503
        double.end_faults()
        assert (await alice.place(YES, "BUY", 40, 10))[0] == 200
        assert double.exchange.markets[CONDITION].accepting

    rehearse(work, plan=plan(kind="cancel_only", after_secs=0, millis=1e9))


def test_a_fault_of_one_venue_is_refused_by_the_other():
    with pytest.raises(ValueError, match="expected a fault that happens at Kalshi, found heartbeat_lost"):
        KalshiDouble(KalshiSettings(), 7, lambda: 0, plan(kind="heartbeat_lost", after_secs=1))
