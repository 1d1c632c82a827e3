"""`make bench`: measure the hot paths, print a table, write build/bench.json; exit 1 below a bar.

With a name, only that part: `python -m benchmarks live`; `sustained` plays for ARGONAUT_MINUTES (10), and so does
`sustained-polymarket`, at the busiest recorded pace of that venue.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from benchmarks import guardian, importing, journal, live, memory, polymarket, recording, seam
from benchmarks.figures import Figure, publish
from benchmarks.venue import busiest_recording, venue


def _sustained() -> list[Figure]:
    with venue() as double:
        return live.sustained(
            double, busiest_recording(), 60 * float(os.environ.get("ARGONAUT_MINUTES", "10"))
        )


_PARTS: Mapping[str, Callable[[], Sequence[Figure]]] = {
    "seam": seam.measure,
    "guardian": guardian.measure,
    "importing": importing.measure,
    "memory": memory.measure,
    "journal": journal.measure,
    "recording": recording.measure,
    "live": live.measure,
    "polymarket": polymarket.measure,
}

if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            target, figures = "bench", [figure for part in _PARTS.values() for figure in part()]
        case ["sustained"]:
            target, figures = "sustained", _sustained()
        case ["sustained-polymarket"]:
            target, figures = "sustained-polymarket", polymarket.busiest(polymarket.minutes_wished())
        case [name] if name in _PARTS:
            target, figures = f"bench-{name}", [*_PARTS[name]()]
        case found:
            sys.exit(
                f"expected one of {', '.join(_PARTS)}, sustained, sustained-polymarket, or nothing, found {' '.join(found)}"
            )
    sys.exit(0 if publish(target, figures) else 1)
