"""Nodes that die as real ones do, and what a supervisor holds while it watches them."""

import sys
import time
from dataclasses import dataclass, field

from network.backoff import Backoff
from system.child import Child, Patience
from system.closing import Closing
from system.supervisor import Supervisor, Terms

PULSE = """
import json, os, signal, sys, time
def pulse(phase="running"):
    line = {"at_ns": 1, "phase": phase, "events": 5, "open_orders": 2, "unknown_orders": 0, "more": 1}
    os.write(int(os.environ["ARGONAUT_HEARTBEAT_FD"]), json.dumps(line).encode() + b"\\n")
def live(secs=3600):
    for _ in range(int(secs / 0.05)):
        pulse()
        time.sleep(0.05)
def stop(*_):
    pulse("stopping")
    sys.exit(0)
"""

DEATHS = {
    "killed": "pulse(); os.kill(os.getpid(), signal.SIGKILL)",
    "aborted": "pulse(); os.abort()",
    "failed": "pulse(); sys.exit(1)",
    "raised": "pulse(); raise RuntimeError('a bug')",
    "out of memory": """
import resource
pulse()
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
hoard = [bytearray(1 << 20) for _ in range(4096)]
""",
    "hung": "pulse(); time.sleep(3600)",
    "hung before its first pulse": "time.sleep(3600)",
}
DONE = "pulse(); sys.exit(0)"
OBEDIENT = "signal.signal(signal.SIGTERM, stop); live()"
WRITING = """
def write(*_):
    for _ in range(60):
        pulse("writing")
        time.sleep(0.05)
    sys.exit(0)
signal.signal(signal.SIGTERM, write)
live()
"""
STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN); live()"

QUICK = Terms(
    grace_secs=0.3, closing_secs=0.2, second_look_secs=0.01, backoff=Backoff(first_secs=0.01, most_secs=0.02)
)
PATIENCE = Patience(start_secs=60, silence_secs=60, stop_secs=60, hurry_secs=0.1)


@dataclass
class Venue:
    """A closer that writes down what was asked; `doubts` are told before it is closed."""

    doubts: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    venue: str = "KALSHI"

    async def open(self): ...

    async def close(self, patience_secs):
        return self._answer("close")

    async def look(self, patience_secs):
        return self._answer("look")

    async def leave(self):
        self.asked.append("leave")

    def _answer(self, what):
        self.asked.append(what)
        return Closing(self.venue, 0, self.doubts.pop(0) if self.doubts else "", 0.0)


@dataclass
class Notes:
    """A logbook in memory; a command in `commands` waits until it is taken."""

    commands: list = field(default_factory=list)
    kinds: list = field(default_factory=list)
    alerts: list = field(default_factory=list)
    halts: list = field(default_factory=list)
    outcomes: dict = field(default_factory=dict)

    def note(self, kind, text, facts):
        self.kinds.append(kind)

    def alert(self, text):
        self.alerts.append(text)

    async def waiting(self):
        return list(self.commands)

    async def take(self, command):
        self.commands.remove(command)
        return True

    async def finish(self, command, outcome):
        self.outcomes[command.id] = outcome

    async def halt(self, cause):
        self.halts.append(cause)


@dataclass
class Stage:
    """A supervisor whose nodes run `scripts`, one after the other; the last one again and again."""

    supervisor: Supervisor
    venue: Venue
    notes: Notes
    causes: list


def stage(folder, *scripts, doubts=(), terms=QUICK, patience=PATIENCE, closers=None):
    """`patience` is for the first node; a machine under load is given time with all others. `closers` take the venue's place."""
    causes = []

    async def start(cause):
        script = scripts[min(len(causes), len(scripts) - 1)]
        ours = PATIENCE if causes else patience
        causes.append(cause)
        command = [sys.executable, "-c", PULSE + script]
        return await Child.start(
            command, {"PATH": "/usr/bin:/bin"}, folder / "node.log", ours, time.monotonic
        )

    venue, notes = Venue(list(doubts)), Notes()
    supervisor = Supervisor(
        start, closers or [venue], notes, terms, random=lambda: 0.5, monotonic=time.monotonic
    )
    return Stage(supervisor, venue, notes, causes)
