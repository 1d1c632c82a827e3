"""Recorded market streams as one stream of frames, whatever the recorder's line format.

Lines are `{"recv": seconds, "frame"}` as in the collected data, `{"recv_ns", "frame"}` or `{"recv_ns", "control", "info"}`
of our own recorder; a frame is an event or a list of them, a control of interest is `row`: a market of the catalogue.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulation.wire.recorded_lines import read_lines


@dataclass(frozen=True, slots=True)
class Recorded:
    """One frame: when the recorder got it, its events in order."""

    recv_ns: int
    events: tuple[dict[str, Any], ...]


def load_recording(path: Path) -> Iterator[Recorded]:
    """Yield a session's frames in order; ValueError on a line of no known format."""
    for row, where in read_lines(path):
        recv_ns = int(row["recv_ns"]) if "recv_ns" in row else round(float(row.get("recv", 0)) * 1e9)
        if not recv_ns or not ("frame" in row or "control" in row):
            raise ValueError(f"expected recv and a frame or control in {where}, found keys {sorted(row)[:5]}")
        yield Recorded(recv_ns, _events(row))


def _events(row: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    if "control" in row:
        info = row.get("info")
        is_market = row["control"] == "row" and isinstance(info, dict)
        return ({"event_type": "row", **info},) if is_market and isinstance(info, dict) else ()
    frame = row["frame"]
    events = frame if isinstance(frame, list) else [frame]
    return tuple(event for event in events if isinstance(event, dict))
