"""How fast recordings enter the catalog, beside a bare decode of the same lines."""

import os
import tempfile
import time
from pathlib import Path

import msgspec
import pyarrow as pa
from rich.console import Console

from adapters.kalshi.history import read_recordings
from benchmarks.figures import Figure, at_least, told
from storage.catalog import CatalogWriter

_DATA = Path(os.environ.get("ARGONAUT_DATA", Path(__file__).parents[2] / "shared/data"))
_FOLDER = "real/kalshi_btc15m_l2"


def measure() -> list[Figure]:
    """Import all recordings of the folder into a fresh catalog; no figure when they are not there."""
    folder = _DATA / _FOLDER
    if not folder.exists():
        Console(stderr=True).print(f"No recordings at {folder}: the import is not measured.")
        return []
    lines = [line for path in sorted(folder.glob("*.ndjson.zst")) for line in _lines(path)]
    bare = _bare(lines)
    began = time.process_time()
    with tempfile.TemporaryDirectory() as root, CatalogWriter(Path(root) / "catalog") as writer:
        for session in read_recordings([folder]):
            writer.write(session.instruments, session.data)
    ours = len(lines) / (time.process_time() - began)
    return [
        told("bare msgspec decode of the recordings' lines", bare, "messages/s"),
        at_least("import of the recordings, catalog written", ours, "messages/s/core", 100_000),
        told("import over bare decode", ours / bare, "ratio"),
    ]


def _lines(path: Path) -> list[bytes]:
    with pa.input_stream(str(path), compression="zstd") as stream:
        return bytes(stream.read()).splitlines()


def _bare(lines: list[bytes]) -> float:
    decode = msgspec.json.Decoder().decode
    began = time.process_time()
    for line in lines:
        decode(line)
    return len(lines) / (time.process_time() - began)
