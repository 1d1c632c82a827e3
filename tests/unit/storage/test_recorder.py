import base64
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from storage.recorder import ENDING, Recorder, RecorderFailed, RecorderSettings
from storage.recording import Tail, find_runs, parts_of

VENUE = "KALSHI"
SECOND = 1_000_000_000


def wall_ns():
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def make(folder, troubles=None, now_ns=wall_ns, **changes):
    troubles = [] if troubles is None else troubles
    return Recorder(
        folder, "run-1", now_ns=now_ns, on_trouble=troubles.append, settings=RecorderSettings(**changes)
    )


def read(folder, broken=None):
    broken = [] if broken is None else broken
    with Tail(folder, VENUE, on_broken=lambda part, why: broken.append(part.name)) as tail:
        return [json.loads(line) for line in tail.read()]


def until(condition, secs=30.0):
    deadline = time.monotonic() + secs
    while not condition():
        assert time.monotonic() < deadline, "never happened"
        time.sleep(0.005)


def frames_in(lines):
    return [line for line in lines if "control" not in line]


def exact(raw_line):
    """Return the frame of a line as it lies there, byte by byte."""
    _head, _, rest = raw_line.partition(b'"frame":')
    return rest[:-1] if rest else base64.b64decode(json.loads(raw_line)["base64"])


FRAMES = some.one_of(
    some.dictionaries(some.text(max_size=3), some.integers() | some.text(max_size=4), max_size=3).map(
        lambda value: json.dumps(value, ensure_ascii=False, indent=None).encode(errors="replace")
    ),
    some.binary(max_size=20),
    some.sampled_from([b"{}", b'{ "a" : 1.50 }', b'{"a":\n1}', b'{"a":1,}', b'{"a":"\xff"}', b"[1]", b""]),
)


@settings(max_examples=25, deadline=None)
@given(some.lists(FRAMES, max_size=8))
def test_frames_come_back_byte_by_byte_with_time_and_connection(tmp_path_factory, frames):
    folder = tmp_path_factory.mktemp("raw")
    recorder = make(folder)
    take = recorder.tap(VENUE)
    for number, frame in enumerate(frames):
        take(frame, 7 + number, 3)
    recorder.close()
    with Tail(folder, VENUE, on_broken=pytest.fail) as tail:
        lines = [line for line in tail.read() if b'"control"' not in line.partition(b'"frame"')[0]]
    assert [exact(line) for line in lines] == frames
    assert [(line["recv_ns"], line["epoch"], line["venue"]) for line in map(json.loads, lines)] == [
        (7 + number, 3, VENUE) for number in range(len(frames))
    ]


def test_a_part_ends_by_size_and_the_next_goes_on(tmp_path):
    recorder = make(tmp_path, most_bytes=1024, flush_secs=0.01)
    take = recorder.tap(VENUE)
    numbers = itertools.count()
    while len(parts_of(tmp_path, VENUE)) < 3:
        take(json.dumps({"n": next(numbers), "noise": os.urandom(64).hex()}).encode(), wall_ns(), 1)
        time.sleep(0.0005)
    recorder.close()
    lines = read(tmp_path)
    assert [line["frame"]["n"] for line in frames_in(lines)] == list(range(next(numbers)))
    heads = [line["info"] for line in lines if line.get("control") == "recording"]
    assert [head["part"] for head in heads] == list(range(1, len(parts_of(tmp_path, VENUE)) + 1))
    assert {(head["run"], head["schema"]) for head in heads} == {("run-1", 1)}
    assert lines[-1]["control"] == "end"


def test_a_part_ends_by_age(tmp_path):
    clock = itertools.count(0, SECOND)
    recorder = make(tmp_path, now_ns=lambda: next(clock), most_secs=2.0)
    recorder.tap(VENUE)(b"{}", 0, 1)
    until(lambda: len(parts_of(tmp_path, VENUE)) > 2)
    recorder.close()
    assert len(frames_in(read(tmp_path))) == 1


def test_what_cannot_be_taken_is_told_at_once_and_recorded_as_blindness(tmp_path):
    troubles = []
    recorder = make(tmp_path, troubles, most_waiting=3)
    take = recorder.tap(VENUE)
    for number in range(1000):
        take(b'{"n":%d}' % number, 1000 + number, 1)
    assert troubles
    assert "3 lines waiting" in troubles[0]
    until(lambda: recorder.counts["frames"] + recorder.counts["lost"] == 1000)
    take(b'{"n":"last"}', 5000, 1)
    recorder.close()
    lines = read(tmp_path)
    blind = [line["info"] for line in lines if line.get("control") == "blind"]
    assert sum(one["lost"] for one in blind) == recorder.counts["lost"] > 0
    seen = [line["frame"]["n"] for line in frames_in(lines)]
    first_lost = next(n for n in range(1000) if n not in seen)
    assert blind[0]["since_ns"] == 1000 + first_lost
    assert seen[-1] == "last"
    assert [line.get("control") for line in lines[-3:]] == ["blind", None, "end"]


