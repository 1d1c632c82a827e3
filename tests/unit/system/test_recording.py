"""The process beside a recording: it outlives a node that is killed, and says when it cannot go on."""

import json
import signal
import subprocess
import sys
import time

import pytest
from kalshi_script import eventful

from storage.layout import list_files
from storage.mark import MARK
from storage.reading import CatalogReader
from storage.recorder import RecorderFailed
from system.importing import import_kalshi
from system.recording import Folders, Recording

NODE = """
import json, sys, time
from pathlib import Path
from storage.recorder import RecorderSettings
from system.recording import Recording

clock = lambda: time.clock_gettime_ns(time.CLOCK_REALTIME)
recording = Recording(Path(sys.argv[1]), "run-1", now_ns=clock, on_trouble=print,
                      settings=RecorderSettings(flush_secs=0.05))
tap, note = recording.tap("KALSHI"), recording.note("KALSHI")
lines = [json.loads(line) for line in sys.stdin]
for line in lines:
    if "control" in line:
        note(line["control"], line["info"], line["recv_ns"])
    else:
        tap(json.dumps(line["frame"]).encode(), line["recv_ns"], line["epoch"])
while recording.recorder.counts["kept"] < len(lines):
    time.sleep(0.01)
print("kept", flush=True)
time.sleep(600)
"""


def wall_ns():
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def until(condition, secs=60.0):
    deadline = time.monotonic() + secs
    while not condition():
        assert time.monotonic() < deadline, "never happened"
        time.sleep(0.05)


def rows(root):
    return {
        (stream, file.start_ns, file.end_ns): file.path.stat().st_size
        for stream, files in list_files(root).items()
        for file in files
    }


def test_a_node_that_is_killed_leaves_a_whole_catalog(tmp_path):
    node = subprocess.Popen(
        [sys.executable, "-c", NODE, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    node.stdin.write(b"\n".join(eventful().lines[1:]) + b"\n")
    node.stdin.close()
    assert node.stdout.readline() == b"kept\n"
    node.send_signal(signal.SIGKILL)
    node.wait()
    node.stdout.close()
    folders = Folders.of(tmp_path, "run-1")
    until(lambda: (folders.catalog / MARK).exists())
    import_kalshi([tmp_path], tmp_path / "imported", strict=True)
    assert rows(tmp_path / "imported") == rows(folders.catalog)
    ours, theirs = (
        CatalogReader(one).window(0, 2**63 - 1) for one in (folders.catalog, tmp_path / "imported")
    )
    assert ours == theirs


def test_a_catalog_that_cannot_be_written_is_told_while_the_run_goes_on_and_at_its_end(tmp_path):
    troubles = []
    (tmp_path / "run-1").mkdir()
    (tmp_path / "run-1" / "catalog").write_text("in the way")
    recording = Recording(tmp_path, "run-1", now_ns=wall_ns, on_trouble=troubles.append)
    for line in map(json.loads, eventful().lines[1:3]):
        recording.note("KALSHI")(line["control"], line["info"], line["recv_ns"])
    with pytest.raises(RecorderFailed, match="the raw frames are whole"):
        recording.close()
    recording.check()
    recording.check()
    assert len(troubles) == 1
    assert "ended with code 3" in troubles[0]
