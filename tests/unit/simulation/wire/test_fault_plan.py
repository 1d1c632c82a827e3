"""Plans are read, drawn and checked; the injector counts and records."""

import json

import msgspec
import pytest

from simulation.wire.fault_plan import FaultPlan, PlannedFault, draw_plan, load_plan
from simulation.wire.faults import Faults

TOML = """
name = "bad afternoon"

[[faults]]
kind = "ack_lost"
route = "POST /orders"
nth = 2

[[faults]]
kind = "drop"
channel = "book"
nth = 3
times = 2

[[faults]]
kind = "maintenance"
after_secs = 5.0
millis = 2000
"""


def test_a_plan_reads_the_same_from_toml_and_json(tmp_path):
    (tmp_path / "plan.toml").write_text(TOML)
    plan = load_plan(tmp_path / "plan.toml")
    (tmp_path / "plan.json").write_bytes(msgspec.json.encode(plan))
    assert load_plan(tmp_path / "plan.json") == plan
    assert [fault.kind for fault in plan.faults] == ["ack_lost", "drop", "maintenance"]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"kind": "drop"}, "found 0"),
        ({"kind": "drop", "route": "GET /", "channel": "book"}, "found 2"),
        ({"kind": "freeze", "route": "GET /"}, "found freeze"),
        ({"kind": "ack_lost", "channel": "book"}, "found ack_lost"),
        ({"kind": "drop", "after_secs": 1.0}, "found drop"),
        ({"kind": "drop", "route": "GET /", "nth": 0}, "nth >= 1"),
        ({"kind": "melt", "route": "GET /"}, "melt"),
        ({"kind": "drop", "route": "GET /", "speed": 1}, "speed"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_when_it_is_read(row, text):
    with pytest.raises((msgspec.ValidationError, ValueError), match=text):
        msgspec.json.decode(json.dumps({"faults": [row]}), type=FaultPlan)


def test_a_seed_draws_the_same_plan_every_time():
    plans = [draw_plan(seed, ("POST /orders",), ("book",)) for seed in (3, 3, 4)]
    assert plans[0] == plans[1] != plans[2]
    assert len(plans[0].faults) == 10


def test_faults_hit_the_nth_match_and_every_hit_is_recorded(tmp_path):
    (tmp_path / "plan.toml").write_text(TOML)
    clock = [0]
    faults = Faults(load_plan(tmp_path / "plan.toml"), lambda: clock[0])
    posts = [faults.on_request("POST /orders/1") for _ in range(3)]
    assert [fault is not None for fault in posts] == [False, True, False]
    assert faults.on_request("GET /orders") is None
    frames = [faults.on_frame("book") is not None for _ in range(5)]
    assert frames == [False, False, True, True, False]
    assert faults.due() == []
    clock[0] = 5 * 10**9
    assert [fault.kind for fault in faults.due()] == ["maintenance"]
    assert faults.due() == []
    assert faults.kinds() == ["ack_lost", "drop", "drop", "maintenance"]
    assert [entry.nth for entry in faults.injected] == [2, 3, 4, 1]


def test_a_fault_added_later_counts_from_then():
    clock = [10**9]
    faults = Faults(FaultPlan(), lambda: clock[0])
    clock[0] = 20 * 10**9
    faults.add(PlannedFault(kind="clock_skew", after_secs=1.0))
    assert faults.due() == []
    clock[0] = 21 * 10**9
    assert len(faults.due()) == 1