def test_a_disk_that_refuses_is_told_with_the_next_frame_and_when_the_recorder_is_closed(tmp_path):
    troubles = []
    recorder = make(tmp_path / "raw", troubles)
    (tmp_path / "raw").rmdir()
    take = recorder.tap(VENUE)
    take(b"{}", 1, 1)
    until(lambda: recorder.failure)
    take(b"{}", 2, 1)
    take(b"{}", 3, 1)
    assert len(troubles) == 1
    assert "No such file" in troubles[0]
    assert recorder.counts["lost"] == 2
    with pytest.raises(RecorderFailed, match="cannot be written"):
        recorder.close()


def test_what_was_flushed_survives_a_kill_up_to_the_last_whole_line(tmp_path):
    script = f"""
import itertools, sys, time
from pathlib import Path
from storage.recorder import Recorder, RecorderSettings
clock = lambda: time.clock_gettime_ns(time.CLOCK_REALTIME)
recorder = Recorder(Path({str(tmp_path)!r}), "run-1", now_ns=clock, on_trouble=print,
                    settings=RecorderSettings(flush_secs=0.05))
take = recorder.tap("KALSHI")
for number in itertools.count():
    take(b'{{"n":%d}}' % number, clock(), 1)
    if number % 100 == 0:
        print(recorder.counts["kept"], flush=True)
        time.sleep(0.01)
"""
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    kept = 0
    while kept < 3000:
        kept = int(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    broken = []
    lines = read(tmp_path, broken)
    numbers = [line["frame"]["n"] for line in frames_in(lines)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= kept
    assert broken == []
    (part,) = parts_of(tmp_path, VENUE)
    part.write_bytes(part.read_bytes()[:-7])  # and a block that the disk has only half of
    again = [line["frame"]["n"] for line in frames_in(read(tmp_path))]
    assert again == list(range(len(again)))


def test_a_growing_part_is_read_to_where_it_is(tmp_path):
    recorder = make(tmp_path, flush_secs=0.01)
    take = recorder.tap(VENUE)
    with Tail(tmp_path, VENUE, on_broken=pytest.fail) as tail:
        assert list(tail.read()) == []
        for number in range(3):
            take(b'{"n":%d}' % number, number, 1)
            found = []
            until(lambda found=found: found.extend(map(json.loads, tail.read())) or frames_in(found))
            assert [line["frame"]["n"] for line in frames_in(found)] == [number]
        recorder.close()
        assert [json.loads(line)["control"] for line in tail.read()] == ["end"]


def test_a_corrupt_part_is_read_up_to_there_and_the_next_one_goes_on(tmp_path):
    recorder = make(tmp_path, most_bytes=1024, flush_secs=0.01)
    take = recorder.tap(VENUE)
    for number in itertools.count():
        if len(parts_of(tmp_path, VENUE)) > 1:
            break
        take(json.dumps({"n": number, "noise": os.urandom(64).hex()}).encode(), number, 1)
        time.sleep(0.0005)
    take(b'{"n":"next"}', 10**6, 1)
    recorder.close()
    first, *_ = parts_of(tmp_path, VENUE)
    bytes_ = bytearray(first.read_bytes())
    bytes_[len(bytes_) // 2 :] = b"\x00" * (len(bytes_) - len(bytes_) // 2)
    first.write_bytes(bytes_)
    broken = []
    numbers = [line["frame"]["n"] for line in frames_in(read(tmp_path, broken))]
    assert broken == [first.name]
    assert numbers[-1] == "next"


def test_runs_are_found_at_any_depth_the_earliest_first(tmp_path):
    for run, at_ns in (("b", 20), ("a", 30), ("c", 10)):
        recorder = Recorder(tmp_path / run / "raw", run, now_ns=wall_ns, on_trouble=pytest.fail)
        recorder.tap(VENUE)(b"{}", at_ns, 1)
        recorder.close()
    assert [(one.run, one.venue) for one in find_runs([tmp_path])] == [
        ("c", VENUE),
        ("b", VENUE),
        ("a", VENUE),
    ]
    (one,) = find_runs([tmp_path / "a" / "raw" / f"{VENUE}-000001{ENDING}"])
    assert one.bytes > 0
    assert find_runs([tmp_path / "nothing"]) == ()


def test_no_thread_is_left(tmp_path):
    before = threading.active_count()
    make(tmp_path).close()
    assert threading.active_count() == before


def test_a_recording_of_another_schema_is_refused(tmp_path):
    recorder = make(tmp_path)
    recorder.note(VENUE)("row", {}, 1)
    recorder.close()
    assert find_runs([tmp_path])
    with pytest.raises(ValueError, match="expected a recording"):
        wrong = Recorder(tmp_path / "x", "run", now_ns=wall_ns, on_trouble=pytest.fail)
        wrong.close()
        import zstandard

        line = (
            b'{"recv_ns":1,"venue":"KALSHI","control":"recording","info":{"schema":2,"run":"r","part":1}}\n'
        )
        (tmp_path / "x" / f"{VENUE}-000001{ENDING}").write_bytes(zstandard.compress(line))
        find_runs([tmp_path / "x"])
