import asyncio
import os
import signal
from dataclasses import replace

import pytest
from fake_nodes import DEATHS, DONE, OBEDIENT, PATIENCE, QUICK, STUBBORN, WRITING, stage

from system.supervisor import Command


def run(work):
    async def within():
        async with asyncio.timeout(240):
            return await work

    return asyncio.run(within())


async def until(condition):
    while not condition():
        await asyncio.sleep(0.01)


async def signalled(times):
    for _ in range(times):
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("death", DEATHS)
def test_after_any_death_all_is_cancelled_seen_closed_and_told_before_a_node_that_may_only_reduce(
    tmp_path, death
):
    hasty = {
        "hung": replace(PATIENCE, silence_secs=1.0),
        "hung before its first pulse": replace(PATIENCE, start_secs=1.0),
    }
    patience = hasty.get(death, PATIENCE)
    one = stage(tmp_path, DEATHS[death], DONE, patience=patience)
    assert run(one.supervisor.run()) == 0
    assert one.venue.asked == ["close", "look", "look", "leave"]  # the last look is at the good end
    assert one.notes.kinds == [
        *("started", "ended", "closed", "closed", "waiting"), *("started", "ended", "closed"),
    ]  # fmt: skip
    assert one.causes[0] is None
    assert "crash" in one.causes[1]
    assert len(one.notes.alerts) == 1


def test_a_node_that_is_done_is_looked_after_and_ends_the_run(tmp_path):
    one = stage(tmp_path, DONE)
    assert run(one.supervisor.run()) == 0
    assert one.venue.asked == ["look", "leave"]
    assert one.notes.alerts == []


def test_bad_input_touches_no_venue_and_is_not_tried_again(tmp_path):
    one = stage(tmp_path, "sys.exit(2)")
    assert run(one.supervisor.run()) == 2
    assert one.venue.asked == ["leave"]
    assert one.causes == [None]


def test_books_that_do_not_add_up_are_closed_and_not_tried_again(tmp_path):
    one = stage(tmp_path, "pulse(); sys.exit(3)")
    assert run(one.supervisor.run()) == 3
    assert one.venue.asked == ["close", "look", "leave"]
    assert one.causes == [None]


def test_a_node_that_keeps_dying_is_given_up_with_nothing_open(tmp_path):
    one = stage(tmp_path, DEATHS["killed"], terms=replace(QUICK, most_restarts=2))
    assert run(one.supervisor.run()) == 3
    assert len(one.causes) == 3
    assert one.venue.asked[-3:] == ["close", "look", "leave"]
    assert "giving up" in one.notes.alerts[-1]


def test_no_node_starts_while_a_venue_is_not_proven_closed(tmp_path):
    one = stage(tmp_path, DEATHS["killed"], DONE, doubts=["no answer", "2 orders are open"])
    assert run(one.supervisor.run()) == 0
    assert one.venue.asked[:4] == ["close", "close", "close", "look"]
    assert one.notes.kinds[:5] == ["started", "ended", "not_closed", "not_closed", "closed"]
    assert sum("not proven" in text for text in one.notes.alerts) == 2


def test_an_order_that_arrives_late_is_cancelled_by_the_second_look(tmp_path):
    one = stage(tmp_path, DEATHS["killed"], DONE, doubts=["", "1 orders are open"])
    assert run(one.supervisor.run()) == 0
    assert one.venue.asked[:3] == ["close", "look", "close"]


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_node_stop_gracefully(tmp_path, name):
    one = stage(tmp_path, OBEDIENT)

    async def work():
        one.supervisor.listen()
        running = asyncio.create_task(one.supervisor.run())
        await until(lambda: one.supervisor.child and one.supervisor.child.pulse)
        os.kill(os.getpid(), name)
        return await running

    assert run(work()) == 0
    assert one.venue.asked == ["look", "leave"]


