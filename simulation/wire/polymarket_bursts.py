"""What Polymarket's own stream faults do to a frame's text: bursts in halves, swapped or twice, hashes that lie.

Seen on 2026-10-04 (polymarket.md section 9.1): identical bursts 0 to 6 ms apart, sometimes with their entries
swapped; one burst over several frames that share timestamp and hash.
"""

import json
from typing import Any

from simulation.wire.fault_plan import PlannedFault


def rewrite(fault: PlannedFault, text: bytes) -> list[bytes]:
    """Return the frames that take a frame's place; what the fault cannot strike goes as it is."""
    row = json.loads(text) if text.startswith((b"{", b"[")) else None
    if fault.kind == "hash_mismatch":
        return [_write(_lie(row))] if row is not None else [text]
    if not isinstance(row, dict) or row.get("event_type") != "price_change":
        return [text]
    entries = row["price_changes"]
    swapped = _write(row | {"price_changes": entries[::-1]})
    if fault.kind == "swapped_burst":
        return [swapped]
    if fault.kind == "duplicate_burst":
        return [text, swapped]
    half = len(entries) // 2
    return [_write(row | {"price_changes": part}) for part in (entries[:half], entries[half:]) if part]


def _lie(row: Any) -> Any:
    """Turn every hash around."""
    if isinstance(row, list):
        return [_lie(item) for item in row]
    if isinstance(row, dict):
        return {key: value[::-1] if key == "hash" else _lie(value) for key, value in row.items()}
    return row


def _write(row: Any) -> bytes:
    return json.dumps(row, separators=(",", ":")).encode()
