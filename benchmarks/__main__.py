"""`make bench`: measure the hot paths, print a table, write build/bench.json; exit 1 below a bar."""

import sys

from benchmarks import importing, memory, seam
from benchmarks.figures import publish

if __name__ == "__main__":
    figures = [*seam.measure(), *importing.measure(), *memory.measure()]
    sys.exit(0 if publish("bench", figures) else 1)
