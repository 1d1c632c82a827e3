"""Lines of a recording, whatever it is packed in: .jsonl, .gz, .zst, or a folder of parts of our own recorder."""

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa


def read_lines(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each line as JSON and where it stands; ValueError for what is no JSON."""
    if path.is_dir():
        for part in sorted(path.glob("*.frames.zst")):
            yield from read_lines(part)
        return
    with _open(path) as stream, io.TextIOWrapper(stream, encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield json.loads(line), f"{path.name}:{number}"


def _open(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]  # a GzipFile reads like a BinaryIO
    if path.suffix == ".zst":
        stream: BinaryIO = io.BufferedReader(pa.CompressedInputStream(pa.OSFile(str(path)), "zstd"))
        return stream
    return path.open("rb")
