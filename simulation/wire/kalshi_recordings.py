"""Recorded socket sessions, whatever the recorder's line format, as one stream of messages.

Two formats are read: `{"recv_ns", "frame"|"control"}` lines (.jsonl, .jsonl.gz, a part or a folder of parts of our own
recorder, .frames.zst) and a recorder's flat lines with `event_type`, `payload_json`, `local_recv_ns` (.ndjson.zst). See
the manifests beside the data.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulation.wire.recorded_lines import read_lines


@dataclass(frozen=True, slots=True)
class Recorded:
    """One message: when the recorder got it, its type, its `msg` (or the control's info).

    `is_yes_priced` says that NO levels stand in YES prices: our own recorder listens with `use_yes_price`.
    """

    recv_ns: int
    kind: str
    body: dict[str, Any]
    is_yes_priced: bool = False


def load_recording(path: Path) -> Iterator[Recorded]:
    """Yield a session's messages in order, of a folder those of its parts; ValueError on a line of neither format."""
    for row, where in read_lines(path):
        yield _read_line(row, where)


def _read_line(row: dict[str, Any], where: str) -> Recorded:
    if "frame" in row:
        frame = row["frame"]
        return Recorded(int(row["recv_ns"]), str(frame["type"]), frame.get("msg") or {}, "epoch" in row)
    if "control" in row:
        info = row.get("info")
        body = {"market_ticker": row.get("market_ticker")} | (info if isinstance(info, dict) else {})
        return Recorded(int(row["recv_ns"]), str(row["control"]), body, "epoch" in row)
    if "event_type" in row:
        return Recorded(int(row["local_recv_ns"]), str(row["event_type"]), row.get("payload_json") or {})
    raise ValueError(f"expected a frame, control or event_type in {where}, found keys {sorted(row)[:5]}")
