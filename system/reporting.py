"""The report of a run on disk, the same for every mode: `report.json`, `report.txt`, `report.html`."""

import re
from dataclasses import replace
from pathlib import Path

from msgspec import json
from rich.console import Console

from research.console import tables
from research.findings import Findings, study
from research.page import make_page
from research.record import Record
from research.report import summarize

_WIDTH = 110
_REPLAY = re.compile(r"[0-9a-f]{12}")


def keep_report(
    record: Record, folder: Path, *, json_file: Path | None = None, with_html: bool = True
) -> Findings:
    """Write what came of a run into its folder, the summary also to `json_file`, and return the findings."""
    findings = study(replace(record, facts=replace(record.facts, trials_before=_trials_besides(folder))))
    summary = json.format(json.encode(summarize(findings)), indent=2)
    for path in filter(None, (folder / "report.json", json_file)):
        path.write_bytes(summary + b"\n")
    with (folder / "report.txt").open("w") as file:
        Console(file=file, width=_WIDTH).print(tables(findings))
    if with_html:
        (folder / "report.html").write_text(make_page(findings))
    return findings


def _trials_besides(folder: Path) -> int:
    """Return how many other replays this book has had; the same one again, or a run in real time, is no trial."""
    found = {
        path.parent for path in folder.parent.glob("*/report.json") if _REPLAY.fullmatch(path.parent.name)
    }
    return len(found - {folder})