@pytest.mark.parametrize("signals", [1, 2])
def test_a_node_that_does_not_stop_is_killed_and_cancelled_for_and_sooner_when_hurried(tmp_path, signals):
    patient = replace(PATIENCE, stop_secs=1.0 if signals == 1 else 3600.0)
    one = stage(tmp_path, STUBBORN, patience=patient)

    async def work():
        one.supervisor.listen()
        running = asyncio.create_task(one.supervisor.run())
        await until(lambda: one.supervisor.child and one.supervisor.child.pulse)
        await signalled(signals)
        return await running

    assert run(work()) == 3
    assert one.venue.asked == ["close", "look", "leave"]
    assert "had not stopped" in one.notes.alerts[0]
    assert len(one.causes) == 1


def test_a_node_that_only_writes_what_it_recorded_is_given_more_time(tmp_path):
    one = stage(tmp_path, WRITING, patience=replace(PATIENCE, stop_secs=0.5, write_secs=60))

    async def work():
        one.supervisor.listen()
        running = asyncio.create_task(one.supervisor.run())
        await until(lambda: one.supervisor.child and one.supervisor.child.pulse)
        await signalled(1)
        return await running

    assert run(work()) == 0
    assert one.notes.alerts == []


def test_somebody_who_insists_may_leave_with_a_venue_unproven_and_is_told_so(tmp_path):
    one = stage(tmp_path, DEATHS["killed"], doubts=["no answer"] * 1000)

    async def work():
        one.supervisor.listen()
        running = asyncio.create_task(one.supervisor.run())
        await until(lambda: len(one.notes.alerts) > 3)
        await signalled(2)
        return await running

    assert run(work()) == 3
    assert "not proven closed" in one.notes.alerts[-1]


def test_a_halt_while_no_node_lives_is_carried_out_and_waits_for_the_next_one(tmp_path):
    slow = replace(QUICK, backoff=replace(QUICK.backoff, first_secs=2.0, most_secs=2.0, jitter=0.0))
    one = stage(tmp_path, DEATHS["killed"], DONE, terms=slow)

    async def work():
        running = asyncio.create_task(one.supervisor.run())
        await until(lambda: "waiting" in one.notes.kinds)
        one.notes.commands.append(Command(1, "halt", "the operator said so", 0.0))
        await until(lambda: one.notes.outcomes)
        assert one.supervisor.child is None
        return await running

    assert run(work()) == 0
    assert one.notes.halts == ["the operator said so"]
    assert one.notes.outcomes == {1: "KALSHI: no order is open (0 were listed, 0.00 s)"}
    assert one.venue.asked == ["close", "look", "close", "look", "leave"]


def test_a_halt_that_a_node_does_not_take_kills_it(tmp_path):
    one = stage(tmp_path, STUBBORN, DONE)

    async def work():
        running = asyncio.create_task(one.supervisor.run())
        await until(lambda: one.supervisor.child and one.supervisor.child.pulse)
        one.notes.commands.append(Command(1, "halt", "a fire", 5.0))
        return await running

    assert run(work()) == 0
    assert one.notes.halts == ["a fire"]
    assert "did not obey a halt" in one.notes.alerts[0]


def test_a_command_that_is_young_or_not_ours_is_left_to_a_living_node(tmp_path):
    one = stage(tmp_path, "live(0.8); os._exit(0)")

    async def work():
        running = asyncio.create_task(one.supervisor.run())
        await until(lambda: one.supervisor.child and one.supervisor.child.pulse)
        one.notes.commands += [Command(1, "halt", "young", 0.0), Command(2, "resume", "old", 99.0)]
        return await running

    assert run(work()) == 0
    assert one.notes.halts == []
    assert [command.id for command in one.notes.commands] == [1, 2]


def test_a_stop_that_no_node_takes_ends_the_run(tmp_path):
    one = stage(tmp_path, OBEDIENT)
    one.notes.commands.append(Command(1, "stop", "", 9.0))
    assert run(one.supervisor.run()) == 0
    assert one.notes.outcomes == {1: "stopping"}


def test_what_a_node_started_dies_with_it(tmp_path):
    script = f"""
import subprocess
child = subprocess.Popen(["sleep", "3600"])
open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
pulse(); os.kill(os.getpid(), signal.SIGKILL)
"""
    one = stage(tmp_path, script, DONE)
    assert run(one.supervisor.run()) == 0
    pid = int((tmp_path / "pid").read_text())
    state = _state_of(pid)
    assert state in (None, "Z")


def _state_of(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return None
